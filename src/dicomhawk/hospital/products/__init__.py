"""Queries answered as a product does that keeps to the standard in its own way; `dialect` says how."""
