"""Syslog messages as rsyslog takes them apart, over UDP, TCP and TLS; and the CEF in them."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.outputs.forwarding.base import Temporary
from dicomhawk.outputs.forwarding.formats.cef import cef
from dicomhawk.outputs.forwarding.formats.short import one_line
from dicomhawk.outputs.forwarding.syslog import message

from .servers import lines_of, rsyslog
from .support import HOSTILE, event, record
from .test_brokers import made, send

HOSTILE_PARTS = {
    "session": HOSTILE,
    "dicom": {"ae": {"calling": HOSTILE, "called": "A|B=C\\D"}, "query": {"matches": 12}},
    "honeypot": {"credential": {"username": "x\ncn1=9 dst=1.2.3.4"}},
}


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_rsyslog_understands_each_message(tmp_path: Path, transport: str, certificates: Path) -> None:
    tls = certificates if transport == "tls" else None
    with rsyslog(tmp_path / "rsyslog", tls=tls, udp=transport == "udp") as server:
        more: dict[str, Any] = {"ca": certificates / "ca.pem"} if tls else {}
        output = made("syslog", host="127.0.0.1", port=server.port, transport=transport, **more)
        batch = [record(n, severity=n % 5, **(HOSTILE_PARTS if n == 7 else {})) for n in range(40)]
        send(output, batch[:10], batch[10:])
        lines = lines_of(server.folder / "messages", len(batch))
    assert len(lines) == len(batch)
    for one, line in zip(batch, lines, strict=True):
        pri, moment, host, app, action, text = line.split("\t")
        assert int(pri) == 16 * 8 + 6 - one.severity
        assert (host, app, action) == ("ward-7", "dicomhawk", "dicom.c-find")
        assert moment == one.document["@timestamp"]
        assert json.loads(text) == one.document


def test_a_receiver_that_comes_back_gets_the_rest(tmp_path: Path) -> None:
    with rsyslog(tmp_path / "rsyslog") as server:
        output = made("syslog", host="127.0.0.1", port=server.port, transport="tcp", format="cef")

        async def through_a_restart() -> None:
            await output.send([record(1)])
            await asyncio.to_thread(lines_of, server.folder / "messages", 1)
            server.kill(signal.SIGTERM)
            with pytest.raises(Temporary):
                await output.send([record(2)])
            server.start()
            await output.send([record(2)])
            await output.close()

        asyncio.run(through_a_restart())
        lines = lines_of(server.folder / "messages", 2)
    assert [re.search(r"externalId=(\S+)", line)[1] for line in lines] == [record(n).id for n in (1, 2)]


def test_tls_without_a_certificate_that_we_know_is_no_delivery(tmp_path: Path, certificates: Path) -> None:
    with rsyslog(tmp_path / "rsyslog", tls=certificates) as server, pytest.raises(Temporary, match="certificate"):
        send(made("syslog", host="127.0.0.1", port=server.port), [record()])


def taken_apart(line: str) -> tuple[list[str], dict[str, str]]:
    """A CEF line as its standard says: header fields, and extension."""
    *head, rest = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    pairs = re.split(r" (?=[A-Za-z0-9]+=)", rest)
    found = dict(pair.split("=", 1) for pair in pairs)
    return head, {key: re.sub(r"\\(.)", r"\1", value) for key, value in found.items()}


def test_cef_has_what_happened() -> None:
    head, extension = taken_apart(cef(record(3, severity=3, kind="events"), 8000).decode())
    assert head[:4] == ["CEF:0", "DICOMHawk", "dicomhawk", "0.1.0"]
    assert head[4:] == ["dicom.c-find", "dicom.c-find", "8"]
    assert extension["src"] == "203.0.113.9"
    assert extension["dpt"] == "104"
    assert (extension["cs2"], extension["cs2Label"]) == ("FINDSCU", "callingAETitle")
    assert extension["rt"] == "1796000000003"
    assert extension["msg"].startswith("C-FIND STUDY PatientName=")


def test_a_stranger_can_neither_end_nor_add_a_field_of_cef() -> None:
    line = cef(record(1, **HOSTILE_PARTS), 8000).decode()
    assert line.isprintable()
    assert "\\=9 dst\\=1.2.3.4" in line
    head, _ = taken_apart(line)
    assert len(head) == 7
    assert len(re.findall(r"(?<!\\)\bdst=", line)) == 1
    assert "cs3=A|B\\=C\\\\D " in line


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=3000), st.integers(480, 3000), st.sampled_from(["json", "cef"]))
def test_no_text_makes_a_message_longer_or_two_of_it(text: str, limit: int, form: str) -> None:
    one = record(1, message=text, session=text, observer={"name": text[:200]}, user_agent={"original": text})
    made = message(one, 16, form, limit)
    assert len(made) <= limit
    assert not re.search(rb"[\x00-\x1f\x7f]", made)
    header = made.split(b" ", 7)
    assert header[0] == b"<132>1"
    assert header[3:7] == [b"dicomhawk", b"-", b"dicom.c-find", b"-"]
    if form == "json":
        assert json.loads(header[7])["event"]["id"] == one.id


def test_a_document_that_is_too_long_says_so() -> None:
    long = event(1, message="y" * 5000)
    assert json.loads(one_line(long, 8000)) == long
    short = json.loads(one_line(long, 2000))
    assert short["honeypot"] == {"cut": ["*"]}
    assert short["event"] == long["event"]
