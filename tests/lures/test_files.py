"""Honeyfiles: word processors open them, and each calls its address."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dicomhawk.hospital.deployment import locales
from dicomhawk.lures.files.docx import docx
from dicomhawk.lures.files.opc import zipped
from dicomhawk.lures.files.pdf import with_address
from dicomhawk.lures.files.shortcuts import uri_list, url_shortcut
from dicomhawk.lures.files.xlsx import xlsx
from dicomhawk.lures.tokens import canonical
from tests.canary.running import Canary
from tests.canary.test_receiver import DEPLOYMENT
from tests.lures.laying import ANNA, BERT, laid, path_of, take
from tests.support import at, find_tool, run_tool

MOMENT = (2023, 3, 5, 8, 12, 0)
URL = "http://c.example:81/i/token-token/logo.png?a=1&b=2"
NETWORK = """\
import os, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Run in a network of its own, where nothing but loopback is."""


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def external(data: bytes) -> set[str]:
    """Addresses outside of a package that its parts refer to."""
    found = set()
    for name, content in parts(data).items():
        root = ElementTree.fromstring(content)
        if name.endswith(".rels"):
            found |= {each.get("Target", "") for each in root if each.get("TargetMode") == "External"}
    return found


def test_a_text_document_names_picture_and_template() -> None:
    made = docx("T & <x>", ["æøå", ""], author="A", moment=MOMENT, picture_url=URL, template_url="http://c/t.dotm")
    assert external(made) == {URL, "http://c/t.dotm"}
    assert made == docx(
        "T & <x>", ["æøå", ""], author="A", moment=MOMENT, picture_url=URL, template_url="http://c/t.dotm"
    )
    assert external(docx("T", ["x"], author="A", moment=MOMENT)) == set()


def test_a_workbook_names_its_picture() -> None:
    made = xlsx("Vagtplan [x]: <y>", [["a", "b"], ["c & d", "é"]], author="A", moment=MOMENT, picture_url=URL)
    assert external(made) == {URL}
    assert external(xlsx("T", [["a"]], author="A", moment=MOMENT)) == set()


def test_shortcuts_are_what_windows_writes() -> None:
    text = url_shortcut("http://c.example/x", "token.img.example").decode()
    assert text.endswith("\r\n") and "\r\n[InternetShortcut]\r\nURL=http://c.example/x\r\n" in text
    assert "IconFile=\\\\token.img.example\\share\\pacs.ico" in text
    assert "IconFile" not in url_shortcut("http://c.example/x").decode()
    assert uri_list("http://c.example/x", "CT 1").decode() == "# CT 1\r\nhttp://c.example/x\r\n"


def test_a_strange_pdf_is_left_as_it_is() -> None:
    for strange in (b"", b"%PDF-1.4", b"%PDF" * 1000, b"trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"):
        assert with_address(strange, URL) == strange


@pytest.mark.parametrize("locale", locales())
def test_all_documents_of_a_country_are_written(tmp_path: Path, locale: str) -> None:
    with laid(tmp_path, "nginx", locale=locale, canary_url="http://c.example") as lures:
        for route in lures.routes.files:
            body = take(lures, route.path).body
            if route.page in ("vpn", "oncall"):
                assert len(external(body)) == (2 if route.page == "vpn" else 1)
                text = b"".join(parts(body).values()).decode()
                credential = next(one for one in lures.credentials if one.place == "document")
                assert credential.username in text and lures.scene.department in text.replace("&#x27;", "'")
                assert not re.search(r"\{\w+\}", re.sub(r"\{[0-9A-F-]{36}\}", "", text))
            elif route.page == "backup":
                inner = parts(body)
                assert any(name.endswith(".docx") for name in inner) and any(n.endswith(".sql") for n in inner)


def test_the_pdf_is_one_for_others(tmp_path: Path) -> None:
    with laid(tmp_path, canary_url="http://c.example:81") as lures:
        bait = take(lures, path_of(lures, "file/guide"))
    (tmp_path / "guide.pdf").write_bytes(bait.body)
    links = run_tool("pdfinfo", "-url", tmp_path / "guide.pdf").output
    assert f"/{bait.tokens[0]}/viewer" in links and "Error" not in links
    text = run_tool("pdftotext", tmp_path / "guide.pdf", "-").output
    assert lures.scene.deployment.hospital in text and "Error" not in text


def _opened(document: Path, folder: Path, namespace: list[str]) -> None:
    """Open a document with LibreOffice, as somebody who has taken it, and print it."""
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [*namespace, find_tool("soffice"), "--headless", profile]
    subprocess.run(
        [*command, "--convert-to", "pdf", "--outdir", folder / "out", document],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=100,
        check=True,
    )
    assert (folder / "out" / document.with_suffix(".pdf").name).stat().st_size > 1000


@pytest.mark.timeout(300)
def test_opened_documents_call_and_each_hit_names_its_session(tmp_path: Path) -> None:
    """A DOCX and an XLSX, each taken by two visitors, and opened by LibreOffice where only the canary is."""
    find_tool("soffice")
    data = tmp_path / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT)
    inside = _network()
    with Canary(data, "--http-port", 0, wrapper=(*inside, sys.executable, "-c", NETWORK)) as canary:
        assert canary.process is not None
        enter = ["nsenter", "--net", "--target", str(canary.process.pid)]
        taken = {}
        with laid(data, "nginx", deployed=DEPLOYMENT, canary_url=f"http://127.0.0.1:{canary.http}") as lures:
            for lure, ending in (("file/vpn", "docx"), ("file/oncall", "xlsx")):
                for taker in (ANNA, BERT):
                    bait = take(lures, path_of(lures, lure), taker)
                    (tmp_path / f"{taker.session}.{ending}").write_bytes(bait.body)
                    taken[canonical(bait.tokens[0])] = taker, lure
        for document in sorted([*tmp_path.glob("*.docx"), *tmp_path.glob("*.xlsx")]):
            _opened(document, tmp_path, enter)
        hits = canary.wait_hits(4)
    assert {at(hit, "honeypot.lure.token") for hit in hits} == set(taken)
    for hit in hits:
        taker, lure = taken[at(hit, "honeypot.lure.token")]
        assert at(hit, "honeypot.lure.session") == taker.session and at(hit, "honeypot.lure.id") == lure
        assert at(hit, "honeypot.lure.visitor") == taker.address
        assert at(hit, "honeypot.lure.opener") == "LibreOffice"


def _network() -> list[str]:
    """A command that runs another in a network of its own; skips the test where that isn't allowed."""
    command = [find_tool("unshare"), "--net"]
    find_tool("nsenter")
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network namespace can't be made here: it needs CAP_SYS_ADMIN")
    return command


def test_a_zip_is_the_same_for_the_same_files() -> None:
    files = {"a.txt": b"x" * 100, "b/c.docx": b"PK"}
    assert zipped(files, MOMENT) == zipped(files, MOMENT) and parts(zipped(files, MOMENT)) == files
    assert shutil.which("unzip") is None or zipfile.is_zipfile(io.BytesIO(zipped(files)))
