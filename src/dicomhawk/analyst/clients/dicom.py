"""The program behind associations: by its fingerprint, and by what it does beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple

from ...evidence.documents import Document, moment_of, text_at
from ...persona.clients import Client, load

IMITATION: Final = "imitation of DCMTK"
BRUTE_TITLES: Final = 5
"""Called AE titles in a session, from which on it is nmap's guesser and not its ping."""
WAIT_US: Final = 900_000
"""The modified masscan waits a second or two for a banner before it asks; nmap asks at once."""
_ASSOCIATIONS: Final = ("dicom.association", "dicom.association.reject")
_OF_TOOLKITS: Final = frozenset({"class_uid", "version_name", "reserved"})
_VERSIONS: Final = (
    ("DCMTK, or built with it", "offis_dcmtk_"),
    ("pynetdicom", "pynetdicom_"),
    ("go-netdicom", "gonetdicom"),
    ("dcm4che", "dcm4che"),
    ("fo-dicom", "fo-dicom"),
    ("GDCM", "gdcm"),
    ("dicom-rs", "dicom-rs"),
)
"""How version names of toolkits begin, in lower case."""
_NMAP_PING: Final = "nmap dicom-ping/dicom-brute"
_NMAP_SUITE: Final = "nmap dicom-cfind-ls/dicom-store-fuzzer/dicom-info"
_MASSCAN: Final = "masscan"


class Asked(NamedTuple):
    """Associations that were asked for in the same way."""

    fingerprint: str
    """DFP; empty: the events have none (they are another honeypot's)."""
    tool: str
    """Empty: not known."""
    versions: str
    sure: bool
    """By its fingerprint; else by some properties, which others may have too."""
    times: int
    says: str
    """Implementation version name, where nobody is known."""


def asked(events: Sequence[Document]) -> list[Asked]:
    """The ways in which associations were asked for, in the order of their first one."""
    groups: dict[tuple[str, str, str], list[Document]] = {}
    after: dict[str, str] = {}
    opened: dict[str, int] = {}
    commands = set()
    for event in events:
        action = event["event"]["action"]
        if action in _ASSOCIATIONS:
            says = text_at(event, "dicom.implementation.version")
            name, dfp = text_at(event, "dicom.client.name"), text_at(event, "dicom.client.fingerprint")
            groups.setdefault((dfp, name, "" if dfp else says), []).append(event)
        elif action == "connection.open":
            opened[text_at(event, "honeypot.connection")] = moment_of(event)
        elif action == "connection.close":
            after[text_at(event, "honeypot.connection")] = text_at(event, "dicom.client.after_ac")
        commands.add(action)
    found = []
    for (dfp, name, _), group in groups.items():
        first = group[0]
        says = text_at(first, "dicom.implementation.version")
        name, versions = name or by_implementation(text_at(first, "dicom.implementation.class_uid"), says), ""
        sure = text_at(first, "dicom.client.match") == "dfp"
        if sure:
            connections = [text_at(event, "honeypot.connection") for event in group]
            done = {after.get(each, "") for each in connections} - {""}
            # A connection that is reused would count as one that waits.
            waited = all(
                each in opened and moment_of(event) - opened[each] >= WAIT_US
                for each, event in zip(connections, group, strict=True)
            )
            name, versions = _among(_rows(dfp), done, waited) or (name, "")
        titles = {text_at(event, "dicom.ae.called") for event in group}
        name = _by_titles(group) or _script(name, len(titles), commands)
        found.append(Asked(dfp, name, versions or text_at(first, "dicom.client.version"), sure, len(group), says))
    return found


def by_implementation(class_uid: str, version: str) -> str:
    """Whose names these are; empty: not known. Weak: anybody can use them."""
    if class_uid:
        for row in load().rows:
            match = row.match
            # What else a row asks for, as the scripts of nmap's, isn't known here.
            if match is None or match.class_uid is None or not match.model_fields_set <= _OF_TOOLKITS:
                continue
            named = match.version_name is None or _is(match.version_name, version)
            if row.name != IMITATION and named and _is(match.class_uid, class_uid):
                return row.name
        return ""
    lowered = version.lower()
    return next((name for name, start in _VERSIONS if lowered.startswith(start)), "")


def _by_titles(group: Iterable[Document]) -> str:
    """A program that nothing is known of but the AE titles that it has all its own."""
    pairs = {(text_at(event, "dicom.ae.called"), text_at(event, "dicom.ae.calling")) for event in group}
    if len(pairs) > 1:
        return ""
    for row in load().rows:
        match = row.match
        only_titles = match is not None and match.model_fields_set == {"called", "calling"}
        if match is not None and only_titles and pairs == {(match.called, match.calling)}:
            return row.name
    return ""


def _is(wanted: str, given: str) -> bool:
    return given.startswith(wanted[:-1]) if wanted.endswith("*") else given == wanted


@cache
def _rows(dfp: str) -> tuple[Client, ...]:
    return tuple(row for row in load().rows if dfp in row.dfp)


def _among(rows: Iterable[Client], done: set[str], waited: bool) -> tuple[str, str] | None:
    """Of programs that ask alike, the one that goes on like this: its name and versions."""
    rows = list(rows)
    if not rows:
        return None
    if len(rows) > 1:
        rows = [row for row in rows if row.name.startswith(_MASSCAN) == waited] or rows
    row = rows[0]
    if row.after_ac and done and not done & set(row.after_ac):
        return IMITATION if row.name.startswith("nmap") else row.name, ""
    return row.name, row.versions or ""


def _script(name: str, titles: int, commands: set[str]) -> str:
    """Of nmap's scripts that ask alike, the one that did this."""
    if name == _NMAP_PING:
        return "nmap dicom-brute" if titles >= BRUTE_TITLES else "nmap dicom-ping"
    if name == _NMAP_SUITE:
        if "dicom.c-store" in commands:
            return "nmap dicom-store-fuzzer"
        return "nmap dicom-cfind-ls" if "dicom.c-find" in commands else "nmap dicom-info"
    return name
