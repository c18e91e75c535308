"""Rendering of pixel data from the base pack, deterministic from a seed."""
