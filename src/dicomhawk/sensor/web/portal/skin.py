"""How the portal of one deployment looks and what its addresses are called: all of it drawn from the seed.

A stranger who has found one portal must not find the others by it. So nothing that is specific enough to be searched
for is written in a template: names of classes, files, fields, cookies and pages, colours, fonts, layout, titles and
the order of things all come from here.
"""

from __future__ import annotations

import colorsys
import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from ....hospital.world.draw import draw
from ....lures.routes import Platform
from ....settings import Deployment
from .addresses import BASES, ENDS, FILES, FOLDERS, MANNERS, PAGES, PARAMETERS, spelt
from .marks import Mark, icon, svg
from .naming import Product, product
from .session import Spelling
from .symbols import Symbols

_FONTS: Final = (
    '"Segoe UI", Tahoma, Arial, sans-serif',
    "Tahoma, Verdana, Arial, sans-serif",
    '"Helvetica Neue", Helvetica, Arial, sans-serif',
    "Verdana, Geneva, sans-serif",
    'Arial, "Liberation Sans", sans-serif',
    '"Open Sans", "Segoe UI", Arial, sans-serif',
    '"Trebuchet MS", Tahoma, Arial, sans-serif',
    '"Lucida Grande", "Lucida Sans Unicode", Arial, sans-serif',
)
_TITLES: Final = (
    "{product} - {page}",
    "{page} | {product}",
    "{product} :: {page}",
    "{page} - {hospital}",
    "{product} {version} - {page}",
    "{hospital} | {product}",
    "{product}: {page}",
    "{page} \u2013 {product} \u2013 {hospital}",
)
_HEADERS: Final = (
    ("X-Frame-Options", ("SAMEORIGIN", "DENY", "sameorigin")),
    ("X-Content-Type-Options", ("nosniff",)),
    ("X-XSS-Protection", ("1; mode=block", "1", "0")),
    ("X-UA-Compatible", ("IE=edge", "IE=Edge,chrome=1", "IE=EmulateIE11")),
    ("Referrer-Policy", ("same-origin", "no-referrer-when-downgrade", "strict-origin-when-cross-origin")),
    (
        "Content-Security-Policy",
        ("frame-ancestors 'self'", "default-src 'self' 'unsafe-inline'; img-src 'self' blob: data:"),
    ),
    ("X-Permitted-Cross-Domain-Policies", ("none", "master-only")),
)
_OFTEN: Final = (0.8, 0.65, 0.55, 0.4, 0.25, 0.2, 0.1)
"""How often a product of that age had each of the headers."""
_CACHING: Final = (
    "no-cache, no-store, must-revalidate",
    "no-store, no-cache",
    "private, no-cache",
    "no-cache",
    "private, max-age=0, must-revalidate",
)
Part = Literal["login", "nav", "search", "table", "buttons", "viewer", "thumbnails"]
_LAYOUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "login": ("centre", "side", "band"),
    "nav": ("top", "top", "side", "tabs"),
    "search": ("above", "above", "beside"),
    "table": ("striped", "lined", "grid"),
    "buttons": ("flat", "gradient", "outline"),
    "viewer": ("left", "bottom", "left"),
    "thumbnails": ("cards", "rows"),
}
COLUMNS: Final = (
    "name",
    "identifier",
    "born",
    "date",
    "modality",
    "text",
    "accession",
    "images",
    "referrer",
    "status",
)
_FEWER: Final = ("born", "referrer", "images")
"""Columns of the worklist that some products don't have."""
_HUES: Final = (
    (200, 222),
    (200, 222),
    (205, 215),
    (176, 192),
    (140, 165),
    (222, 240),
    (342, 356),
    (20, 32),
    (264, 280),
)


def colour(hue: float, saturation: float, lightness: float) -> str:
    """A colour as CSS has it, of a hue in degrees and two parts of one."""
    red, green, blue = colorsys.hls_to_rgb((hue % 360) / 360, lightness, saturation)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


@dataclass(frozen=True)
class Cookie:
    """The session's cookie: its name, and what is said of it."""

    name: str
    attributes: tuple[str, ...]
    spelling: Spelling
    seconds: int
    """How long a session lasts."""


class Skin:
    """The look of one deployment."""

    def __init__(self, deployment: Deployment, platform: Platform = "java") -> None:
        """`platform`: what the web server is."""
        self.seed = deployment.seed
        self.hospital = deployment.hospital
        self.country = deployment.locale.partition("_")[2]
        self.product: Product = product(self._draw("product"), self.country)
        self.symbols = Symbols(deployment.seed, self.product.word)
        source = self._draw("layout")
        self.layout = {name: source.choice(choices) for name, choices in _LAYOUTS.items()}
        self.colours = _colours(self._draw("colours"))
        self.sizes = _sizes(source)
        self.font = source.choice(_FONTS)
        self.columns = _columns(source)
        self.rows = source.choice((15, 20, 25, 30, 40, 50))
        self.period = source.choice(("today", "3", "7", "7"))
        """Days that the worklist shows at first."""
        self.title = source.choice(_TITLES)
        self.doctype = source.choice(
            (
                "<!DOCTYPE html>",
                "<!doctype html>",
                '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
                '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
            )
        )
        self.short_tags = source.random() < 0.5
        self.icon_relation = source.choice(("icon", "shortcut icon"))
        self.responsive = source.random() < 0.5
        self.labels = source.random() < 0.6
        self.remembers = source.random() < 0.4
        self.completes = source.random() < 0.5
        self.warns = source.random() < 0.6
        self.shows_build = source.random() < 0.4
        self.html_type = source.choice(
            ("text/html; charset=utf-8", "text/html;charset=UTF-8", "text/html; charset=UTF-8")
        )
        self.script_type = source.choice(
            ("application/javascript", "text/javascript", "application/javascript; charset=utf-8")
        )
        self.shape_header = (
            f"X-{self.symbols.prefix.capitalize()}-{source.choice(('Window', 'Voi', 'Display', 'Image'))}"
        )
        """Of images: the window that they are in, for the viewer."""
        self.extension = source.randint(2000, 8999)
        """Of the hospital's help desk."""
        self._addresses(self._draw("addresses"), platform)
        self.headers = _headers(self._draw("headers"), platform, self.paths["login"])
        self.cookie = _cookie(self._draw("cookie"), self.product)

    def _draw(self, what: str) -> random.Random:
        return draw(self.seed, "portal", what)

    def _addresses(self, source: random.Random, platform: Platform) -> None:
        word = self.product.word.lower()
        self.base = source.choice(BASES).format(w=word, p=self.symbols.prefix)
        manner, end = source.choice(MANNERS), source.choice(ENDS[platform])
        module = source.choice(("", "", "/ui", "/main", "/pages", "/view"))
        self.paths = {
            page: f"{self.base}{module}/{spelt(source.choice(names), manner)}{end}" for page, names in PAGES.items()
        }
        manner = source.choice((*MANNERS, "hungarian"))
        self.parameters = _distinct({name: spelt(source.choice(names), manner) for name, names in PARAMETERS.items()})
        folder = source.choice(FOLDERS)
        stamped = source.choice(("query", "name", "folder"))
        stamp = {
            "query": self.product.version.split()[0].replace(".", ""),
            "name": f"{source.getrandbits(32):08x}",
            "folder": f"{self.product.version.split()[0]}",
        }[stamped]
        self.files: dict[str, str] = {}
        self.links: dict[str, str] = {}
        for name, names in FILES.items():
            extension = {"style": "css", "logo": "svg", "bar_logo": "svg", "icon": "ico"}.get(name, "js")
            stem = source.choice(names)
            if stamped == "name":
                stem = f"{stem}.{hashlib.sha256(f'{stamp}{name}'.encode()).hexdigest()[:8]}"
            within = f"/{stamp}" if stamped == "folder" else ""
            kind = {"css": "css", "svg": "img", "ico": "img"}.get(extension, "js")
            path = f"{self.base}/{folder}{within}/{kind}/{self.symbols.prefix}-{stem}.{extension}"
            self.files[path] = name
            self.links[name] = path + (f"?v={stamp}" if stamped == "query" else "")

    @cached_property
    def mark(self) -> Mark:
        """The product's figure."""
        return Mark(self._draw("mark"), self.colours["mark"], self.colours["mark2"])

    @cached_property
    def logo(self) -> str:
        """An SVG for the login page."""
        return svg(self.mark, self.product.name, self.colours["ink"], self._draw("logo"), self.font.replace('"', "'"))

    @cached_property
    def bar_logo(self) -> str:
        """The same for the top bar, in its colours."""
        mark = Mark(self._draw("mark"), self.colours["bar_ink"], self.colours["bar_mark"])
        return svg(mark, self.product.name, self.colours["bar_ink"], self._draw("logo"), self.font.replace('"', "'"))

    @cached_property
    def icon(self) -> bytes:
        """The favicon."""
        return icon(self.mark)

    def page_title(self, page: str) -> str:
        """What the browser's tab says."""
        return self.title.format(
            product=self.product.name, page=page, hospital=self.hospital, version=self.product.version
        )


def _distinct(names: dict[str, str]) -> dict[str, str]:
    """No name twice, as a form may have two of these fields."""
    seen: set[str] = set()
    for key, name in names.items():
        while name.lower() in seen:
            name += "2"
        seen.add(name.lower())
        names[key] = name
    return names


def _columns(source: random.Random) -> tuple[str, ...]:
    chosen = [name for name in COLUMNS if name not in _FEWER or source.random() < 0.6]
    first = source.choice((["name", "identifier"], ["identifier", "name"], ["date", "name", "identifier"]))
    if source.random() < 0.4:
        chosen.remove("status")
        first = ["status", *first]
    rest = [name for name in chosen if name not in first]
    if source.random() < 0.5:
        rest.sort(key=lambda name: (name == "status", source.random()))
    return (*first, *rest)


def _sizes(source: random.Random) -> dict[str, str]:
    text = source.choice((12, 12, 13, 13))
    return {
        "text": f"{text}px",
        "small": f"{text - 1}px",
        "large": f"{text + source.choice((3, 4, 5))}px",
        "round": source.choice(("0", "2px", "3px", "4px")),
        "cell": source.choice(("3px 6px", "4px 6px", "4px 8px", "5px 8px")),
        "bar": f"{source.choice((38, 40, 44, 46, 50))}px",
        "login": f"{source.choice((330, 350, 360, 380, 400))}px",
        "gap": f"{source.choice((8, 10, 12, 14))}px",
        "side": f"{source.choice((168, 176, 184, 196))}px",
    }


def _colours(source: random.Random) -> dict[str, str]:
    low, high = source.choice(_HUES)
    hue = source.uniform(low, high)
    other = (hue + source.choice((-150, -28, 24, 32, 160, 185))) % 360
    strength = source.uniform(0.35, 0.75)
    dark_bar = source.random() < 0.75
    bar = (
        colour(hue, strength, source.uniform(0.2, 0.38))
        if dark_bar
        else source.choice(("#f4f5f6", "#eef1f4", "#f8f8f8"))
    )
    grey = source.uniform(0.0, 0.12)
    return {
        "main": colour(hue, strength, source.uniform(0.34, 0.44)),
        "deep": colour(hue, strength, source.uniform(0.2, 0.29)),
        "mark": colour(hue, min(1.0, strength + 0.2), source.uniform(0.36, 0.46)),
        "mark2": colour(other, source.uniform(0.5, 0.85), source.uniform(0.42, 0.56)),
        "accent": colour(other, source.uniform(0.45, 0.75), source.uniform(0.38, 0.46)),
        "bar": bar,
        "bar_ink": "#ffffff" if dark_bar else colour(hue, 0.2, 0.24),
        "bar_mark": colour(other, 0.6, 0.72) if dark_bar else colour(other, 0.6, 0.45),
        "ink": colour(hue, grey, source.uniform(0.16, 0.25)),
        "soft": colour(hue, grey, source.uniform(0.4, 0.5)),
        "line": colour(hue, grey * 1.5, source.uniform(0.8, 0.87)),
        "back": colour(hue, grey, source.uniform(0.93, 0.965)),
        "paper": "#ffffff",
        "stripe": colour(hue, grey * 2, source.uniform(0.962, 0.975)),
        "hover": colour(hue, 0.55, source.uniform(0.9, 0.94)),
        "head": colour(hue, source.uniform(0.05, 0.25), source.uniform(0.84, 0.92)),
        "link": colour(hue, min(1.0, strength + 0.25), source.uniform(0.32, 0.4)),
        "good": colour(source.uniform(110, 145), 0.45, 0.36),
        "warn": colour(source.uniform(28, 42), 0.8, 0.42),
        "bad": colour(source.uniform(350, 365), 0.6, 0.42),
    }


def _headers(source: random.Random, platform: Platform, login: str) -> tuple[tuple[str, str], ...]:
    chosen = [
        (name, source.choice(values))
        for (name, values), often in zip(_HEADERS, _OFTEN, strict=True)
        if source.random() < often
    ]
    chosen.append(("Cache-Control", source.choice(_CACHING)))
    if source.random() < 0.5:
        chosen.append(("Pragma", "no-cache"))
    if source.random() < 0.3:
        chosen.append(("Expires", source.choice(("0", "-1", "Thu, 01 Jan 1970 00:00:00 GMT"))))
    source.shuffle(chosen)
    return (*chosen, *_runtime(source, platform, login))


def _runtime(source: random.Random, platform: Platform, login: str) -> list[tuple[str, str]]:
    """What runtimes add by themselves, unless somebody has switched it off."""
    luck, release = source.random(), source.choice(("7.2.24", "7.3.11", "7.4.3", "7.2.34", "7.4.33", "7.3.33"))
    if platform == "iis" and luck < 0.7:
        version = [("X-AspNet-Version", "4.0.30319")] if luck < 0.45 else []
        return [*version, ("X-Powered-By", "ASP.NET")]
    if login.endswith(".php") and luck < 0.6:
        return [("X-Powered-By", f"PHP/{release}")]
    return []


def _cookie(source: random.Random, made: Product) -> Cookie:
    word = made.word
    name = source.choice(
        (
            f"{word.upper()}SESSID",
            f"{word}_sid",
            f"{word.lower()}.session",
            f".{word.upper()}AUTH",
            f"{word}Token",
            f"{word[:4].upper()}_SESSION",
        )
    )
    attributes = [f"{source.choice(('Path', 'path'))}=/"]
    attributes.append(source.choice(("HttpOnly", "httponly", "HttpOnly")))
    if source.random() < 0.35:
        attributes.append(f"SameSite={source.choice(('Lax', 'Strict'))}")
    spelling: Spelling = source.choice(("base64", "hex", "HEX"))
    return Cookie(name, tuple(attributes), spelling, source.choice((1200, 1800, 3600, 7200, 28800)))
