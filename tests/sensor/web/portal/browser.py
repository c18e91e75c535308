"""A browser of few words: asks the portal's site, keeps its cookie, and reads what comes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from dicomhawk.evidence.recorder import ConnectionRecord
from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.message import BodyTooLarge, Headers, Pair, Request, Response, Stored
from dicomhawk.sensor.web.portal.desk import Desk
from dicomhawk.sensor.web.portal.site import Portal
from dicomhawk.sensor.web.portal.skin import Skin

BOUNDARY = "----formboundary7MA4YWxkTrZu0gW"


class Content:
    """The body of a request, in pieces."""

    def __init__(self, data: bytes, piece: int = 5000) -> None:
        self._data = data
        self._piece = piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._data), self._piece):
            yield self._data[at : at + self._piece]

    async def read(self, limit: int) -> bytes:
        if len(self._data) > limit:
            raise BodyTooLarge
        return self._data


@dataclass
class Answer:
    """What came back."""

    response: Response
    data: bytes

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def text(self) -> str:
        return self.data.decode()

    def header(self, name: str) -> str:
        found = [value for key, value in self.response.headers if key.lower() == name.lower()]
        return found[0] if found else ""

    def hidden(self, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', self.text)
        assert found is not None, f"there is no field {name}"
        return unescape(found[1])

    def links(self, path: str) -> list[str]:
        """Addresses on the page with that path, each once."""
        found = (unescape(link) for link in re.findall(r'(?:href|src)="([^"]*)"', self.text))
        return list(dict.fromkeys(link for link in found if link.startswith(path)))


@dataclass
class Browser:
    """One visitor."""

    site: Portal
    record: ConnectionRecord
    visitor: str
    cookies: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Portal, backing: Backing, visitor: str) -> Browser:
        record = backing.recorder.open((visitor, 50000), ("10.0.0.1", 80), protocol="http")
        return cls(site, record, visitor)

    @property
    def desk(self) -> Desk:
        return self.site.desk

    @property
    def skin(self) -> Skin:
        return self.site.desk.skin

    def href(self, page: str, /, **values: object) -> str:
        return self.desk.pages.href(page, **values)

    async def get(self, target: str, *, method: str = "GET", headers: tuple[Pair, ...] = ()) -> Answer:
        return await self.ask(method, target, b"", headers)

    async def post(self, target: str, form: Mapping[str, str]) -> Answer:
        """Send a form; names are those of `addresses.PARAMETERS`."""
        named = {self.skin.parameters.get(name, name): value for name, value in form.items()}
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return await self.ask("POST", target, urlencode(named).encode(), (kind,))

    async def send_files(self, files: Mapping[str, bytes], token: str) -> Answer:
        """Send a form with files."""
        parts = [_part(f'name="{self.skin.parameters["token"]}"', token.encode())]
        name = self.skin.parameters["file"]
        parts += [_part(f'name="{name}"; filename="{file}"', data) for file, data in files.items()]
        body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
        kind = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        return await self.ask("POST", self.href("upload"), body, (kind,))

    async def ask(self, method: str, target: str, body: bytes, headers: tuple[Pair, ...] = ()) -> Answer:
        parts = urlsplit(target)
        sent = [*headers]
        if self.cookies:
            sent.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        request = Request(
            method=method,
            target=target,
            path=unquote(parts.path, errors="replace"),
            query=tuple(parse_qsl(parts.query, keep_blank_values=True, errors="replace")),
            headers=Headers(sent),
            body=Content(body),
            visitor=self.visitor,
            record=self.record,
        )
        response = await self.site(request)
        for name, value in response.headers:
            if name == "Set-Cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return Answer(response, await _whole(response))

    async def sign_in(self, role: str = "reader") -> Answer:
        """With the honeycredential of a role."""
        bait = next(each for each in self.desk.baits if each.role == role)
        return await self.try_pair(bait.username, bait.password)

    async def try_pair(self, username: str, password: str, **more: str) -> Answer:
        page = await self.get(self.href("login"))
        token = page.hidden(self.skin.parameters["token"]) if page.status == 200 else ""
        form = {"user": username, "password": password, "token": token, **more}
        return await self.post(self.href("login"), form)


def _part(disposition: str, data: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + data + b"\r\n"


async def _whole(response: Response) -> bytes:
    body = response.body
    if isinstance(body, Stored):
        return bytes(body.data)
    if isinstance(body, bytes | memoryview):
        return bytes(body)
    pieces = [bytes(part.data if isinstance(part, Stored) else part) async for part in body]
    return b"".join(pieces)
