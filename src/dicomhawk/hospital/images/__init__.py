"""Pixel data from the base pack, deterministic from a seed, and what they are made by."""
