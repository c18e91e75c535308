"""Text in the repertoires of Specific Character Set (0008,0005), code extensions included (PS3.5 section 6.1.2).

pydicom's functions aren't called on what strangers send: they warn on standard error, and they take any codec of
Python's for a character set.
"""

from __future__ import annotations

import re
from functools import lru_cache

from dicomhawk.hospital import repertoires
from dicomhawk.hospital.elements import DataSet

UTF_8 = "ISO_IR 192"

MAX_TERMS = 8
"""Values of Specific Character Set that are looked at; the longest useful combination has four."""

SPECIFIC_CHARACTER_SET = 0x00080005

_ESCAPE = b"\x1b"
_WRITTEN = {encoding: escape for escape, encoding in repertoires.ESCAPES.items()}
_WITH_ESCAPES = frozenset(("iso2022_jp", "iso2022_jp_2"))  # Python's codec wants to see the sequence
_EXTENSIONS = frozenset(_WRITTEN) - {repertoires.DEFAULT}

# After these, the first character set is in force again (PS3.5 section 6.1.2.5.3).
_RESETS = re.compile(rb"[\n\f\r\t^=\\]")
_DELIMITERS = re.compile(r"([\n\f\r\t^=\\])")


class CharacterSet:
    """A value of Specific Character Set: decodes anything, and encodes what it has characters for."""

    __slots__ = ("_declared", "_encodings", "value")

    def __init__(self, value: str) -> None:
        terms = [term.strip(" \0") for term in value.split("\\")[:MAX_TERMS]]
        first = repertoires.CODECS.get(re.sub(r"^ISO.IR", "ISO_IR", terms[0]), "")
        self.value = "\\".join(terms)
        self._declared = first not in ("", repertoires.DEFAULT)
        self._encodings = [first if self._declared else "ascii"]
        if terms[0] not in repertoires.ALONE:
            others = (repertoires.CODECS.get(term, "") for term in terms[1:])
            self._encodings += [other for other in others if other in _EXTENSIONS]

    def decode(self, value: bytes) -> str:
        """The text of `value`; bytes without meaning become U+FFFD. Never raises."""
        if _ESCAPE not in value:
            return value.decode("ascii") if value.isascii() else self._decode_first(value)
        first, *rest = value.split(_ESCAPE)
        return self._decode_first(first) + "".join(self._decode_escaped(_ESCAPE + part) for part in rest)

    def encode(self, text: str) -> bytes | None:
        """The bytes of `text`; None if it has characters that aren't in the set."""
        if text.isascii():
            return text.encode("ascii")
        if len(self._encodings) == 1:
            return self._encode_part(text)
        return self._encode_with_escapes(text)

    def _decode_first(self, value: bytes) -> str:
        if not self._declared:
            # Nothing was promised for these bytes; most who forget to say so send UTF-8.
            try:
                return value.decode("utf-8")
            except UnicodeDecodeError:
                return value.decode("latin-1")
        return value.decode(self._encodings[0], "replace")

    def _decode_escaped(self, part: bytes) -> str:
        size = 4 if part.startswith((b"\x1b$(", b"\x1b$)")) else 3
        encoding = repertoires.ESCAPES.get(part[:size])
        if encoding is None:
            return self._decode_first(part)
        if encoding in _WITH_ESCAPES:
            return part.decode(encoding, "replace")
        reset = _RESETS.search(part, size)
        end = reset.start() if reset else len(part)
        return part[size:end].decode(encoding, "replace") + self._decode_first(part[end:])

    def _encode_with_escapes(self, text: str) -> bytes | None:
        parts: list[bytes] = []
        for part in _DELIMITERS.split(text):
            encoded = self._encode_part(part)
            if encoded is None:
                pieces = [self._encode_part(character) for character in part]
                if None in pieces:
                    return None
                encoded = b"".join(piece for piece in pieces if piece is not None)
            parts.append(encoded)
        return b"".join(parts)

    def _encode_part(self, part: str) -> bytes | None:
        """`part` in the first of our character sets that has all of it, with its escape sequences."""
        if part.isascii():
            return part.encode("ascii")
        for number, encoding in enumerate(self._encodings):
            try:
                encoded = part.encode(encoding)
            except UnicodeError:
                continue
            if encoding == repertoires.HALF_WIDTH and len(encoded) > len(part):
                continue  # Python's codec also has the characters of two bytes
            if number > 0 and encoding not in _WITH_ESCAPES:
                encoded = _WRITTEN[encoding] + encoded
            if self.decode(encoded) == part:
                return encoded
        return None


@lru_cache(maxsize=256)
def character_set(value: str) -> CharacterSet:
    """The character set for a value of (0008,0005), such as ``ISO 2022 IR 6\\ISO 2022 IR 87``.

    What isn't a defined term counts as the default repertoire.
    """
    return CharacterSet(value)


def of_data_set(data_set: DataSet) -> CharacterSet:
    """The character set that `data_set` declares."""
    found = data_set.get(SPECIFIC_CHARACTER_SET)
    if found is None or not isinstance(found.value, bytes):
        return character_set("")
    return character_set(found.value[: MAX_TERMS * 20].decode("ascii", "replace"))
