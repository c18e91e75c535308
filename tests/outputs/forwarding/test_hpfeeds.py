"""hpfeeds, against a small broker that is written from the protocol's description."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from struct import pack, unpack
from typing import Any

import dpkt
import pytest

from dicomhawk.outputs.forwarding.base import Permanent, Temporary
from dicomhawk.outputs.forwarding.hpfeeds import Op, frame, short
from tests.support import find_tool, run_tool

from .support import record
from .test_brokers import made

ERROR, INFO, AUTH, PUBLISH = 0, 1, 2, 3


class Broker:
    """Knows one identity, which may publish to its channels."""

    def __init__(
        self, ident: str = "pot", secret: str = "s3cret", channels: tuple[str, ...] = ("dicom.events",)
    ) -> None:
        self.ident, self.secret, self.channels = ident, secret, channels
        self.got: list[tuple[str, bytes]] = []
        self.connections = 0
        self.port = 0
        self._news = asyncio.Event()

    async def wait(self, count: int) -> None:
        """Until so many messages have come."""
        async with asyncio.timeout(20):
            while len(self.got) < count:
                self._news.clear()
                await self._news.wait()

    async def __aenter__(self) -> Broker:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        nonce = os.urandom(4)
        name = b"test broker"
        writer.write(pack(">IBB", 6 + len(name) + len(nonce), INFO, len(name)) + name + nonce)
        allowed = False
        try:
            while True:
                length, op = unpack(">IB", await reader.readexactly(5))
                data = await reader.readexactly(length - 5)
                ident, rest = data[1 : 1 + data[0]].decode(), data[1 + data[0] :]
                if op == AUTH:
                    expected = hashlib.sha1(nonce + self.secret.encode()).digest()
                    allowed = ident == self.ident and rest == expected
                    problem = None if allowed else b"authfail."
                else:
                    assert op == PUBLISH
                    channel, payload = rest[1 : 1 + rest[0]].decode(), rest[1 + rest[0] :]
                    problem = None if allowed and channel in self.channels else b"accessfail."
                    if problem is None:
                        assert ident == self.ident
                        self.got.append((channel, payload))
                        self._news.set()
                if problem is not None:
                    writer.write(pack(">IB", 5 + len(problem), ERROR) + problem)
                    return
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def client(broker: Broker, **more: Any) -> Any:
    return made(
        "hpfeeds",
        host="127.0.0.1",
        port=broker.port,
        **({"ident": "pot", "secret": "s3cret", "channel": "dicom"} | more),
    )


def test_a_broker_gets_each_record_on_its_channel() -> None:
    async def work() -> None:
        async with Broker() as broker:
            output = client(broker)
            batch = [record(n) for n in range(500)]
            await output.send(batch[:200])
            await output.send(batch[200:])
            await output.close()
            await broker.wait(500)
            assert broker.connections == 1
            assert broker.got == [("dicom.events", one.line) for one in batch]

    run(work)


def test_tpots_documents_are_flat() -> None:
    async def work() -> None:
        async with Broker() as broker:
            output = client(broker, format="tpot")
            await output.send([record()])
            await output.close()
            await broker.wait(1)
            assert json.loads(broker.got[0][1])["src_ip"] == "203.0.113.9"

    run(work)


def test_a_broker_that_does_not_know_us_says_so() -> None:
    async def work() -> None:
        async with Broker() as broker:
            output = client(broker, secret="wrong")
            with pytest.raises(Temporary, match="authfail") as caught:
                await output.send([record()])
            assert "wrong" not in str(caught.value)
            forbidden = client(broker, channel="others")
            with pytest.raises(Temporary, match=r"accessfail|closed"):
                await forbidden.send([record()])
            assert not broker.got

    run(work)


def test_a_broker_that_goes_and_comes_back() -> None:
    async def work() -> None:
        broker = Broker()
        async with broker:
            output = client(broker)
            await output.send([record(1)])
            await output.close()
        with pytest.raises(Temporary):
            await output.send([record(2)])
        async with broker:
            await output.send([record(2)])
            await output.close()
            await broker.wait(2)

    run(work)


def test_what_is_no_broker_is_not_believed() -> None:
    async def work() -> None:
        for greeting in (b"HTTP/1.1 400 Bad Request\r\n\r\n", pack(">IB", 4, INFO), pack(">IB", 5, INFO), b""):

            async def serve(reader: Any, writer: asyncio.StreamWriter, greeting: bytes = greeting) -> None:
                writer.write(greeting)
                writer.close()

            async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
                broker = Broker()
                broker.port = server.sockets[0].getsockname()[1]
                with pytest.raises(Temporary):
                    await client(broker).send([record()])

    run(work)


def test_wireshark_understands_us(tmp_path: Path) -> None:
    find_tool("tshark")
    digest = hashlib.sha1(b"nonce" + b"s3cret").digest()
    data = frame(Op.AUTH, short(b"pot") + digest) + frame(Op.PUBLISH, short(b"pot") + short(b"dicom.events") + b"{}")
    segment = bytes(dpkt.tcp.TCP(sport=40000, dport=10000, flags=dpkt.tcp.TH_PUSH | dpkt.tcp.TH_ACK, data=data))
    packet = bytes(
        dpkt.ip.IP(src=bytes((127, 0, 0, 1)), dst=bytes((127, 0, 0, 1)), p=6, data=segment, len=20 + len(segment))
    )
    with (tmp_path / "hpfeeds.pcap").open("wb") as file:
        dpkt.pcap.Writer(file, linktype=dpkt.pcap.DLT_RAW).writepkt(packet, 1.0)
    fields = [part for name in ("opcode", "ident", "secret", "channel") for part in ("-e", f"hpfeeds.{name}")]
    ran = run_tool(
        "tshark", "-r", tmp_path / "hpfeeds.pcap", "-d", "tcp.port==10000,hpfeeds", "-T", "fields", *fields
    )
    shown = ran.output.splitlines()[-1].split("\t")
    assert shown[:2] == ["2,3", "pot,pot"]
    assert shown[2].replace(":", "") == digest.hex()
    assert shown[3] == "dicom.events"


def test_what_no_broker_would_take_is_refused() -> None:
    async def work() -> None:
        long = record(2, message="x" * (2 << 20))
        with pytest.raises(Permanent) as caught:
            await client(Broker()).send([record(1), long])
        assert caught.value.refused == {long.id}

    run(work)
