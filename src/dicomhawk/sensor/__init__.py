"""Doors and services; faces the enemy, knows nothing of the analyst."""
