"""The analyses: pure functions over the content of a file. They run in the sandbox only."""
