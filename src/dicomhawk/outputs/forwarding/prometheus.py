"""Counters for Prometheus, on a port of our own: loopback unless the settings say otherwise.

Labels have few values each: an action that isn't in the catalogue counts as ``other``. Counters begin anew with the
process, as Prometheus expects.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable
from socketserver import TCPServer
from threading import Thread

from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ...analyst.origin import CATEGORIES
from ...evidence.documents import text_at
from ...evidence.ecs import catalogue
from ...settings import Settings
from ...settings.outputs import PrometheusOutput
from ...settings.words import DEPTHS
from .base import Batch, Output, Record, Temporary, rendered
from .status import read_status

_PROTOCOLS = frozenset({"dicom", "http", "dns"})
_OTHER = "other"


class Prometheus(Output):
    """Counts what it gets."""

    def __init__(self, output: PrometheusOutput, settings: Settings) -> None:
        self._settings = output
        self._actions = frozenset(kind.kind.action for kind in catalogue())
        self._registry = CollectorRegistry()
        self._events = Counter(
            "dicomhawk_events", "Events.", ("action", "protocol", "severity"), registry=self._registry
        )
        self._sessions = Counter(
            "dicomhawk_sessions", "Ended sessions.", ("category", "depth", "severity"), registry=self._registry
        )
        self._alerts = Counter("dicomhawk_alerts", "Alerts.", ("severity",), registry=self._registry)
        self._registry.register(_Outputs(settings))
        self._server: tuple[TCPServer, Thread] | None = None

    @property
    def where(self) -> str:
        return f"http://{self._settings.host}:{self.port}/metrics"

    @property
    def port(self) -> int:
        """The port that is open, or will be."""
        port: int = self._server[0].server_address[1] if self._server is not None else self._settings.port
        return port

    async def open(self) -> None:
        if self._server is None:
            try:
                self._server = start_http_server(self._settings.port, self._settings.host, self._registry)
            except OSError as error:
                raise Temporary(
                    f"port {self._settings.port} of {self._settings.host} can't be opened: {error.strerror}"
                ) from None

    async def send(self, batch: Batch) -> None:
        await self.open()
        rendered(batch, lambda record: record.document)  # before anything is counted
        for record in batch:
            self._count(record)

    async def close(self) -> None:
        if self._server is not None:
            server, thread = self._server
            self._server = None
            server.shutdown()
            server.server_close()
            thread.join()

    def _count(self, record: Record) -> None:
        document = record.document
        if record.kind == "events":
            action = _known(text_at(document, "event.action"), self._actions)
            protocol = _known(text_at(document, "network.protocol"), _PROTOCOLS)
            self._events.labels(action, protocol, record.level).inc()
        elif record.kind == "sessions":
            category = _known(text_at(document, "honeypot.intel.category"), CATEGORIES)
            depth = _known(text_at(document, "honeypot.session.depth"), DEPTHS)
            self._sessions.labels(category, depth, record.level).inc()
        else:
            self._alerts.labels(record.level).inc()


class _Outputs(Collector):
    """How the other outputs are doing, read from their status when Prometheus asks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterable[Metric]:
        counters = {
            name: CounterMetricFamily(f"dicomhawk_output_{name}", f"Records that were {name}.", labels=("output",))
            for name in ("sent", "refused", "dropped")
        }
        queued = GaugeMetricFamily("dicomhawk_output_queued", "Records that wait.", labels=("output",))
        failing = GaugeMetricFamily("dicomhawk_output_failing", "1: the last attempt failed.", labels=("output",))
        for status in read_status(self._settings, time.time_ns() // 1000):
            for name, counter in counters.items():
                counter.add_metric((status.name,), getattr(status, name))
            queued.add_metric((status.name,), status.queued)
            failing.add_metric((status.name,), float(status.state == "failing"))
        return [*counters.values(), queued, failing]


def _known(value: str, known: Container[str]) -> str:
    return value if value in known else _OTHER
