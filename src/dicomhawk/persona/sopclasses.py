"""SOP classes and transfer syntaxes by name and by group, from the PS3.6 registry."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources

from ..hospital.registry import UIDS
from ..settings import SettingsError

VERIFICATION = "1.2.840.10008.1.1"
MODALITY_WORKLIST_FIND = "1.2.840.10008.5.1.4.31"

PATIENT_ROOT_FIND, PATIENT_ROOT_MOVE, PATIENT_ROOT_GET = (f"1.2.840.10008.5.1.4.1.2.1.{n}" for n in (1, 2, 3))
STUDY_ROOT_FIND, STUDY_ROOT_MOVE, STUDY_ROOT_GET = (f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 2, 3))
PATIENT_STUDY_FIND, PATIENT_STUDY_MOVE, PATIENT_STUDY_GET = (f"1.2.840.10008.5.1.4.1.2.3.{n}" for n in (1, 2, 3))
PATIENT_ROOT = (PATIENT_ROOT_FIND, PATIENT_ROOT_MOVE, PATIENT_ROOT_GET)
STUDY_ROOT = (STUDY_ROOT_FIND, STUDY_ROOT_MOVE, STUDY_ROOT_GET)
PATIENT_STUDY_ONLY = (PATIENT_STUDY_FIND, PATIENT_STUDY_MOVE, PATIENT_STUDY_GET)
QUERY_RETRIEVE = PATIENT_ROOT + STUDY_ROOT + PATIENT_STUDY_ONLY
FIND = frozenset({PATIENT_ROOT_FIND, STUDY_ROOT_FIND, PATIENT_STUDY_FIND, MODALITY_WORKLIST_FIND})
MOVE = frozenset({PATIENT_ROOT_MOVE, STUDY_ROOT_MOVE, PATIENT_STUDY_MOVE})
GET = frozenset({PATIENT_ROOT_GET, STUDY_ROOT_GET, PATIENT_STUDY_GET})
RETRIEVE = GET | MOVE

_NAMES = {
    "implicit-le": "1.2.840.10008.1.2",
    "explicit-le": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "explicit-be": "1.2.840.10008.1.2.2",
    "jpeg": "1.2.840.10008.1.2.4.50",
    "jpeg-lossless": "1.2.840.10008.1.2.4.70",
    "jpeg-2000-lossless": "1.2.840.10008.1.2.4.90",
    "rle": "1.2.840.10008.1.2.5",
}
_NOT_STORAGE = frozenset({"Media Storage Directory Storage"})


@cache
def storage() -> tuple[str, ...]:
    """Every storage SOP class of PS3.4 annex B and I, the retired ones that are still met included."""
    return tuple(
        uid
        for uid, (name, kind, _info, _retired, _keyword) in UIDS.items()
        if kind == "SOP Class" and "Storage" in name and "Commitment" not in name and name not in _NOT_STORAGE
    )


@cache
def compressed() -> tuple[str, ...]:
    """The encapsulated transfer syntaxes of PS3.5 annex A.4, and the deflated one."""
    return (
        _NAMES["deflated"],
        *(
            uid
            for uid, (name, kind, _info, _retired, _keyword) in UIDS.items()
            if kind == "Transfer Syntax" and (uid.startswith("1.2.840.10008.1.2.4.") or "RLE" in name)
        ),
    )


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    """Groups of abstract syntaxes by name; those of products are in ``groups.toml``, by keyword or UID."""
    text = (resources.files(__package__) / "groups.toml").read_text(encoding="utf-8")
    found = {name: _uids(group) for name, group in tomllib.loads(text).items()}
    return {
        "storage": storage(),
        "query-retrieve": QUERY_RETRIEVE,
        "worklist": (MODALITY_WORKLIST_FIND,),
        **found,
    }


@cache
def _by_keyword() -> dict[str, str]:
    return {entry[4]: uid for uid, entry in UIDS.items() if entry[4]}


def _uids(names: Iterable[str]) -> tuple[str, ...]:
    found = []
    for name in names:
        uid = name if name[:1].isdigit() else _by_keyword().get(name)
        if uid is None:
            raise SettingsError(f"The persona names an unknown SOP class {name!r}.")
        found.append(uid)
    return tuple(found)


def abstract_syntaxes(names: tuple[str, ...]) -> tuple[str, ...]:
    """UIDs of abstract syntaxes given by group, keyword of the PS3.6 registry, or UID. Raises `SettingsError`."""
    groups = _groups()
    found: list[str] = []
    for name in names:
        found += groups[name] if name in groups else _uids([name])
    return tuple(dict.fromkeys(found))


def transfer_syntax(name: str) -> str:
    """The UID of a transfer syntax given by name or UID."""
    return _NAMES.get(name, name)


def transfer_syntaxes(names: tuple[str, ...]) -> tuple[str, ...]:
    """UIDs of transfer syntaxes given by group (``uncompressed``, ``compressed``), name or UID."""
    found: list[str] = []
    for name in names:
        if name == "uncompressed":
            found += [_NAMES["explicit-le"], _NAMES["implicit-le"], _NAMES["explicit-be"]]
        elif name == "compressed":
            found += compressed()
        elif name in _NAMES:
            found.append(_NAMES[name])
        elif name[:1].isdigit():
            found.append(name)
        else:
            raise SettingsError(f"The persona names an unknown transfer syntax {name!r}.")
    return tuple(dict.fromkeys(found))


def group_names() -> tuple[str, ...]:
    """Names of the groups of abstract syntaxes."""
    return tuple(_groups())


def keyword(uid: str) -> str:
    """The keyword of a SOP class in the PS3.6 registry if it leads back to it, else its UID."""
    entry = UIDS.get(uid)
    return entry[4] if entry and entry[4] and _by_keyword().get(entry[4]) == uid else uid


def names(uids: Iterable[str]) -> tuple[str, ...]:
    """Transfer syntaxes by name where there is one."""
    short = {uid: name for name, uid in _NAMES.items()}
    return tuple(short.get(uid, uid) for uid in uids)
