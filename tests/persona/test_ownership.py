"""What may be observed without asking, and what not."""

from __future__ import annotations

import socket

import pytest

from dicomhawk.persona.battery import ownership
from dicomhawk.settings import SettingsError


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.1.20",
        "169.254.1.1",
        "::1",
        "fe80::1",
        "fd12::7",
        "::ffff:10.0.0.1",
    ],
)
def test_private_addresses_are(address: str) -> None:
    assert ownership.private(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "172.32.0.1",
        "172.15.0.1",
        "192.169.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "203.0.113.7",
        "2001:db8::1",
        "::",
        "::ffff:8.8.8.8",
        "ff02::1",
        "11.0.0.1",
    ],
)
def test_all_others_are_not(address: str) -> None:
    assert not ownership.private(address)


def test_every_address_of_a_name_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("10.0.0.1", 0)), (2, 1, 6, "", ("8.8.8.8", 0)), (2, 1, 6, "", ("10.0.0.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert ownership.strangers("pacs.example") == ("10.0.0.1", ["8.8.8.8"])


def test_an_unknown_name_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SettingsError, match=r"There is no host 'nowhere\.invalid'"):
        ownership.strangers("nowhere.invalid")


@pytest.mark.parametrize(
    ("text", "found"),
    [("pacs:104", ("pacs", 104)), ("[::1]:11112", ("::1", 11112)), ("10.0.0.1:65535", ("10.0.0.1", 65535))],
)
def test_targets(text: str, found: tuple[str, int]) -> None:
    assert ownership.target(text) == found


@pytest.mark.parametrize("text", ["pacs", "pacs:", ":104", "pacs:0", "pacs:65536", "pacs:dicom", "", "pacs:-1"])
def test_what_is_no_target_is_said_to_be_none(text: str) -> None:
    with pytest.raises(SettingsError, match="is not HOST:PORT"):
        ownership.target(text)
