"""What a visitor was told and another comes back with: UIDs, patient IDs, tokens, honeycredentials.

All UIDs that are made here begin with the deployment's root, so that they are found in whatever is answered or asked,
on any door. What was told is written to the ledger a little later, some hundred values at once.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from .ledger import Ledger, Taker, Told
from .tokens import Minter

MAX_PENDING = 2000
"""Values that wait to be written: some milliseconds of work."""
MAX_KNOWN = 20_000
"""Values remembered as told or looked up already, each with its visitor; some 4 MB."""
MAX_SCANNED = 1 << 20
"""Bytes of an answer that are looked through, some milliseconds; the beginning of a list tells enough."""
MAX_ASKED = 64
"""Values of one request that are looked up: a visitor with more of them has given itself away with the first."""
MAX_UID = 64
"""PS3.5 section 9.1."""
LEAST_PATIENT_ID = 5
"""Characters: shorter ones are typed by everybody."""
_TAG = b"\x10\x00\x20\x00"
_IN_DATA_SET = re.compile(rb"\x10\x00\x20\x00(?:LO([\x00-\x40])\x00|([\x00-\x40])\x00\x00\x00)")
"""Patient ID (0010,0020) in explicit and implicit VR, little endian, up to its value."""
_IN_TEXT = {
    b'PatientID"': re.compile(rb'PatientID"(?<="PatientID")\s*:\s*"([^"\\]{5,64})"'),
    b'00100020"': re.compile(rb'00100020"(?<="00100020")\s*:\s*\{[^{}]{0,80}?"Value"\s*:\s*\[\s*"([^"\\]{5,64})"'),
    b"PatientID=": re.compile(rb"PatientID=(?<=[?&]PatientID=)([^&#]{5,64})"),
    b"00100020=": re.compile(rb"00100020=(?<=[?&]00100020=)([^&#]{5,64})"),
}
"""The same in JSON, and in the query of an address, by what is always in it. What comes before is looked at last: a
pattern that begins with certain bytes is found ten times as fast."""


class Reuse(NamedTuple):
    """A value that came back from another visitor than the one who was told it."""

    lure: str
    """As ``uid``, or the id of a lure."""
    kind: str
    """uid, patient, token or credential."""
    value: str
    told: Told
    token: str | None = None


class Watch:
    """Of one worker. `flush` is to be called every quarter of a second or so."""

    def __init__(
        self, ledger: Ledger, minter: Minter, uid_root: str, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._ledger, self._minter, self._clock = ledger, minter, clock
        self._root = uid_root.encode()
        root = re.escape(self._root)  # first, as in `_IN_TEXT`
        self._uid = re.compile(root + rb"(?<![0-9.]" + root + rb")(?:\.[0-9]{1,39}){1,16}")
        self._pending: dict[Taker, set[str]] = {}
        self._waiting = 0
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def answered(self, taker: Taker, data: bytes | memoryview) -> None:
        """`taker` is told the UIDs and the patient IDs in `data`: a data set, a list, a page."""
        data = bytes(data[:MAX_SCANNED])
        if self._root in data:
            self.told(taker, "uid", (found.decode() for found in self._uid.findall(data) if len(found) <= MAX_UID))
        self.told(taker, "patient", _patients(data))

    def told(self, taker: Taker, kind: str, values: Iterable[str]) -> None:
        """`taker` is told `values`: UIDs, patient IDs (``patient``) or lures (``credential``)."""
        for value in values:
            named = f"{kind} {value}"
            if self._is_known(taker.address, named):
                continue
            self._pending.setdefault(taker, set()).add(named)
            self._waiting += 1
        if self._waiting >= MAX_PENDING:
            self.flush()

    def asked(self, taker: Taker, text: bytes | bytearray) -> list[Reuse]:
        """What of others is in a request: their UIDs, patient IDs and tokens."""
        found: list[Reuse] = []
        text = bytes(text[:MAX_SCANNED])
        if self._root in text:
            values = {value.decode() for value in self._uid.findall(text)[:MAX_ASKED] if len(value) <= MAX_UID}
            for value in sorted(values):
                found += self.came_back(taker, "uid", value)
        for value in list(_patients(text))[:MAX_ASKED]:
            found += self.came_back(taker, "patient", value)
        token = self._minter.find(text.decode("latin-1"))
        if token is not None:
            name, said = token
            minted = self._ledger.get(name)
            address = minted.address if minted is not None else ""
            if said.session != taker.session and address != taker.address:
                told = Told(address, said.session, said.at)
                lure = minted.lure if minted is not None else f"{said.lure:04x}"
                found.append(Reuse(lure, "token", name, told, name))
        return found

    def came_back(self, taker: Taker, kind: str, value: str, lure: str = "") -> list[Reuse]:
        """One value in a request. It is a reuse once for each visitor; `lure` is its id, where it is one."""
        named = f"{kind} {value}"
        if self._is_known(taker.address, named):
            return []
        self.flush()
        told = self._ledger.teller(named, taker.address)
        if told is None:
            return []
        self._ledger.tell(taker, [named], self._clock() // 1000)
        return [Reuse(lure or kind, kind, value, told)]

    def flush(self) -> None:
        """Write what waits."""
        pending, self._pending, self._waiting = self._pending, {}, 0
        for taker, values in pending.items():
            self._ledger.tell(taker, values, self._clock() // 1000)

    def _is_known(self, address: str, named: str) -> bool:
        key = address, named
        if key in self._known:
            self._known.move_to_end(key)
            return True
        self._known[key] = None
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return False


def _patients(data: bytes) -> Iterator[str]:
    """Patient IDs in a data set, or in text; without those that are patterns."""
    # Nearly all data have neither; a search for bytes costs less than one for a pattern.
    for found in _IN_DATA_SET.finditer(data) if _TAG in data else ():
        length = (found[1] or found[2])[0]
        yield from _patient(data[found.end() : found.end() + length])
    for always, pattern in _IN_TEXT.items():
        for value in pattern.findall(data) if always in data else ():
            yield from _patient(unquote_to_bytes(value.replace(b"+", b" ")))


def _patient(value: bytes) -> Iterator[str]:
    text = value.decode("latin-1").strip(" \0")
    if len(text) >= LEAST_PATIENT_ID and not set("*?\\") & set(text):
        yield text
