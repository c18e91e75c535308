"""Bait: honeycredentials, honeyfiles, fake routes, honey URLs, and how each use of them is told."""
