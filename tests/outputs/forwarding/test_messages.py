"""Chats and mail: what is said, and that a stranger's text is only ever text."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.outputs.forwarding.base import Permanent, Temporary
from dicomhawk.outputs.forwarding.formats.messages import discord, matrix, plain, slack, teams, told
from dicomhawk.settings import SettingsError

from .http import HttpServer
from .servers import Server, lines_of, program
from .support import HOSTILE, record
from .test_brokers import made, send

LINK = "http://127.0.0.1:8090/sessions/{session}"


def alert(number: int = 1, text: str = HOSTILE) -> Any:
    return record(
        number,
        kind="alerts",
        severity=3,
        message=f"Somebody fetched {text}",
        honeypot={"alert": {"text": text}, "session": {"depth": "exfiltration", "tool": text}},
        rule={"id": [text]},
    )


def texts(value: Any) -> list[str]:
    """All texts in a document, but for addresses of our own making."""
    if isinstance(value, dict):
        return [text for key, item in value.items() if key not in ("url", "$schema") for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("address", ["https://e.vil", "SMB://e.vil/x", "file:///e", "ms-word:ofe|u|http://e.vil"])
def test_no_address_is_one_that_a_program_makes_a_link_of(address: str) -> None:
    item = told(alert(text=f"see {address} now"))
    assert "://" not in plain([item])
    assert "see " in plain([item]), "all the same it can be read"


def test_an_alert_says_what_is_needed_to_act() -> None:
    item = told(alert(text="42 studies"), LINK)
    assert item.title == "Somebody fetched 42 studies"
    assert dict(item.facts) == {
        "Moment": record(1).document["@timestamp"],
        "Sensor": "ward-7",
        "Visitor": "203.0.113.9",
        "Depth": "exfiltration",
        "Tool": "42 studies",
        "Rules": "42 studies",
        "Session": "01K9SESSION0000000000000AA",
    }
    assert item.link == "http://127.0.0.1:8090/sessions/01K9SESSION0000000000000AA"
    assert told(record(1, session="../../x?y=1"), LINK).link == ""


def test_an_alerts_own_lines_stay_lines_and_say_things_once() -> None:
    item = told(alert(text="Who: 203.0.113.9\nTaken: 12 objects\nNext: look"), "")
    assert item.text.split("\n") == ["Who: 203.0.113.9", "Taken: 12 objects", "Next: look"]
    assert [name for name, _ in item.facts] == ["Moment", "Sensor", "Visitor", "Rules", "Session"]
    assert len(told(alert(text="line\n" * 1000), "").text) < 3000


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=1500) | st.just(HOSTILE) | st.just("http://x.example <@U1> <!here> @room [a](javascript:b)"))
def test_no_text_becomes_markup_a_mention_or_a_link(text: str) -> None:
    items = [told(alert(n, text), LINK) for n in range(12)]
    for content in map(texts, (slack(items), teams(items), discord(items), matrix(items))):
        for part in content:
            assert not re.search(r"(?i)\bhttps?://(?!127\.0\.0\.1:8090/)", part)
            assert "".join(c for c in part if c not in "\n\u2060").isprintable()
    for part in texts(slack(items)):
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", part)
    for embed in discord(items)["embeds"]:
        for part in (embed["title"], embed["description"], *(one["value"] for one in embed["fields"])):
            assert not re.search(r"(?<!\\)(?:\\\\)*(?<!\\)[*_~`|>\[\]()<]", part)
            assert not re.search(r"@(?!\u2060)", part)
    assert not re.search(r"@(?!\u2060)", matrix(items)["body"])
    assert sum(len(part) for embed in discord(items)["embeds"] for part in texts(embed)) <= 6000
    assert len(slack(items)["blocks"]) <= 50
    assert "\x1b" not in plain(items)


def test_bodies_are_what_the_services_ask_for() -> None:
    items = [told(alert(), LINK)]
    body = slack(items)
    assert {block["text"]["type"] for block in body["blocks"] if block["type"] == "section"} == {"plain_text"}
    assert (body["mrkdwn"], body["parse"], body["link_names"]) == (False, "none", False)
    (attachment,) = teams(items)["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert {one["type"] for one in attachment["content"]["body"]} == {"RichTextBlock", "ActionSet"}
    assert discord(items)["allowed_mentions"] == {"parse": []}
    assert set(matrix(items)) == {"msgtype", "body", "m.mentions"}


def test_generic_webhooks_can_tell_that_it_was_us_and_that_it_is_the_same_again() -> None:
    batch = [alert(n) for n in range(3)]
    with HttpServer() as server:
        output = made("webhook", url=server.url + "/hook?x=1", key="k3y", token="t0ken")
        send(output, batch, batch)
    first, again = server.got
    assert first == again
    assert first.target == "/hook?x=1"
    assert first.json["records"] == [one.document for one in batch]
    assert first.headers["authorization"] == "Bearer t0ken"
    signature = hmac.new(b"k3y", first.body, hashlib.sha256).hexdigest()
    assert first.headers["x-signature-256"] == f"sha256={signature}"
    assert re.fullmatch("[0-9a-f]{64}", first.headers["idempotency-key"])


@pytest.mark.parametrize("template", ["slack", "teams", "discord"])
def test_chats_get_one_message_for_a_batch(template: str) -> None:
    with HttpServer(lambda request: (204, b"")) as server:
        send(made("webhook", url=f"{server.url}/services/T0/B0/secret", template=template), [alert(1), alert(2)])
    (request,) = server.got
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    assert sum("Somebody fetched" in text for text in texts(request.json)) >= 2


def test_matrix_gets_a_message_once() -> None:
    with HttpServer(lambda request: (200, {"event_id": "$x"})) as server:
        output = made("webhook", url=server.url, template="matrix", room="!a/b:example.org", token="syt_x")
        send(output, [alert(1)], [alert(1)])
    first, again = server.got
    assert first == again
    assert first.method == "PUT"
    path = r"/_matrix/client/v3/rooms/%21a%2Fb%3Aexample\.org/send/m\.room\.message/[0-9a-f]{64}"
    assert re.fullmatch(path, first.target)
    assert first.headers["authorization"] == "Bearer syt_x"


def test_an_address_that_is_a_secret_is_never_told(capsys: pytest.CaptureFixture[str]) -> None:
    output = made("webhook", url="http://127.0.0.1:1/services/T0/B0/s3cret", template="slack")
    with pytest.raises(Temporary) as caught:
        send(output, [alert()])
    assert "s3cret" not in output.where + str(caught.value)
    with pytest.raises(SettingsError) as wrong:
        made("webhook", url="s3cret")
    assert "s3cret" not in str(wrong.value)
    with pytest.raises(SettingsError, match="room and token"):
        made("webhook", url="http://127.0.0.1:1", template="matrix")


def test_a_webhook_that_is_gone_or_objects() -> None:
    for status, error in (
        *((status, Temporary) for status in (404, 407, 410, 429, 500)),
        *((status, Permanent) for status in (400, 413)),
    ):
        with HttpServer(lambda request, status=status: (status, b"no")) as server, pytest.raises(error):
            send(made("webhook", url=server.url, template="slack"), [alert()])


def smtp(folder: Path, *more: object) -> Server:
    """aiosmtpd, that prints what it gets."""
    program("aiosmtpd")
    command = (
        "import sys; sys.path.insert(0, '/usr/lib/python3/dist-packages'); from aiosmtpd.main import main; main()"
    )
    python = sys.executable
    return Server(folder, lambda port: [python, "-u", "-c", command, "-n", "-l", f"127.0.0.1:{port}", *more])


def mails(folder: Path) -> list[Any]:
    text = (folder / "output.txt").read_text()
    found = re.findall(r"-+ MESSAGE FOLLOWS -+\n(.*?)\n-+ END MESSAGE -+", text, re.DOTALL)
    return [email.message_from_string(one, policy=email.policy.default) for one in found]


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_mail_is_plain_and_has_everything_in_one(tmp_path: Path, security: str, certificates: Path) -> None:
    pair = (certificates / "server.pem", certificates / "server.key")
    more = {
        "none": [],
        "starttls": ["--tlscert", pair[0], "--tlskey", pair[1]],
        "tls": ["--smtpscert", pair[0], "--smtpskey", pair[1]],
    }[security]
    with smtp(tmp_path / "smtp", *more) as server:
        output = made(
            "email",
            host="127.0.0.1",
            port=server.port,
            security=security,
            sender="pot@example.org",
            recipients=["soc@example.org", "ward@example.org"],
            subject="Honeypot",
            ca=certificates / "ca.pem",
        )
        send(output, [alert(1, "first\nBcc: everybody@example.org"), alert(2, HOSTILE)])
        lines_of(server.folder / "output.txt", 5)
        (mail,) = mails(server.folder)
    assert mail["To"] == "soc@example.org, ward@example.org"
    assert mail["Subject"].startswith("Honeypot: 2 alerts or events, the worst: [high]")
    assert mail["Bcc"] is None
    assert mail.get_content_type() == "text/plain"
    body = mail.get_content()
    assert "Somebody fetched first\\nBcc: everybody@example.org" in body
    assert "http://" not in body
    assert "\x1b" not in body
    assert "203.0.113.9" in body


def test_mail_is_not_sent_to_whom_we_do_not_know(tmp_path: Path, certificates: Path) -> None:
    where = {"sender": "a@example.org", "recipients": ["b@example.org"]}
    with pytest.raises(Temporary, match="refused"):
        send(made("email", host="127.0.0.1", port=1, security="none", **where), [alert()])
    with smtp(tmp_path / "plain") as server, pytest.raises(Temporary, match="STARTTLS"):
        send(made("email", host="127.0.0.1", port=server.port, **where), [alert()])
    pair = ("--tlscert", certificates / "server.pem", "--tlskey", certificates / "server.key")
    with smtp(tmp_path / "tls", *pair) as server:
        with pytest.raises(Temporary, match="certificate"):
            send(made("email", host="127.0.0.1", port=server.port, **where), [alert()])
        assert not mails(server.folder)


def test_the_same_batch_is_the_same_mail() -> None:
    where = {"sender": "a@example.org", "recipients": ["b@example.org"]}
    output = made("email", host="127.0.0.1", port=1, security="none", **where)
    assert output.message([alert(1)])["Message-ID"] == output.message([alert(1)])["Message-ID"]
    assert output.message([alert(1)])["Message-ID"] != output.message([alert(2)])["Message-ID"]
    assert json.dumps(output.message([alert(1)])["Subject"])
