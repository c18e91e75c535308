"""The site: which page an address is, who may see it, and what is answered where none is."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final, NamedTuple

from ....evidence.events import HttpLogin
from ....hospital.world.locale import locale
from ..backing import Backing
from ..logins import policy
from ..message import Request, Response, Site
from ..state import State, path_of
from ..wire.outbound import Writer
from . import administration, entry, images, preferences, records, reporting, telemetry, transfer
from .desk import Desk, Handler, QueryError, Visit
from .listing import Listing
from .session import Session

MAX_COOKIES: Final = 4096
"""Characters of a Cookie field that are looked at."""
MAX_BORROWED: Final = 16
"""Sessions of others that are remembered of a visitor; with more of them it is told of again."""
FILE_SECONDS: Final = 86400
"""How long browsers keep static files."""


class Page(NamedTuple):
    """A page: who answers, for whom, and whether it takes a form."""

    handler: Handler
    role: str = "reader"
    takes_form: bool = False


_PAGES: Final[Mapping[str, Page]] = {
    "login": Page(entry.login, "", True),
    "logout": Page(entry.logout, ""),
    "forgot": Page(entry.forgot, "", True),
    "telemetry": Page(telemetry.collect, "", True),
    "worklist": Page(records.worklist),
    "schedule": Page(records.schedule),
    "study": Page(records.study),
    "viewer": Page(images.viewer),
    "image": Page(images.image),
    "thumbnail": Page(images.thumbnail),
    "report": Page(reporting.report),
    "print": Page(reporting.printed),
    "download": Page(transfer.download),
    "object": Page(transfer.single),
    "upload": Page(transfer.upload, takes_form=True),
    "settings": Page(preferences.settings, takes_form=True),
    "about": Page(preferences.about),
    "users": Page(administration.users, "administrator", True),
    "nodes": Page(administration.nodes, "administrator", True),
    "audit": Page(administration.audit, "administrator"),
    "system": Page(administration.system, "administrator"),
    "configuration": Page(administration.configuration, "administrator", True),
}


def face(backing: Backing) -> Site:
    """The portal of one worker: a site that knows its own addresses, below its own base, and no others."""
    return portal(backing)


def portal(backing: Backing) -> Portal:
    """The same, with its insides."""
    settings, deployment = backing.settings, backing.deployment
    login = settings.web.login
    desk = Desk(
        backing,
        State(path_of(settings), clock=backing.clock),
        lambda baits: policy(login.policy, deployment.seed, baits, words=login.keywords, tries=login.tries),
        Listing(backing.holdings, locale(deployment.locale).zone()),
    )
    return Portal(desk)


class Portal:
    """The site, and the desk behind it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        http = desk.backing.persona.http
        self._writer = Writer(http, http.server(desk.backing.deployment))
        self._by_path = {path: name for name, path in desk.skin.paths.items()}
        self._started = email.utils.formatdate((int(desk.seed[:7], 16) % 50_000_000) + 1_560_000_000, usegmt=True)

    async def __call__(self, request: Request) -> Response:
        desk, path = self.desk, request.path
        static = desk.skin.files.get(path)
        if static is not None:
            return self._file(request, static)
        if path == "/favicon.ico":
            return self._file(request, "icon")
        name = self._by_path.get(path) or self._by_path.get(path.rstrip("/"))
        base = desk.skin.base
        if name is None and path not in ("", "/", base) and not path.startswith(f"{base}/"):
            return self._elsewhere(request)
        visit = self._visit(request, name or "login")
        if name is None:
            if path.rstrip("/") in ("", base):
                return visit.sent_to(desk.skin.paths["worklist" if visit.signed_in else "login"])
            return visit.failed(404, "not_found")
        page = _PAGES[name]
        if request.method not in (("GET", "HEAD", "POST") if page.takes_form else ("GET", "HEAD")):
            return visit.failed(405, "not_allowed")
        if page.role and not visit.signed_in:
            following = request.target if request.method == "GET" and name in ("study", "viewer", "report") else None
            return visit.sent_to(desk.pages.href("login", next=following))
        if page.role == "administrator" and not visit.administrates:
            return visit.failed(403, "forbidden")
        try:
            return await page.handler(visit)
        except QueryError:
            return visit.failed(500, "unable")

    def _elsewhere(self, request: Request) -> Response:
        """What the web server itself says of what is none of the portal's."""
        host = request.headers.get("Host") or ""
        page = self._writer.page(404, method=request.method, target=request.target, host=host)
        kind = self.desk.backing.persona.http.errors.type
        return Response(404, [("Content-Type", kind)] if kind and page else [], page, len(page))

    def _visit(self, request: Request, name: str) -> Visit:
        sessions = self.desk.sessions
        session = sessions.read(_cookie(request, self.desk.skin.cookie.name))
        if session is None:
            return Visit(self.desk, request, sessions.begin(request.visitor), name, fresh=True)
        if session.username and not sessions.is_of(session, request.visitor):
            self._tell_of_borrowing(request, session)
        return Visit(self.desk, request, session, name)

    def _tell_of_borrowing(self, request: Request, session: Session) -> None:
        """A session that was begun at another address goes on, as in most products: told once for each visitor."""
        known = self.desk.kept(request.visitor, "borrowed", [])
        if session.salt in known:
            return
        self.desk.keep(request.visitor, "borrowed", [*known[1 - MAX_BORROWED :], session.salt])
        request.record.emit(
            HttpLogin(
                scheme="cookie",
                outcome="success",
                username=session.username,
                token=_cookie(request, self.desk.skin.cookie.name),
                reason="session-of-another-address",
            )
        )

    def _file(self, request: Request, name: str) -> Response:
        kind, content = self.desk.pages.files[name]
        tag = self.desk.pages.tag_of(content)
        headers = [("Content-Type", kind), ("Last-Modified", self._started), ("ETag", tag)]
        headers.append(("Cache-Control", f"max-age={FILE_SECONDS}"))
        if tag in (request.headers.get("If-None-Match") or ""):
            return Response(304, headers, b"", 0)
        return Response(200, headers, content, len(content))


def _cookie(request: Request, name: str) -> str | None:
    for value in request.headers.all("Cookie"):
        try:
            found = SimpleCookie(value[:MAX_COOKIES]).get(name)
        except CookieError:
            continue
        if found is not None:
            return found.value
    return None
