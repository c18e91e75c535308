"""Hypothesis without a clock: a slow machine is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile("upperlayer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("upperlayer")
