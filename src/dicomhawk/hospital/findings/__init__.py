"""Findings: what is wrong in a patient's images, over time and in words."""
