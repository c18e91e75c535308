"""Honeycredentials: pairs and AE titles that work, and that nobody has a reason to know.

They look like what hospitals use: a shared account with a season and a year, an administrator's with the place in it,
a service's from a generator. Each lies in one kind of place, so that its use says where its user has been.
"""

from __future__ import annotations

import hmac
import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ..hospital.world.draw import draw
from ..settings import Deployment, HoneyCredential, Remote
from .scene import YEARS, Scene, scene

Role = Literal["reader", "administrator"]
Place = Literal["page", "study", "config", "environment", "basic", "dicom", "document", "operator"]
"""Where it lies: a page's source, a study's comment, a configuration or backup, a `.env`, what clients with HTTP
authentication have, what DICOM clients have, an office document; or wherever the operator has put it."""

_GENERATED = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_ADMINISTRATORS = ("pacsadmin", "pacs_admin", "padmin", "adm.pacs", "svc_pacsadm", "risadmin")
_SERVICES = ("svc_portal", "webviewer", "imgportal", "portal_rw", "appuser", "viewersvc")
_CLIENTS = ("wado", "wadouser", "viewer", "dcmweb", "integration", "eprview")
_MODALITIES = ("dicom", "modality", "mwluser", "storescu", "gateway", "router")
_OUTSIDE = ("TELERAD", "RESEARCH", "EXTREAD", "NIGHTREAD", "TUMORB", "AICAD", "REGARCH", "XDSGATE")


class Credential(NamedTuple):
    """A pair that works at the web doors (form or Basic), or as DICOM user identity if its place is ``dicom``."""

    lure: str
    place: Place
    username: str
    password: str
    role: Role
    name: str
    """Whose it is, as people call it."""


def credentials(deployment: Deployment, own: Sequence[HoneyCredential] = ()) -> tuple[Credential, ...]:
    """Those of a deployment, and then the operator's `own`."""
    at, source = scene(deployment), draw(deployment.seed, "lures", "credentials")
    users = source.sample(at.words["users"], 4)
    administrator, service = source.choice(_ADMINISTRATORS), source.choice(_SERVICES)
    client, modality = source.choice(_CLIENTS), source.choice(_MODALITIES)
    drawn: tuple[tuple[Place, str, str, Role, str], ...] = (
        ("page", users[0], _seasonal(at, source), "reader", at.department),
        ("study", users[1], _simple(at, source), "reader", at.department),
        ("config", administrator, _strong(at, source), "administrator", "PACS administrator"),
        ("environment", service, _generated(source), "administrator", "Portal service"),
        ("basic", client, _simple(at, source), "reader", "WADO"),
        ("dicom", modality, _simple(at, source), "reader", "DICOM"),
        ("document", users[2], _seasonal(at, source), "reader", at.department),
    )
    made = [Credential(f"credential/{place}", place, *rest) for place, *rest in drawn]  # type: ignore[arg-type]
    for number, pair in enumerate(own, 1):
        lure = f"credential/operator-{number}"
        made.append(Credential(lure, "operator", pair.username, pair.password, pair.role, pair.username))
    return tuple(made)


def match(found: Sequence[Credential], username: str, password: str) -> Credential | None:
    """The credential that a pair is; user names in any case, as products have it. Takes the same time for each."""
    hit = None
    name, secret = _encoded(username.lower()), _encoded(password)
    for credential in found:
        same = hmac.compare_digest(_encoded(credential.username.lower()), name)
        if hmac.compare_digest(_encoded(credential.password), secret) and same and hit is None:
            hit = credential
    return hit


class BaitTitle(NamedTuple):
    """An AE title that the archive knows, and a configuration file names: of a system outside the department."""

    lure: str
    remote: Remote


def bait_titles(deployment: Deployment) -> tuple[BaitTitle, ...]:
    """AE titles that open more than others where the persona asks who calls; never contacted, as no remote is."""
    at, source = scene(deployment), draw(deployment.seed, "lures", "titles")
    network = at.archive.address.rpartition(".")[0].rpartition(".")[0]
    taken = {deployment.ae_title, *at.workstations}
    suffix = source.choice(("", "1", "_SCP", "01"))
    titles = [f"{title}{suffix}" for title in source.sample(_OUTSIDE, 2)]
    return tuple(
        BaitTitle(
            f"ae-title/{number}",
            Remote(
                ae_title=title if title not in taken else f"{title}X",
                host=f"{network}.{source.randrange(1, 250)}.{source.randrange(10, 250)}",
                port=source.choice((104, 11112, 4242)),
            ),
        )
        for number, title in enumerate(titles, 1)
    )


def _year(source: random.Random) -> str:
    year = source.randint(*YEARS)
    return source.choice((str(year), str(year), f"{year % 100}"))


def _seasonal(at: Scene, source: random.Random) -> str:
    return f"{source.choice(at.words['seasons'])}{_year(source)}{source.choice(('', '!', '!', '#', '.'))}"


def _simple(at: Scene, source: random.Random) -> str:
    word = source.choice((at.place, *at.words["passwords"]))
    return (
        f"{word}{source.choice((_year(source), '123', '1234', str(source.randint(10, 99))))}{source.choice('!!#*')}"
    )


def _strong(at: Scene, source: random.Random) -> str:
    word = at.place.replace("o", "0").replace("e", "3") if source.random() < 0.4 else at.place
    return f"{word}{source.choice('-_#!')}{_generated(source, 4)}{source.randint(10, 99)}"


def _generated(source: random.Random, length: int = 16) -> str:
    return "".join(source.choices(_GENERATED, k=length))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
