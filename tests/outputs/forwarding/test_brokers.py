"""NATS, Redis and Kafka: everything arrives, and nothing twice, against real servers."""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.outputs.forwarding.base import Batch, Output, Permanent, Temporary
from dicomhawk.outputs.forwarding.kinds import make
from dicomhawk.settings import Settings

from .servers import nats, redis
from .support import record, table


def made(kind: str, **more: Any) -> Output:
    return make(table(kind, **more), Settings())


def send(output: Output, *batches: Batch) -> None:
    async def work() -> None:
        try:
            for batch in batches:
                await output.send(batch)
        finally:
            await output.close()

    asyncio.run(work())


async def sent_soon(output: Output, batch: Batch) -> None:
    """Send, and again for a while: Redis takes connections before it has read what it wrote."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await output.send(batch)
            except Temporary:
                await asyncio.sleep(0.05)


def in_nats(port: int, stream: str) -> list[Any]:
    """The messages of a stream."""
    import nats as library

    async def read() -> list[Any]:
        client = await library.connect(f"nats://127.0.0.1:{port}")
        jetstream = client.jetstream()
        state = (await jetstream.stream_info(stream)).state
        found = []
        for begin in range(state.first_seq, state.last_seq + 1, 200):
            numbers = range(begin, min(begin + 200, state.last_seq + 1))
            found += await asyncio.gather(*(jetstream.get_msg(stream, number) for number in numbers))
        await client.close()
        return found

    return asyncio.run(read())


def count_in_nats(port: int, stream: str) -> int:
    """How many messages a stream has."""
    import nats as library

    async def read() -> int:
        client = await library.connect(f"nats://127.0.0.1:{port}")
        messages = (await client.jetstream().stream_info(stream)).state.messages
        await client.close()
        return int(messages)

    return asyncio.run(read())


def test_nats_has_each_record_once_even_if_it_comes_twice(tmp_path: Path) -> None:
    with nats(tmp_path / "nats") as server:
        output = made("nats", servers=[f"nats://127.0.0.1:{server.port}"], subject="pot.one", stream="POT")
        batch = [record(n) for n in range(300)] + [record(1000, kind="alerts")]
        send(output, batch[:200], batch, batch[250:])
        got = in_nats(server.port, "POT")
    assert [json.loads(one.data)["event"]["id"] for one in got] == [one.id for one in batch]
    assert [one.data for one in got] == [one.line for one in batch]
    assert {one.subject for one in got} == {"pot.one.events", "pot.one.alerts"}


def test_nats_that_is_away_or_has_no_stream_is_a_matter_of_time(tmp_path: Path) -> None:
    with nats(tmp_path / "nats") as server:
        nowhere = made("nats", servers=[f"nats://127.0.0.1:{server.port}"], subject="nobody.listens")
        with pytest.raises(Temporary):
            send(nowhere, [record()])
        output = made("nats", servers=[f"nats://127.0.0.1:{server.port}"], stream="POT")

        async def through_a_death() -> None:
            await output.send([record(1)])
            server.kill()
            with pytest.raises(Temporary):
                await output.send([record(2)])
            server.start()
            await output.send([record(2)])
            await output.close()

        asyncio.run(through_a_death())
        assert len(in_nats(server.port, "POT")) == 2


def test_nats_refuses_what_is_too_long(tmp_path: Path) -> None:
    with nats(tmp_path / "nats") as server:
        output = made("nats", servers=[f"nats://127.0.0.1:{server.port}"], stream="POT")
        long = record(2, message="x" * (2 << 20))
        with pytest.raises(Permanent) as caught:
            send(output, [record(1), long, record(3)])
        assert caught.value.refused == {long.id}
        assert caught.value.taken == {record(1).id, record(3).id}


def test_redis_has_each_record_once_even_if_it_comes_twice(tmp_path: Path) -> None:
    import redis as library

    with redis(tmp_path / "redis") as server:
        output = made("redis", url=f"redis://127.0.0.1:{server.port}/0", stream="pot")
        batch = [record(n) for n in range(250)]
        send(output, batch[:200], batch, batch[150:])
        client = library.Redis(port=server.port)
        found = client.xrange("pot")
        assert [entry[b"id"].decode() for _, entry in found] == [one.id for one in batch]
        assert [entry[b"document"] for _, entry in found] == [one.line for one in batch]
        assert {entry[b"kind"] for _, entry in found} == {b"events"}
        assert all(0 < client.ttl(key) <= 86_400 for key in client.keys("{pot}:*"))


def test_redis_that_is_away_full_or_shut_is_a_matter_of_time(tmp_path: Path) -> None:
    with redis(tmp_path / "redis", "--requirepass", "right") as server:
        address = f"127.0.0.1:{server.port}/0"
        with pytest.raises(Temporary) as caught:
            send(made("redis", url=f"redis://:wrong-secret@{address}"), [record()])
        assert "wrong-secret" not in str(caught.value)
        output = made("redis", url=f"redis://:right@{address}")
        assert "right" not in output.where

        async def through_a_death() -> None:
            await output.send([record(1)])
            server.kill()
            with pytest.raises(Temporary):
                await output.send([record(2)])
            server.start()
            await sent_soon(output, [record(2)])
            await output.close()

        asyncio.run(through_a_death())


@pytest.fixture
def kafka() -> Iterator[str]:
    """Brokers of Kafka's protocol: the mock cluster that librdkafka has for such tests, in a thread of ours."""
    name = ctypes.util.find_library("rdkafka")
    if name is None:
        pytest.skip("librdkafka is not installed; `make packages` installs what the tests use")
    library = ctypes.CDLL(name)
    for function in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, function).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    text = ctypes.create_string_buffer(512)
    handle = ctypes.c_void_p(library.rd_kafka_new(0, ctypes.c_void_p(library.rd_kafka_conf_new()), text, 512))
    assert handle, text.value
    cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(handle, 1))
    library.rd_kafka_mock_topic_create(cluster, b"pot", 1, 1)
    yield library.rd_kafka_mock_cluster_bootstraps(cluster).decode()
    library.rd_kafka_mock_cluster_destroy(cluster)
    library.rd_kafka_destroy(handle)


def test_kafka_has_each_record_with_its_key(kafka: str) -> None:
    from aiokafka import AIOKafkaConsumer

    batch = [record(n) for n in range(300)]
    send(made("kafka", servers=[kafka], topic="pot"), batch[:100], batch[100:])

    async def read() -> list[Any]:
        consumer = AIOKafkaConsumer("pot", bootstrap_servers=kafka, auto_offset_reset="earliest")
        await consumer.start()
        found: list[Any] = []
        async with asyncio.timeout(20):
            while len(found) < len(batch):
                for part in (await consumer.getmany(timeout_ms=500)).values():
                    found += part
        await consumer.stop()
        return found

    got = asyncio.run(read())
    assert [one.value for one in got] == [one.line for one in batch]
    assert [one.key.decode() for one in got] == [one.id for one in batch]
    assert dict(got[0].headers) == {"kind": b"events", "event.id": batch[0].id.encode()}


def test_kafka_that_is_away_is_a_matter_of_time() -> None:
    with pytest.raises(Temporary):
        send(made("kafka", servers=["127.0.0.1:1"]), [record()])
