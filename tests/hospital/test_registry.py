"""The tables of PS3.6 and of character sets, against pydicom's own answers."""

from __future__ import annotations

import codecs
import subprocess
import sys

import pytest
from pydicom import charset, datadict
from pydicom._private_dict import private_dictionaries
from pydicom.uid import UID, UID_dictionary

from dicomhawk.hospital import registry, repertoires

REPEATING = [int(mask.replace("x", digit), 16) for mask in datadict.RepeatersDictionary for digit in "02e"]
MISSING = [0x00090010, 0x00090001, 0x60010010, 0x7FE10010, 0x12340000, 0xFFFFFFFF]


def test_each_attribute() -> None:
    for tag in [*datadict.DicomDictionary, *REPEATING]:
        assert registry.keyword_for_tag(tag) == datadict.keyword_for_tag(tag)
        assert registry.vr_of_tag(tag) == datadict.dictionary_VR(tag)
        assert registry.vm_of_tag(tag) == datadict.dictionary_VM(tag)


def test_each_keyword() -> None:
    for keyword in [*datadict.keyword_dict, "NoSuchThing", "patientname", ""]:
        assert registry.tag_for_keyword(keyword) == datadict.tag_for_keyword(keyword)


@pytest.mark.parametrize("tag", MISSING, ids=lambda tag: f"{tag:08x}")
def test_what_is_not_in_the_dictionary(tag: int) -> None:
    assert registry.keyword_for_tag(tag) == datadict.keyword_for_tag(tag) == ""
    for look_up in (registry.vr_of_tag, registry.vm_of_tag):
        with pytest.raises(KeyError):
            look_up(tag)


def test_each_uid() -> None:
    assert registry.UIDS.items() <= UID_dictionary.items()  # pynetdicom adds some
    assert len(registry.UIDS) > 400
    for uid in [*registry.UIDS, "1.2.3", "2.25.0"]:
        assert registry.uid_name(uid) == UID(uid).name


def test_each_private_attribute() -> None:
    def described(tag: int, creator: str) -> str | None:
        try:
            return datadict.private_dictionary_description(tag, creator)
        except KeyError:  # some masks are of a form that is never looked for
            return None

    found = 0
    for creator, attributes in private_dictionaries.items():
        for mask in attributes:
            tag = int(mask.replace("x", "1"), 16)
            name = registry.private_name(tag, creator)
            assert name == described(tag, creator)
            found += name is not None
    assert found > 9000
    assert registry.private_name(0x00291008, "nobody") is None
    assert registry.private_name(0x002910FE, "SIEMENS CSA HEADER") is None


def test_each_character_set() -> None:
    def characters(codec: str) -> str:
        return codecs.lookup(codec).name

    assert {term: characters(codec) for term, codec in repertoires.CODECS.items()} == {
        term: characters(codec) for term, codec in charset.python_encoding.items()
    }
    assert {escape: characters(codec) for escape, codec in repertoires.ESCAPES.items()} == {
        escape: characters(codec) for escape, codec in charset.CODES_TO_ENCODINGS.items()
    }
    assert set(repertoires.ALONE) == set(charset.STAND_ALONE_ENCODINGS)


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("dicomhawk.sensor.supervisor", {"pydicom", "numpy", "PIL"}),
        ("dicomhawk.cli.sensor", {"pydicom", "numpy", "PIL", "cryptography"}),
        ("dicomhawk.analyst.service", {"pydicom", "httpx"}),
        ("dicomhawk.console.service", {"pydicom", "dpkt", "pyzipper"}),
    ],
)
def test_processes_start_without_what_they_may_never_need(module: str, without: set[str]) -> None:
    script = f"import sys, {module}; print(*{without!r} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr
