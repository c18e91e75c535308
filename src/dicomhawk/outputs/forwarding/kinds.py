"""Which class is behind which ``type`` of the settings. A library is loaded only if an output needs it."""

from __future__ import annotations

from importlib import import_module

from ...settings import Settings
from ...settings.outputs import AnyOutput
from .base import Output

_CLASSES = {
    "file": ("file", "FileLines"),
    "syslog": ("syslog", "Syslog"),
    "webhook": ("webhook", "Webhook"),
    "email": ("email", "Email"),
    "elasticsearch": ("elasticsearch", "Elasticsearch"),
    "splunk": ("splunk", "Splunk"),
    "kafka": ("kafka", "Kafka"),
    "nats": ("nats", "Nats"),
    "redis": ("redis", "Redis"),
    "hpfeeds": ("hpfeeds", "Hpfeeds"),
    "misp-feed": ("misp", "MispFeed"),
    "misp": ("misp", "Misp"),
    "stix": ("stix", "Stix"),
    "prometheus": ("prometheus", "Prometheus"),
}


def make(output: AnyOutput, settings: Settings) -> Output:
    """The output of a table of the settings. Raises `SettingsError` for what can't be used."""
    module, name = _CLASSES[output.type]
    made: Output = getattr(import_module(f".{module}", __package__), name)(output, settings)
    return made
