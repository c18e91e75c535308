"""The catalogue of events, the journal, the vault, and sessions."""
