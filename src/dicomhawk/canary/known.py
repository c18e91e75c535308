"""Which deployments a receiver answers for: the one of its own data folder, and those that were exported to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..evidence.stamps import rfc3339
from ..lures.bait import Lures
from ..lures.catalogue import catalogue
from ..lures.ledger import MAX_IMPORTED, Ledger, Minted
from ..lures.tokens import KEY_BYTES, Minter, Token, key_of, number_of
from ..settings import Settings, SettingsError

FORMAT = 1
"""Of an export, in its first line."""
MAX_LINE = 1 << 20
"""Bytes of a line of an export; the first one, with the lures, has some KiB."""
BATCH = 1000
"""Lines that are written to the ledger at once."""


class Named(NamedTuple):
    """A lure, as tokens of a deployment name it."""

    id: str
    kind: str


class Hit(NamedTuple):
    """A token that was found, and all that is known of it."""

    deployment: str
    token: str
    lure: Named
    session: str
    at: int
    """Moment of minting, microseconds since the epoch."""
    minted: Minted | None

    @property
    def taken(self) -> str:
        """Moment of minting, RFC 3339."""
        return rfc3339(self.minted.at if self.minted is not None else self.at)


class Known:
    """The deployments of a receiver. Raises `SettingsError` if there is none, or an export can't be read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own: tuple[Minter, dict[int, Named], Ledger] | None = None
        self._imported: dict[str, tuple[Minter, dict[int, Named]]] = {}
        self._read: dict[Path, tuple[int, int]] = {}
        self.ledger = Ledger(settings.data / "canary.sqlite")
        """What was imported."""
        if settings.deployment is not None:
            key = key_of(settings.deployment.seed)
            self._own = (Minter(key), _named(settings), Ledger(settings.lures_file, key))
        for path in settings.canary.imports:
            self._import(path)
        if self._own is None and not self._imported:
            raise SettingsError(
                "There is nothing to answer for: neither a deployment in the data folder nor an export (--import)."
            )

    def close(self) -> None:
        """Close the ledgers."""
        self.ledger.close()
        if self._own is not None:
            self._own[2].close()

    def refresh(self) -> None:
        """Read exports again that have changed."""
        for path in self._settings.canary.imports:
            try:
                self._import(path)
            except SettingsError as error:
                print(error, file=sys.stderr)  # it was right once: what was read then is still there

    def find(self, text: str) -> Hit | None:
        """The first token in an address or a name."""
        if self._own is not None:
            minter, names, ledger = self._own
            hit = _hit(minter, names, ledger, text)
            if hit is not None:
                return hit
        for minter, names in self._imported.values():
            hit = _hit(minter, names, self.ledger, text)
            if hit is not None:
                return hit
        return None

    def _import(self, path: Path) -> None:
        try:
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_size
            if self._read.get(path) == stamp:
                return
            lines = _lines(path)
            key, names = _head(next(lines, {}))
            batch: list[Minted] = []
            for line in lines:
                batch.append(msgspec.convert(line, Minted))
                if len(batch) == BATCH:
                    self.ledger.add(batch)
                    batch = []
            self.ledger.add(batch)
        except OSError as error:
            raise SettingsError(f"{path} can't be read: {error.strerror}.") from None
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, TypeError, KeyError):
            raise SettingsError(f"{path} is not an export of `dicomhawk lures export`.") from None
        minter = Minter(key)
        self._imported[minter.deployment] = minter, names
        self._read[path] = stamp


def export(settings: Settings) -> Iterator[bytes]:
    """The lines of an export: what a receiver on another host needs. Whoever has it can forge tokens."""
    if settings.deployment is None:
        raise SettingsError("There is no deployment in the settings: `dicomhawk init` draws one.")
    key = key_of(settings.deployment.seed)
    lures = [{"id": name.id, "kind": name.kind} for name in _named(settings).values()]
    head = {"format": FORMAT, "deployment": Minter(key).deployment, "key": key.hex(), "lures": lures}
    yield msgspec.json.encode(head) + b"\n"
    with Ledger(settings.lures_file, key) as ledger:
        for minted in ledger.minted():
            yield msgspec.json.encode(minted) + b"\n"


def _named(settings: Settings) -> dict[int, Named]:
    """The lures of the settings' deployment, whatever server they are laid out behind."""
    assert settings.deployment is not None
    found: dict[int, Named] = {}
    lures = Lures(settings, settings.deployment)
    for lure in catalogue(lures):
        found[lure.number] = Named(lure.id, lure.kind)
    lures.close()
    return found


def _hit(minter: Minter, names: dict[int, Named], ledger: Ledger, text: str) -> Hit | None:
    found = minter.find(text)
    if found is None:
        return None
    token, said = found
    minted = ledger.get(token)
    return Hit(minter.deployment, token, _name(said, minted, names), said.session, said.at, minted)


def _name(said: Token, minted: Minted | None, names: dict[int, Named]) -> Named:
    if minted is not None:
        return Named(minted.lure, minted.kind)
    return names.get(said.lure, Named(f"{said.lure:04x}", "unknown"))


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b"")):
            if number > MAX_IMPORTED:
                raise ValueError("too many lines")
            yield msgspec.json.decode(line)


def _head(line: Any) -> tuple[bytes, dict[int, Named]]:
    if line["format"] != FORMAT:
        raise ValueError("another format")
    key = bytes.fromhex(line["key"])
    if len(key) != KEY_BYTES:
        raise ValueError("no key")
    names = {number_of(str(one["id"])): Named(str(one["id"]), str(one["kind"])) for one in line["lures"]}
    return key, names
