"""Signing in and out, and the password that nobody sends."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from ....evidence import events as ev
from ...lured import credential_used
from ..logins import MAX_NAME
from ..message import Response
from .desk import Visit, patiently

_MAX_NEXT: Final = 500
"""Characters of the address that one wanted to see."""


async def login(visit: Visit) -> Response:
    """The sign-in form, and what comes of it."""
    if visit.request.method == "POST":
        return await _attempt(visit)
    if visit.signed_in:
        return visit.sent_to(visit.desk.skin.paths["worklist"])
    return form(visit, notice="", following=_own(visit, visit.asked("next")))


def form(
    visit: Visit, *, notice: str, following: str = "", username: str = "", status: int = 200, kind: str = "bad"
) -> Response:
    """The sign-in page."""
    return visit.shown(
        "login.html",
        visit.desk.of("login.title"),
        notice=notice,
        notice_kind=kind,
        next=following,
        username=username,
        comment=visit.desk.comment,
        status=status,
    )


async def _attempt(visit: Visit) -> Response:
    desk = visit.desk
    await visit.read_form()
    username, password = visit.sent("user")[:MAX_NAME], visit.raw("password")
    following = _own(visit, visit.sent("next"))
    if not username or not password:
        return form(visit, notice=desk.of("login.empty"), following=following, username=username)
    attempts, now = desk.attempts(visit.visitor), desk.clock()
    tried = attempts.tried(username, password, visit.visitor)
    standing = attempts.standing(username, now)
    reason, account = "locked", None
    if not visit.form_is_ours:
        reason = "stale-form"
    elif not standing.locked_until:
        decided = desk.policy.decide(tried)
        reason, account = decided.reason, decided.account
    if account is not None:
        attempts.succeeded(username, password, guess=reason == "guess")
    elif reason in ("locked", "stale-form"):
        attempts.refused_while_locked()
    else:
        standing = attempts.failed(username, password, now)
    desk.keep(visit.visitor, "attempts", attempts.document())
    visit.emit(
        ev.HttpLogin(
            scheme="form",
            outcome="success" if account is not None else "failure",
            username=visit.raw("user"),
            password=password,
            attempt=tried.number,
            reason=reason,
        )
    )
    credential_used(desk.backing.lures, visit.request.record, username, password, "login")
    if account is None:
        await patiently(desk.patience.delay(standing.failures))
        if reason == "stale-form":
            visit.fresh = True
            return form(visit, notice=desk.of("login.expired"), following=following, username=username)
        key = "login.locked" if standing.locked_until else "login.wrong"
        notice = desk.of(key, minutes=int(desk.patience.locked_seconds // 60), extension=desk.skin.extension)
        return form(visit, notice=notice, following=following, username=username)
    visit.session = desk.sessions.begin(visit.visitor, account.username, account.role, account.name)
    return visit.sent_to(following or desk.skin.paths["worklist"], cookie=visit.cookie())


def _own(visit: Visit, address: str) -> str:
    """An address of one of our own pages; empty for any other: nobody is sent elsewhere by us."""
    if not address or len(address) > _MAX_NEXT or "\\" in address:
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc or parts.path not in visit.desk.skin.paths.values():
        return ""
    return address


async def logout(visit: Visit) -> Response:
    """The end of a session."""
    visit.fresh = False
    visit.session = visit.desk.sessions.begin(visit.visitor)
    return visit.sent_to(visit.desk.skin.paths["login"], cookie=visit.cookie(gone=True))


async def forgot(visit: Visit) -> Response:
    """A form for who has forgotten a password. It says that it has done something."""
    sent = False
    if visit.request.method == "POST":
        await visit.read_form()
        sent = visit.form_is_ours and bool(visit.sent("user") or visit.sent("email"))
        if sent:
            visit.changed("password-reset", visit.raw("user"), visit.raw("email"))
            await patiently(visit.desk.patience.delays[-1])
    return visit.shown("forgot.html", visit.desk.of("forgot.title"), sent=sent, next="", username="")
