"""Kafka: a message for each record, its key ``event.id``, by an idempotent producer that waits for all replicas."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

try:
    from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
    from aiokafka.errors import KafkaError, MessageSizeTooLargeError  # type: ignore[import-untyped]
except ImportError as error:
    from .base import missing

    raise missing("kafka") from error

from ...settings import Settings
from ...settings.outputs import KafkaOutput
from .base import Batch, Output, Permanent, Temporary
from .tls import context

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what is wrong, we say ourselves, once

TIMEOUT_MS = 15_000
MAX_REQUEST = 4 << 20
"""Bytes; longer than any line of a journal. The broker's own limit is mostly 1 MiB."""


class Kafka(Output):
    """One producer, made anew after an error."""

    def __init__(self, output: KafkaOutput, settings: Settings) -> None:
        self._topic = output.topic
        self._servers = output.servers
        secured = output.tls or output.ca is not None
        self._options: dict[str, Any] = {
            "bootstrap_servers": list(output.servers),
            "client_id": "dicomhawk",
            "enable_idempotence": True,
            "acks": "all",
            "request_timeout_ms": TIMEOUT_MS,
            "max_request_size": MAX_REQUEST,
            "linger_ms": 5,
            "ssl_context": context(output.ca) if secured else None,
            "security_protocol": ("SASL_" if output.username else "") + ("SSL" if secured else "PLAINTEXT"),
        }
        if output.username:
            self._options |= {
                "sasl_mechanism": output.mechanism,
                "sasl_plain_username": output.username,
                "sasl_plain_password": output.password.reveal() if output.password else "",
            }
        self._producer: AIOKafkaProducer | None = None

    @property
    def where(self) -> str:
        return f"{', '.join(self._servers)}, topic {self._topic}"

    async def send(self, batch: Batch) -> None:
        try:
            if self._producer is None:
                producer = AIOKafkaProducer(**self._options)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            futures = []
            for record in batch:
                headers = [("kind", record.kind.encode()), ("event.id", record.id.encode())]
                futures.append(
                    await self._producer.send(
                        self._topic, record.line, key=record.id.encode("utf-8", "replace"), headers=headers
                    )
                )
            results = await asyncio.gather(*futures, return_exceptions=True)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise Temporary(f"{self.where}: {_reason(error)}") from None
        taken = [one.id for one, result in zip(batch, results, strict=True) if not isinstance(result, BaseException)]
        if len(taken) == len(batch):
            return
        refused = [
            one.id for one, result in zip(batch, results, strict=True) if isinstance(result, MessageSizeTooLargeError)
        ]
        reason = f"{self.where}: {_reason(next(one for one in results if isinstance(one, BaseException)))}"
        if len(taken) + len(refused) == len(batch):
            raise Permanent(reason, taken=taken, refused=refused)
        await self.close()
        raise Temporary(reason, taken=taken, refused=refused)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(TIMEOUT_MS / 1000):
                    await producer.stop()


def _reason(error: BaseException) -> str:
    return str(error)[:200] or type(error).__name__
