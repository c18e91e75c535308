"""Rules and the allow-list are edited as files, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dicomhawk.console.access import Access
from dicomhawk.console.app import create_app
from dicomhawk.settings import Settings
from tests.console.conftest import BASE, SECRET, console
from tests.console.filling import fill

ALLOW = '[[allow]]\nname = "our scanner"\nnetworks = ["192.0.2.0/24"]\n'
RULE = """\
id = "X01"
name = "Our own"
description = "An echo."
severity = "low"
attack = ["T1046"]

[[pattern]]
action = "dicom.c-echo"
tell = "Echoed"
"""
YARA = 'rule ours { strings: $a = "evil" condition: $a }\n'


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("editing")
    fill(data, 500)
    return data


@pytest.fixture
def client(data: Path) -> Iterator[TestClient]:
    settings = Settings.model_validate({"data": data, "analyst": {"rules": data / "rules", "yara": data / "yara"}})
    with TestClient(create_app(settings, Access((SECRET,))), base_url=BASE, follow_redirects=False) as client:
        client.post("/sign-in", data={"secret": SECRET})
        yield client


def _save(client: TestClient, path: str, text: str) -> tuple[int, str]:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/rules").text)
    assert csrf is not None
    response = client.post(path, data={"csrf": csrf[1], "text": text})
    return response.status_code, response.text


ALLOW_PATH, RULE_PATH, YARA_PATH = "/rules/allow/allow.toml", "/rules/techniques/x01.toml", "/rules/yara/o.yar"


@pytest.mark.parametrize(
    ("path", "file", "good", "change", "bad", "complaint"),
    [
        (ALLOW_PATH, "allow.toml", ALLOW, ("our", "my"), "[[allow]]\nname = 1", "allow"),
        (RULE_PATH, "rules/x01.toml", RULE, ("low", "high"), "id = [", "TOML"),
        (RULE_PATH, "rules/x01.toml", RULE, ("low", "high"), RULE.replace("low", "awful"), "severity"),
        (YARA_PATH, "yara/o.yar", YARA, ("evil", "worse"), "rule ours { condition: $b }", "compile"),
    ],
)
def test_what_is_right_is_kept(
    client: TestClient, data: Path, path: str, file: str, good: str, change: tuple[str, str], bad: str, complaint: str
) -> None:
    assert _save(client, path, good.replace("\n", "\r\n"))[0] == 303
    assert (data / file).read_text() == good
    better = good.replace(*change)
    assert _save(client, path, better)[0] == 303
    assert (data / file).read_text() == better
    assert (data / f"{file}.previous").read_text() == good
    status, text = _save(client, path, bad)
    assert status == 422
    assert complaint in text
    assert "Traceback" not in text
    assert (data / file).read_text() == better
    assert not [path for path in (data / file).parent.iterdir() if path.name.startswith(".")]
    page = client.get(path).text
    assert 'aria-invalid="true"' not in page


def test_a_text_comes_back_as_it_is(client: TestClient, data: Path) -> None:
    text = '\n\t# a tab, </textarea><script>, "quotes", é 山\n' + ALLOW
    assert _save(client, "/rules/allow/allow.toml", text)[0] == 303
    page = client.get("/rules/allow/allow.toml").text
    shown = re.search(r"<textarea[^>]*>\n(.*)</textarea>", page, re.S)
    assert shown is not None
    assert "<script>" not in shown[1]
    assert shown[1].replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"').replace("&amp;", "&") == text


def test_two_rules_with_one_id_are_refused(client: TestClient) -> None:
    assert _save(client, "/rules/techniques/x01.toml", RULE)[0] == 303
    status, text = _save(client, "/rules/techniques/x02.toml", RULE)
    assert status == 422
    assert "the same id" in text
    assert "/tmp" not in re.sub(r"<[^>]*>", "", text)


@pytest.mark.parametrize(
    "path",
    [
        "/rules/allow/other.toml",
        "/rules/allow/console.token",
        "/rules/allow/dicomhawk.toml",
        "/rules/techniques/..%2Fallow.toml",
        "/rules/techniques/.hidden.toml",
        "/rules/techniques/a%00.toml",
        "/rules/techniques/a.yar",
        "/rules/techniques/a.toml.previous",
        "/rules/yara/a.toml",
        "/rules/settings/dicomhawk.toml",
    ],
)
def test_no_other_file_can_be_read_or_written(client: TestClient, data: Path, path: str) -> None:
    (data / "dicomhawk.toml").write_text("sensor_name = 'x'")
    before = sorted(str(each) for each in data.rglob("*"))
    assert client.get(path).status_code == 404
    assert _save(client, path, ALLOW)[0] in (404, 405, 422)
    assert sorted(str(each) for each in data.rglob("*")) == before


def test_links_are_not_followed(client: TestClient, data: Path) -> None:
    secret = data / "elsewhere"
    secret.write_text("secret")
    (data / "rules").mkdir(exist_ok=True)
    (data / "rules" / "link.toml").symlink_to(secret)
    assert client.get("/rules/techniques/link.toml").status_code == 404
    assert _save(client, "/rules/techniques/link.toml", RULE)[0] == 422
    assert secret.read_text() == "secret"


def test_without_the_forms_word_nothing_is_saved(client: TestClient, data: Path) -> None:
    before = (data / "allow.toml").read_bytes() if (data / "allow.toml").exists() else b""
    for csrf in ("", "guess"):
        assert client.post("/rules/allow/allow.toml", data={"csrf": csrf, "text": ""}).status_code == 403
    assert client.post("/rules/allow/allow.toml", data={"text": ""}).status_code == 403
    after = (data / "allow.toml").read_bytes() if (data / "allow.toml").exists() else b""
    assert after == before


def test_too_much_is_refused(client: TestClient) -> None:
    status, text = _save(client, "/rules/allow/allow.toml", "a" * (300 << 10))
    assert status == 422
    assert "KiB" in text


def test_the_example_of_an_entry_is_right(tmp_path: Path) -> None:
    with console(tmp_path) as client:
        client.post("/sign-in", data={"secret": SECRET})
        text = client.get("/rules/allow/allow.toml").text
        example = re.search(r'<pre class="code" id="example".*?>\s*(.*?)</pre>', text, re.S)
        assert example is not None
        status, _ = _save(client, "/rules/allow/allow.toml", example[1])
        assert status == 303
        assert 'id="example"' not in client.get("/rules/allow/allow.toml").text
