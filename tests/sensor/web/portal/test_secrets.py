"""Passwords that visitors type in forms other than that for signing in are told as secrets, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from dicomhawk.evidence import ecs
from dicomhawk.evidence.events import HttpLogin, WebChange
from dicomhawk.evidence.fields import Event
from dicomhawk.evidence.recorder import ConnectionRecord
from tests.sensor.web.portal.browser import Browser

Visit = Callable[[], Browser]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Events as they are emitted."""
    found: list[Event] = []
    monkeypatch.setattr(ConnectionRecord, "emit", lambda _, event, *more, **others: found.append(event))
    return found


def test_a_change_of_the_password(visit: Visit, told: list[Event]) -> None:
    async def story() -> None:
        browser = visit()
        await browser.sign_in()
        named = browser.skin.parameters
        page = await browser.get(browser.href("settings"))
        form = {named["token"]: page.hidden(named["token"]), named["action"]: "2"}
        form |= {named["old"]: "Old-1234", named["new"]: "New-1234", named["again"]: "New-1234"}
        await browser.post(browser.href("settings"), form)

    asyncio.run(story())
    check(told, "Old-1234", "New-1234")


def test_a_user_that_is_added(visit: Visit, told: list[Event]) -> None:
    async def story() -> None:
        browser = visit()
        await browser.sign_in("administrator")
        named = browser.skin.parameters
        page = await browser.get(browser.href("users"))
        form = {named["token"]: page.hidden(named["token"]), named["user"]: "eve", named["new"]: "New-1234"}
        await browser.post(browser.href("users"), form)

    asyncio.run(story())
    check(told, "New-1234")


def check(told: list[Event], *passwords: str) -> None:
    (change,) = (event for event in told if isinstance(event, WebChange))
    for secrets in (True, False):
        encoded = repr(ecs.encode(change, secrets=secrets))
        assert all((password in encoded) == secrets for password in passwords)


def test_a_session_that_is_used_from_another_address(visit: Visit, told: list[Event]) -> None:
    async def story() -> None:
        owner, thief = visit(), visit()
        await owner.sign_in()
        await owner.get(owner.href("worklist"))
        assert not [event for event in told if isinstance(event, HttpLogin) and event.scheme == "cookie"]
        thief.cookies = dict(owner.cookies)
        for _ in range(2):
            assert (await thief.get(thief.href("worklist"))).status == 200

    asyncio.run(story())
    (login,) = (event for event in told if isinstance(event, HttpLogin) and event.scheme == "cookie")
    assert (login.outcome, login.reason) == ("success", "session-of-another-address")
    assert login.username
    assert (login.token or "") in repr(ecs.encode(login, secrets=True))
    assert login.token and login.token not in repr(ecs.encode(login, secrets=False))
