"""Names in the place of names: the same for the same, with the same key, and nothing else can be told from them."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from ipaddress import ip_address, ip_network
from pathlib import Path

from ...settings import SettingsError

KEY_FILE = "research.key"
KEY_BYTES = 32
NAME_BYTES = 10
"""Of a pseudonym: two of a billion visitors have the same with a chance of one in a million."""
_PREFIXES = {4: 24, 6: 48}
"""Bits of a network, by the version of the protocol."""


def key_of(path: Path) -> bytes:
    """The key in a file, which is made if there is none, for its owner alone. Raises `SettingsError`."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise SettingsError(f"The key {path} can't be used: {error.strerror}.") from None
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES:
        raise SettingsError(f"The key {path} is not {KEY_BYTES} bytes or more in hexadecimal.")
    return key


class Pseudonyms:
    """All names of one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def identifier(self) -> str:
        """Tells data sets of one key from others, and nothing of the key."""
        return self._name("key", b"", 4)

    def visitor(self, address: str) -> str:
        """Of an address."""
        return f"v{self._name('visitor', _packed(address))}"

    def network(self, address: str) -> str:
        """Of the /24 (IPv6: /48) that an address is in."""
        try:
            at = ip_address(address)
        except ValueError:
            return f"n{self._name('network', address.encode())}"
        network = ip_network((at, _PREFIXES[at.version]), strict=False)
        return f"n{self._name('network', network.network_address.packed)}"

    def of(self, kind: str, name: str) -> str:
        """Of anything else that has a name: a session (whose own has a moment in it), a sensor, a file, an actor."""
        return f"{kind[0]}{self._name(kind, name.encode('utf-8', 'surrogatepass'))}" if name else ""

    def _name(self, kind: str, value: bytes, length: int = NAME_BYTES) -> str:
        return hmac.digest(self._key, kind.encode() + b"\0" + value, hashlib.sha256)[:length].hex()


def _packed(address: str) -> bytes:
    try:
        return ip_address(address).packed
    except ValueError:
        return address.encode("utf-8", "surrogatepass")
