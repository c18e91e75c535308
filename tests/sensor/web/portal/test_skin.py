"""No two deployments are alike, and each is the same in every worker."""

from __future__ import annotations

import random
import re

import pytest

from dicomhawk.hospital.deployment import draw_deployment, locales
from dicomhawk.lures.routes import platform_of, routes
from dicomhawk.lures.scene import scene
from dicomhawk.persona.model import library
from dicomhawk.sensor.web.portal import naming
from dicomhawk.sensor.web.portal.addresses import PAGES, PARAMETERS
from dicomhawk.sensor.web.portal.pages import Pages
from dicomhawk.sensor.web.portal.session import Session
from dicomhawk.sensor.web.portal.skin import Skin
from dicomhawk.sensor.web.portal.speech import Speech, words

SEEDS = [f"{random.Random(number).getrandbits(128):032x}" for number in range(24)]
_ATTRIBUTES = re.compile(r"""(?:class|id|for|name)=["']([^"']+)["']""")
_SELECTORS = re.compile(r"[.#]([A-Za-z_-][\w-]*)(?=[^;}]*\{)")
_NAMES = re.compile(r"(?:var|function|catch \()\s*([A-Za-z_$][\w$]*)")
_HTML = {"viewport"}
"""Names that HTML itself has."""


def pages_of(seed: str, locale: str = "en_GB") -> Pages:
    deployment = draw_deployment(seed=seed, locale=locale)
    return Pages(Skin(deployment), Speech(seed, locale))


def tokens(pages: Pages) -> set[str]:
    """Everything by which a search could find a portal: names of classes, fields, files, cookies and in scripts."""
    skin = pages.skin
    text = sign_in(pages)
    found = {name for value in _ATTRIBUTES.findall(text) for name in value.split()} - _HTML
    found -= set(skin.parameters.values())
    found |= set(_SELECTORS.findall(pages.files["style"][1].decode()))
    for name in ("script", "viewer_script"):
        found |= set(_NAMES.findall(pages.files[name][1].decode()))
    found |= {path.rpartition("/")[2] for path in skin.files}
    found |= {skin.cookie.name, skin.product.name, skin.product.word, skin.shape_header}
    found |= {skin.page_title("X"), skin.logo, pages.files["style"][1].decode(), skin.icon.hex(), text}
    return found


def sign_in(pages: Pages) -> str:
    more = {"notice": "", "notice_kind": "", "next": "", "username": "", "comment": "", "token": "t"}
    session = Session("00", 0)
    return pages.render("login.html", "login", "x", me=session, area="login", menu=(), **more).decode()


def test_two_deployments_share_no_token() -> None:
    seen: dict[str, str] = {}
    for seed in SEEDS:
        for token in tokens(pages_of(seed)):
            assert token not in seen, f"{token[:80]!r} is in {seed} and in {seen[token]}"
            seen[token] = seed


def test_a_deployment_is_the_same_in_every_worker() -> None:
    one, other = pages_of(SEEDS[0]), pages_of(SEEDS[0])
    assert one.files == other.files
    assert one.skin.paths == other.skin.paths
    assert sign_in(one) == sign_in(other)


def test_no_mark_of_ours_is_left() -> None:
    for seed in SEEDS:
        pages = pages_of(seed)
        for name in ("style", "script", "viewer_script"):
            text = pages.files[name][1].decode()
            assert not re.search(r"(?<![\w&-])_[a-z]", text), name
            assert not re.search(r"\$[a-z]|\{\{|/\*|//(?!www)", text), name
        assert "<!--" not in sign_in(pages)


def test_names_in_scripts_and_pages_are_distinct() -> None:
    sources = "".join(_sources())
    concepts = set(re.findall(r"(?<![\w&-])_([a-z][a-z0-9]*(?:_[a-z0-9]+)*)\b", sources))
    variables = set(re.findall(r"\$([a-z][A-Za-z0-9]*)", sources))
    for seed in SEEDS:
        symbols = pages_of(seed).skin.symbols
        assert len({symbols.of(concept) for concept in concepts}) == len(concepts)
        assert len({symbols.script(name) for name in variables}) == len(variables)


def _sources() -> list[str]:
    from importlib import resources

    root = resources.files("dicomhawk.sensor.web.portal")
    return [file.read_text() for folder in ("static", "templates") for file in (root / folder).iterdir()]


def test_addresses_and_fields_are_distinct() -> None:
    for seed in SEEDS:
        skin = pages_of(seed).skin
        assert len(set(skin.paths.values())) == len(PAGES)
        assert len({name.lower() for name in skin.parameters.values()}) == len(PARAMETERS)
        assert len(skin.files) == len(skin.links)
        assert not set(skin.files) & set(skin.paths.values())


def test_styles_differ() -> None:
    skins = [pages_of(seed).skin for seed in SEEDS]
    for part in skins[0].layout:
        assert len({skin.layout[part] for skin in skins}) > 1, part
    assert len({skin.base for skin in skins}) > 6
    assert len({skin.columns for skin in skins}) > 12
    assert len({tuple(name for name, _ in skin.headers) for skin in skins}) > 12
    assert len({skin.title for skin in skins}) > 4


def test_products_are_nobodys() -> None:
    for number in range(600):
        product = naming.product(random.Random(number), "DK")
        assert product.word.lower() not in naming.REAL
        assert not any(product.word.lower().startswith(name) for name in naming.REAL)
        assert 2018 <= product.bought <= 2020


@pytest.mark.parametrize("platform", ["java", "iis", "apache", "nginx", "cocoa"])
def test_addresses_fit_the_server(platform: str) -> None:
    ends = {"java": ".php .aspx", "iis": ".php .jsp .do", "apache": ".aspx .jsp .do", "nginx": ".aspx .jsp .do"}
    ends["cocoa"] = ".php .aspx .htm .html .jsp .do .action .jsf"
    for seed in SEEDS:
        skin = Skin(draw_deployment(seed=seed, locale="en_GB"), platform)  # type: ignore[arg-type]
        assert not any(skin.paths["login"].endswith(end) for end in ends[platform].split())


@pytest.mark.parametrize("locale", locales())
def test_every_locale_has_its_words(locale: str) -> None:
    speech = Speech(SEEDS[1], locale)
    assert speech.tag == locale.replace("_", "-")
    assert speech.language.partition("_")[0] == locale.partition("_")[0]
    assert speech.of("login.locked", minutes=5, extension=4410)
    assert speech.read_day(speech.day("20240131")) == "20240131"
    assert set(words(speech.language)) == set(words("en"))


def test_a_desktop_application_is_no_php() -> None:
    http = library.load("horos").http
    for seed in SEEDS:
        deployment = draw_deployment(seed=seed, locale="en_GB")
        platform = platform_of(http.server(deployment), face=http.face, seed=seed, runtime=http.runtime)
        skin = Skin(deployment, platform)
        assert not any("." in path.rpartition("/")[2] for path in skin.paths.values())
        assert "X-Powered-By" not in dict(skin.headers)
        bait = routes(scene(deployment), platform).by_path
        assert "/robots.txt" in bait
        assert not any(path.startswith(("/.env", "/.git")) or ".php" in path for path in bait)


def test_runtimes_are_those_of_the_server() -> None:
    def powered(platform: str) -> set[str]:
        made = [Skin(draw_deployment(seed=seed, locale="en_GB"), platform) for seed in SEEDS]  # type: ignore[arg-type]
        return {dict(skin.headers).get("X-Powered-By", "") for skin in made}

    assert powered("java") == {""}
    assert powered("iis") == {"", "ASP.NET"}
    assert all(value == "" or value.startswith("PHP/7") for value in powered("apache"))


def test_what_stands_side_by_side_is_worded_alike() -> None:
    for seed in SEEDS:
        speech, table = Speech(seed, "en_GB"), words("en")
        first, second = table["list.from"], table["list.to"]
        assert first.index(speech.of("list.from")) == second.index(speech.of("list.to"))
