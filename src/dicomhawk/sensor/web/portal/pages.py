"""Pages and files of one deployment: templates and static files with its names in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from importlib import resources
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from ....hospital.world.draw import draw
from .listing import STUDY_KEYS, Study
from .skin import Skin
from .speech import Speech

_SHEETS: Final = ("bar", "form", "login", "study", "table", "viewer")
"""Style sheets that may come in any order behind the first, ``base``."""
MAX_ROWS: Final = 4096
"""Rows of the worklist that are kept: a few megabytes."""
MAX_ROW: Final = 4096
"""Characters of one that is kept: a visitor's own studies may have any text."""
_SCRIPTS: Final = {"script": "common.js", "viewer_script": "viewer.js"}


def source_of(folder: str, name: str) -> str | None:
    """The text of a file of the package; None: there is none."""
    try:
        return resources.files(__package__).joinpath(folder, name).read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        return None


class _Loader(BaseLoader):
    """Templates, with the deployment's names for the marks in them."""

    def __init__(self, folder: str, replace: Callable[[str], str]) -> None:
        self._folder = folder
        self._replace = replace

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        found = source_of(self._folder, template)
        if found is None:
            raise TemplateNotFound(template)
        return self._replace(found), None, None


class Pages:
    """Renders. Everything that isn't a template's own text is escaped."""

    def __init__(self, skin: Skin, speech: Speech) -> None:
        self.skin = skin
        self.speech = speech
        self._environment = self._made("templates", autoescape=True)
        self._environment.globals.update(
            skin=skin,
            s=speech,
            t=speech.of,
            f=skin.parameters,
            c=lambda concept: skin.symbols.of(concept.replace(" ", "_")),
            href=self.href,
            row=self._row,
            close=" /" if skin.short_tags else "",
        )
        self._rows: dict[tuple[object, ...], Markup] = {}
        self._squeezed = draw(skin.seed, "portal", "pages").choice((True, False, False))

    def _made(self, folder: str, *, autoescape: bool) -> Environment:
        return Environment(
            loader=_Loader(folder, self.skin.symbols.replace),
            autoescape=autoescape,  # noqa: S701 - off for style sheets and scripts, in which nothing is a stranger's
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def href(self, page: str, /, **values: object) -> str:
        """The address of a page; `values` by the names of `addresses.PARAMETERS`, without those that are None."""
        named = {self.skin.parameters[name]: str(value) for name, value in values.items() if value is not None}
        return self.skin.paths[page] + (f"?{urlencode(named)}" if named else "")

    def render(self, template: str, page: str, heading: str, **values: Any) -> bytes:
        """A page in UTF-8."""
        text = self._environment.get_template(template).render(
            page=page, heading=heading, title=self.skin.page_title(heading), **values
        )
        lines = (line.strip() if self._squeezed else line.rstrip() for line in text.split("\n"))
        return "\n".join(line for line in lines if line).encode()

    def _row(self, study: Study) -> Markup:
        """A row of the worklist. The same studies are in everybody's lists, and rows are most of a page's cost."""
        key = (study.status, study.has_images, study.said, *map(study.text, STUDY_KEYS))
        found = self._rows.get(key)
        if found is None:
            rendered = self._environment.get_template("row.html").render(study=study).rstrip("\n")
            found = Markup(rendered)  # noqa: S704 - a template's, which escapes
            if len(self._rows) >= MAX_ROWS:
                self._rows.clear()
            if len(rendered) <= MAX_ROW:
                self._rows[key] = found
        return found

    @cached_property
    def files(self) -> dict[str, tuple[str, bytes]]:
        """Type and content of the static files, by name."""
        skin, plain = self.skin, self._made("static", autoescape=False)
        order = list(_SHEETS)
        draw(skin.seed, "portal", "sheets").shuffle(order)
        written = skin.symbols.script_text
        context = {"k": skin.colours, "z": skin.sizes, "skin": skin, "t": self.speech.of}
        sheets = (plain.get_template(f"{name}.css").render(context) for name in ("base", *order))
        made = {"style": ("text/css", written("\n".join(sheets)).encode())}
        for name, file in _SCRIPTS.items():
            script = plain.get_template(file).render(
                context, mark=skin.symbols.prefix, c=skin.symbols.of, f=skin.parameters
            )
            made[name] = (skin.script_type, written(script).encode())
        made["logo"] = ("image/svg+xml", skin.logo.encode())
        made["bar_logo"] = ("image/svg+xml", skin.bar_logo.encode())
        made["icon"] = ("image/x-icon", skin.icon)
        return made

    def tag_of(self, content: bytes) -> str:
        """An entity tag."""
        return f'"{hashlib.sha256(self.skin.seed.encode() + content).hexdigest()[:20]}"'
