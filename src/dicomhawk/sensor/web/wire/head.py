"""From the bytes of a head to method, target and fields, with the leniency of the persona's product (RFC 9112).

Sans-IO. Whatever isn't as the standard has it is a fault; the persona says which ones are let pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ....persona.model.http import Http
from ....persona.model.http_faults import Fault
from ..message import Headers, Pair

MAX_NOTES = 16
"""Faults of one head that are told of."""
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = re.compile(rb"[!-9;-~]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TAB_TOO = re.compile(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_END = re.compile(rb"\n\r?\n")
_NUMBERS = re.compile(r"\d{1,3}\.\d{1,3}")
_ABSOLUTE = re.compile(r"(?i)(https?|wss?)://([^/?#]*)(.*)", re.DOTALL)
_HIGH = re.compile(rb"[\x80-\xff]")
_ANY_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.-]*://([^/?#]*)(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"[^/?#@]+:\d{1,5}")
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\n"
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class Words(NamedTuple):
    """What was read of a request line before it was found to be wrong."""

    method: str = ""
    target: str = ""
    version: str = ""
    """What stood in the version's place, without ``HTTP/``."""


NO_WORDS = Words()


class Malformed(Exception):
    """A request that isn't served."""

    def __init__(self, fault: Fault, words: Words = NO_WORDS, detail: str | None = None) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.words = words
        self.detail = detail


@dataclass(slots=True)
class Head:
    """A request without its body."""

    method: str
    target: str
    """As sent."""
    local: str
    """The target without scheme and host."""
    version: str
    """``0.9`` for a request line without one."""
    headers: Headers
    size: int
    """Bytes, with empty lines before it."""
    notes: list[tuple[Fault, str | None]] = field(default_factory=list)
    """Faults that were let pass."""


class HeadReader:
    """Finds heads in a buffer that grows, and reads them. One for each connection."""

    __slots__ = ("_http", "_port", "_searched")

    def __init__(self, http: Http, port: int) -> None:
        """`port`: the one that the door listens on."""
        self._http = http
        self._port = port
        self._searched = 0

    def read(self, buffer: bytearray) -> Head | None:
        """The head at the beginning of `buffer`, and `Head.size` bytes of it; None: there is more to come.

        Raises `Malformed`.
        """
        http = self._http
        grammar, limits = http.grammar, http.limits
        start = self._leading(buffer)
        if start == len(buffer):
            if start > limits.head:
                raise Malformed(Fault.HEAD_LENGTH)
            return None
        control = _CONTROL if grammar.tabs else _TAB_TOO
        end = _END.search(buffer, max(start, self._searched - 3))
        stop = end.end() if end else len(buffer)
        if grammar.eager or end:
            found = control.search(buffer, max(start, self._searched), stop)
            if found:
                self._fault(Fault.CONTROL, f"at {found.start()}", NO_WORDS)
        self._searched = len(buffer)
        line_end = buffer.find(b"\n", start, stop)
        if (line_end if line_end >= 0 else len(buffer)) - start > limits.line:
            raise Malformed(Fault.LINE_LENGTH)
        if stop - start > limits.head:
            raise Malformed(Fault.HEAD_LENGTH)
        if line_end < 0:
            return None
        reading = _Reading(http, self._port, bytes(buffer[start:stop]), self._fault)
        if end is None:
            if grammar.early and reading.line() and reading.is_old:
                self._searched = 0
                return reading.head(line_end + 1)
            return None
        self._searched = 0
        reading.line()
        if not reading.is_old:
            reading.fields()
        return reading.head(stop)

    def _leading(self, buffer: bytearray) -> int:
        """Where the request line begins."""
        leading = self._http.grammar.leading
        start = len(buffer) - len(buffer.lstrip(b"\r\n" if leading != "space" else b" \t\r\n\v\f"))
        if start and leading != "lines" and (leading == "none" or _END.search(buffer, 0, start)):
            self._fault(Fault.EMPTY, None, NO_WORDS)
        return start

    def _fault(self, fault: Fault, detail: str | None, words: Words) -> bool:
        if not self._http.reaction(fault).serve:
            raise Malformed(fault, words, detail)
        return True


class _Reading:
    """One head."""

    def __init__(
        self, http: Http, port: int, data: bytes, refuse: Callable[[Fault, str | None, Words], bool]
    ) -> None:
        self._http = http
        self._grammar = http.grammar
        self._port = port
        self._data = data
        self._refuse = refuse
        self._notes: list[tuple[Fault, str | None]] = []
        self._words = Words()
        self._local = ""
        self._pairs: list[Pair] = []
        self.is_old = False

    def head(self, size: int) -> Head:
        words = self._words
        version = "0.9" if self.is_old else words.version
        return Head(
            words.method, words.target, self._local, version, Headers(self._pairs), size, self._notes[:MAX_NOTES]
        )

    def _fault(self, fault: Fault, detail: str | None = None) -> None:
        self._refuse(fault, detail, self._words)
        self._notes.append((fault, detail))

    # The request line (RFC 9112 section 3)

    def line(self) -> bool:
        """Read the request line."""
        grammar = self._grammar
        data = self._data
        if Fault.HTTP2 in self._http.faults and data.startswith(_HTTP2[:-2]):
            self._words = Words("PRI", "*", "2.0")
            self._fault(Fault.HTTP2)
        line, _, _ = data.partition(b"\n")
        bare = not line.endswith(b"\r")
        line = line.removesuffix(b"\r")
        words = line.split() if grammar.spaces else line.split(b" ")
        method = words[0].decode("latin-1")
        self._words = Words(method)
        if len(words) > 1:
            self._words = Words(method, words[1].decode("latin-1"))
        if len(words) > 2:
            # What a product that ends no string there takes for the version.
            third = words[2] if len(words) == 3 else data[data.find(b" " + words[2]) + 1 : -1]
            self._words = Words(method, self._words.target, third.decode("latin-1").removeprefix("HTTP/"))
        if not _TOKEN.fullmatch(words[0]) or not 2 <= len(words) <= 3 or not all(words):
            self._fault(Fault.LINE, f"{len(words)} words")
        if _HIGH.search(line) and not grammar.high:
            self._fault(Fault.LINE, "bytes above 127")
        if b"\r" in line:
            self._fault(Fault.BARE_CR, "in the request line")
        if len(words) == 2:
            self.is_old = True
            self._fault(Fault.OLD)
        elif len(words) == 3:
            self._version(words[2].decode("latin-1"))
        if grammar.methods and method not in grammar.methods:
            self._fault(Fault.METHOD, method)
        if bare and not self.is_old:
            self._fault(Fault.BARE_LF)
        return True

    def _version(self, word: str) -> None:
        if not word.startswith("HTTP/"):
            self._fault(Fault.VERSION_FORM, word)
        version = word.removeprefix("HTTP/")
        if not _NUMBERS.fullmatch(version) and self._grammar.numbers:
            self._fault(Fault.VERSION_FORM, word)

    def _spoken(self) -> None:
        """The version, where everything else of the line is as it should be."""
        version = self._words.version
        if version in self._grammar.versions:
            return
        if version.startswith("1.") and self._grammar.minor and _NUMBERS.fullmatch(version):
            self._words = self._words._replace(version="1.1")
            return
        self._fault(Fault.VERSION, version)
        self._words = self._words._replace(version="1.1")

    def _target(self) -> None:
        method, target, _ = self._words
        self._local = target
        if target.startswith("/"):
            return
        if target == "*":
            self._fault(Fault.ASTERISK)
            return
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is not None:
            scheme, authority, rest = absolute.groups()
            self._local = rest if rest.startswith("/") else "/" + rest
            if self._grammar.absolute == "own-port":
                if not rest.startswith("/"):
                    self._fault(Fault.TARGET)
                port = authority.rpartition(":")[2] if ":" in authority else _DEFAULT_PORTS[scheme.lower()]
                if str(port) != str(self._port):
                    self._fault(Fault.FOREIGN, authority)
            elif not self._is_host(authority):
                self._fault(Fault.FOREIGN, authority)
        elif method == "CONNECT" and _AUTHORITY.fullmatch(target):
            if not self._grammar.authority:
                self._fault(Fault.TARGET)
            self._fault(Fault.FOREIGN, target)
        elif (other := _ANY_SCHEME.fullmatch(target)) is not None:
            self._local = other[2] or "/"
            self._fault(Fault.TARGET)
        else:
            self._fault(Fault.TARGET)

    def _is_host(self, authority: str) -> bool:
        return any(name.lower() == "host" and value.strip() == authority for name, value in self._pairs)

    # Fields (RFC 9112 section 5)

    def fields(self) -> None:
        """Read the fields, then what is to be said of line and fields together."""
        grammar, limits = self._grammar, self._http.limits
        name_form = _TOKEN if grammar.names == "token" else _VISIBLE
        lines = self._data.split(b"\n")[1:-2]
        for line in lines:
            if not line.endswith(b"\r"):
                self._note_once(Fault.BARE_LF)
            line = line.removesuffix(b"\r")
            if line[:1] in (b" ", b"\t"):
                if grammar.fold == "end":
                    break
                if grammar.fold == "join" and self._pairs:
                    name, value = self._pairs[-1]
                    self._pairs[-1] = name, f"{value} {line.strip().decode('latin-1')}"
                else:
                    self._fault(Fault.FOLD)
                continue
            if len(line) > limits.field:
                raise Malformed(Fault.FIELD_LENGTH, self._words)
            if len(self._pairs) >= limits.count:
                if limits.surplus == "ignore":
                    break
                raise Malformed(Fault.FIELD_COUNT, self._words)
            self._field(line, name_form)
        self._target()
        self._spoken()
        self._host()

    def _field(self, line: bytes, name_form: re.Pattern[bytes]) -> None:
        name, colon, value = line.partition(b":")
        if not colon:
            self._fault(Fault.FIELD, line[:64].decode("latin-1"))
            return
        if name.endswith((b" ", b"\t")):
            self._fault(Fault.SPACE, name[:64].decode("latin-1"))
            name = name.rstrip(b" \t")
        if not name_form.fullmatch(name):
            self._fault(Fault.FIELD, name[:64].decode("latin-1"))
            return
        if b"\r" in value:
            self._fault(Fault.BARE_CR, name[:64].decode("latin-1"))
        self._pairs.append((name.decode("latin-1"), value.lstrip(b" \t").decode("latin-1")))

    def _note_once(self, fault: Fault) -> None:
        if all(known is not fault for known, _ in self._notes):
            self._fault(fault)

    def _host(self) -> None:
        hosts = [value.strip() for name, value in self._pairs if name.lower() == "host"]
        if not hosts:
            if self._words.version == "1.1":
                self._fault(Fault.HOST)
        elif len(hosts) > 1 or not re.fullmatch(r"[^\s/?#@,]*", hosts[0]):
            self._fault(Fault.HOSTS, ", ".join(hosts)[:64])
