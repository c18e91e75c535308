"""Country and network from databases of the operator's, and what they say of an address."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomhawk.analyst.origin import Origins
from dicomhawk.settings import SettingsError

from .mmdb import write

MAXMIND_ASN = {"autonomous_system_number": 398324, "autonomous_system_organization": "CENSYS-ARIN-01"}


def asn(path: Path, records: dict[str, tuple[int, str]]) -> Path:
    keys = ("autonomous_system_number", "autonomous_system_organization")
    return write(path, {network: dict(zip(keys, record, strict=True)) for network, record in records.items()})


def test_country_and_network_of_two_files(tmp_path: Path) -> None:
    country = write(tmp_path / "c.mmdb", {"5.6.0.0/16": {"country": {"iso_code": "SE", "names": {"en": "Sweden"}}}})
    system = asn(tmp_path / "a.mmdb", {"5.6.0.0/16": (64500, "Example AB")})
    origins = Origins.load([country, system])
    found = origins.of("5.6.7.8")
    assert (found.country, found.asn, found.network) == ("SE", 64500, "Example AB")
    assert (found.category, found.operator, found.confidence) == ("Other", "", "low")
    assert found.evidence == ("AS64500 Example AB",)
    assert origins.of("::ffff:5.6.7.8") == found
    assert origins.of("9.9.9.9").country == ""
    origins.close()


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"country": {"iso_code": "DE"}, **MAXMIND_ASN}, ("DE", 398324, "CENSYS-ARIN-01")),
        ({"registered_country": {"iso_code": "FR"}}, ("FR", None, "")),
        ({"country": "US", "asn": "AS15169", "as_name": "Google LLC"}, ("US", 15169, "Google LLC")),
        ({"country_code": "nl", "asn": 64501, "name": "Example"}, ("NL", 64501, "Example")),
        (
            {"country": {"iso_code": "JP"}, "traits": {"autonomous_system_number": 64502, "isp": "I"}},
            ("JP", 64502, "I"),
        ),
        ({"country": {"iso_code": 7}, "asn": "x", "name": 3}, ("", None, "")),
        ({"country": "Sweden", "asn": 0}, ("", None, "")),
        ({"as_name": "a\x1b[2J\n" + "b" * 500}, ("", None, "a[2J" + "b" * 114)),
        ("text", ("", None, "")),
    ],
)
def test_formats(tmp_path: Path, record: object, expected: tuple[str, int | None, str]) -> None:
    origins = Origins.load([write(tmp_path / "x.mmdb", {"5.6.7.0/24": record})])
    found = origins.of("5.6.7.8")
    assert (found.country, found.asn, found.network) == expected


def test_a_scanners_own_system(tmp_path: Path) -> None:
    origins = Origins.load([asn(tmp_path / "a.mmdb", {"5.6.7.0/24": (398324, "CENSYS-ARIN-01")})])
    found = origins.of("5.6.7.8")
    assert (found.category, found.operator, found.confidence) == ("Censys", "censys", "medium")
    both = origins.of("5.6.7.8", user_agents=["CensysInspect/1.1"])
    assert (both.operator, both.confidence) == ("censys", "high")


def test_a_shared_system_names_nobody_and_supports_a_claim(tmp_path: Path) -> None:
    origins = Origins.load([asn(tmp_path / "a.mmdb", {"5.6.7.0/24": (202425, "IP Volume inc")})])
    assert origins.of("5.6.7.8").operator == ""
    named = origins.of("5.6.7.8", names=["x.census.shodan.io"])
    assert (named.operator, named.confidence) == ("shodan", "medium")


def test_a_claim_from_a_system_that_isnt_its_own(tmp_path: Path) -> None:
    origins = Origins.load([asn(tmp_path / "a.mmdb", {"5.6.7.0/24": (64500, "Residential")})])
    found = origins.of("5.6.7.8", user_agents=["CensysInspect/1.1"])
    assert (found.category, found.operator) == ("Other", "")
    assert found.tags == ("claims:censys",)
    assert found.evidence == (
        "AS64500 Residential",
        "says it is Censys (user agent CensysInspect/), which the address doesn't bear out",
    )


@pytest.mark.parametrize(
    ("record", "category", "operator", "confidence"),
    [
        ((14061, "DIGITALOCEAN-ASN"), "Cloud", "digitalocean", "high"),
        ((64500, "Hetzner Online GmbH"), "Cloud", "hetzner", "medium"),
        ((64500, "OVH SAS"), "Cloud", "ovh", "medium"),
        ((64500, "Novhosting"), "Other", "", "low"),
        ((4134, "Chinanet"), "China ISPs", "china-telecom", "high"),
        ((64500, "China Unicom Beijing Province Network"), "China ISPs", "china-unicom", "medium"),
        ((64500, "CHINA UNICOM China169 Backbone"), "China ISPs", "china-unicom", "medium"),
        ((64500, "China Mobile Communications Group Co., Ltd."), "China ISPs", "china-mobile", "medium"),
        ((64500, "China Education and Research Network Center"), "China ISPs", "cernet", "medium"),
        ((64500, "Alibaba US Technology Co., Ltd."), "Cloud", "alibaba", "medium"),
        ((64500, "Deutsche Telekom AG"), "Other", "", "low"),
    ],
)
def test_by_the_name_of_the_system(
    tmp_path: Path, record: tuple[int, str], category: str, operator: str, confidence: str
) -> None:
    origins = Origins.load([asn(tmp_path / "a.mmdb", {"5.6.7.0/24": record})])
    found = origins.of("5.6.7.8")
    assert (found.category, found.operator, found.confidence) == (category, operator, confidence)


def test_a_chinese_providers_branch_abroad_is_none(tmp_path: Path) -> None:
    country = write(tmp_path / "c.mmdb", {"5.6.7.0/24": {"country": {"iso_code": "US"}}})
    system = asn(tmp_path / "a.mmdb", {"5.6.7.0/24": (64500, "China Telecom (Americas) Corporation")})
    assert Origins.load([country, system]).of("5.6.7.8").category == "Other"
    assert Origins.load([system]).of("5.6.7.8").category == "China ISPs"


def test_a_cloud_before_a_provider(tmp_path: Path) -> None:
    # Alibaba's range, announced by China Unicom.
    origins = Origins.load([asn(tmp_path / "a.mmdb", {"47.96.0.0/16": (4837, "CHINA UNICOM China169 Backbone")})])
    found = origins.of("47.96.1.1")
    assert (found.category, found.operator, found.asn) == ("Cloud", "alibaba", 4837)


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^analyst\.geo: .*missing\.mmdb is not there\.$"):
        Origins.load([tmp_path / "missing.mmdb"])
    (tmp_path / "text.mmdb").write_text("no database")
    with pytest.raises(SettingsError, match=r"^analyst\.geo: .*text\.mmdb is not a MaxMind database \(\.mmdb\)\.$"):
        Origins.load([tmp_path / "text.mmdb"])
    (tmp_path / "empty.mmdb").touch()
    with pytest.raises(SettingsError, match="is not a MaxMind database"):
        Origins.load([tmp_path / "empty.mmdb"])
    with pytest.raises(SettingsError, match="is not a MaxMind database"):
        Origins.load([tmp_path])


def test_a_damaged_file_knows_nothing(tmp_path: Path) -> None:
    path = asn(tmp_path / "a.mmdb", {"5.6.7.0/24": (64500, "Example"), "9.0.0.0/8": (64501, "Another")})
    data = path.read_bytes()
    at = data.index(b"autonomous_system_number")
    for damage in range(256):
        path.write_bytes(data[: at - 2] + bytes([damage]) * 12 + data[at + 10 :])
        origins = Origins.load([path])
        assert origins.of("5.6.7.8").category == "Other"
        origins.close()
