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
_END_ALIKE = re.compile(rb"\n\n|\r\n\r\n")
_WORD = re.compile(rb"[!-~]+")
_SPACE = re.compile(rb" [ \t\r\n\v\f]*")
_NUMBERS = re.compile(r"\d{1,3}\.\d{1,3}")
_ABSOLUTE = re.compile(r"(?i)(https?|wss?)://([^/?#]*)(.*)", re.DOTALL)
_HIGH = re.compile(rb"[\x80-\xff]")
_PORT = re.compile(r"[0-9]{1,5}")
_AUTHORITY = re.compile(r"[^/?#@]+:\d{1,5}")
_WHITE = b" \t\r\n\v\f"
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\n"
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class Words(NamedTuple):
    """What was read of a request line before it was found to be wrong."""

    method: str = ""
    target: str = ""
    version: str | None = None
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

    __slots__ = ("_http", "_port", "_reading", "_searched")

    def __init__(self, http: Http, port: int) -> None:
        """`port`: the one that the door listens on."""
        self._http = http
        self._port = port
        self._searched = 0
        self._reading: _Reading | None = None  # of which not everything is looked at yet

    def read(self, buffer: bytearray) -> Head | None:
        """The head at the beginning of `buffer`, and `Head.size` bytes of it; None: there is more to come.

        Raises `Malformed`.
        """
        http = self._http
        grammar, limits = http.grammar, http.limits
        start = self._leading(buffer)
        control = _CONTROL if grammar.tabs else _TAB_TOO
        end = (_END if grammar.ends == "any" else _END_ALIKE).search(buffer, max(start, self._searched - 3))
        stop = end.end() if end else len(buffer)
        if grammar.eager or end:
            found = control.search(buffer, self._searched, stop)
            if found:
                self._fault(Fault.CONTROL, f"at {found.start()}", NO_WORDS)
        self._searched = len(buffer)
        if start == len(buffer):
            if start >= limits.head:
                raise Malformed(Fault.HEAD_LENGTH)
            return None
        line_end = buffer.find(b"\n", start, stop)
        if (line_end if line_end >= 0 else len(buffer)) - start > limits.line:
            raise Malformed(Fault.LINE_LENGTH)
        # What fills the room for a head and has no end is as long as one that has it further on.
        if stop > limits.head - (end is None):
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
        if reading.is_old:
            return reading.head(line_end + 1 if grammar.early else stop)
        reading.fields()
        self._reading = reading
        head = reading.head(stop)
        if not grammar.framing_first:
            self.settle(head)
        return head

    def settle(self, head: Head) -> None:
        """What there is to be said of the head as a whole, if it wasn't yet. Raises `Malformed`."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.settle(head)

    def _leading(self, buffer: bytearray) -> int:
        """Where the request line begins."""
        leading = self._http.grammar.leading
        start = len(buffer) - len(buffer.lstrip(b"\r\n" if leading != "space" else _WHITE))
        empty = leading == "none" or (leading == "space" and start == len(buffer) and _END.search(buffer))
        if start and empty:
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
        self._line_end = 0
        self._pairs: list[Pair] = []
        self.is_old = False

    def head(self, size: int) -> Head:
        words = self._words
        version = "0.9" if self.is_old else words.version or "1.1"
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
        if grammar.words == "visible":
            line, words = self._visible_words()
        else:
            line = data.partition(b"\n")[0]
            bare = not line.endswith(b"\r")
            line = line.removesuffix(b"\r")
            words = line.split(b" ") if grammar.words == "one-space" else line.split()
            self._name(words[:2] + ([b" ".join(words[2:])] if len(words) > 2 else []))
            if bare and len(words) > 2:
                self._note_once(Fault.BARE_LF)
        if _HIGH.search(line) and not grammar.high:
            self._fault(Fault.LINE, "bytes above 127")
        if b"\r" in line:
            self._fault(Fault.BARE_CR, "in the request line")
        if len(words) == 2 and all(words):
            self.is_old = True
            self._fault(Fault.OLD)
        elif len(words) != 3 or not all(words) or not _TOKEN.fullmatch(words[0]):
            self._fault(Fault.LINE, f"{len(words)} words")
        else:
            self._version(words[2].decode("latin-1"))
        method = self._words.method
        if (grammar.methods and method not in grammar.methods) or (grammar.capitals and method != method.upper()):
            self._fault(Fault.METHOD, method)
        return True

    def _name(self, words: list[bytes]) -> None:
        """Remember what there is of method, target and version."""
        texts = [word.decode("latin-1") for word in words]
        version = texts[2].removeprefix("HTTP/") if len(texts) > 2 else None
        self._words = Words(texts[0] if texts else "", texts[1] if len(texts) > 1 else "", version)

    def _visible_words(self) -> tuple[bytes, list[bytes]]:
        """The request line and its words, as a reader finds them that looks for white space alone."""
        data = self._data
        words: list[bytes] = []
        at = 0
        while (word := _WORD.match(data, at)) is not None:
            at = word.end()
            words.append(word[0])
            if len(words) == 3:
                if data[at : at + 1] not in (b"\r", b"\n"):
                    # Such a reader has all of it as the version, and hasn't looked at it yet.
                    self._name(words[:2])
                    self._words = self._words._replace(version=data[word.start() : -1].decode("latin-1"))
                    self._fault(Fault.LINE, "no end")
                break
            space = _SPACE.match(data, at)
            if space is None:
                break
            at = space.end()
        self._name(words)
        self._line_end = at
        return data[:at], words

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
        version = version or ""
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
            self._absolute(*absolute.groups())
        elif method == "CONNECT" and _AUTHORITY.fullmatch(target):
            if not self._grammar.authority:
                self._fault(Fault.TARGET)
            self._fault(Fault.FOREIGN, target)
        else:
            self._fault(Fault.TARGET)

    def _absolute(self, scheme: str, authority: str, rest: str) -> None:
        """Scheme and host in the target (RFC 9112 section 3.2.2)."""
        self._local = rest if rest.startswith("/") else "/" + rest
        # Who compares hosts takes what is behind the first colon for the port, also behind that of a user.
        first = bool(self._grammar.hosts)
        host, colon, port = authority.partition(":") if first else authority.rpartition(":")
        if not colon:
            host, port = authority, str(_DEFAULT_PORTS[scheme.lower()])
        if not rest.startswith("/") or not _PORT.fullmatch(port) or not 0 < int(port) < 1 << 16:
            self._fault(Fault.TARGET)
        hosts = self._grammar.hosts
        if hosts:
            if port != str(self._port) or not any(host == own or host.endswith(f".{own}") for own in hosts):
                self._fault(Fault.FOREIGN, authority)
        elif not any(name.lower() == "host" and value.strip() == authority for name, value in self._pairs):
            self._fault(Fault.FOREIGN, authority)

    # Fields (RFC 9112 section 5)

    def fields(self) -> None:
        """Read the fields, then what is to be said of line and fields together."""
        grammar, limits = self._grammar, self._http.limits
        name_form = _TOKEN if grammar.names == "token" else _VISIBLE
        rest = self._data[self._line_end :]
        lines = rest.lstrip(_WHITE).split(b"\n")[:-2] if self._line_end else rest.split(b"\n")[1:-2]
        for line in lines:
            if not line.endswith(b"\r"):
                self._note_once(Fault.BARE_LF)
            line = line.removesuffix(b"\r")
            if grammar.fold == "end" and not _VISIBLE.match(line):
                break
            if line[:1] in (b" ", b"\t"):
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

    def settle(self, head: Head) -> None:
        """Look at version, target and host, which `head` may have otherwise afterwards."""
        self._spoken()
        self._target()
        self._host()
        head.version, head.local = self._words.version or "1.1", self._local
        head.notes[:] = self._notes[:MAX_NOTES] + [note for note in head.notes if note not in self._notes]

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
