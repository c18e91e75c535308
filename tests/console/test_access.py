"""Who may look, and what a browser may do with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dicomhawk.console.access import ALL_TRIES, COOKIE, TRIES, Access, TooManyTries, secrets_of
from dicomhawk.settings import Settings, SettingsError, load
from tests.console.conftest import SECRET, console


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_shown_to_who_is_not_signed_in(stranger: TestClient) -> None:
    for path in ("/", "/sessions", "/feed", "/files/x", "/health", "/rules", "/previews/x.png", "/nothing"):
        response = stranger.get(path)
        assert response.status_code == 303, path
        assert response.headers["location"].startswith("/sign-in"), path
    assert stranger.get("/feed/stream").status_code == 401
    assert stranger.post("/sign-out").status_code == 401
    assert stranger.get("/sessions", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/sign-in"


def test_signing_in_and_out(stranger: TestClient) -> None:
    wanted = "/sessions?country=BR&text=a+b"
    target = stranger.get(wanted).headers["location"]
    page = stranger.get(target)
    assert 'value="/sessions?country=BR&amp;text=a+b"' in page.text
    wrong = stranger.post("/sign-in", data={"secret": "wrong", "next": wanted})
    assert wrong.status_code == 403
    assert COOKIE not in stranger.cookies
    done = stranger.post("/sign-in", data={"secret": SECRET, "next": wanted})
    assert (done.status_code, done.headers["location"]) == (303, wanted)
    assert re.search(r"httponly.*samesite=strict", done.headers["set-cookie"].lower())
    page = stranger.get(wanted)
    assert page.status_code == 200
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None
    assert stranger.post("/sign-out", data={"csrf": "guessed"}).status_code == 403
    assert stranger.post("/sign-out", data={"csrf": csrf[1]}).status_code == 303
    assert stranger.get(wanted).status_code == 303


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1", ""])
def test_nobody_is_sent_elsewhere(stranger: TestClient, target: str) -> None:
    done = stranger.post("/sign-in", data={"secret": SECRET, "next": target})
    assert done.headers["location"] == "/"


def test_guessing_is_slow() -> None:
    clock = Clock()
    access = Access(("right and long enough",), clock)
    for _ in range(TRIES):
        assert access.sign_in("wrong", "192.0.2.1") is None
    with pytest.raises(TooManyTries) as error:
        access.sign_in("right and long enough", "192.0.2.1")
    assert 0 < error.value.args[0] <= 61
    assert access.sign_in("right and long enough", "192.0.2.2")
    clock.now += 61
    assert access.sign_in("right and long enough", "192.0.2.1")
    for number in range(ALL_TRIES):
        access.sign_in("wrong", f"198.51.100.{number}")
    with pytest.raises(TooManyTries):
        access.sign_in("right and long enough", "192.0.2.3")


def test_a_page_says_that_one_must_wait(stranger: TestClient) -> None:
    statuses = [stranger.post("/sign-in", data={"secret": "wrong"}).status_code for _ in range(TRIES + 1)]
    assert statuses == [403] * TRIES + [429]


def test_sessions_end() -> None:
    clock = Clock()
    access = Access((SECRET,), clock)
    cookie = access.sign_in(SECRET, "x")
    assert cookie is not None
    clock.now += 7 * 3600
    assert access.session(cookie) is not None
    clock.now += 7 * 3600
    assert access.session(cookie) is not None
    clock.now += 9 * 3600
    assert access.session(cookie) is None


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8089", 200),
        ("localhost", 200),
        ("[::1]:8089", 200),
        ("192.0.2.7", 200),
        ("console.example:8089", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:8089", 421),
        ("", 421),
    ],
)
def test_names_of_others_are_refused(filled: Path, host: str, status: int) -> None:
    with console(filled, names=("console.example",)) as client:
        assert client.get("/sign-in", headers={"host": host}).status_code == status


def test_forms_of_other_sites_are_refused(client: TestClient) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/alerts").text)
    assert csrf is not None
    form = {"csrf": csrf[1]}
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert client.post("/sign-out", data=form, headers=headers).status_code == 403
    own = {"origin": "http://127.0.0.1:8089", "sec-fetch-site": "same-origin"}
    assert client.post("/sign-out", data=form, headers=own).status_code == 303


def test_forms_are_bounded(client: TestClient) -> None:
    assert client.post("/sign-out", content=b"csrf=" + b"a" * (1 << 20)).status_code == 413
    assert client.post("/sign-out", content=b"&".join(b"a=1" for _ in range(200))).status_code == 400
    assert client.post("/sign-out", content=b"\xff\xfe=1").status_code == 400
    assert client.put("/sign-out").status_code == 405


def test_headers_of_every_answer(client: TestClient, stranger: TestClient) -> None:
    answers = [client.get(path) for path in ("/", "/nothing", "/sessions", "/static/console.css")]
    answers += [stranger.get("/"), stranger.get("/sign-in"), stranger.get("/", headers={"host": "evil.example"})]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "server" not in answer.headers
    assert answers[0].headers["cache-control"] == "no-store"


def test_no_script_and_no_style_within_pages(client: TestClient) -> None:
    for path in ("/", "/feed", "/sessions", "/health"):
        text = client.get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), path
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), path


def test_a_token_is_drawn_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    allowed, drawn = secrets_of(settings)
    assert allowed == (drawn,)
    assert len(drawn) >= 32
    assert secrets_of(settings)[1] == drawn
    assert (tmp_path / "console.token").stat().st_mode & 0o777 == 0o600
    given = Settings.model_validate({"data": tmp_path, "console": {"password": "one that is given"}})
    assert secrets_of(given) == (("one that is given",), "")


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"HOST": "0.0.0.0"}, "needs a token or password"),
        ({"HOST": "0.0.0.0", "PASSWORD": "short"}, "16 characters"),
        ({"HOST": "::", "TOKEN": "x" * 15}, "16 characters"),
        ({"PASSWORD": "short"}, "8 characters"),
        ({"NAMES": "a b"}, "names"),
    ],
)
def test_bad_settings_are_one_sentence(variables: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        load(environment={f"DICOMHAWK_CONSOLE__{name}": value for name, value in variables.items()})


def test_good_settings() -> None:
    environment = {"DICOMHAWK_CONSOLE__HOST": "0.0.0.0", "DICOMHAWK_CONSOLE__PASSWORD": "x" * 16}
    assert load(environment=environment).console.host == "0.0.0.0"
    assert load(environment={"DICOMHAWK_CONSOLE__HOST": "::1"}).console.on_loopback
