"""Names of a product that doesn't exist, its maker's and its version's, drawn from a deployment's seed."""

from __future__ import annotations

import random
from typing import Final, NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


REAL: Final = frozenset(
    _words(
        """
        adobe agfa alma ambra amicas aris aspyra aurora avreo barco brit candelis canon carestream centricity cerner
        change claron clario conserus cortex dicom dynamic eizo elekta emageon epic ergo esaote essilor evident
        evolved exa fuji fovia ge glint guerbet hologic horos hyland image impax infinitt insignia intelerad
        intellispace isite konica lumeon magic mach7 mckesson meddream medis medica medical medweb merge mim mirada
        nexus nilread novarad nuance oehm olea onis openrad optimum orthanc osirix osimis paxera paxeramed philips
        picom pukka purview radiant radnet ramsoft rasna renesas rogan rubicon sante sectra siemens softneta sorna
        spectra star syngo synapse synedra tela terarecon tomtec topcon tiani toshiba unisight vaica varian
        viatronix vidar viewpoint visage visbion vital vitrea viztek voyager vue weasis xero zillion
        """
    )
)
"""Names that products or makers of this field have, or that would be taken for one of theirs."""

_BEGINNINGS: Final = _words(
    "Al Ar As Bel Bor Cal Cer Cor Dal Del Dor El Er Fal Fer Gal Hel Il Jor Kal Kor Lan Lor Mar Mer Mor Nel Nor Or "
    "Pel Por Qua Ral Ren Ros Sal Ser Sol Tal Tor Ul Val Ver Vol Wel Xan Yor Zer Zor"
)
_MIDDLES: Final = _words("a e i o u a e i o ade ema ena eva ida ima ina ona ova")
_ENDINGS: Final = _words(
    "dis dor gis lis lon lor mis mon nex nia nis nor phis quis ra ran rex ria ris rix ron ros sis tis tor trix vas "
    "ven via vis von xa xia xis"
)
_SECOND: Final = ("PACS", "Web", "Portal", "Imaging", "RadWeb", "WebView", "Archive", "View", "Clinical", "Connect")
_THIRD: Final = ("", "", "", " Web", " Enterprise", " Clinic", " Pro", " Portal")
_KINDS: Final = {
    "DK": ("{} Medical A/S", "{} Medico A/S", "{} Healthcare IT ApS"),
    "DE": ("{} Medizintechnik GmbH", "{} Medical Systems GmbH", "{} Health IT AG", "{} Bildsysteme GmbH"),
    "GB": ("{} Medical Systems Ltd", "{} Healthcare Ltd", "{} Imaging Solutions Ltd"),
    "US": ("{} Medical Systems, Inc.", "{} Healthcare LLC", "{} Imaging, Inc."),
    "ES": ("{} Sistemas Médicos S.L.", "{} Salud Digital S.A.", "{} Imagen Médica S.L."),
    "FI": ("{} Medical Oy", "{} Terveysteknologia Oy"),
    "FR": ("{} Imagerie SAS", "{} Santé SA", "{} Systèmes Médicaux SARL"),
    "IT": ("{} Sistemi Medicali S.r.l.", "{} Sanità S.p.A.", "{} Imaging S.r.l."),
    "NO": ("{} Medisin AS", "{} Helsedata AS", "{} Medical AS"),
    "NL": ("{} Medical B.V.", "{} Zorg ICT B.V.", "{} Medische Systemen B.V."),
    "SE": ("{} Medicinteknik AB", "{} Vårdsystem AB", "{} Medical AB"),
}


class Product(NamedTuple):
    """What the login box says."""

    name: str
    """As in ``Corelis RadWeb``."""
    word: str
    """Its own part of it."""
    vendor: str
    version: str
    build: str
    bought: int
    """Year of the version."""


def word(source: random.Random) -> str:
    """A word that nothing is called."""
    while True:
        made = source.choice(_BEGINNINGS) + source.choice(_MIDDLES) + source.choice(_ENDINGS)
        if not any(made.lower().startswith(name) or name.startswith(made.lower()) for name in REAL):
            return made


def product(source: random.Random, country: str) -> Product:
    """A product, made in `country` (ISO 3166, two letters) or elsewhere in Europe."""
    name = word(source)
    maker = name if source.random() < 0.3 else word(source)
    kinds = _KINDS.get(country, _KINDS["GB"]) if source.random() < 0.7 else _KINDS[source.choice(sorted(_KINDS))]
    second = source.choice(_SECOND)
    joined = source.choice(("{0} {1}{2}", "{0}{1}{2}", "{0} {1}{2}", "{0}.{1}", "{0}-{1}{2}"))
    third = source.choice([each for each in _THIRD if each.strip() != second])
    major, minor, patch = source.randint(2, 9), source.randint(0, 9), source.randint(0, 14)
    year = source.randint(2018, 2020)
    build = f"{source.randint(100, 9999)}"
    version = source.choice(
        (
            f"{major}.{minor}.{patch}",
            f"{major}.{minor}",
            f"{major}.{minor}.{patch}.{build}",
            f"{year}.{source.randint(1, 4)}",
            f"{major}.{minor} SP{source.randint(1, 4)}",
            f"R{major}.{minor}.{patch}",
        )
    )
    return Product(joined.format(name, second, third), name, source.choice(kinds).format(maker), version, build, year)
