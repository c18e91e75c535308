"""Imports from the stand-in for public archives, and what may go wrong on the way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from dicomhawk.cli.fetching.idc import Idc
from dicomhawk.cli.fetching.licence import attribution
from dicomhawk.cli.fetching.offers import Offer, Offered, Wanted, Work
from dicomhawk.cli.fetching.run import OnlineReport, import_online
from dicomhawk.cli.fetching.tcia import Tcia
from dicomhawk.cli.fetching.transfer import Client
from dicomhawk.hospital.rows import Instance, Patient, Series, Study
from tests.cli.archives import BUCKET, Archives, Fault, Handler, Held
from tests.hospital.importer_samples import DEPLOYMENT, NOW, catalogue

CHESTS = "CHESTS"


def client(url: str) -> Client:
    return Client(url, pause=lambda seconds: None)


def from_tcia(server: Archives, data: Path, count: int = 2, **options: Any) -> OnlineReport:
    wanted = Wanted(options.pop("collection", CHESTS), options.pop("modalities", ("CT",)), count)
    deployment = options.pop("deployment", DEPLOYMENT)
    return import_online(Tcia(client(server.nbia)), wanted, data, deployment, now=NOW, **options)


class Bucket(Idc):
    """The IDC, with the stand-in's series in the place of its index."""

    def __init__(self, server: Archives) -> None:
        super().__init__(client(server.url))
        self._held = server.series.values()

    def offers(self, wanted: Wanted, seed: str) -> Offered:
        work = Work("IDC", CHESTS, attribution("4.0"), "https://doi.org/10.0000/chests", "Somebody (2020). Chests.")
        return Offered(
            [
                Offer(item.uid, item.patient_id, work, len(item.objects), size(item), f"{BUCKET}/{item.uuid}")
                for item in self._held
            ],
            Counter(),
        )


def size(item: Held) -> int:
    return sum(map(len, item.objects))


def from_idc(server: Archives, data: Path, count: int = 2, **options: Any) -> OnlineReport:
    return import_online(Bucket(server), Wanted("", ("CT",), count), data, DEPLOYMENT, now=NOW, **options)


def counts(data: Path) -> tuple[int, ...]:
    with catalogue(data) as rows:
        return tuple(rows.count(kind) for kind in (Patient, Study, Series, Instance))


def downloads(server: Archives) -> list[str]:
    return [path for path in server.asked if "getImage" in path or path.endswith(".dcm")]


def replacing(word: str, status: int = 200, body: bytes = b"", times: int = 10**6) -> Fault:
    left = [times]

    def fault(handler: Handler) -> bool:
        if word not in handler.path or left[0] <= 0:
            return False
        left[0] -= 1
        handler.answer(status, "application/octet-stream", body)
        return True

    return fault


def breaking(word: str, after: int, times: int = 1) -> Fault:
    """The connection ends in the midst of the body."""
    left = [times]

    def fault(handler: Handler) -> bool:
        if word not in handler.path or left[0] <= 0:
            return False
        left[0] -= 1
        content = next(content for item in handler.server.series.values() for key, content in item.keys.items()
                       if handler.path.endswith(key))  # fmt: skip
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:after])
        handler.close_connection = True
        return True

    return fault
