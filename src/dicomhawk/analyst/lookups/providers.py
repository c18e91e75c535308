"""The services: how each is asked, and what its answer means. Contracts as published in November 2026."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

from .verdict import Answer, Kind, Verdict, filled, flag, inner, number, text, texts

MALICIOUS, UNKNOWN_NOISE = 90, 40
"""Scores for words of GreyNoise."""
PER_PULSE = 10
"""Score of each report that OTX has."""


class Question(NamedTuple):
    """One GET."""

    path: str
    parameters: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}


class Service(NamedTuple):
    """A provider that is asked by HTTP."""

    base: str
    kind: Kind
    needs_key: bool
    per_minute: int
    per_day: int
    """Of the free plan, or less."""
    ask: Callable[[str, str], Question]
    """(subject, key) -> what is asked."""
    read: Callable[[Answer], tuple[int | None, list[str], Answer]]
    """What is in an answer: score, labels, facts. Raises ValueError for one that isn't of its contract."""

    def verdict(self, provider: str, subject: str, answer: Any) -> Verdict:
        """From an answer. Raises ValueError if it isn't one, or one about something else."""
        if not isinstance(answer, dict):
            raise ValueError("the answer is no object")
        score, labels, facts = self.read(answer)
        _same(subject, facts.pop("about", None))
        return Verdict(provider, subject, score, tuple(labels[:10]), facts)

    def unknown(self, provider: str, subject: str) -> Verdict:
        """When it knows nothing of `subject`."""
        return Verdict(provider, subject, None, (), {})


def _same(subject: str, about: Any) -> None:
    if not about:
        return
    try:
        same = ip_address(str(about)) == ip_address(subject)
    except ValueError:
        same = str(about).lower() == subject
    if not same:
        raise ValueError("the answer is about something else")


def _greynoise(answer: Answer) -> tuple[int | None, list[str], Answer]:
    if not isinstance(answer.get("noise"), bool) or not isinstance(answer.get("riot"), bool):
        raise ValueError("the answer has neither noise nor riot")
    kind, name = text(answer, "classification"), text(answer, "name")
    score = {"malicious": MALICIOUS, "benign": 0}.get(kind or "", UNKNOWN_NOISE if flag(answer, "noise") else None)
    if flag(answer, "riot"):
        score = 0
    labels = [label for label in (kind, name) if label and label != "unknown"]
    facts = filled(noise=flag(answer, "noise"), riot=flag(answer, "riot"), last_seen=text(answer, "last_seen"))
    return score, labels, {"about": text(answer, "ip"), **facts}


def _abuseipdb(answer: Answer) -> tuple[int | None, list[str], Answer]:
    data = inner(answer, "data")
    score = number(data, "abuseConfidenceScore", 100)
    if score is None:
        raise ValueError("the answer has no abuseConfidenceScore")
    reports = number(data, "totalReports") or 0
    labels = [label for label in (text(data, "usageType"), "Tor" if flag(data, "isTor") else None) if label]
    facts = filled(
        reports=reports,
        country=text(data, "countryCode"),
        isp=text(data, "isp"),
        domain=text(data, "domain"),
        last_reported=text(data, "lastReportedAt"),
    )
    return (score if reports or score else None), labels, {"about": text(data, "ipAddress"), **facts}


def _internetdb(answer: Answer) -> tuple[int | None, list[str], Answer]:
    if not isinstance(answer.get("ports"), list):
        raise ValueError("the answer has no ports")
    facts = filled(
        ports=[port for port in answer["ports"] if isinstance(port, int)][:50],
        hostnames=texts(answer, "hostnames"),
        vulnerabilities=texts(answer, "vulns"),
        products=texts(answer, "cpes"),
    )
    # What a host has open says nothing of what it does elsewhere.
    return None, texts(answer, "tags"), {"about": text(answer, "ip"), **facts}


def _virustotal(answer: Answer) -> tuple[int | None, list[str], Answer]:
    attributes = inner(answer, "data", "attributes")
    stats = inner(attributes, "last_analysis_stats")
    counts = {name: number(stats, name) or 0 for name in ("malicious", "suspicious", "undetected", "harmless")}
    looked = sum(counts.values())
    if not stats:
        raise ValueError("the answer has no last_analysis_stats")
    bad = counts["malicious"] + counts["suspicious"]
    label = text(inner(attributes, "popular_threat_classification"), "suggested_threat_label")
    labels = [label] if label else []
    facts = filled(malicious=counts["malicious"], suspicious=counts["suspicious"], engines=looked)
    facts |= filled(type=text(attributes, "type_description"), name=text(attributes, "meaningful_name"))
    about = text(inner(answer, "data"), "id")
    return (100 * bad // looked if looked else None), labels, {"about": about, **facts}


def _otx(answer: Answer) -> tuple[int | None, list[str], Answer]:
    pulses = inner(answer, "pulse_info")
    count = number(pulses, "count")
    if count is None:
        raise ValueError("the answer has no pulse_info.count")
    told = pulses.get("pulses")
    names = [name for one in (told if isinstance(told, list) else [])[:10] if (name := text(one, "name"))]
    facts = filled(pulses=count, asn=text(answer, "asn"), country=text(answer, "country_code"))
    return (min(100, PER_PULSE * count) if count else None), names, {"about": text(answer, "indicator"), **facts}


def _otx_question(subject: str, key: str) -> Question:
    family = "IPv6" if ":" in subject else "IPv4"
    return Question(f"/api/v1/indicators/{family}/{subject}/general", headers={"X-OTX-API-KEY": key})


SERVICES: dict[str, Service] = {
    "greynoise": Service(
        "https://api.greynoise.io",
        "address",
        True,
        2,
        7,
        lambda subject, key: Question(f"/v3/community/{subject}", headers={"key": key}),
        _greynoise,
    ),
    "abuseipdb": Service(
        "https://api.abuseipdb.com",
        "address",
        True,
        20,
        900,
        lambda subject, key: Question(
            "/api/v2/check", {"ipAddress": subject, "maxAgeInDays": "90"}, {"Key": key, "Accept": "application/json"}
        ),
        _abuseipdb,
    ),
    "internetdb": Service(
        "https://internetdb.shodan.io",
        "address",
        False,
        20,
        2000,
        lambda subject, _: Question(f"/{subject}"),
        _internetdb,
    ),
    "virustotal": Service(
        "https://www.virustotal.com",
        "sha256",
        True,
        4,
        450,
        lambda subject, key: Question(f"/api/v3/files/{subject}", headers={"x-apikey": key}),
        _virustotal,
    ),
    "otx": Service("https://otx.alienvault.com", "address", True, 20, 5000, _otx_question, _otx),
}
"""By the names that the settings have for them."""
