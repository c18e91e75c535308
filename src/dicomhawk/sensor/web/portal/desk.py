"""What all pages share: the deployment's skin and words, who asks, and how answers are made."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

from ....evidence import events as ev
from ....hospital.errors import QueryError
from ....hospital.world.draw import draw
from ....hospital.world.locale import locale
from ....lures.credentials import Credential, credentials
from ....lures.routes import platform_of
from ..backing import Backing
from ..dicomweb.turns import Turns
from ..logins import Account, Attempts, Bait, Patience, Policy
from ..message import BodyBroken, BodyTooLarge, Request, Response
from ..state import State, StateError
from .listing import Listing
from .pages import Pages
from .session import Session, Sessions
from .skin import Skin
from .speech import Speech

FACE: Final = "portal"
"""What events call us."""
MAX_FORM: Final = 64 << 10
"""Bytes of a form without files: the longest of ours has some hundred."""
MAX_FIELDS: Final = 60
"""Fields of a form or a query that are looked at."""
MAX_VALUE: Final = 2000
"""Characters of a field that are looked at."""
MENU: Final = ("worklist", "schedule", "upload", "settings", "about")
ADMINISTRATION: Final = ("users", "nodes", "audit", "system", "configuration")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")


class Desk:
    """One of these in each worker."""

    def __init__(
        self, backing: Backing, state: State, policy: Callable[[tuple[Bait, ...]], Policy], listing: Listing
    ) -> None:
        deployment = backing.deployment
        self.backing = backing
        self.holdings = backing.holdings
        self.clock = backing.clock
        self.state = state
        self.seed = deployment.seed
        http = backing.persona.http
        platform = platform_of(http.server(deployment), face=http.face, seed=deployment.seed, runtime=http.runtime)
        self.skin = Skin(deployment, platform)
        self.speech = Speech(deployment.seed, deployment.locale)
        self.pages = Pages(self.skin, self.speech)
        self.sessions = Sessions(
            deployment.seed, backing.clock, seconds=self.skin.cookie.seconds, spelling=self.skin.cookie.spelling
        )
        self.listing = listing
        self.baits = _baits(backing)
        """Pairs that enter, where the deployment lays them out."""
        self.policy = policy(tuple(_bait(each) for each in self.baits))
        self.shapes: dict[tuple[object, ...], tuple[float, ...]] = {}
        """Windows of objects that were shown; see `images`."""
        self.turns = Turns()
        self.patience = Patience.drawn(deployment.seed)
        self.zone = locale(deployment.locale).zone()
        self.locale = locale(deployment.locale)

    @cached_property
    def comment(self) -> str:
        """What somebody has left in the source of the sign-in page: a pair that works; empty: nothing."""
        found = next((each for each in self.baits if each.place == "page"), None)
        if found is None:
            return ""
        source = draw(self.seed, "portal", "comment")
        label = source.choice(("test", "demo", "tmp", "uat", "debug", "dev", "qa", "abn", "fix", "old"))
        form = source.choice(("{0}: {1} / {2}", "{0} {1}:{2}", "{1} {2} ({0})", "{0} user={1} pw={2}", "{1}/{2}"))
        return form.format(label, found.username, found.password).replace("--", "")

    def of(self, key: str, **values: object) -> str:
        """A text in the hospital's language."""
        return self.speech.of(key, **values)

    def attempts(self, visitor: str) -> Attempts:
        """What a visitor has tried so far; nothing where that can't be read."""
        try:
            document = self.state.get(visitor, "portal/attempts")
        except StateError:
            document = None
        return Attempts(self.seed, document, self.patience)

    def keep(self, visitor: str, key: str, document: Any) -> bool:
        """Remember something of a visitor's; False where there is no room."""
        try:
            self.state.put(visitor, f"portal/{key}", document)
        except StateError:
            return False
        return True

    def kept(self, visitor: str, key: str, default: Any) -> Any:
        """What was remembered."""
        try:
            return self.state.get(visitor, f"portal/{key}", default)
        except StateError:
            return default


def _baits(backing: Backing) -> tuple[Credential, ...]:
    lures = backing.settings.lures
    if "credential" not in lures.kinds:
        return ()
    return tuple(each for each in credentials(backing.deployment, lures.credentials) if each.place != "dicom")


def _bait(credential: Credential) -> Bait:
    account = Account(credential.username, credential.role, credential.name)
    return Bait(account, credential.password, credential.lure)


@dataclass
class Visit:
    """One request, and whose it is."""

    desk: Desk
    request: Request
    session: Session
    page: str
    fresh: bool = False
    """Whether the session's cookie has to be sent."""
    form: dict[str, str] = field(default_factory=dict)

    @property
    def visitor(self) -> str:
        """Address."""
        return self.request.visitor

    @property
    def signed_in(self) -> bool:
        """Whether somebody is."""
        return bool(self.session.username)

    @property
    def administrates(self) -> bool:
        """Whether it is an administrator."""
        return self.session.role == "administrator"

    def asked(self, name: str, default: str = "") -> str:
        """A value of the query, by the names of `addresses.PARAMETERS`; bounded, without control characters."""
        value = self.request.argument(self.desk.skin.parameters[name])
        return default if value is None else clean(value)

    def sent(self, name: str) -> str:
        """A field of the form."""
        return clean(self.form.get(self.desk.skin.parameters[name], ""))

    def raw(self, name: str) -> str:
        """A field of the form as it was sent."""
        return self.form.get(self.desk.skin.parameters[name], "")

    async def read_form(self) -> None:
        """Take in a form without files; what is too long or broken counts as empty."""
        try:
            data = await self.request.body.read(MAX_FORM)
        except (BodyTooLarge, BodyBroken):
            return
        try:
            pairs = parse_qsl(
                data.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=MAX_FIELDS
            )
        except ValueError:
            return
        for name, value in pairs:
            self.form.setdefault(name, value[:MAX_VALUE])

    @property
    def form_is_ours(self) -> bool:
        """Whether the form carries the session's token."""
        return not self.fresh and self.desk.sessions.is_form_of(self.session, self.raw("token"))

    @property
    def token(self) -> str:
        """For the forms of this session."""
        return self.desk.sessions.form_token(self.session)

    def emit(self, event: Any) -> None:
        """An event on the request's connection."""
        self.request.record.emit(event)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """While something is made for the visitor."""
        return self.desk.turns.of(self.visitor)

    def changed(
        self,
        call: str,
        target: str | None,
        detail: str | None,
        *,
        outcome: str = "success",
        password: str = "",
        old_password: str = "",
    ) -> None:
        """The visitor asked for a change."""
        self.emit(
            ev.WebChange(
                face=FACE,
                call=call,
                target=target,
                detail=detail,
                password=password or None,
                old_password=old_password or None,
                outcome=outcome,
            )
        )

    def shown(
        self, template: str, heading: str, *, status: int = 200, area: str | None = None, **values: Any
    ) -> Response:
        """A page."""
        desk = self.desk
        content = desk.pages.render(
            template,
            self.page,
            heading,
            area=area or self.page,
            me=self.session,
            menu=(*MENU[:-1], "system", MENU[-1]) if self.administrates else MENU,
            token=self.token,
            **{"notice": "", "notice_kind": "", **values},
        )
        return self.answer(content, desk.skin.html_type, status=status)

    def answer(
        self,
        content: bytes,
        kind: str,
        *,
        status: int = 200,
        more: Mapping[str, str] | None = None,
        cached: bool = False,
    ) -> Response:
        """A response with these bytes. `cached`: it may be kept by the browser."""
        desk = self.desk
        headers = [("Content-Type", kind)]
        for name, value in desk.skin.headers:
            if cached and name in ("Cache-Control", "Pragma", "Expires"):
                continue
            headers.append((name, value))
        headers += (more or {}).items()
        if self.fresh:
            headers.append(self.cookie())
        return Response(status, headers, content, len(content))

    def cookie(self, *, gone: bool = False) -> tuple[str, str]:
        """The field that sets the session's cookie."""
        cookie = self.desk.skin.cookie
        value = "" if gone else self.desk.sessions.write(self.session)
        parts = [f"{cookie.name}={value}", *cookie.attributes]
        if gone:
            parts.append("Expires=Thu, 01 Jan 1970 00:00:00 GMT")
        if self.request.secure:
            parts.append("Secure")
        return "Set-Cookie", "; ".join(parts)

    def sent_to(self, address: str, *, cookie: tuple[str, str] | None = None) -> Response:
        """Elsewhere on this site."""
        headers = [("Location", address), *self.desk.skin.headers]
        if cookie is not None:
            headers.append(cookie)
        elif self.fresh:
            headers.append(self.cookie())
        return Response(302, headers, b"", 0)

    def failed(self, status: int, key: str) -> Response:
        """An error page."""
        desk = self.desk
        source = draw(desk.seed, "portal", "reference", int(desk.clock() * 1000))
        reference = f"{source.getrandbits(32):08X}"
        content = desk.pages.render(
            "error.html",
            "error",
            desk.of(f"error.{key}_title"),
            message=desk.of(f"error.{key}"),
            reference=reference,
            me=self.session,
        )
        return self.answer(content, desk.skin.html_type, status=status)


Handler = Callable[[Visit], Awaitable[Response]]


def clean(text: str) -> str:
    """A stranger's text: bounded, in one line."""
    return _CONTROLS.sub(" ", text[:MAX_VALUE]).strip()


async def patiently(seconds: float) -> None:
    """Wait as long as the product lets one wait."""
    if seconds > 0:
        await asyncio.sleep(seconds)


__all__ = ["FACE", "Desk", "Handler", "QueryError", "Visit", "clean", "patiently"]
