"""``python -m dicomhawk``."""

from .cli.main import run

run()
