"""The database of findings: SQLite by default, or PostgreSQL."""
