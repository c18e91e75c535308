"""Electrocardiograms: a moving dipole seen by the leads, deterministic from a seed."""
