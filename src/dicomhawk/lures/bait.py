"""All bait of one deployment, as a worker lays it out and tells of it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from ..persona.model import Persona
from ..settings import Deployment, Settings
from . import credentials as pairs
from . import pages
from .addresses import Addresses
from .credentials import Credential
from .documents import Documents
from .facts import facts
from .ledger import Ledger, Minted, Taker
from .listings import Entry, listing
from .marks import Marked, Marks
from .phpinfo import phpinfo
from .reuse import MAX_SCANNED, Watch
from .routes import Platform, Route, Routes, platform_of, routes
from .scene import posix, saved, scene
from .tokens import Minter, canonical, key_of

MAX_AUTHORIZATION = 1024
"""Characters of an Authorization field that are decoded."""
_SILENT = frozenset(("route/robots", "route/sitemap", "route/plugin", "route/folders"))
"""What crawlers ask for in good faith: not bait, but the way to it."""

_NOT_CACHED = (("Cache-Control", "no-cache, no-store, must-revalidate"), ("Pragma", "no-cache"), ("Expires", "0"))
_TRASH = (".bak", ".old")
Headers = tuple[tuple[str, str], ...]
_INSIDE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("vpn", "oncall", "guide"), ("document",)),
    "backup": ("document", "config", "environment", "basic", "dicom"),
}
"""Places of the credentials in what is compressed."""


class Asked(NamedTuple):
    """What a visitor asks of a web door, as far as bait depends on it."""

    path: str
    taker: Taker
    origin: str = ""
    """Scheme and host that it named, as in ``http://192.0.2.7:8080``."""
    authorization: str = ""
    """The Authorization field."""


class Bait(NamedTuple):
    """What is answered: an HTTP response without its framing."""

    status: int
    headers: Headers
    body: bytes
    lure: str
    """Id of the lure that was taken; empty: none, no alarm."""
    kind: str
    tokens: tuple[str, ...] = ()
    """Those in the body."""
    credential: Credential | None = None
    """A honeycredential that came with the request."""
    tells: tuple[str, ...] = ()
    """Ids of the honeycredentials in the body."""


class Lures:
    """See the module's docstring. One for each worker: it holds its own connection to the ledger."""

    def __init__(
        self,
        settings: Settings,
        deployment: Deployment,
        *,
        platform: Platform = "java",
        server: str = "",
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`platform` and `server` (the Server field) are those of the web door; `clock` gives nanoseconds."""
        self._kinds = frozenset(settings.lures.kinds)
        self._clock, self._server = clock, server
        self.scene = scene(deployment)
        key = key_of(deployment.seed)
        self.minter = Minter(key)
        self.ledger = Ledger(settings.lures_file, key)
        self.addresses = Addresses(settings.lures, deployment.seed)
        drawn = pairs.credentials(deployment, settings.lures.credentials)
        self.credentials: tuple[Credential, ...] = drawn if "credential" in self._kinds else ()
        """Pairs that work."""
        self._passwords = [
            (one, {one.password.encode(), quote(one.password, safe="").encode()}) for one in self.credentials
        ]
        self.titles = pairs.bait_titles(deployment) if "credential" in self._kinds else ()
        """AE titles that open more than others."""
        self.routes = routes(self.scene, platform, files="file" in self._kinds)
        if "route" not in self._kinds:
            self.routes = Routes(platform, self.routes.folder, {})
        values = facts(self.scene, drawn, pairs.bait_titles(deployment), platform, self.routes.folder)
        self._values = values
        self.marks = Marks(
            deployment.seed,
            self.addresses,
            urls="url" in self._kinds,
            comment=self.study_comment(),
            images=self.scene.words["images"],
        )
        """What is put into objects that are retrieved."""
        self.watch = Watch(self.ledger, self.minter, deployment.uid_root, clock=clock)
        """What comes back from elsewhere."""
        self.documents = Documents(
            self.scene, self.addresses, next(one for one in drawn if one.place == "document"), values
        )

    def flush(self) -> None:
        """Write what waits; to be called every quarter of a second or so."""
        self.watch.flush()

    def close(self) -> None:
        """Write what waits, and close the ledger."""
        self.flush()
        self.ledger.close()

    def mark(self, instance: Marked, taker: Taker) -> str:
        """The mark of an object that `taker` is about to be given; see `marks.marked`."""
        return self.marks.of(instance, lambda lure: self.mint(lure, "url", taker, instance.sop_uid))

    def mint(self, lure: str, kind: str, taker: Taker, what: str) -> str:
        """A token for what `taker` is about to be given, on record in the ledger."""
        at = self._clock() // 1000
        token = self.minter.mint(lure, taker.session, at)
        row = Minted(canonical(token), lure, kind, taker.session, taker.connection, taker.address, at, what)
        self.ledger.add([row])
        return token

    def credential(self, username: str, password: str, *, dicom: bool = False) -> Credential | None:
        """The honeycredential that a pair is. With `dicom` it came as user identity, where all of them count."""
        found = pairs.match(self.credentials, username, password)
        return found if found is not None and (dicom or found.place != "dicom") else None

    def comment(self) -> str:
        """What stands in the source of a page as a comment, without its markup; empty: nothing."""
        return self._in_words("page", "page_comment")

    def study_comment(self) -> str:
        """Study Comments (0032,4000) of a study; empty: none."""
        return self._in_words("study", "study_comment")

    def _in_words(self, place: str, words: str) -> str:
        found = next((one for one in self.credentials if one.place == place), None)
        if found is None:
            return ""
        text: str = self.scene.words[words]
        return text.format(user=found.username, password=found.password)

    def bait(self, asked: Asked) -> Bait | None:
        """What lies at a path; None: nothing does."""
        route = self.routes.get(asked.path)
        if route is None:
            return self._missing(asked.path)
        if route.page == "slash":
            return Bait(301, (("Location", f"{asked.path}/"),), b"", "", "route")
        minted: list[str] = []

        def mint(lure: str) -> str:
            minted.append(self.mint(lure, "file", asked.taker, asked.path))
            return minted[-1]

        if route.page == "manager":
            status, headers, body, credential = self._manager(asked)
        else:
            status, headers, body, credential = 200, (), self._body(route, asked, mint), None
        headers = self._described(route, headers, body)
        kind = route.lure.partition("/")[0]
        lure = "" if route.lure in _SILENT else route.lure
        return Bait(status, headers, body, lure, kind, tuple(minted), credential, self._told_by(route.page, body))

    def form(self, path: str) -> bool:
        """Whether what is sent to a path was typed into a form of ours."""
        route = self.routes.get(path)
        return route is not None and route.page == "phpmyadmin.html"

    def refusal(self, path: str) -> Bait:
        """The answer to a form, whatever was typed into it."""
        route = self.routes.by_path[path]
        body = pages.refused(route.page, self._values)
        return Bait(200, (("Content-Type", route.type),), body, route.lure, "route")

    def _missing(self, path: str) -> Bait | None:
        """Within the folder that Orthanc's plugin serves, what isn't there is not found in the plugin's words."""
        if (
            self.routes.platform != "orthanc"
            or not path.startswith(f"/{self.routes.folder}/")
            or not self.routes.by_path
        ):
            return None
        quoted = msgspec.json.encode(path).decode()
        return Bait(404, (), pages.filled("inexistent.json", {"uri": quoted}), "", "route")

    def _body(self, route: Route, asked: Asked, mint: Callable[[str], str]) -> bytes:
        page, values = route.page, self._values
        origin = asked.origin if pages.ORIGIN.fullmatch(asked.origin) else f"https://{self.scene.host('portal')}"
        if page in ("vpn", "oncall", "guide", "shortcut", "uri", "backup"):
            made: bytes = getattr(self.documents, page)(mint)
            return made
        if page == "robots":
            return pages.robots(self.routes, origin)
        if page == "sitemap":
            guide = next((each.path for each in self.routes.files if each.page == "guide"), "")
            return pages.sitemap(self.routes, origin, guide)
        if page == "phpinfo":
            return phpinfo(values, self.scene.seed, self._server, asked.taker.address)
        if page == "server-status":
            now = self._clock() / 1e9
            return pages.server_status(values, self.scene.seed, self.routes, self._server, now)
        if page == "folder":
            return self._folder(origin)
        return pages.filled(page, values)

    def _told_by(self, page: str, body: bytes) -> tuple[str, ...]:
        inside = _INSIDE.get(page, ())
        return (*(one.lure for one in self.credentials if one.place in inside), *self.given_away(body))

    def given_away(self, text: bytes | memoryview) -> tuple[str, ...]:
        """Ids of the honeycredentials whose passwords are in what a visitor is answered."""
        data = bytes(text[:MAX_SCANNED])
        return tuple(one.lure for one, forms in self._passwords if any(form in data for form in forms))

    def _folder(self, origin: str) -> bytes:
        entries = []
        for route in self.routes.files:
            size = len(
                self._body(route, Asked(route.path, Taker("", "", "")), lambda lure: self.minter.mint(lure, "", 0))
            )
            entries.append(Entry(route.path.rpartition("/")[2], size, posix(saved(self.scene, route.page))))
        host = origin.partition("://")[2]
        return listing(self.routes.platform, self.routes.folder, entries, server=self._server, host=host).encode()

    def _manager(self, asked: Asked) -> tuple[int, Headers, bytes, Credential | None]:
        """An administrator's page, behind HTTP authentication (RFC 7617)."""
        found = None
        pair = basic(asked.authorization)
        if pair is not None:
            found = self.credential(*pair)
        if found is not None and found.role == "administrator":
            return 200, (), pages.filled("manager.html", self._values), found
        challenge = (("WWW-Authenticate", 'Basic realm="Tomcat Manager Application"'),)
        return 401, challenge, pages.filled("manager-401.html", self._values), found

    def _described(self, route: Route, headers: Headers, body: bytes) -> Headers:
        """Content-Type, and Last-Modified and ETag as the server makes them; pages that are made anew have none."""
        named = route.type
        if not named and route.path.endswith(_TRASH) and ("Debian" in self._server or "Ubuntu" in self._server):
            named = "application/x-trash"  # as their mime.types has it
        kind = (("Content-Type", named),) if named else ()
        platform, moment = self.routes.platform, posix(saved(self.scene, route.page))
        if platform == "orthanc":
            # As its plugin ServeFolders has it, where the moment is no HTTP date.
            changed = time.strftime("%Y%m%dT%H%M%S", time.gmtime(moment))
            last = (("Last-Modified", changed),) if route.path.startswith(f"/{self.routes.folder}/") else ()
            tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
            return (*last, ("ETag", f'"{tag}"'), *_NOT_CACHED, *kind) if route.page != "serve-folders.json" else kind
        if route.type.startswith("text/html"):
            return (*kind, *headers)
        if platform == "cocoa":
            return (*kind, *headers, ("Accept-Ranges", "bytes"))
        tag = {
            "apache": f'"{len(body):x}-{moment * 1_000_000:x}"',
            "nginx": f'"{moment:x}-{len(body):x}"',
            "iis": f'"{(moment + 11_644_473_600) * 10_000_000:x}:0"',
            "java": f'W/"{len(body)}-{moment * 1000}"',
        }[platform]
        modified, entity = ("Last-Modified", formatdate(moment, usegmt=True)), ("ETag", tag)
        ranges = ("Accept-Ranges", "bytes")
        if platform == "java":
            return (*kind, *headers, ranges, entity, modified)
        return (*kind, *headers, modified, entity, ranges)


@contextmanager
def laid_out(settings: Settings, deployment: Deployment, persona: Persona) -> Iterator[Lures]:
    """The bait of a deployment behind the web server that its persona is."""
    lures = of_persona(settings, deployment, persona)
    try:
        yield lures
    finally:
        lures.close()


def of_persona(settings: Settings, deployment: Deployment, persona: Persona) -> Lures:
    """As `laid_out`; to be closed."""
    server = persona.http.server(deployment)
    platform = platform_of(server, face=persona.http.face, seed=deployment.seed, runtime=persona.http.runtime)
    return Lures(settings, deployment, platform=platform, server=server)


def basic(authorization: str) -> tuple[str, str] | None:
    """User name and password of a Basic Authorization field (RFC 7617); None if it is none."""
    scheme, _, text = authorization[:MAX_AUTHORIZATION].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(text.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    username, colon, password = decoded.partition(":")
    return (username, password) if colon else None
