"""Drawing a deployment: the hospital's name, its AE title and UID root, so that no two deployments are alike."""

from __future__ import annotations

import random
import re
import secrets
import unicodedata
from collections.abc import Mapping

from dicomhawk.hospital.world.locale import available
from dicomhawk.hospital.world.locale import locale as tables_of
from dicomhawk.settings import Deployment, SettingsError

SEED_BYTES = 16
_UID_ARCS = 600, 1499
"""Above 8.498 and 10.511, under which well-known software of researchers makes its UIDs."""
_AE_TITLE_LENGTH = 16
_AE_TITLES = ("{a}PACS", "PACS_{a}", "{a}_PACS", "{a}PACS1", "{a}_ARC01", "ARC_{a}", "{a}_STORE", "{w}", "{w}_PACS")


def locales() -> list[str]:
    """Languages and countries that a hospital can be in, as in ``da_DK``."""
    return available()


def draw_deployment(
    *, locale: str | None = None, seed: str | None = None, environment: Mapping[str, str] | None = None
) -> Deployment:
    """Draw a deployment; everything in it follows from `seed` (hexadecimal; None: drawn) and `locale`.

    Without `locale` it is the host's, as the variables LC_ALL or LANG of `environment` say, if there is a
    hospital for it. Raises `SettingsError` for a locale that there is none for.
    """
    seed = seed or secrets.token_hex(SEED_BYTES)
    draw = random.Random(f"deployment {seed}")
    choices = locales()
    drawn = draw.choice(choices)
    if locale is None:
        locale = _host_locale(environment or {}, choices) or drawn
    elif locale not in choices:
        raise SettingsError(f"There is no hospital for the locale {locale}; there are: {', '.join(choices)}.")
    names = tables_of(locale).hospital
    place = draw.choice(names.beginnings) + draw.choice(names.endings)
    return Deployment(
        seed=seed,
        hospital=draw.choice(names.patterns).format(place=place),
        locale=locale,
        ae_title=_ae_title(draw, place),
        uid_root=draw.choice(_UID_ROOTS)(draw),
    )


def toml(
    deployment: Deployment,
    hospital: Mapping[str, float | None] | None = None,
    *,
    persona: str | None = None,
    port: int | None = None,
) -> str:
    """The configuration file of a new deployment; `hospital` are settings of that table that it has, too."""
    made = _FILE.format(
        **{key: _quoted(value) for key, value in deployment.model_dump().items()},
        locales=", ".join(locales()),
    )
    for key, value in (hospital or {}).items():
        if value is not None:
            made = re.sub(f"(?m)^#{key} = .*$", f"{key} = {value:g}" if value % 1 else f"{key} = {int(value)}", made)
    if persona is not None:
        made = re.sub("(?m)^#persona = .*$", lambda _: f"persona = {_quoted(persona)}", made)
    if port is not None:
        made = re.sub("(?m)^#ports = .*$", f"ports = [{port}]", made)
    return made


def _small_maker(draw: random.Random) -> str:
    """An arc as small software makers are given them, free of charge; products of many have one."""
    return f"1.2.826.0.1.3680043.{draw.choice((8, 9, 10))}.{draw.randint(*_UID_ARCS)}.{draw.randint(10**5, 10**7)}"


def _toolkit(draw: random.Random) -> str:
    """As the toolkit inside many gateways makes them: its generator's arc and the number of the host."""
    return f"1.2.276.0.7230010.3.1.{draw.choice((2, 3, 4))}.{draw.randint(10**7, 2**32 - 1)}"


def _archive(draw: random.Random) -> str:
    """As a widespread archive's generator did: its arc and the host's (private) address."""
    return f"1.2.40.0.13.1.1.10.{draw.randint(0, 255)}.{draw.randint(0, 255)}.{draw.randint(2, 254)}"


def _workstation(draw: random.Random) -> str:
    """As the generator of a widespread workstation and image server: its arc and a number of the host."""
    return f"1.3.6.1.4.1.25403.{draw.randint(10**11, 10**14)}.{draw.randint(400, 9999)}"


_UID_ROOTS = (_small_maker, _toolkit, _archive, _workstation)
"""Arcs that generators share out by host, so that nobody else's objects are named; what comes below is ours."""


def _ae_title(draw: random.Random, place: str) -> str:
    """An AE title as hospitals give them: some letters of the name, and what the machine is."""
    plain = unicodedata.normalize("NFKD", place.translate(_LETTERS)).encode("ascii", "ignore").decode()
    letters = "".join(character for character in plain.upper() if character.isalpha())
    consonants = letters[0] + "".join(character for character in letters[1:] if character not in "AEIOUY")
    word = letters[: _AE_TITLE_LENGTH - len("_PACS")]
    return draw.choice(_AE_TITLES).format(a=consonants[: draw.choice((2, 3, 4))], w=word)[:_AE_TITLE_LENGTH]


def _host_locale(environment: Mapping[str, str], choices: list[str]) -> str | None:
    name = (environment.get("LC_ALL") or environment.get("LANG") or "").partition(".")[0]
    if name in choices:
        return name
    language, _, country = name.partition("_")
    same = [choice for choice in reversed(choices) if choice.startswith(f"{language}_")]
    # Norwegian has two written languages, and the Netherlands, Finland and others more than one.
    same += [choice for choice in choices if country and choice.endswith(f"_{country}")]
    return same[0] if same else None


def _quoted(value: str) -> str:
    """A TOML basic string; the values are letters, digits and plain punctuation."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_LETTERS = str.maketrans({"ø": "oe", "Ø": "Oe", "å": "aa", "Å": "Aa", "æ": "ae", "Æ": "Ae", "ß": "ss"})

_FILE = """\
# A DICOMHawk deployment. Drawn by `dicomhawk init`; no other deployment has these values.
# The comments show the other settings with their defaults; docs/configuration.md explains them.
# Keep this file to yourself: from the seed follows everything that is false in the hospital.

#host = "127.0.0.1"    # address to listen on; "0.0.0.0" or "::" for all
#workers = 0           # processes; 0: one for each core
#persona = "plain"     # name of a shipped persona, or path of a TOML file
#sensor_name = ""      # observer.name in events; empty: the host's name
#outputs = []          # where events and alerts are sent: docs/outputs.md

[deployment]
seed = {seed}
hospital = {hospital}
locale = {locale}      # one of {locales}
ae_title = {ae_title}
uid_root = {uid_root}

[dicom]
#ports = [11112]
#remotes = []          # remote AEs that the archive knows, as in "CT01@10.20.4.11:104"; never contacted

[web]
#enabled = true
# ports = [8080]      # where web pages are served [default: where the product is found]

[tls]
#enabled = true         # doors with TLS, where the persona has them
# web_ports = [8443]    # also dicom_ports [default: where the product is found]
# certificate = "x.pem" # PEM file of your own, with the key [default: one is drawn for the deployment]

[journal]
#rotate_mib = 64

[vault]
#transcripts_mib = 4096
#objects_mib = 16384
#object_mib = 2048
#passwords = true      # false: the journal has only the SHA-256 of passwords

[hospital]
#studies = 5000       # to generate on first use
#years = 3             # over so many years
#per_day = 0           # new ones on a working day; 0: by the number of studies
#cache_mib = 2048

# Bait calls where these say when it was opened elsewhere, and `dicomhawk canary` answers there; docs/lures.md.
[lures]
#kinds = ["credential", "route", "file", "url"]
#canary_url = ""       # base of the addresses, as in "http://img.example.net"; empty: nothing calls
#canary_zone = ""      # or zone of the names, as in "img.example.net"

[canary]
#host = "127.0.0.1"    # address that `dicomhawk canary` listens on
#http_ports = [8088]
#dns_ports = []        # for canary_zone
#address = ""          # IPv4 address of all names of the zone

# Public archives, contacted by `dicomhawk hospital import --from` and nothing else.
[sources]
#tcia_url = "https://nbia.cancerimagingarchive.net/nbia-api/services/v4"
#idc_url = "https://s3.amazonaws.com"

[analyst]
#enabled = true        # false: `dicomhawk serve` starts none
#database = ""         # as in "postgresql+psycopg://user@host/name"; empty: findings.sqlite in this folder
#journals = []         # folders of other sensors' journals, to compare with
#geo = []              # MaxMind databases (.mmdb), for countries and networks

[alerts]
#quiet = ""            # hours (UTC) in which only critical ones are sent, as in "22:00-07:00"
#per_hour = 3          # of one visitor or actor

[lookups]
#providers = []        # online services that are asked about visitors, as in ["internetdb"]; none: nothing is asked

[evidence]
#sign = true           # the chain of hashes over the journal

[retention]
#journal_days = 0      # 0: kept for ever
#journal_mib = 0       # 0: no limit
#objects_days = 0

[console]
#enabled = true        # the operator's web pages; false: `dicomhawk serve` starts none
#host = "127.0.0.1"
#port = 8089
#token = ""            # to sign in with; empty: drawn, and kept in this folder
"""
