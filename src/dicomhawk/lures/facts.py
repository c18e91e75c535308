"""What the templates of fake pages are filled with: one story, the same on every page of a deployment."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from urllib.parse import quote

from ..hospital.world.draw import draw
from .credentials import BaitTitle, Credential
from .routes import Platform
from .scene import Scene, saved

_PORTS = {"pgsql": "5432", "mysql": "3306", "postgresql": "5432", "sqlserver": "1433"}
_HEX = "0123456789abcdef"


def facts(
    at: Scene, found: Sequence[Credential], titles: Sequence[BaitTitle], platform: Platform, folder: str
) -> dict[str, str]:
    """Values by the name that templates call them by."""
    source = draw(at.seed, "lures", "facts")
    driver = {"iis": "sqlserver", "java": "postgresql", "orthanc": "postgresql"}.get(
        platform, source.choice(("mysql", "mysql", "pgsql"))
    )
    wording = draw(at.seed, "lures", "wording")
    node_table = wording.choice(("dicom_node", "ae_node", "modality", "dicom_peer", "aet_list", "t_node", "station"))
    made = {
        "wording": f"{wording.getrandbits(64):016x}",
        "node_table": node_table,
        "hospital": at.deployment.hospital,
        "department": at.department,
        "place": at.place,
        "domain": at.domain,
        "base_dn": ",".join(f"DC={part}" for part in at.domain.split(".")),
        "ae_title": at.deployment.ae_title,
        "archive": at.archive.address,
        "portal_address": at.machines["portal"].address,
        "timezone": at.locale.timezone,
        "product": source.choice(("WebPACS", "Image Portal", "PACS Web", "RadWeb")),
        "driver": driver,
        "database_port": _PORTS[driver],
        "schema": source.choice((f"{at.slug}_pacs", "pacsportal", "portal", "webpacs", f"{at.slug[:4]}_portal")),
        "key": base64.b64encode(source.randbytes(32)).decode(),
        "secret": _hexadecimal(source.choices, 20),
        "hash": _hexadecimal(source.choices, 48).upper(),
        "machine_key": _hexadecimal(source.choices, 128).upper(),
        "nonce": _hexadecimal(source.choices, 32),
        "moment": "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*saved(at, "config")),
        "first_title": titles[0].remote.ae_title,
        "second_title": titles[1].remote.ae_title,
        "workstations": ",".join(at.workstations),
        "quoted_workstations": ", ".join(f"'{title}'" for title in at.workstations),
        "tomcat": f"7.0.{source.randint(26, 70)}",
        "java": str(source.choice((45, 51, 66, 73, 91, 111, 121, 131, 151, 181))),
        "java_build": f"{source.randint(12, 16)}",
        "sessions": str(source.randint(1, 14)),
        "phpmyadmin": source.choice(("3.4.11.1", "3.5.8.2", "4.0.10.10", "4.2.12", "3.3.7")),
        "folder": folder,
        "nodes": _nodes(at, found, titles),
        "node_rows": _node_rows(at, titles, node_table),
        "modalities": _modalities(titles),
    }
    made |= {role: at.host(role) for role in at.machines}
    for credential in found:
        made[f"{credential.place}_user"] = credential.username
        made[f"{credential.place}_password"] = credential.password
        made[f"{credential.place}_quoted"] = quote(credential.password, safe="")
    return made


def _hexadecimal(choices: Callable[..., list[str]], length: int) -> str:
    return "".join(choices(_HEX, k=length))


def _nodes(at: Scene, found: Sequence[Credential], titles: Sequence[BaitTitle]) -> str:
    identity = next((f"{one.username}/{one.password}" for one in found if one.place == "dicom"), "-")
    rows = [(at.deployment.ae_title, at.archive.address, 104, identity)]
    rows += [(title.remote.ae_title, title.remote.host, title.remote.port or 104, identity) for title in titles]
    return "\n".join(f"{title:<18}{host:<17}{port:<7}{identity}" for title, host, port, identity in rows)


def _node_rows(at: Scene, titles: Sequence[BaitTitle], table: str) -> str:
    rows = [(at.deployment.ae_title, at.archive.address, 104)]
    rows += [(title.remote.ae_title, title.remote.host, title.remote.port or 104) for title in titles]
    return "\n".join(
        f"INSERT INTO {table} VALUES ('{title}', '{host}', {port}, true, true);"  # noqa: S608 - a text, not asked
        for title, host, port in rows
    )


def _modalities(titles: Sequence[BaitTitle]) -> str:
    return ",\n".join(
        f'    "{title.remote.ae_title.lower()}" : [ "{title.remote.ae_title}", "{title.remote.host}", '
        f"{title.remote.port} ]"
        for title in titles
    )
