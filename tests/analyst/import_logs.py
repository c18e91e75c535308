"""Lines as other honeypots write them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 1, 12, 8, 30, 5)
Line = dict[str, Any]


def write(path: Path, lines: Iterable[Line | str]) -> Path:
    """One line each; a name in .gz is packed."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


class Dicompot:
    """What dicompot logs of visits, in the order in which it does."""

    def __init__(self, at: datetime = START) -> None:
        self.lines: list[Line] = []
        self.at = at
        self._last = 1736670605000000000

    def wait(self, **time: float) -> None:
        self.at += timedelta(**time)

    def log(self, level: str, message: str, **fields: object) -> None:
        self.lines.append({**fields, "level": level, "msg": message, "time": f"{self.at:%Y-%m-%d %H:%M:%S}"})

    def open(self, address: str, port: int = 40000) -> str:
        self._last += 1
        key = str(self._last)
        self.log("warning", "Connection from", IP=address, Port=str(port), ID=key)
        return key

    def client(self, key: str, version: str = "OFFIS_DCMTK_362") -> None:
        self.log("info", "Client", Version=version, ID=key)

    def echo(self, key: str) -> None:
        self.log("info", "Received", Command="C-ECHO", ID=key)

    def find(self, key: str, matches: int, **terms: str) -> None:
        for keyword, term in terms.items():
            self.log("info", "C-FIND Search", Type=keyword, Term=term, ID=key)
        self.log("warning", "C-FIND Search result", Matches=matches, ID=key)
        self.log("info", "Received", Command="C-FIND", ID=key)

    def get(self, key: str, files: int, **terms: str) -> None:
        for keyword, term in terms.items():
            self.log("info", "C-FIND Search", Type=keyword, Term=term, ID=key)
        self.log("warning", "C-FIND Search result", Matches=files, ID=key)
        self.log("info", "Received", Command="C-GET", Files=files, ID=key)

    def move(self, key: str, matches: int, **terms: str) -> None:
        self.log("info", "Received", Command="C-MOVE", ID=key)
        for keyword, term in terms.items():
            self.log("info", "C-FIND Search", Type=keyword, Term=term, ID=key)
        self.log("warning", "C-FIND Search result", Matches=matches, ID=key)

    def finish(self, key: str) -> None:
        self.log("warning", "Connection", Status="Finished", ID=key)

    def probe(self, address: str) -> str:
        key = self.open(address)
        self.client(key)
        self.finish(key)
        return key


TPOT = {
    "ID": "id",
    "IP": "src_ip",
    "Port": "src_port",
    "AETitle": "aetitle",
    "Command": "input",
    "Files": "files",
    "Identifier": "identifier",
    "Matches": "matches",
    "Status": "session",
    "Version": "version",
}


def as_tpot(lines: Sequence[Line], *, wrapped: bool = False) -> list[Line]:
    """The same lines as T-Pot's Elasticsearch has them; `wrapped` as tools that export it do."""
    found = []
    for line in lines:
        renamed = {TPOT.get(key, key): value for key, value in line.items() if key != "time"}
        if "src_port" in renamed:
            renamed["src_port"] = int(renamed["src_port"])
        renamed |= {
            "@timestamp": line["time"].replace(" ", "T") + ".000Z",
            "@version": "1",
            "type": "Dicompot",
            "path": "/data/dicompot/log/dicompot.log",
            "t-pot_hostname": "pot",
        }
        found.append({"_index": "logstash-2025.01.12", "_id": "x", "_source": renamed} if wrapped else renamed)
    return found
