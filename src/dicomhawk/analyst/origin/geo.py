"""Country and network of an address, from databases of the operator's (.mmdb): MaxMind's, DB-IP's, IPinfo's ...

Understood: country and city databases, those of autonomous systems, and combined ones, with MaxMind's field names
(``country.iso_code``, ``autonomous_system_number``) or IPinfo's (``country_code``, ``asn``, ``as_name``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import maxminddb

from ...settings import SettingsError
from .table import Address

MAX_NAME: Final = 120
"""Characters of a network's name."""
_COUNTRIES: Final = ("country", "registered_country", "represented_country")
_NUMBERS: Final = ("autonomous_system_number", "asn", "as_number")
_NAMES: Final = ("autonomous_system_organization", "as_name", "organization", "isp", "org", "name")
_CODE: Final = re.compile(r"[A-Z]{2}")
_ASN: Final = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)


class Place(NamedTuple):
    """What databases say of an address."""

    country: str = ""
    asn: int | None = None
    network: str = ""


class Geo:
    """The databases; of several that know, the first counts."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        """Opens them. Raises `SettingsError` for one that is missing or is none."""
        self._readers = [_opened(path) for path in paths]
        metadata = [reader.metadata() for reader in self._readers]
        self.version = "+".join(f"{each.database_type} {each.build_epoch} {each.node_count}" for each in metadata)
        """Changes with the databases."""

    def of(self, address: Address) -> Place:
        """What is known. Never raises: a database that is damaged within knows nothing."""
        country, asn, network = "", None, ""
        for reader in self._readers:
            record: Any = None
            # An IPv6 address in a database that has none is a ValueError; damage can be any of these.
            with suppress(maxminddb.InvalidDatabaseError, ValueError, OSError, UnicodeDecodeError, RecursionError):
                record = reader.get(address)
            if not isinstance(record, dict):
                continue
            traits = record.get("traits")
            records = (record, traits) if isinstance(traits, dict) else (record,)
            for each in records:
                country = country or _country(each)
                asn = _asn(each) if asn is None else asn
                network = network or _network(each)
        return Place(country, asn, network)

    def close(self) -> None:
        """Give the files back."""
        for reader in self._readers:
            reader.close()


def _opened(path: Path) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path, maxminddb.MODE_AUTO)
    except FileNotFoundError:
        raise SettingsError(f"analyst.geo: {path} is not there.") from None
    except OSError as error:
        raise SettingsError(f"analyst.geo: {path} can't be read: {error.strerror}.") from None
    except (maxminddb.InvalidDatabaseError, ValueError, UnicodeDecodeError):
        raise SettingsError(f"analyst.geo: {path} is not a MaxMind database (.mmdb).") from None


def _country(record: dict[str, Any]) -> str:
    for value in (record.get("country_code"), *(record.get(name) for name in _COUNTRIES)):
        code = value.get("iso_code") if isinstance(value, dict) else value
        if isinstance(code, str) and _CODE.fullmatch(code.upper()):
            return code.upper()
    return ""


def _asn(record: dict[str, Any]) -> int | None:
    for name in _NUMBERS:
        value = record.get(name)
        found = _ASN.fullmatch(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else None
        if found and 0 < int(found[1]) < 1 << 32:
            return int(found[1])
    return None


def _network(record: dict[str, Any]) -> str:
    for name in _NAMES:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            return "".join(c for c in value.strip()[:MAX_NAME] if c.isprintable())
    return ""
