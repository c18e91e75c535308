"""Where events, sessions and alerts go: each output on its own, with a queue on disk."""
