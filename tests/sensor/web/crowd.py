"""A crowd of browsers and API clients on loopback: what they ask, what they got, and how long it took.

Each has an address of its own, keeps connections as browsers do (up to six), drops them now and then, and looks at
what it got for a moment before it goes on. A door that ends an idle connection isn't at fault: whoever finds it ended
takes a new one, as browsers do.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from dicomhawk.lures.credentials import Credential, credentials
from dicomhawk.lures.routes import platform_of
from dicomhawk.persona.model import library
from dicomhawk.sensor.web.portal.pages import Pages
from dicomhawk.sensor.web.portal.skin import Skin
from dicomhawk.sensor.web.portal.speech import Speech
from dicomhawk.settings import load

CONNECTIONS = 6
"""Of a browser to one server."""
PATIENCE = 60.0
"""Seconds until a request counts as lost."""
PICTURED = ("CT", "MR", "CR", "DX", "US")
"""Modalities of series that have pictures."""
NEW = 0.2
"""Part of the requests that are sent on a new connection although there is an old one."""


@dataclass
class Account:
    """What came of all requests: seconds of each by what was asked, and what went wrong."""

    took: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def every(self) -> list[float]:
        """Seconds of all requests."""
        return [each for kind in self.took.values() for each in kind]

    def lines(self) -> Iterable[str]:
        """A table."""
        for name, seconds in [*sorted(self.took.items()), ("all", self.every)]:
            parts = " ".join(
                f"p{share * 100:g} {quantile(seconds, share) * 1000:6.0f}" for share in (0.5, 0.95, 0.99)
            )
            yield f"{name:>12} {len(seconds):6} requests, ms: {parts} max {max(seconds) * 1000:6.0f}"


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Got:
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Ended(Exception):
    """The connection had ended before anything came."""


class Visitor:
    """One address, its cookies and its connections."""

    def __init__(self, port: int, address: str, account: Account, seed: int) -> None:
        self.port = port
        self.address = address
        self.account = account
        self.chance = random.Random(seed)
        self.headers: dict[str, str] = {"Host": f"127.0.0.1:{port}", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
        self.cookies: dict[str, str] = {}
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def ask(
        self,
        kind: str,
        target: str,
        *,
        method: str = "GET",
        body: bytes = b"",
        expected: tuple[int, ...] = (200,),
        **headers: str,
    ) -> Got:
        """One request; its time counts as `kind`."""
        fields = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body:
            fields["Content-Length"] = str(len(body))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        async with self._places:
            began = time.perf_counter()
            try:
                async with asyncio.timeout(PATIENCE):
                    got = await self._exchange(f"{head}\r\n".encode() + body)
            except (OSError, TimeoutError, _Ended, asyncio.IncompleteReadError, ValueError) as error:
                self.account.wrong.append(f"{method} {target}: {error!r}")
                return Got(0, {}, b"")
            self.account.took.setdefault(kind, []).append(time.perf_counter() - began)
        if got.status not in expected:
            self.account.wrong.append(f"{method} {target}: {got.status}")
        return got

    async def together(self, kind: str, targets: Iterable[str], **headers: str) -> list[Got]:
        """Several at once, as a browser asks for pictures."""
        return await asyncio.gather(*(self.ask(kind, target, **headers) for target in targets))

    async def close(self) -> None:
        """Leave."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _exchange(self, data: bytes) -> Got:
        fresh = not self._idle or self.chance.random() < NEW
        reader, writer = await self._connect() if fresh else self._idle.pop()
        try:
            got, keep = await self._over(reader, writer, data)
        except (_Ended, ConnectionResetError, BrokenPipeError):
            writer.close()
            if fresh:
                raise
            reader, writer = await self._connect()
            got, keep = await self._over(reader, writer, data)
        if keep and len(self._idle) < CONNECTIONS:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return got

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.account.connections += 1
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0), limit=1 << 20)

    async def _over(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
    ) -> tuple[Got, bool]:
        writer.write(data)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                raise _Ended from None
            raise
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers: dict[str, str] = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
            if name.lower() == "set-cookie":
                cookie, _, rest = value.strip().partition("=")
                self.cookies[cookie] = rest.partition(";")[0]
        keep = headers.get("connection", "").lower() != "close"
        if status in (204, 304) or data.startswith(b"HEAD "):
            body = b""
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            body = await _chunks(reader)
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body, keep = await reader.read(), False
        return Got(status, headers, body), keep


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(pieces)


Visit = Callable[[Visitor, "Pause"], Awaitable[None]]
Pause = Callable[[], Awaitable[None]]


class Portal:
    """Where a deployment's portal is, and what opens it."""

    def __init__(self, data: Path, studies: Sequence[str], persona: str = "plain") -> None:
        """`studies`: UIDs of those that are looked at."""
        self.studies = studies
        deployment = load(data=data, environment={}).deployment
        assert deployment is not None
        http = library.load(persona).http
        platform = platform_of(http.server(deployment), face="portal", seed=deployment.seed)
        self.skin = Skin(deployment, platform)
        self.pages = Pages(self.skin, Speech(deployment.seed, deployment.locale))
        self.href = self.pages.href
        self._credentials = credentials(deployment)

    def bait(self, role: str = "reader") -> Credential:
        """A pair that opens it."""
        return next(each for each in self._credentials if each.role == role and each.place != "dicom")

    async def sign_in(self, visitor: Visitor, role: str = "reader") -> None:
        """With a honeycredential."""
        page = await visitor.ask("page", self.href("login"))
        name, pair = self.skin.parameters, self.bait(role)
        found = re.search(rf'name="{re.escape(name["token"])}" value="([^"]*)"', page.text)
        form = {
            name["user"]: pair.username,
            name["password"]: pair.password,
            name["token"]: unescape(found[1]) if found else "",
        }
        await visitor.ask(
            "sign-in",
            self.href("login"),
            method="POST",
            body=urlencode(form).encode(),
            expected=(302,),
            Content_Type="application/x-www-form-urlencoded",
        )

    async def visit(self, visitor: Visitor, pause: Pause) -> None:
        """Sign in, look for somebody, look at a study and at some images of it."""
        href, chance = self.href, visitor.chance
        visitor.cookies.clear()
        await self.sign_in(visitor)
        await visitor.together("file", list(self.skin.files))
        modality = chance.choice(("CT", "MR", "CR", "US", "DX"))
        await visitor.ask("page", href("worklist", period="all", modality=modality))
        await pause()
        page = await visitor.ask("page", href("study", study=chance.choice(self.studies)))
        await visitor.together("picture", links(page.text, self.skin.paths["thumbnail"])[:8])
        await pause()
        viewers = links(page.text, self.skin.paths["viewer"])
        if viewers:
            page = await visitor.ask("page", viewers[-1])
            plain = links(page.text, self.skin.paths["image"])
            names = re.findall(r'\["([0-9.]{10,64})",', page.text) or re.findall(r"\[&#34;([0-9.]+)&#34;,", page.text)
            if plain and names:
                base = re.sub(rf"([?&]{self.skin.parameters['object']}=)[^&]*", "", plain[0])
                asked = (f"{base}&{self.skin.parameters['object']}={name}" for name in names[:6])
                await visitor.together("picture", asked)
            await pause()
        reports = links(page.text, self.skin.paths["report"])
        for report in reports[:1]:
            await visitor.ask("page", report)


def links(text: str, path: str) -> list[str]:
    """Addresses on a page that lead to `path`, each once."""
    found = (unescape(each) for each in re.findall(r'(?:href|src)="([^"]*)"', text))
    return list(dict.fromkeys(each for each in found if urlsplit(each).path == path))


async def dicomweb(visitor: Visitor, pause: Pause, studies: Sequence[str], prefix: str = "/dicom-web") -> None:
    """A viewer's way through QIDO-RS and WADO-RS, to one of these studies."""
    chance = visitor.chance
    await visitor.ask("qido", f"{prefix}/studies?limit=25&offset={chance.randrange(100)}&includefield=all")
    await pause()
    study = chance.choice(studies)
    series = (await visitor.ask("qido", f"{prefix}/studies/{study}/series")).json
    one = next(each for each in series if each["00080060"]["Value"][0] in PICTURED)["0020000E"]["Value"][0]
    instances = (await visitor.ask("qido", f"{prefix}/studies/{study}/series/{one}/instances?limit=6")).json
    await visitor.ask("qido", f"{prefix}/studies?PatientName=S*&StudyDate=20200101-&limit=10", expected=(200, 204))
    await pause()
    names = [each["00080018"]["Value"][0] for each in instances]
    base = f"{prefix}/studies/{study}/series/{one}/instances"
    await visitor.ask("wado", f"{base}/{names[0]}/metadata", Accept="application/dicom+json")
    await visitor.together("wado", (f"{base}/{name}" for name in names[:3]))
    pictures = (f"{base}/{name}/rendered?viewport=256,256" for name in names[:4])
    await visitor.together("picture", pictures, Accept="image/jpeg")


async def orthanc(visitor: Visitor, pause: Pause, studies: Sequence[str]) -> None:
    """A client of Orthanc's REST API, which looks for one of these studies."""
    chance = visitor.chance
    visitor.headers["Authorization"] = "Basic " + base64.b64encode(b"orthanc:orthanc").decode()
    await visitor.ask("api", "/system")
    await visitor.ask("api", "/statistics")
    await visitor.ask("page", "/app/explorer.html")
    await visitor.ask("list", f"/studies?since={chance.randrange(100)}&limit=20&expand")
    await pause()
    (named,) = (await visitor.ask("api", "/tools/lookup", method="POST", body=chance.choice(studies).encode())).json
    study = (await visitor.ask("api", named["Path"])).json
    await visitor.ask("api", f"/patients/{study['ParentPatient']}")
    every = [each.json for each in await visitor.together("api", (f"/series/{name}" for name in study["Series"]))]
    series = next(each for each in every if each["MainDicomTags"]["Modality"] in PICTURED)
    found = {"Level": "Study", "Query": {"PatientName": "S*"}, "Limit": 10, "Expand": True}
    await visitor.ask("list", "/tools/find", method="POST", body=json.dumps(found).encode())
    await pause()
    names = series["Instances"][:4]
    await visitor.together("api", (f"/instances/{name}/simplified-tags" for name in names))
    await visitor.together("picture", (f"/instances/{name}/preview" for name in names))
    await visitor.together("file", (f"/instances/{name}/file" for name in names[:2]))
    await visitor.ask("api", "/changes?limit=20")


async def crowd(
    port: int, visits: Sequence[Visit], *, seconds: float, pause: tuple[float, float], net: str = "127.7"
) -> Account:
    """As many visitors at once as there are `visits`, each at least once, and again for `seconds`.

    `pause`: seconds, from and to, that one looks at a page; `net`: the first two bytes of their addresses.
    """
    account = Account()
    until = time.monotonic() + seconds

    async def one(number: int, visit: Visit) -> None:
        visitor = Visitor(port, f"{net}.{number // 200}.{number % 200 + 2}", account, number)

        async def look() -> None:
            await asyncio.sleep(visitor.chance.uniform(*pause))

        await asyncio.sleep(visitor.chance.uniform(0, pause[1]))
        while True:
            try:
                await visit(visitor, look)
            except (ValueError, LookupError, TypeError) as error:  # of an answer that is already counted as wrong
                account.wrong.append(f"{visit}: {error!r}")
            if time.monotonic() > until:
                break
            await look()
        await visitor.close()

    await asyncio.gather(*(one(number, visit) for number, visit in enumerate(visits)))
    return account
