"""Which handler answers a path and a method."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Generic, NamedTuple, TypeVar

METHODS: Final = ("GET", "POST", "PUT", "DELETE")
"""In the order in which Orthanc names those that a resource has."""
UNKNOWN: Final = ("PATCH", "REPORT", "CONNECT")
"""Methods that the HTTP server lets through, and the API doesn't know at all."""
MAX_COMPONENTS: Final = 64
"""Parts of a path that are looked at; none of the API's has more than seven."""

H = TypeVar("H")


class Found(NamedTuple, Generic[H]):
    """What answers a request; without a handler, `allowed` says which methods there are."""

    handler: H | None
    arguments: dict[str, str]
    allowed: tuple[str, ...]


class Routes(Generic[H]):
    """A tree of path components; ``{name}`` stands for any, and ``*`` at the end for any number of them."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, ...], dict[str, H]] = {}
        self._by_length: dict[int, list[tuple[str, ...]]] = {}
        self._open: list[tuple[str, ...]] = []

    def add(self, method: str, path: str, handler: H) -> None:
        """Let `handler` answer."""
        pattern = tuple(components(path))
        known = pattern in self._routes
        self._routes.setdefault(pattern, {})[method] = handler
        if not known:
            if pattern and pattern[-1] == "*":
                self._open.append(pattern)
            else:
                self._by_length.setdefault(len(pattern), []).append(pattern)

    def find(self, method: str, path: str) -> Found[H] | None:
        """What answers; None: there is no such resource."""
        parts = components(path)
        for pattern in (*self._by_length.get(len(parts), ()), *self._open):
            arguments = _match(pattern, parts)
            if arguments is not None:
                handlers = self._routes[pattern]
                allowed = tuple(each for each in METHODS if each in handlers)
                return Found(handlers.get(method), arguments, allowed)
        return None

    def below(self, path: str) -> list[str]:
        """Names of what is directly below a path, in order."""
        parts = tuple(components(path))
        found = {pattern[len(parts)] for pattern in self._routes if pattern[: len(parts)] == parts != pattern}
        return sorted(name for name in found if not name.startswith(("{", "*")))


def components(path: str) -> list[str]:
    """The parts of a path, without empty ones and ``.``, and with ``..`` going up, never above the root."""
    found: list[str] = []
    for part in path.split("/", 2 * MAX_COMPONENTS)[: 2 * MAX_COMPONENTS]:
        if part == "..":
            del found[-1:]
        elif part and part != ".":
            found.append(part)
    return found


def normalized(path: str) -> str:
    """A path as the server looks at it: up to its first NUL, without empty and ``.`` components and ``..``; it takes
    backslashes for slashes."""
    found: list[str] = []
    parts = path.split("\0", 1)[0].replace("\\", "/").split("/")
    for part in parts:
        if part == "..":
            del found[-1:]
        elif part and part != ".":
            found.append(part)
    slash = "/" if found and parts[-1] in ("", ".", "..") else ""
    return "/" + "/".join(found) + slash


def _match(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    if pattern and pattern[-1] == "*":
        pattern, rest = pattern[:-1], parts[len(pattern) - 1 :]
        if not rest:
            return None
        arguments = {"rest": "/".join(rest)}
        parts = parts[: len(pattern)]
    else:
        arguments = {}
    if len(pattern) != len(parts):
        return None
    for expected, part in zip(pattern, parts, strict=True):
        if expected[0] == "{":
            arguments[expected[1:-1]] = part
        elif expected != part:
            return None
    return arguments


def table(routes: Iterable[tuple[str, str, H]]) -> Routes[H]:
    """Routes of methods, paths and handlers."""
    found: Routes[H] = Routes()
    for methods, path, handler in routes:
        for method in methods.split():
            found.add(method, path, handler)
    return found
