"""Specific Character Set."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom import charset as tables

from dicomhawk.hospital.charset import CharacterSet, character_set, of_data_set
from dicomhawk.hospital.elements import Element

JAPANESE = "\\ISO 2022 IR 87"
KOREAN = "\\ISO 2022 IR 149"
CHINESE = "\\ISO 2022 IR 58"

# PS3.5 annexes H, I, J and K: the examples of the standard.
EXAMPLES = [
    (
        JAPANESE,
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    (
        KOREAN,
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    (
        "ISO_IR 192",
        b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=",
        "Wang^XiaoDong=王^小東=",
    ),
    ("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    (
        CHINESE,
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "Zhang^XiaoDong=张^小东=",
    ),
    ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    ("ISO_IR 144", b"\xbb\xee\xda\xe1\xd5\xdc\xd1\xe3\xe0\xd3", "Люкceмбyрг".replace("ceмбy", "сембу")),
    ("ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    ("ISO_IR 138", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    ("\\ISO 2022 IR 100\\ISO 2022 IR 126", b"D\x1b-A\xe9^\x1b-F\xc4\xe9", "Dé^Δι"),
]


@pytest.mark.parametrize(("value", "data", "text"), EXAMPLES)
def test_the_examples_of_the_standard_are_read(value: str, data: bytes, text: str) -> None:
    assert character_set(value).decode(data) == text


@pytest.mark.parametrize(("value", "data", "text"), EXAMPLES)
def test_what_is_encoded_is_decoded_to_the_same(value: str, data: bytes, text: str) -> None:
    encoded = character_set(value).encode(text)
    assert encoded is not None
    assert character_set(value).decode(encoded) == text


def test_pydicom_reads_what_we_write() -> None:
    for value, _, text in EXAMPLES:
        encoded = character_set(value).encode(text)
        assert encoded is not None
        encodings = tables.convert_encodings(value.split("\\"))
        read = tables.decode_bytes(encoded, encodings, {0x5E, 0x3D})
        assert read.replace("\x1b$)A", "") == text, value


@pytest.mark.parametrize("value", ["", "ISO_IR 6", "ISO_IR 100", JAPANESE, "ISO_IR 13", "nonsense", "utf-16"])
def test_characters_outside_the_set_are_not_encoded(value: str) -> None:
    assert character_set(value).encode("Kodály^Ζωή^한글") is None
    assert character_set(value).encode("Plain^Text") == b"Plain^Text"


def test_bytes_without_a_declared_set_are_read_as_utf_8_or_latin_1() -> None:
    assert character_set("").decode("Bjørn".encode()) == "Bjørn"
    assert character_set("").decode("Bjørn".encode("latin-1")) == "Bjørn"


def test_codecs_of_python_are_no_character_sets() -> None:
    for value in ("unicode_escape", "zlib_codec", "punycode", "utf-16", "idna"):
        assert character_set(value).decode(b"\\x41\xff") == "\\x41ÿ"


ANY_SET = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(sorted(tables.python_encoding)), max_size=4).map("\\".join),
)


@given(ANY_SET, st.binary(max_size=60), st.lists(st.sampled_from(sorted(tables.CODES_TO_ENCODINGS)), max_size=3))
def test_any_bytes_become_text(value: str, data: bytes, codes: list[bytes]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = CharacterSet(value).decode(data[:20] + b"".join(code + data[20:] for code in codes))
    assert isinstance(text, str)
    text.encode("utf-8")


@given(ANY_SET, st.text(max_size=30))
@example("\\ISO_IR 192\\GBK", "\u0436\u00e9")
@example("\\ISO 2022 IR 149", "Dé\ud64d")
def test_any_text_is_encoded_exactly_or_not_at_all(value: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            encoded = CharacterSet(value).encode(text)
        except UnicodeError:
            pytest.fail("an error for the text")
    if encoded is not None and not {"\x1b", "~", "\\"} & set(text):
        assert CharacterSet(value).decode(encoded) == text


def test_the_set_of_a_data_set() -> None:
    declared = {0x00080005: Element(0x00080005, "CS", b"ISO_IR 144 ")}
    assert of_data_set(declared).value == "ISO_IR 144"
    assert of_data_set({}).value == ""
    assert of_data_set({0x00080005: Element(0x00080005, "SQ", ())}).value == ""
