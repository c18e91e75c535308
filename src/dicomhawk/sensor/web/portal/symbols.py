"""Class names, element ids, and names in scripts, of which no two deployments have one in common.

Templates, style sheets and scripts are written with ``_two_words`` for a class or an id and ``$twoWords`` for a name
in a script; what stands for them follows from the seed, in the manner of one drawn workshop.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from functools import cached_property
from typing import Final

from ....hospital.world.draw import draw

_SYNONYMS: Final = {
    "bar": ("bar", "strip", "ribbon", "rail"),
    "box": ("box", "pane", "card", "wrap"),
    "brand": ("brand", "logo", "mark", "ident"),
    "button": ("btn", "button", "cmd", "act"),
    "cell": ("cell", "td", "fld", "slot"),
    "field": ("input", "ctl", "edit", "entry"),
    "foot": ("foot", "ftr", "bottom", "footer"),
    "form": ("form", "frm", "query", "inputs"),
    "head": ("head", "hdr", "title", "cap"),
    "label": ("label", "lbl", "caption", "tag"),
    "list": ("list", "items", "lst", "rows"),
    "main": ("main", "content", "inner", "page"),
    "menu": ("menu", "nav", "links", "mnu"),
    "message": ("msg", "note", "alert", "info"),
    "panel": ("panel", "section", "block", "area"),
    "row": ("row", "line", "rw", "record"),
    "table": ("table", "grid", "tbl", "datagrid"),
    "view": ("view", "vwr", "display", "show"),
}
_MARK: Final = re.compile(r"(?<![\w&-])_([a-z][a-z0-9]*(?:_[a-z0-9]+)*)\b")
_NAME: Final = re.compile(r"\$([a-z][A-Za-z0-9]*)")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def _joined(parts: list[str], manner: str) -> str:
    if manner == "camel":
        return parts[0] + "".join(part.capitalize() for part in parts[1:])
    if manner == "pascal":
        return "".join(part.capitalize() for part in parts)
    return manner.join(parts)


class Symbols:
    """The names of one deployment. The same concept has the same name in every process."""

    def __init__(self, seed: str, word: str) -> None:
        self._seed = seed
        source = draw(seed, "portal", "symbols")
        self._prefix = _prefix(source, word)
        self._manner = source.choice(("-", "_", "camel", "pascal", "--"))
        self._tail = source.choice((0, 0, 2, 3, 4))
        self._choice = {name: source.choice(forms) for name, forms in sorted(_SYNONYMS.items())}
        self._scripts = source.choice(("short", "word", "under"))
        self._letters = "".join(source.sample(_LETTERS, len(_LETTERS)))

    @property
    def prefix(self) -> str:
        """What all classes begin with."""
        return self._prefix

    def of(self, concept: str) -> str:
        """The class or id for ``two_words``."""
        parts = [self._prefix, *(self._choice.get(word, word) for word in concept.split("_"))]
        if self._tail:
            parts.append(self._digest(concept)[: self._tail])
        return _joined(parts, self._manner)

    def script(self, name: str) -> str:
        """The name in scripts for ``twoWords``: never one of the language's."""
        if self._scripts == "short":
            digest = self._digest(f"$ {name}")
            return "".join(self._letters[int(digest[at : at + 2], 16) % 26] for at in (0, 2, 4)) + digest[6:8]
        words = re.sub("([A-Z])", r" \1", name).lower().split()
        if self._scripts == "under":
            return "_".join([self._prefix.lower(), *words, self._digest(name)[:1]])
        return self._prefix.lower() + "".join(word.capitalize() for word in words)

    def replace(self, text: str) -> str:
        """`text` with all marks in it replaced."""
        text = _MARK.sub(lambda found: self.of(found[1]), text)
        return _NAME.sub(lambda found: self.script(found[1]), text)

    def _digest(self, concept: str) -> str:
        return hashlib.sha256(f"{self._seed}/{concept}".encode()).hexdigest()

    @cached_property
    def script_text(self) -> Callable[[str], str]:
        """How the maker's build leaves scripts and style sheets: as written, or with less white space."""
        source = draw(self._seed, "portal", "white space")
        indent = source.choice(("", "  ", "    ", "\t"))
        end = source.choice(("\n", "\n", "\r\n"))
        squeeze = source.random() < 0.4

        def written(text: str) -> str:
            lines = [line for line in text.split("\n") if line.strip()]
            if squeeze:
                return "".join(line.strip() for line in lines) + end
            return "".join(_indented(line, indent) + end for line in lines)

        return written


def _indented(line: str, indent: str) -> str:
    bare = line.lstrip(" ")
    return indent * ((len(line) - len(bare)) // 2) + bare


def _prefix(source: random.Random, word: str) -> str:
    """Two to four letters of the product's name and one or two others: makers do so to keep clear of each other."""
    letters = word.lower()
    consonants = letters[0] + "".join(letter for letter in letters[1:] if letter not in "aeiou")
    return source.choice((letters[:3], consonants[:3], letters[:4])) + "".join(
        source.choice(_LETTERS) for _ in range(source.choice((1, 2)))
    )
