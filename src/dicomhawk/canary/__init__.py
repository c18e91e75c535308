"""The callback receiver: turns a visit of a token's address into an event, by HTTP and by DNS."""
