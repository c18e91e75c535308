"""What all parts of the services need: persona, addresses, and how this archive words things."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from ....hospital.json_model import Manner
from ....persona.model.dicomweb import AET, DicomWeb
from ..backing import Backing
from ..message import Request
from .multipart import boundary_of
from .turns import Turns

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


class Service:
    """The services below one prefix, of which the AE title is filled in."""

    def __init__(self, backing: Backing, prefix: str) -> None:
        self.backing = backing
        self.persona: DicomWeb = backing.persona.dicomweb
        self.prefix = prefix.replace(AET, backing.deployment.ae_title)
        self.turns = Turns()
        self._charset = backing.holdings.character_set
        self._boundaries: Iterator[int] = itertools.count()

    def host(self, request: Request) -> str:
        """The host that the client named, with its port."""
        host = request.headers.get("Host") or ""
        return host if _HOST.fullmatch(host) else "localhost"

    def base(self, request: Request) -> str:
        """The URL of the service, as the client sees it, without a slash at the end."""
        return f"http{'s' if request.secure else ''}://{self.host(request)}{self.prefix}"

    def boundary(self, request: Request) -> str:
        """A boundary for the parts of a response."""
        place = next(self._boundaries)
        return boundary_of((self.backing.deployment.seed, request.visitor, self.backing.clock(), place))

    def charset(self, *, texts: bool) -> str | None:
        """Specific Character Set of a match that has `texts` beyond ASCII; None: it isn't said."""
        match self.persona.character_set:
            case "utf-8":
                return "ISO_IR 192"
            case "own":
                return self._charset if texts or self._charset else None
            case _:
                return None

    def manner(self, url: str) -> Manner:
        """How data sets are written, whose bulk data are below `url`."""
        return Manner(
            bulk=lambda path: f"{url}/bulkdata/{path}",
            bulk_from=self.persona.bulk_from,
            character_set=self.persona.character_set,
        )
