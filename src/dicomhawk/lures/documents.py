"""The documents that lie in the folder of a deployment, written at the moment of their download."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..hospital.typesetting import Line, pdf
from ..hospital.world.draw import digits, draw
from .addresses import Addresses
from .credentials import Credential
from .files.docx import docx
from .files.opc import zipped
from .files.pdf import with_address
from .files.shortcuts import uri_list, url_shortcut
from .files.xlsx import xlsx
from .pages import filled
from .scene import Scene, saved

WEEKS = 10
"""In an on-call list."""
_PRODUCERS = ("Microsoft: Print To PDF", "Acrobat Distiller 10.1.16 (Windows)", "GPL Ghostscript 9.27")

Mint = Callable[[str], str]
"""A new token for the lure with that id."""


class Documents(NamedTuple):
    """What documents are written from."""

    scene: Scene
    addresses: Addresses
    credential: Credential
    """The pair that they give away."""
    values: Mapping[str, str]

    def vpn(self, mint: Mint) -> bytes:
        """How to work from home: a text document."""
        picture = template = ""
        if self.addresses.has("docx"):
            token = mint("file/vpn")
            picture = self.addresses.url("docx", token, "logo.png")
            template = self.addresses.url("docx", token, "Normal.dotm")
        words = self.scene.words
        return docx(
            words["vpn_title"],
            [self._told(text) for text in words["vpn"]],
            author=self.scene.readers[0],
            moment=saved(self.scene, "vpn"),
            picture_url=picture,
            template_url=template,
        )

    def oncall(self, mint: Mint) -> bytes:
        """Who is on call: a workbook."""
        url = self.addresses.url("xlsx", mint("file/oncall"), "logo.png") if self.addresses.has("xlsx") else ""
        source = draw(self.scene.seed, "lures", "oncall")
        moment = saved(self.scene, "oncall")
        week = source.randint(1, 52 - WEEKS)
        rows = [self.scene.words["oncall"]]
        for number in range(WEEKS):
            first, second = source.sample(self.scene.readers, 2)
            user = f"{self.credential.username} / {self.credential.password}" if number == 0 else ""
            rows.append([f"{week + number}/{moment[0]}", first, second, self._phone(number), user])
        title = self._told(self.scene.words["oncall_title"])
        return xlsx(title, rows, author=self.scene.technicians[0], moment=moment, picture_url=url)

    def guide(self, mint: Mint) -> bytes:
        """How others see images: a PDF."""
        url = self.addresses.url("pdf", mint("file/guide"), "viewer") if self.addresses.has("pdf") else ""
        words, moment = self.scene.words, saved(self.scene, "guide")
        shown = f"https://{self.scene.host('portal')}/viewer"
        lines = [
            Line(self.scene.deployment.hospital, 14, bold=True, after=1),
            Line(self.scene.department, 9, after=18),
            Line(words["guide_title"], 13, bold=True, after=10),
            *(Line(self._told(text, url=shown), 10.5, after=8) for text in words["guide"]),
        ]
        producer = draw(self.scene.seed, "lures", "producer").choice(_PRODUCERS)
        created = "{:04}{:02}{:02}{:02}{:02}{:02}".format(*moment)
        made = pdf(lines, title=words["guide_title"], producer=producer, created=created)
        return with_address(made, url) if url else made

    def shortcut(self, mint: Mint) -> bytes:
        """A link to the portal, as people keep it on their desktop."""
        if not self.addresses.has("shortcut"):
            return url_shortcut(f"https://{self.scene.host('portal')}/")
        token = mint("file/shortcut")
        return url_shortcut(self.addresses.url("shortcut", token, "login"), self.addresses.host(token))

    def uri(self, mint: Mint) -> bytes:
        """Where an object is to be had."""
        if not self.addresses.has("shortcut"):
            return uri_list(f"https://{self.scene.host('portal')}/wado?requestType=WADO")
        return uri_list(self.addresses.url("shortcut", mint("file/uri"), "wado"))

    def backup(self, mint: Mint) -> bytes:
        """A backup of the portal: configuration, a part of its database, and what lay about."""
        words = self.scene.words
        files = {
            "conf/portal.properties": filled("properties.txt", self.values),
            "conf/wado.xml": filled("wado.xml", self.values),
            "conf/dicom_nodes.txt": filled("nodes.txt", self.values),
            f"db/{self.values['schema']}.sql": filled("dump.sql.txt", self.values),
            f"doc/{_plain_name(words['vpn_file'])}": self.vpn(mint),
            "doc/portal.url": self.shortcut(mint),
        }
        return zipped(files, saved(self.scene, "backup"))

    def _told(self, text: str, url: str = "") -> str:
        at = self.scene
        return text.format(
            hospital=at.deployment.hospital,
            department=at.department,
            host=at.host("gateway"),
            address=at.machines["gateway"].address,
            portal=at.host("portal"),
            user=self.credential.username,
            password=self.credential.password,
            name=at.technicians[1],
            phone=self._phone(0),
            year=at.year,
            url=url,
        )

    def _phone(self, number: int) -> str:
        """An extension: no number that could be called from outside."""
        source = draw(self.scene.seed, "lures", "phone")
        first = int(digits("####", source)[:2])
        return f"{first}{draw(self.scene.seed, 'lures', 'phone', number).randrange(100):02d}"


def _plain_name(name: str) -> str:
    """A name that any program unpacks."""
    return name.encode("ascii", "replace").decode().replace("?", "_")
