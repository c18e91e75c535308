"""Programs and people are told apart by what their browsers say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.sensor.web.portal.telemetry import MAX_FACT, automation, fingerprint, read

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"
PERSON = {
    "webdriver": "false",
    "plugins": "5",
    "languages": "en-GB,en",
    "timezone": "Europe/London",
    "screen": "1920x1080",
    "viewport": "1903x969",
    "window": "1920x1040",
    "depth": "24",
    "ratio": "1",
    "renderer": "ANGLE (Intel, Intel(R) UHD Graphics 620 Direct3D11)",
    "cores": "8",
    "permission": "default/prompt",
    "chrome": "true",
    "agent": CHROME,
    "touch": "0",
}


def test_a_person_has_no_sign() -> None:
    assert automation(PERSON, CHROME) == ()
    assert automation({**PERSON, "webdriver": "undefined", "chrome": "false", "agent": FIREFOX}, FIREFOX) == ()


@pytest.mark.parametrize(
    ("change", "agent", "sign"),
    [
        ({"webdriver": "true"}, CHROME, "webdriver"),
        (
            {"agent": CHROME.replace("Chrome", "HeadlessChrome")},
            CHROME.replace("Chrome", "HeadlessChrome"),
            "agent-headless",
        ),
        ({"permission": "denied/prompt"}, CHROME, "permission-contradiction"),
        ({"agent": CHROME}, FIREFOX, "agent-differs"),
        ({"plugins": "0"}, CHROME, "no-plugins"),
        ({"chrome": "false"}, CHROME, "no-chrome-object"),
        ({"languages": ""}, CHROME, "no-languages"),
        ({"renderer": "Google SwiftShader"}, CHROME, "software-renderer"),
        ({"window": "0x0"}, CHROME, "no-window"),
        ({"window": "1280x720", "viewport": "1280x720"}, CHROME, "window-without-frame"),
        ({"screen": "800x600"}, CHROME, "default-screen"),
    ],
)
def test_each_sign_is_seen(change: dict[str, str], agent: str, sign: str) -> None:
    assert sign in automation(PERSON | change, agent)


def test_fingerprints_are_of_the_machine() -> None:
    assert fingerprint(PERSON) == fingerprint({**PERSON, "viewport": "1x1", "agent": "other"})
    assert fingerprint(PERSON) != fingerprint({**PERSON, "renderer": "other"})


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_reports_are_never_believed(data: bytes) -> None:
    assert isinstance(read(data), dict)


def test_reports_are_bounded() -> None:
    assert len(read(json.dumps({"u": "x" * 5000}).encode())["agent"]) == MAX_FACT
    assert read(b'{"x": "unknown", "w": true, "p": null, "l": ["a"]}') == {"webdriver": "True"}
    assert read(b"[" * 100_000) == {}
