"""What all handlers of one worker share, and what each gets of its request."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ....evidence.events import WebChange, WebQuery, WebRetrieve
from ....hospital.attributes import Level
from ....hospital.products.find import ProductArchive
from ....hospital.world.draw import draw
from ...ports import ports_of
from ..backing import Backing
from ..dicomweb.turns import Turns
from ..message import BodyBroken, BodyTooLarge, Request, Response
from ..state import State, path_of
from .jsoncpp import JsonError, parsed, styled
from .problems import Fault, Problem, Refusal
from .routing import Routes
from .view import Item, Library, View

FACE: Final = "orthanc"
MAX_JSON: Final = 256 << 10
"""Bytes of a body that is read whole: the longest list of resources that anybody sends has some thousand ids."""
MAX_NAMED: Final = 10_000
"""Resources that one call may name."""
MAX_DETAIL: Final = 4000
"""Characters of a body that an event repeats; the transcript has it whole."""
JSON: Final = "application/json; charset=utf-8"
TEXT: Final = "text/plain"
LEVELS: Final = {
    "patients": Level.PATIENT,
    "studies": Level.STUDY,
    "series": Level.SERIES,
    "instances": Level.IMAGE,
}
NAMES: Final = {Level.PATIENT: "Patient", Level.STUDY: "Study", Level.SERIES: "Series", Level.IMAGE: "Instance"}
DICOM_PORT: Final = 4242
HTTP_PORT: Final = 8042
"""The product's own, where settings leave them open."""
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9_-]+")
_ALLOWED: Final = ("Echo", "EventReport", "Find", "FindWorklist", "Get", "Move", "NAction", "Store", "Transcoding")
PLURALS: Final = {level: name for name, level in LEVELS.items()}


class Service:
    """What stands behind the API of one worker."""

    def __init__(
        self, backing: Backing, product: ProductArchive, folding: ProductArchive, sensitive: ProductArchive
    ) -> None:
        """`folding`, `sensitive`: the same archive, searched without regard to case, and with."""
        self.backing = backing
        self.product = product
        self.folding = folding
        self.sensitive = sensitive
        self.state = State(path_of(backing.settings), clock=backing.clock)
        self.library = Library(product, self.state)
        self.routes: Routes[Handler] = Routes()
        self.began = time.monotonic()
        self.pid = draw(backing.deployment.seed, "orthanc", "process").randint(400, 1900)
        """Number of its process, which is in the UIDs that it makes."""
        self.turns = Turns()
        self.held = 0
        """Bytes of archives that are being uploaded or unpacked."""
        self._modalities: dict[str, dict[str, Any]] | None = None

    def describe(self) -> dict[str, Any]:
        """What the system says of itself."""
        settings, persona, deployment = self.backing.settings, self.backing.persona, self.backing.deployment
        http = next(iter(ports_of(settings, persona, deployment)["web"]), 0) or HTTP_PORT
        return {
            "ApiVersion": 16,
            "CheckRevisions": False,
            "DatabaseBackendPlugin": None,
            "DatabaseVersion": 6,
            "DicomAet": deployment.ae_title,
            "DicomPort": settings.dicom.ports[0] or DICOM_PORT,
            "HttpPort": http,
            "IsHttpServerSecure": settings.web.login.required,
            "Name": "Orthanc",
            "PluginsEnabled": True,
            "StorageAreaPlugin": None,
            "Version": "1.10.1",
        }

    def modalities(self) -> dict[str, dict[str, Any]]:
        """The remote AEs of the configuration, by their names: the operator's, or else the hospital's devices."""
        if self._modalities is None:
            known = [
                (each.ae_title, each.host, each.port or DICOM_PORT) for each in self.backing.settings.dicom.remotes
            ]
            for device in () if known else self.product.objects.catalogue.devices():
                if device.role != "archive":
                    known.append((device.ae_title, device.host, device.port))
            named = {_NOT_IN_NAMES.sub("_", title.lower()): (title, host, port) for title, host, port in known}
            self._modalities = {name: modality(*values) for name, values in named.items()}
        return self._modalities


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API. `arguments`: the parts of its path that have names."""

    service: Service
    request: Request
    uri: str
    arguments: dict[str, str]
    user: str = ""
    """Who has signed in; empty: nobody was asked to."""

    @property
    def visitor(self) -> str:
        """IP address."""
        return self.request.visitor

    @property
    def now(self) -> float:
        """POSIX seconds."""
        return self.service.backing.clock()

    @property
    def state(self) -> State:
        """What visitors changed."""
        return self.service.state

    def has(self, name: str) -> bool:
        """Whether the query has an argument."""
        return self.request.argument(name) is not None

    async def view(self) -> View:
        """The archive as the visitor sees it."""
        return await self.service.library.view(self.visitor, self.now)

    async def item(self, view: View, level: Level) -> Item:
        """What the path names. Raises `Problem`."""
        found = await view.find(level, self.arguments["id"])
        if found is None:
            raise Problem(Fault.RESOURCE)
        return found

    async def named(self, view: View, names: Iterable[str], unknown: str = "") -> list[Item]:
        """What these ids are of, each once. Raises `Problem` if one of them is of nothing, which `unknown` and it
        tell of."""
        found = []
        for name in list(dict.fromkeys(names))[:MAX_NAMED]:
            item = await view.find_any(name)
            if item is None:
                raise Problem(Fault.RESOURCE, unknown and unknown + name)
            found.append(item)
            await asyncio.sleep(0)
        return found

    async def body(self) -> bytes:
        """The whole body. Raises `Problem`."""
        try:
            return await self.request.body.read(MAX_JSON)
        except BodyTooLarge:
            raise Problem(Fault.FILE) from None
        except BodyBroken:
            raise Refusal(400) from None

    async def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `Problem`."""
        try:
            found = parsed(await self.body())
        except JsonError:
            found = None
        if not isinstance(found, dict):
            raise Problem(Fault.REQUEST, "The body must contain a JSON object")
        return found

    def changed(
        self,
        call: str,
        target: str | None = None,
        detail: str | None = None,
        outcome: Any = "success",
        password: str | None = None,
    ) -> None:
        """Tell of a call that would have changed something. `password`: what of it is a secret."""
        detail = detail[:MAX_DETAIL] if detail else None
        target = target if target is not None else self.uri
        self.request.record.emit(
            WebChange(face=FACE, call=call, target=target, detail=detail, password=password, outcome=outcome)
        )

    def queried(self, level: Level | None, matches: int, *, face: str = FACE, **more: Any) -> None:
        """Tell of a search or a list."""
        name = None if level is None else level.name
        self.request.record.emit(WebQuery(face=face, level=name, matches=matches, outcome="success", **more))

    def retrieved(self, what: str, item: Item, *, face: str = FACE, **more: Any) -> None:
        """Tell of something that is sent of an item."""
        ids: tuple[str | None, ...] = (*item.ids, None, None, None)
        self.request.record.emit(
            WebRetrieve(
                face=face,
                what=what,
                level=item.level.name,
                patient_id=ids[0],
                study_uid=ids[1],
                series_uid=ids[2],
                sop_instance=ids[3],
                outcome="success",
                **more,
            )
        )


Handler = Callable[[Call], Awaitable[Response]]


def modality(aet: str, host: str, port: int, manufacturer: str = "Generic") -> dict[str, Any]:
    """The configuration of a modality."""
    found: dict[str, Any] = {f"Allow{name}": True for name in _ALLOWED}
    found |= {"AET": aet, "Host": host, "LocalAet": "", "Manufacturer": manufacturer, "Port": port, "Timeout": 0}
    return found | {"UseDicomTls": False}


def json_response(value: Any) -> Response:
    """An answer in JSON."""
    return styled_response(styled(value))


def styled_response(text: str) -> Response:
    """An answer in JSON that is styled already."""
    return Response(200, [("Content-Type", JSON)], text.encode())


def text_response(text: str, kind: str = TEXT) -> Response:
    """An answer in text."""
    return Response(200, [("Content-Type", kind)], text.encode("utf-8", "replace"))


def stamp(moment: float) -> str:
    """A moment (POSIX seconds) as Orthanc writes it: in UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%S")


def readable(value: str) -> str:
    """A kept value, which has one character for each byte of its UTF-8, as text."""
    return value if value.isascii() else value.encode("latin-1", "replace").decode("utf-8", "replace")
