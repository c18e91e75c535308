"""Windows authentication: with curl's NTLM, and message by message."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.lures.credentials import credentials
from dicomhawk.persona import model
from dicomhawk.sensor.web import ntlm
from dicomhawk.sensor.web.md4 import md4
from dicomhawk.settings import load
from tests.support import Sensor, at, run_tool

NAMES = ntlm.Names("ASHCOMBE", "SRV-WEB", "ashcombe.local", "srv-web.ashcombe.local", (10, 0, 17763))
CHALLENGE = bytes.fromhex("0123456789abcdef")
PERSONA = """\
name = "guarded"
title = "A portal on Windows"
extends = "plain"

[http]
face = "empty"
servers = ["Microsoft-IIS/8.5"]
windows = ["/reports"]
"""


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("message digest", "d9130a8164549fe818874806e1c7014b"),
        ("1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_as_in_the_rfc(text: str, digest: str) -> None:
    assert md4(text.encode()).hex() == digest


def test_the_example_of_the_specification() -> None:
    # [MS-NLMP] section 4.2.4: user "User", domain "Domain", password "Password".
    blob = bytes.fromhex(
        "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e0001000c005300650072007600"
        "6500720000000000" + "00000000"
    )
    proof = bytes.fromhex("68cd0ab851e51c96aabc927bebef6a1c")
    said = ntlm.Authenticate("Domain", "User", "COMPUTER", b"", proof + blob)
    assert said.proves("Password", CHALLENGE)
    assert not said.proves("password", CHALLENGE)
    assert said.line(CHALLENGE) == f"User::Domain:0123456789abcdef:{proof.hex()}:{blob.hex()}"


def test_the_challenge_can_be_read_back() -> None:
    negotiate = ntlm.SIGNATURE + struct.pack("<II", 1, 0xE2088297) + bytes(24)
    message = ntlm.challenge_message(negotiate, CHALLENGE, NAMES, 1_700_000_000.0)
    assert message[:8] == ntlm.SIGNATURE
    kind, length, _, offset = struct.unpack_from("<IHHI", message, 8)
    assert (kind, message[offset : offset + length].decode("utf-16-le")) == (2, "ASHCOMBE")
    assert message[24:32] == CHALLENGE
    length, _, offset = struct.unpack_from("<HHI", message, 40)
    assert offset + length == len(message)
    assert "srv-web.ashcombe.local".encode("utf-16-le") in message[offset:]
    assert ntlm.token_of(base64.b64encode(ntlm.wrapped(message)).decode()) == (2, message, True)


@given(st.binary(max_size=300))
def test_hostile_tokens_raise_nothing_else(data: bytes) -> None:
    for body in (data, ntlm.SIGNATURE + data, ntlm.SIGNATURE + struct.pack("<I", 3) + data):
        try:
            token = ntlm.token_of(base64.b64encode(body).decode())
            ntlm.challenge_message(token.message, CHALLENGE, NAMES, 0.0)
            said = ntlm.authenticate(token.message)
            said.line(CHALLENGE)
            said.proves("x", CHALLENGE)
        except ntlm.NtlmError:
            continue


@pytest.fixture(scope="module")
def guarded(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "guarded.toml").write_text(PERSONA)
    data = folder / "data"
    data.mkdir()
    for name in ("dicomhawk.toml", "hospital"):
        (data / name).symlink_to(template / name)
    with Sensor(data, workers=1, web_ports=(0,), flags=("--persona", folder / "guarded.toml")) as sensor:
        yield sensor


def curl(sensor: Sensor, user: str, password: str, *options: str) -> str:
    url = f"http://{sensor.host}:{sensor.web_port}/Reports/Pages/Folder.aspx"
    return run_tool("curl", "-s", "-i", *options, "-u", f"{user}:{password}", url).output


def test_curl_completes_the_exchange_and_is_refused(guarded: Sensor) -> None:
    output = curl(guarded, "MEDICAL\\alice", "Winter2024!", "--ntlm")
    assert len(re.findall(r"^HTTP/1.1 401 ", output, re.MULTILINE)) >= 2
    login = guarded.wait_event("http.login")
    assert at(login, "honeypot.credential.username") == "alice"
    assert at(login, "honeypot.login.domain") == "MEDICAL"
    assert at(login, "event.outcome") == "failure"
    user, _, domain, challenge, proof, blob = at(login, "honeypot.credential.token").split(":")
    assert (user, domain) == ("alice", "MEDICAL")
    said = ntlm.Authenticate(domain, user, "", b"", bytes.fromhex(proof + blob))
    assert said.proves("Winter2024!", bytes.fromhex(challenge))


def test_a_honeycredential_is_known_by_its_proof(guarded: Sensor) -> None:
    settings = load(data=guarded.data)
    assert settings.deployment is not None
    bait = credentials(settings.deployment)[0]
    output = curl(guarded, bait.username, bait.password, "--ntlm")
    assert "HTTP/1.1 403" in output
    taken = guarded.wait_event("lure.taken", honeypot__lure__id=bait.lure)
    assert at(taken, "event.severity") >= 70


def test_without_credentials_both_schemes_are_offered(guarded: Sensor) -> None:
    url = f"http://{guarded.host}:{guarded.web_port}/reports"
    output = run_tool("curl", "-s", "-i", url).output
    assert re.findall(r"^WWW-Authenticate: (\S+)\r?$", output, re.MULTILINE) == ["Negotiate", "NTLM"]
    assert "401" not in run_tool("curl", "-s", "-i", f"{url}-of-others").output.splitlines()[0]


def test_the_shipped_personas_name_paths_that_can_be() -> None:
    for name in model.shipped():
        assert all(path.startswith("/") for path in model.load(name).http.windows)
