"""Honeyfiles: documents that call an address when they are opened. The same input gives the same bytes."""
