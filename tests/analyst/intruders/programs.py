"""Programs that are somebody else's, each doing what it is for, with what is to be said of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from .means import Intruder, Target, tool

CHROMIUM = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip


class Program(NamedTuple):
    """A program's visit, and its labels: what its tool is called, and how far it goes."""

    play: Intruder
    needs: str
    """The program, as the shell finds it; ``python``: a package of ours."""
    tool: str
    depth: str
    persona: str = "plain"


def _dcmtk(name: str, *arguments: str, after: str = "") -> Intruder:
    """A tool of DCMTK's; ``{out}`` is a folder that is gone afterwards."""

    def play(target: Target) -> None:
        with tempfile.TemporaryDirectory() as folder:
            given = [argument.format(out=folder) for argument in arguments]
            tool(name, *given, "-aec", target.called, target.host, target.dicom, *(after.format(out=folder).split()))

    return play


def _stored(target: Target) -> None:
    from tests.analyst.uploads import clean_ct

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ct.dcm"
        data = clean_ct()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.save_as(path, enforce_file_format=True)
        tool("storescu", "-aec", target.called, target.host, target.dicom, path)


def _module(name: str, *arguments: str) -> Intruder:
    def play(target: Target) -> None:
        command = [sys.executable, "-m", "pynetdicom", name, target.host, str(target.dicom), *arguments]
        subprocess.run(command, capture_output=True, timeout=100, check=False)

    return play


def _web(name: str, *arguments: str) -> Intruder:
    """A program with the web door's address in its arguments."""

    def play(target: Target) -> None:
        base = f"http://{target.host}:{target.web}"
        with tempfile.TemporaryDirectory() as folder:
            tool(name, *(argument.format(base=base, out=folder) for argument in arguments))

    return play


def _script(text: str, *program: str) -> Intruder:
    """A script with the web door's address as its first argument."""

    def play(target: Target) -> None:
        command = [*(program or (sys.executable, "-c")), text, f"http://{target.host}:{target.web}"]
        subprocess.run(command, capture_output=True, timeout=100, check=False)

    return play


def _nmap(*scripts: str) -> Intruder:
    def play(target: Target) -> None:
        options = ("-Pn", "-n", "-sT", "--script", *scripts)
        tool("nmap", *options, "-p", f"{target.dicom}", target.host, timeout=300)

    return play


def _paths(target: Target) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as words:
        words.write("\n".join(("admin", "backup", "config", "images", "login", "phpinfo.php", "server-status", "old",
                               "test", "wp-admin", "cgi-bin", "dicom-web", "pacs", "viewer")))  # fmt: skip
        words.flush()
        tool("dirb", f"http://{target.host}:{target.web}/", words.name, "-S", "-r", "-w")


URLLIB = "import sys, urllib.request as r; r.urlopen(sys.argv[1] + '/').read()"
HTTPX = "import sys, httpx; httpx.get(sys.argv[1] + '/robots.txt')"
NODE = "fetch(process.argv[1] + '/').then(answer => answer.text())"
DICOMWEB = (
    "import sys; from dicomweb_client.api import DICOMwebClient as C;"
    " C(sys.argv[1] + '/dicom-web').search_for_studies(limit=3)"
)
CRAWL = """
import sys, requests
session, base = requests.Session(), sys.argv[1] + "/dicom-web/studies"
for study in session.get(base, params={"PatientName": "*", "limit": 12}).json():
    session.get(base + "/" + study["0020000D"]["Value"][0] + "/series").json()
"""
ORTHANC = (
    "import sys; from pyorthanc import Orthanc; o = Orthanc(sys.argv[1], username='orthanc', password='orthanc');"
    " o.get_patients()"
)
FIND = ("-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName=MILLER*", "-k", "StudyInstanceUID")

PROGRAMS: dict[str, Program] = {
    "echoscu": Program(_dcmtk("echoscu"), "echoscu", "DCMTK echoscu", "scan"),
    "findscu": Program(_dcmtk("findscu", "-S", *FIND), "findscu", "DCMTK", "query"),
    "findscu-worklist": Program(
        _dcmtk("findscu", "-W", "-k", "PatientID=4711", "-k", "PatientName"), "findscu", "DCMTK", "query"
    ),
    "movescu": Program(
        _dcmtk("movescu", "-S", "-aem", "SOMEWHERE", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2"),
        "movescu", "DCMTK movescu", "collection",
    ),
    "findscu-stranger": Program(_dcmtk("findscu", "-S", *FIND), "findscu", "DCMTK findscu", "query", "orthanc"),
    "movescu-stranger": Program(
        _dcmtk("movescu", "-S", "-aem", "SOMEWHERE", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2"),
        "movescu", "DCMTK movescu", "collection", "orthanc",
    ),
    "storescu": Program(_stored, "storescu", "DCMTK storescu", "tampering"),
    "pynetdicom-echo": Program(_module("echoscu"), "python", "pynetdicom", "scan"),
    "pynetdicom-find": Program(
        _module("findscu", "-S", *FIND[:4]), "python", "pynetdicom", "query"
    ),
    "nmap-dicom-ping": Program(_nmap("+dicom-ping"), "nmap", "nmap dicom-ping", "scan"),
    "nmap-dicom-brute": Program(
        _nmap("+dicom-brute", "--script-args", "unpwdb.passlimit=12"),
        "nmap", "nmap", "enumeration", "dcmqrscp",
    ),
    "curl": Program(_web("curl", "-s", "{base}/"), "curl", "curl", "scan"),
    "curl-list": Program(
        _web("curl", "-s", "-u", "orthanc:orthanc", "{base}/patients"), "curl", "curl", "query", "orthanc"
    ),
    "curl-guess": Program(
        _web("curl", "-s", "-u", "root:toor", "{base}/system"), "curl", "curl", "enumeration", "orthanc"
    ),
    "wget": Program(_web("wget", "-q", "-O", "{out}/page", "{base}/"), "wget", "Wget", "scan"),
    "urllib": Program(_script(URLLIB), "python", "urllib", "scan"),
    "httpx": Program(_script(HTTPX), "python", "httpx", "scan"),
    "node": Program(_script(NODE, "node", "-e"), "node", "node", "scan"),
    "dicomweb-client": Program(_script(DICOMWEB), "python", "requests", "query"),
    "requests-crawl": Program(_script(CRAWL), "python", "requests", "collection"),
    "pyorthanc": Program(_script(ORTHANC), "python", "httpx", "query", "orthanc"),
    "dirb": Program(_paths, "dirb", "dirb", "enumeration"),
    "chromium-headless": Program(
        _web("chromium", *CHROMIUM, "--user-data-dir={out}", "--virtual-time-budget=4000", "--dump-dom", "{base}/"),
        "chromium", "headless", "scan",
    ),
}  # fmt: skip
"""By name."""
