"""Where events and findings go: files and captures."""
