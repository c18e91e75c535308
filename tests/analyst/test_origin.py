"""Who an address is: ranges, precedence, signals that can be forged and that can't."""

from __future__ import annotations

import importlib.util
import json
import random
import zlib
from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.analyst.origin import CATEGORIES, HostName, Origin, Origins, supplement
from dicomhawk.analyst.origin.model import PRECEDENCE, Operator, Source
from dicomhawk.analyst.origin.table import Entry, Table, pack, shipped

FACTS = Path(__file__).parents[3] / "shared" / "research" / "scanner_actors.json"
TOOL = Path(__file__).parents[2] / "tools" / "compile_origins.py"
FILES = supplement.read()
ROWS = [row for part in FILES.values() for row in part.operator]


@pytest.fixture(scope="module")
def origins() -> Origins:
    return Origins.load()


# Each a network of one operator: first and last address are its, the neighbours outside are not.
OURS = [
    ("162.142.125.0/24", "Censys", "censys"),
    ("66.132.153.0/24", "Censys", "censys"),
    ("2602:80d:1000:b0cc:e::/80", "Censys", "censys"),
    ("71.6.135.131/32", "Shodan", "shodan"),
    ("86.54.31.32/28", "Shodan", "shodan"),
    ("87.236.176.0/24", "Internet Measurement", "driftnet"),
    ("185.247.137.0/24", "Internet Measurement", "driftnet"),
    ("68.183.53.77/32", "Internet Measurement", "driftnet"),
    ("91.196.152.0/24", "Onyphe", "onyphe"),
    ("51.254.49.96/28", "Onyphe", "onyphe"),
    ("2a14:f100::/29", "Onyphe", "onyphe"),
    ("45.156.128.0/22", "Internet Census", "internet-census"),
    ("205.210.31.0/24", "Palo Alto", "cortex-xpanse"),
    ("147.185.132.0/23", "Palo Alto", "cortex-xpanse"),
    ("35.203.210.0/23", "Palo Alto", "cortex-xpanse"),
    ("184.105.247.192/26", "Other", "shadowserver"),
    ("45.83.64.0/22", "Other", "alphastrike"),
    ("104.248.0.0/16", "Cloud", "digitalocean"),
    ("113.64.0.0/10", "China ISPs", "china-telecom"),
    ("42.224.0.0/12", "China ISPs", "china-unicom"),
    ("223.64.0.0/11", "China ISPs", "china-mobile"),
    ("10.0.0.0/8", "Other", "private network"),
    ("127.0.0.0/8", "Other", "loopback"),
    ("198.51.100.0/24", "Other", "documentation"),
    ("100.64.0.0/10", "Other", "shared address space"),
    ("fc00::/7", "Other", "private network"),
]


@pytest.mark.parametrize(("network", "category", "operator"), OURS)
def test_a_range_from_its_first_to_its_last_address(
    origins: Origins, network: str, category: str, operator: str
) -> None:
    whole = ip_network(network)
    first, last = whole[0], whole[-1]
    for address in (first, last):
        found = origins.of(str(address))
        if found.operator != operator:  # a narrower range of somebody else in it
            known = shipped().operators
            assert PRECEDENCE[known[found.operator].kind] >= PRECEDENCE[known[operator].kind]
            continue
        assert found.category == category
        assert found.evidence[0].startswith("range ")
    for outside in (int(first) - 1, int(last) + 1):
        near = origins.of(str(type(first)(outside)))
        assert not any(network in text for text in near.evidence)


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind == "scanner"], ids=lambda row: row.id)
def test_no_scanner_is_recognised_just_outside_its_ranges(origins: Origins, row: supplement.Row) -> None:
    table = shipped()
    for text in (*row.published, *row.observed):
        whole = ip_network(text)
        for value in (int(whole[0]) - 1, int(whole[-1]) + 1):
            address = type(whole[0])(value)
            held = {each.network for each in table.ranges(address)}
            assert str(whole) not in held
            if origins.of(str(address)).operator == row.id:
                assert any(address in ip_network(network) for network in held)


def test_every_actor_of_the_facts(origins: Origins) -> None:
    if not FACTS.exists():
        pytest.skip(f"{FACTS} is not there: the facts that were collected can't be compared")
    actors = json.loads(FACTS.read_text(encoding="utf-8"))["actors"]
    for actor in (actor for actor in actors if not actor.get("tool")):
        name, category = actor["id"], actor["category"]
        for text in actor.get("v4", []) + actor.get("v6", []) + actor.get("v4_hosts_2024", []):
            network = ip_network(text)
            for address in (network[0], network[-1]):
                found = origins.of(str(address))
                assert (found.category, found.operator) == (category, name), (address, found)
        for suffix in actor["rdns"]:
            found = origins.of("5.6.7.8", names=[HostName(f"a-1.{suffix}", True)])
            assert (found.category, found.operator, found.confidence) == (category, name, "high")
            assert origins.of("5.6.7.8", names=[f"{suffix}.evil.example"]).operator == ""
        for agent in actor.get("ua", []):
            if "zgrab" not in agent:  # the tool's own, which anybody has
                found = origins.of("5.6.7.8", user_agents=[f"Mozilla/5.0 (compatible; {agent}1.1)"])
                assert (found.category, found.operator, found.confidence) == (category, name, "low")


def test_what_is_in_a_cloud_and_a_scanners_is_the_scanners(origins: Origins) -> None:
    found = origins.of("104.248.203.191")
    assert (found.operator, found.confidence, found.network) == ("driftnet", "medium", "DigitalOcean")
    assert set(found.tags) == {"hosting", "scanner"}
    assert any(text.startswith("in DigitalOcean") for text in found.evidence)


def test_precedence_beats_length() -> None:
    operators = [
        Operator(id=kind, name=kind, category="Other", kind=kind)  # type: ignore[arg-type]
        for kind in ("isp", "cloud", "scanner")
    ]
    own = Source("own", "2026-01-01", "Apache-2.0")
    entries = [
        Entry(ip_network("11.0.0.0/8"), "scanner", "own", "observed"),
        Entry(ip_network("11.1.0.0/16"), "cloud", "own", "published"),
        Entry(ip_network("11.1.1.0/24"), "isp", "own", "published"),
    ]
    table = Table(pack(operators, [own], entries))
    assert [each.operator.id for each in table.ranges(ip_address("11.1.1.1"))] == ["scanner", "cloud", "isp"]
    assert [each.operator.id for each in table.ranges(ip_address("11.2.0.0"))] == ["scanner"]


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("::ffff:162.142.125.9", "162.142.125.9"),
        ("64:ff9b::a28e:7d09", "162.142.125.9"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_other_ways_of_writing_an_address(origins: Origins, address: str, same: str) -> None:
    assert origins.of(address) == origins.of(same)
    assert origins.of(address).operator


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4.5", "::1::", "1.2.3.4\n", "٣.1.1.1", "9" * 5000])
def test_what_is_no_address_is_nobody(origins: Origins, text: str) -> None:
    assert origins.of(text) == Origin()


def test_names(origins: Origins) -> None:
    confirmed = origins.of("5.6.7.8", names=[HostName("Scanner-01.CH1.Censys-Scanner.com.", True)])
    assert (confirmed.operator, confirmed.confidence) == ("censys", "high")
    assert confirmed.name == "scanner-01.ch1.censys-scanner.com"
    claimed = origins.of("5.6.7.8", names=["scanner-01.ch1.censys-scanner.com"])
    assert (claimed.operator, claimed.confidence) == ("censys", "low")
    assert origins.of("5.6.7.8", names=["censys-scanner.com.evil.example"]).operator == ""
    assert origins.of("5.6.7.8", names=["evilcensys-scanner.com"]).operator == ""
    assert origins.of("5.6.7.8", names=["tor-exit-12.example.net"]).tags == ("tor",)
    for odd in ("a" * 300, "<script>", "x\x1b[2J.y", "", "."):
        assert origins.of("5.6.7.8", names=[odd]).name == ""


def test_what_can_be_forged_is_never_sure(origins: Origins) -> None:
    alone = origins.of("5.6.7.8", user_agents=["Mozilla/5.0 (compatible; CensysInspect/1.1)"])
    assert (alone.operator, alone.confidence) == ("censys", "low")
    by_client = origins.of("5.6.7.8", fingerprints=["e1b491f6b3ee"])
    assert (by_client.operator, by_client.confidence) == ("driftnet", "low")
    three = origins.of(
        "5.6.7.8",
        user_agents=["InternetMeasurement/1.0"],
        fingerprints=["e1b491f6b3ee"],
        names=["x.monitoring.internet-measurement.com"],
    )
    assert (three.operator, three.confidence) == ("driftnet", "medium")
    assert "scanner" not in three.tags


def test_a_claim_from_a_cloud_that_its_owner_has_no_machines_in(origins: Origins) -> None:
    found = origins.of("34.1.2.3", user_agents=["CensysInspect/1.1"])
    assert (found.category, found.operator) == ("Cloud", "google-cloud")
    assert "claims:censys" in found.tags
    assert "scanner" not in found.tags
    rented = origins.of("34.1.2.3", user_agents=["Expanse, a Palo Alto Networks company, searches"])
    assert (rented.category, rented.operator, rented.confidence) == ("Palo Alto", "cortex-xpanse", "medium")
    assert "scanner" not in rented.tags
    assert rented.who == "Somebody calling itself Palo Alto Networks Cortex Xpanse"
    anywhere = origins.of("34.1.2.3", user_agents=["Mozilla/5.0 (l9scan/2.0; +https://leakix.net)"])
    assert anywhere.operator == "leakix"
    impostor = origins.of("162.142.125.9", user_agents=["InternetMeasurement/1.0"])
    assert (impostor.operator, impostor.confidence) == ("censys", "high")
    assert "claims:driftnet" in impostor.tags
    telecom = origins.of("113.70.1.1", user_agents=["CensysInspect/1.1"])
    assert (telecom.category, telecom.operator) == ("China ISPs", "china-telecom")


HOSTILE = "\x1b[2J\r\n<script>\u202e" * 40


def test_nothing_of_a_visitor_is_in_the_evidence(origins: Origins) -> None:
    behind_much_else = origins.of("5.6.7.8", user_agents=[f"{HOSTILE} CensysInspect/"])
    assert behind_much_else.operator == ""
    found = origins.of("5.6.7.8", user_agents=["CensysInspect/ " + HOSTILE])
    assert found.evidence == ("user agent CensysInspect/",)


def test_thousands_of_user_agents_cost_no_more_than_some(origins: Origins) -> None:
    taken = 0

    def agents() -> Any:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield f"agent {number}"

    origins.of("5.6.7.8", user_agents=agents())
    assert taken <= 65


def test_every_category_is_one_of_nine() -> None:
    assert {row.category for row in ROWS} == set(CATEGORIES)
    for row in ROWS:
        assert row.category != "Cloud" or row.kind == "cloud"
        assert row.category != "China ISPs" or row.kind == "isp"


def test_rows_are_consistent() -> None:
    ids = [row.id for row in ROWS]
    assert len(set(ids)) == len(ids)
    for row in ROWS:
        assert {host for host in row.hosts if host != "*"} <= set(ids), row.id
        assert not set(row.asn) & set(row.shared_asn), row.id
        for text in (*row.published, *row.observed):
            ip_network(text)
    own = [number for row in ROWS for number in row.asn]
    assert len(set(own)) == len(own)
    for part in FILES.values():
        assert set(part.lists.published.values()) | set(part.lists.observed.values()) <= set(ids)


def test_the_table_that_is_shipped_is_what_compiling_gives() -> None:
    pytest.importorskip("pymispwarninglists", reason="the lists that the table is compiled from aren't installed")
    place = importlib.util.spec_from_file_location("compile_origins", TOOL)
    assert place is not None
    assert place.loader is not None
    tool = importlib.util.module_from_spec(place)
    place.loader.exec_module(tool)
    compiled = tool.compiled()
    # Compressed, the same can be different bytes with another version of zlib.
    assert zlib.decompress(compiled) == zlib.decompress(tool.OUTPUT.read_bytes()), f"run {TOOL}"
    page = tool.DOCS.read_text(encoding="utf-8")
    assert tool.filled(page, Table(compiled)) == page, f"run {TOOL}"


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_entries_doesnt_matter(chance: random.Random) -> None:
    operators = [part.operator() for part in ROWS[:8]]
    sources = [FILES["supplement"].source("supplement")]
    entries = [entry for row in ROWS[:8] for entry in row.entries("supplement")]
    expected = pack(operators, sources, entries)
    chance.shuffle(entries)
    assert pack(operators, sources, entries) == expected


def test_a_lookup_takes_as_many_steps_as_there_are_lengths() -> None:
    table = shipped()
    assert 10_000 <= table.size <= 100_000
    assert len(table.lengths(4)) <= 33
    assert len(table.lengths(6)) <= 64


def test_ranges_agree_with_a_plain_search() -> None:
    sources = [part.source(name) for name, part in FILES.items()]
    entries = [entry for name, part in FILES.items() for row in part.operator for entry in row.entries(name)]
    table = Table(pack([row.operator() for row in ROWS], sources, entries))
    chance = random.Random(6)
    for entry in chance.sample(entries, 200):
        network = entry.network
        inside = network[chance.randrange(min(network.num_addresses, 1 << 62))]
        near = type(inside)(max(0, int(network[0]) - 1))
        for address in (network[0], inside, network[-1], near):
            holding = [
                each for each in entries if each.network.version == address.version and address in each.network
            ]
            found = table.ranges(address)
            assert {each.operator.id for each in found} == {each.operator for each in holding}
            if found:
                ranks = [PRECEDENCE[table.operators[each.operator].kind] for each in holding]
                assert PRECEDENCE[found[0].operator.kind] == max(ranks)


def test_dates_and_their_warning(origins: Origins) -> None:
    dates = origins.dates()
    assert dates["censys-scanning"] == ""
    newest = max(day for name, day in dates.items() if name not in FILES)
    assert origins.warning(date.fromisoformat(newest)) is None
    late = date.fromordinal(date.fromisoformat(newest).toordinal() + 91)
    assert "91 days old" in (origins.warning(late) or "")


@pytest.mark.parametrize(
    ("address", "agents", "who"),
    [
        ("162.142.125.9", [], "Censys"),
        ("5.6.7.8", ["CensysInspect/1.1"], "Somebody calling itself Censys"),
        ("104.248.1.1", [], "Somebody at DigitalOcean"),
        ("113.70.1.1", [], "Somebody at China Telecom"),
        ("10.1.1.1", [], "Somebody in a private network"),
        ("127.0.0.1", [], "Somebody on this machine"),
        ("198.51.100.7", [], ""),
        ("5.6.7.8", [], ""),
    ],
)
def test_who_it_is_in_a_sentence(origins: Origins, address: str, agents: list[str], who: str) -> None:
    assert origins.of(address, user_agents=agents).who == who


@pytest.mark.parametrize("data", [b"", b"x", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_is_no_table(data: bytes) -> None:
    with pytest.raises(ValueError, match="table of origins"):
        Table(data)
