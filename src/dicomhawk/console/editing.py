"""Rules and the allow-list as files that can be edited: checked before they are kept, with the version before.

What is written is replaced at once or not at all, and only where the settings say that such files are.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yara_x

from ..analyst.alerting.allow import parse_allow
from ..analyst.techniques.rules import Rules
from ..settings import Settings, SettingsError

MAX_BYTES = 256 << 10
"""Of one file: rules are a page or two."""
MAX_FILES = 500
"""Of one folder that are listed."""
PREVIOUS = ".previous"
"""Behind the name of the version before."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Refused(Exception):
    """A file isn't kept; the message is one sentence for the operator."""


@dataclass(frozen=True)
class Shelf:
    """Files of one kind. `check` raises `Refused` for a text that isn't such a file.

    `folder`: where they are; None: the settings name none. `only`: the one file that there is of its kind.
    """

    name: str
    title: str
    about: str
    setting: str
    folder: Path | None
    suffixes: tuple[str, ...]
    check: Callable[[Shelf, str, str], None]
    only: str = ""

    def files(self) -> list[str]:
        """Names of the files that are there."""
        if self.folder is None:
            return []
        if self.only:
            return [self.only] if (self.folder / self.only).is_file() else []
        with suppress(OSError):
            return sorted(
                path.name
                for path in self.folder.iterdir()
                if path.suffix in self.suffixes and path.is_file() and not path.is_symlink()
            )[:MAX_FILES]
        return []

    def path(self, name: str) -> Path:
        """Of the file `name`. Raises `Refused` for a name that isn't one, or where there is no folder."""
        if self.folder is None:
            raise Refused(f"The settings name no folder for these: {self.setting}.")
        stem, dot, suffix = name.rpartition(".")
        fine = name == self.only if self.only else bool(_NAME.fullmatch(stem)) and dot + suffix in self.suffixes
        if not fine:
            raise Refused(
                f"A name has letters, digits, - and _, and ends in {' or '.join(self.suffixes)}."
                if not self.only
                else f"There is only {self.only}."
            )
        path = self.folder / name
        if path.is_symlink():
            raise Refused("That is a link to another file.")
        return path

    def read(self, name: str) -> str | None:
        """Its text; None if there is no such file (yet). Raises `Refused`."""
        path = self.path(name)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refused(f"It can't be read: {error.strerror}.") from None
        if len(content) > MAX_BYTES:
            raise Refused(f"It has more than {MAX_BYTES >> 10} KiB: edit it elsewhere.")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("It is not text in UTF-8.") from None

    def write(self, name: str, text: str) -> None:
        """Check `text`, and put it in the place of the file. Raises `Refused`."""
        path = self.path(name)
        text = text.replace("\r\n", "\n")
        content = text.encode("utf-8", "surrogatepass")
        if len(content) > MAX_BYTES:
            raise Refused(f"That is more than {MAX_BYTES >> 10} KiB.")
        self.check(self, name, text)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = path.with_name(f".{path.name}.{os.getpid()}")
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                partial.chmod(path.stat().st_mode & 0o777)
                shutil.copy2(path, path.with_name(path.name + PREVIOUS))
            partial.replace(path)
        except OSError as error:
            raise Refused(f"It can't be written: {error.strerror}.") from None


def shelves(settings: Settings) -> tuple[Shelf, ...]:
    """What can be edited."""
    analyst = settings.analyst
    return (
        Shelf(
            "allow",
            "Allow-list",
            "Your own scanners: what they do is counted, and no alert.",
            "",
            settings.allow_file.parent,
            (".toml",),
            _check_allow,
            settings.allow_file.name,
        ),
        Shelf(
            "techniques",
            "Rules for techniques",
            "Beside the shipped ones, or in the place of those that have the same id.",
            "analyst.rules",
            analyst.rules,
            (".toml",),
            _check_technique,
        ),
        Shelf(
            "yara",
            "YARA rules",
            "Beside the shipped ones, for captured files.",
            "analyst.yara",
            analyst.yara,
            (".yar", ".yara"),
            _check_yara,
        ),
    )


def _check_allow(_: Shelf, name: str, text: str) -> None:
    try:
        parse_allow(text)
    except SettingsError as error:
        raise Refused(str(error)) from None


def _check_technique(shelf: Shelf, name: str, text: str) -> None:
    """The rules are loaded as they would be with the new file among them."""
    with tempfile.TemporaryDirectory(prefix="dicomhawk.") as folder:
        for other in shelf.files():
            if other != name and shelf.folder is not None:
                shutil.copyfile(shelf.folder / other, Path(folder) / other)
        (Path(folder) / name).write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            Rules.load(Path(folder))
        except SettingsError as error:
            raise Refused(str(error).replace(f"{folder}/", "")) from None


def _check_yara(_: Shelf, name: str, text: str) -> None:
    compiler = yara_x.Compiler(includes_enabled=False)
    try:
        compiler.add_source(text)
        compiler.build()
    except (yara_x.CompileError, ValueError) as error:
        raise Refused(f"It doesn't compile: {error}") from None
