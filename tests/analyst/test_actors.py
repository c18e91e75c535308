"""Who belongs together: traits of sessions, and sessions of actors."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict
from sqlalchemy import Engine, event, insert, select

from dicomhawk.analyst.actors import cluster, traits_of
from dicomhawk.analyst.actors.clustering import LINKS, Session, clustered
from dicomhawk.analyst.actors.labels import label_of
from dicomhawk.analyst.actors.traits import neighbourhood
from dicomhawk.analyst.clients import clients_of
from dicomhawk.analyst.database import schema
from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.origin import Origins
from dicomhawk.evidence import events as ev

from .postgres import Server, postgres
from .telling import Told, by_dfp

NAMES = {"censys": "Censys", "shodan": "Shodan"}
CENSYS = "162.142.125.9"
OWN_CLIENT = "0123456789ab"


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def found(told: Told) -> dict[str, set[str]]:
    """Values of the traits of what was told, by kind."""
    return found_in(told.events())


def found_in(events: list[dict[str, Any]]) -> dict[str, set[str]]:
    clients, _ = clients_of(events)
    agents = [row["value"] for row in clients if row["kind"] == "user-agent"]
    address = events[0]["source"]["ip"]
    rows = traits_of(events, Origins.load().of(address, user_agents=agents), clients)
    assert all(set(row) == {"kind", "value"} for row in rows)
    assert len({(row["kind"], row["value"]) for row in rows}) == len(rows)
    by_kind: dict[str, set[str]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], set()).add(row["value"])
    return by_kind


def test_an_address_and_an_operator(told: Told) -> None:
    told.visitor = CENSYS
    told.open()
    assert found(told) == {"address": {CENSYS}, "operator": {"censys"}}


def test_who_only_says_so_isnt_the_operator(told: Told) -> None:
    told.request("CensysInspect/1.1")
    assert found(told) == {"address": {told.visitor}}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2a14:f100:1:2:3:4:5:6", "2a14:f100:1:2::/64"),
        ("::", ""),
        ("0.0.0.0", ""),
        ("x", ""),
        ("", ""),
    ],
)
def test_neighbourhoods(address: str, expected: str) -> None:
    assert neighbourhood(address) == expected


def test_a_known_program_is_no_trait(told: Told) -> None:
    told.asked(after_ac="dimse", **by_dfp("bb6f24333253"))
    told.request("curl/8.5.0")
    assert found(told) == {"address": {told.visitor}}


def test_an_unknown_one_is(told: Told) -> None:
    told.asked(fingerprint=OWN_CLIENT)
    told.request("my own tool/1")
    told.request("short")
    told.request("Mozilla/5.0")
    told.request("Mozilla/5.0 (Windows NT 10.0; Win64; x64)")
    traits = found(told)
    assert traits["dfp"] == {OWN_CLIENT}
    assert len(traits["user-agent"]) == 1


def titles_of(told: Told, *titles: str, **fields: Any) -> set[str]:
    for title in titles:
        told.asked(called=title, **fields)
    return found(told).get("ae-titles", set())


WORDS = tuple(f"TITLE{number}" for number in range(12))


def test_lists_of_ae_titles(tmp_path: Path) -> None:
    whole = titles_of(Told(tmp_path / "1"), *WORDS)
    shorter = titles_of(Told(tmp_path / "2"), *WORDS[:9])
    shuffled = titles_of(Told(tmp_path / "3"), *WORDS[::-1])
    few = titles_of(Told(tmp_path / "4"), *WORDS[:7])
    assert len(whole) == 2
    assert len(whole & shorter) == 1  # begins alike
    assert len(whole & shuffled) == 1  # has the same words
    assert few == set()


def test_nmaps_list_is_everybodys(told: Told) -> None:
    assert titles_of(told, *WORDS, after_ac="silent_fin", **by_dfp("97ef88bac1ca")) == set()


def test_lists_of_credentials(tmp_path: Path) -> None:
    def tried(name: str, pairs: list[tuple[str, str]], agent: str = "python-requests/2") -> set[str]:
        told = Told(tmp_path / name)
        told.request(agent)
        record = told.open()
        for username, password in pairs:
            record.emit(ev.HttpLogin(scheme="form", outcome="failure", username=username, password=password))
        record.emit(ev.HttpLogin(scheme="cookie", outcome="success", token="x"))
        return found(told).get("credentials", set())

    pairs = [("admin", f"password{number}") for number in range(10)]
    assert tried("a", pairs) & tried("b", [*pairs, ("root", "toor")])
    assert not tried("c", pairs[:7])
    assert not tried("d", pairs, agent="Mozilla/4.0 (Hydra)")


def test_paths_that_arent_there(tmp_path: Path) -> None:
    def gone_through(name: str, status: int, agent: str = "Go-http-client/1.1") -> set[str]:
        told = Told(tmp_path / name)
        told.request(agent)
        record = told.open()
        for number in range(1, 11):
            path = f"/secret{number}"
            record.emit(ev.HttpRequest(method="GET", target=path, path=path, number=number))
            record.emit(ev.HttpResponse(number=number, status=status, bytes=1))
        return found(told).get("paths", set())

    assert len(gone_through("a", 404)) == 2
    assert gone_through("b", 200) == set()
    assert gone_through("c", 404, agent="gobuster/3.5") == set()


def queried(folder: Path, calling: str, *queries: dict[str, str]) -> dict[str, set[str]]:
    told = Told(folder)
    record = told.open()
    record.emit(ev.Association(calling=calling, called="ANY-SCP", fingerprint=OWN_CLIENT))
    for number, keys in enumerate(queries):
        record.emit(ev.CFind(message_id=number, level="STUDY", keys=keys))
    return found(told)


def test_habits_of_asking(tmp_path: Path) -> None:
    keys = {"00100010": "A*", "00100020": "", "0020000D": "", "00080020": ""}
    one = queried(tmp_path / "1", "MINE7", keys)
    other_values = queried(tmp_path / "2", "MINE7", keys | {"00100010": "B*"}, keys)
    other_order = queried(tmp_path / "3", "MINE7", dict(reversed(keys.items())))
    other_title = queried(tmp_path / "4", "OTHER7", keys)
    usual = queried(tmp_path / "5", "findscu", keys)
    few = queried(tmp_path / "6", "MINE7", {"00100010": ""})
    assert one["habit"] == other_values["habit"] == other_title["habit"] == usual["habit"] != other_order["habit"]
    assert one["manner"] == other_values["manner"]
    assert one["manner"] != other_title["manner"]
    assert "manner" not in usual
    assert "habit" not in few


def test_uploads(told: Told) -> None:
    record = told.open()
    record.emit(ev.CStore(message_id=1, status=0, sop_instance="1.2", sha256="aa" * 32, bytes=5000))
    record.emit(ev.CStore(message_id=1, status=0, sop_instance="1.2", sha256="bb" * 32, bytes=10))
    record.emit(ev.WebStore(face="stow-rs", sha256="cc" * 32, size=700))
    assert found(told)["upload"] == {"aa" * 32, "cc" * 32}


def test_what_was_handed_on(told: Told) -> None:
    record = told.open()
    record.emit(ev.LureReused(lure="uid", lure_kind="uid", minted="S1", visitor="198.51.100.9", detail="1.2.3"))
    record.emit(ev.LureReused(lure="patient", lure_kind="patient", minted="S2", visitor="198.51.100.9"))
    own = told.events()[0]["session"]
    record.emit(ev.LureTaken(lure="0001", lure_kind="url", minted=own))
    assert found(told)["token"] == {"S1"}


def test_a_person_in_a_browser(tmp_path: Path) -> None:
    for number, signs in enumerate([(), ("webdriver",)]):
        told = Told(tmp_path / str(number))
        told.open().emit(
            ev.WebBrowser(face="portal", facts={"agent": "x Firefox/1"}, fingerprint="ab" * 32, automation=signs)
        )
        assert found(told).get("browser", set()) == (set() if signs else {"ab" * 32})


@pytest.mark.parametrize("value", [None, 7, [], {}, "x" * 1024, {"a": 1}])
def test_events_that_arent_as_they_should_be(value: object) -> None:
    actions = ("dicom.association", "dicom.c-find", "dicom.c-store", "http.login", "http.request", "lure.reused")
    events = [
        {"event": {"action": action}, "@timestamp": "2026-11-21T23:20:56.674Z", "session": "S", "dicom": value}
        | {"honeypot": value, "file": value, "source": {"ip": value}, "http": value, "url": {"path": value}}
        for action in actions
    ]
    traits_of(events, Origins.load().of("5.6.7.8"), [])


# Clustering


def session(name: str, address: str = "", first: int = 0, **fields: Any) -> Session:
    values = {"sensor": "s", "category": "Other", "tool": "", "rank": 0, "severity": 0} | fields
    return Session(session=name, address=address or name, first=first, last=first + 10, **values)


Triple = tuple[str, str, str]


def together(sessions: list[Session], traits: list[Triple]) -> set[frozenset[str]]:
    """Sets of sessions, by actor."""
    _, belongs = clustered(sessions, traits, NAMES)
    sets: dict[str, set[str]] = {}
    for name, actor in belongs.items():
        sets.setdefault(actor, set()).add(name)
    return {frozenset(each) for each in sets.values()}


def parts(text: str) -> set[frozenset[str]]:
    return {frozenset(part) for part in text.split()}


@pytest.mark.parametrize("kind", LINKS)
def test_what_is_shared_connects(kind: str) -> None:
    sessions = [session(name) for name in "abcd"]
    assert together(sessions, [("a", kind, "x"), ("c", kind, "x"), ("d", kind, "y")]) == parts("ac b d")


@pytest.mark.parametrize("kind", ["habit", "ja4", "something else"])
def test_what_many_have_doesnt(kind: str) -> None:
    assert together([session("a"), session("b")], [("a", kind, "x"), ("b", kind, "x")]) == parts("a b")


def test_others_connect_those_who_share_nothing() -> None:
    sessions = [session(name) for name in "abcd"]
    traits = [("a", "dfp", "x"), ("b", "dfp", "x"), ("b", "upload", "y"), ("c", "upload", "y")]
    assert together(sessions, traits) == parts("abc d")


@pytest.mark.parametrize("kind", [kind for kind in LINKS if kind != "address"])
def test_a_common_tool_connects_nobody(kind: str) -> None:
    limit = LINKS[kind].addresses
    few = [session(f"s{number}") for number in range(limit)]
    many = [*few, session("one too many")]
    assert len(together(few, [(each.session, kind, "x") for each in few])) == 1
    assert len(together(many, [(each.session, kind, "x") for each in many])) == limit + 1
    # Many sessions of few addresses are still few.
    same = [session(f"s{number}", address=f"a{number % 3}") for number in range(100)]
    assert len(together(same, [(each.session, kind, "x") for each in same])) == 1


def test_an_operator_is_one_actor() -> None:
    sessions = [session(name) for name in "abcd"]
    traits = [("a", "operator", "censys"), ("c", "operator", "censys"), ("d", "operator", "shodan")]
    actors, belongs = clustered(sessions, traits, NAMES)
    assert belongs == {"a": "censys", "b": "b", "c": "censys", "d": "shodan"}
    assert {actor.actor: actor.label for actor in actors}["censys"] == "Censys"
    assert {actor.actor: actor.basis for actor in actors}["censys"] == ("the operator is Censys",)


def test_what_a_scanner_shares_with_others_says_nothing_of_them() -> None:
    sessions = [session(name) for name in "abc"]
    traits = [
        ("a", "operator", "censys"),
        ("a", "dfp", "x"),
        ("b", "dfp", "x"),
        ("b", "token", "a"),
        ("c", "dfp", "x"),
    ]
    assert together(sessions, traits) == parts("a bc")


def test_other_sessions_of_an_operators_address_are_its() -> None:
    sessions = [session("a", "ip"), session("b", "ip"), session("c", "ip2")]
    traits = [("a", "operator", "censys"), ("a", "address", "ip"), ("b", "address", "ip"), ("c", "address", "ip2")]
    assert together(sessions, traits) == parts("ab c")


def test_tokens() -> None:
    sessions = [session(name) for name in "abc"]
    actors, belongs = clustered(sessions, [("c", "token", "a"), ("b", "token", "gone")], NAMES)
    assert belongs == {"a": "a", "c": "a", "b": "b"}
    assert actors[0].basis == ("what one of them was given another used",)


def test_an_actor() -> None:
    sessions = [
        session("late", "198.51.100.9", 500, sensor="two", rank=6, category="Cloud", tool="nmap -sV, curl"),
        session("early", "198.51.100.7", 100, sensor="one", severity=3, tool="nmap -sV"),
        session("same", "198.51.100.7", 200, sensor="one", tool="curl"),
    ]
    traits = [("late", "dfp", "x"), ("early", "dfp", "x"), ("same", "address", "y"), ("early", "address", "y")]
    ((actor,), _) = clustered(sessions, traits, NAMES)
    assert asdict(actor) == {
        "actor": "early",
        "label": "nmap -sV user from 198.51.100.7 and 1 other",
        "category": "Cloud",
        "first": 100,
        "last": 510,
        "sessions": 3,
        "addresses": 2,
        "sensors": ("one", "two"),
        "rank": 6,
        "severity": 3,
        "basis": ("the same address", "a DICOM client that nobody else has"),
    }


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (("Other", "Other", "Cloud"), "Cloud"),
        (("Cloud", "China ISPs", "China ISPs"), "China ISPs"),
        (("Cloud", "China ISPs"), "Cloud"),
        (("Other",), "Other"),
    ],
)
def test_the_category_of_an_actor(categories: tuple[str, ...], expected: str) -> None:
    sessions = [session(f"s{n}", first=n, category=category) for n, category in enumerate(categories)]
    ((actor,), _) = clustered(sessions, [(each.session, "dfp", "x") for each in sessions], NAMES)
    assert actor.category == expected


@pytest.mark.parametrize(
    ("tools", "label"),
    [
        ([""], "visitor from A"),
        (["nmap dicom-ping/-sV, curl", "curl", "nmap dicom-ping/-sV"], "nmap dicom-ping/-sV user from A"),
        (["Chrome (a person's)"], "person with Chrome from A"),
        (["Firefox (automated), curl"], "automated Firefox from A"),
        (["program posing as Chrome"], "program posing as Chrome from A"),
        (["unknown DICOM client (X)"], "unknown DICOM client (X) from A"),
        (["DCMTK (or built with it), curl"], "DCMTK user from A"),
        (["curl", "wget"], "curl user from A"),
    ],
)
def test_labels(tools: list[str], label: str) -> None:
    assert label_of(["A"], tools) == label
    assert label_of(["A", "B", "C"], tools) == f"{label} and 2 others"


KINDS = st.sampled_from([*LINKS, "token", "operator", "habit"])


@settings(max_examples=150, deadline=None)
@given(st.data(), st.randoms(use_true_random=False))
def test_the_order_doesnt_matter(data: st.DataObject, chance: random.Random) -> None:
    count = data.draw(st.integers(1, 12))
    names = [f"s{number}" for number in range(count)]
    sessions = [
        session(
            name,
            data.draw(st.sampled_from("pqrst")),
            data.draw(st.integers(0, 4)),
            tool=data.draw(st.sampled_from(["", "curl", "nmap -sV"])),
        )
        for name in names
    ]
    triples = st.tuples(st.sampled_from(names), KINDS, st.sampled_from(["x", "y", "s0", "s1", "censys"]))
    traits = data.draw(st.lists(triples, max_size=25, unique=True))
    expected = clustered(sessions, traits, NAMES)
    chance.shuffle(sessions)
    chance.shuffle(traits)
    assert clustered(sessions, traits, NAMES) == expected
    actors, belongs = expected
    assert set(belongs) == set(names)
    assert sum(actor.sessions for actor in actors) == count
    assert {actor.actor for actor in actors} == set(belongs.values())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_sets_are_those_of_a_plain_search(pairs: list[tuple[int, int]]) -> None:
    sessions = [session(str(number)) for number in range(10)]
    traits = [(str(one), "token", str(other)) for one, other in pairs]
    near: dict[str, set[str]] = {str(number): {str(number)} for number in range(10)}
    for one, other in pairs:
        near[str(one)].add(str(other))
        near[str(other)].add(str(one))
    expected = set()
    for number in near:
        reached, more = {number}, [number]
        while more:
            new = near[more.pop()] - reached
            reached |= new
            more += new
        expected.add(frozenset(reached))
    assert together(sessions, traits) == expected


def calls(count: int) -> int:
    """Python and C functions that are called for so many sessions."""
    chance = random.Random(6)
    sessions = [session(f"s{number:06}", f"a{chance.randrange(count)}", number) for number in range(count)]
    traits = [
        (each.session, chance.choice(["address", "dfp", "upload", "operator"]), str(chance.randrange(count // 4)))
        for each in sessions
        for _ in range(2)
    ]
    made = 0

    def count_call(frame: object, what: str, argument: object) -> None:
        nonlocal made
        made += what in ("call", "c_call")

    sys.setprofile(count_call)
    try:
        clustered(sessions, traits, NAMES)
    finally:
        sys.setprofile(None)
    return made


def test_twice_the_sessions_cost_twice_as_much() -> None:
    assert calls(4000) < 2.3 * calls(2000)


# In the database


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'findings.sqlite'}"
    else:
        url = request.getfixturevalue("server").url()
    engine = open_database(url)
    yield engine
    engine.dispose()


def written(engine: Engine, sessions: list[Session], traits: list[Triple]) -> None:
    with engine.begin() as connection:
        if sessions:
            connection.execute(insert(schema.sessions), [asdict(each) for each in sessions])
        if traits:
            rows = [dict(zip(("session", "kind", "value"), each, strict=True)) for each in traits]
            connection.execute(insert(schema.traits), rows)


def kept(engine: Engine) -> tuple[dict[str, str], list[dict[str, Any]]]:
    with engine.connect() as connection:
        belongs = connection.execute(select(schema.sessions.c.session, schema.sessions.c.actor)).all()
        rows = connection.execute(select(schema.actors).order_by(schema.actors.c.first)).mappings().all()
    return {row[0]: row[1] for row in belongs}, [dict(row) for row in rows]


def test_it_is_written_and_stays(engine: Engine) -> None:
    written(
        engine, [session("a", first=1), session("b", first=2), session("c", first=3)], [("a", "operator", "censys")]
    )
    assert cluster(engine) == (3, 3)
    before = kept(engine)
    assert before[0] == {"a": "censys", "b": "b", "c": "c"}
    assert [row["label"] for row in before[1]] == ["Censys", "visitor from b", "visitor from c"]
    assert json.loads(before[1][0]["basis"]) == ["the operator is Censys"]
    assert cluster(engine) == (0, 0)
    assert kept(engine) == before
    written(engine, [], [("b", "dfp", "x"), ("c", "dfp", "x")])
    assert cluster(engine) == (2, 1)
    belongs, rows = kept(engine)
    assert belongs == {"a": "censys", "b": "b", "c": "b"}
    assert len(rows) == 2


def test_batches_dont_matter(tmp_path: Path) -> None:
    chance = random.Random(6)
    names = [f"s{number:02}" for number in range(40)]
    sessions = [session(name, f"a{chance.randrange(30)}", chance.randrange(9)) for name in names]
    kinds = ["address", "dfp", "upload", "token", "operator", "paths"]
    traits = sorted(
        {
            (chance.choice(names), chance.choice(kinds), chance.choice(["x", "y", "z", *names[:5], "censys"]))
            for _ in range(80)
        }
    )
    results = []
    for number in range(3):
        engine = open_database(f"sqlite:///{tmp_path / str(number)}.sqlite")
        order = list(sessions)
        chance.shuffle(order)
        size = (1, 7, 40)[number]
        for start in range(0, len(order), size):
            some = order[start : start + size]
            mine = {each.session for each in some}
            written(engine, some, [each for each in traits if each[0] in mine])
            cluster(engine)
        belongs, rows = kept(engine)
        results.append((belongs, sorted(rows, key=lambda row: str(row["actor"]))))
    assert results[0] == results[1] == results[2]


def test_the_number_of_statements_doesnt_grow(engine: Engine) -> None:
    written(engine, [session(f"s{number}") for number in range(50)], [])
    statements: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    cluster(engine)
    assert len(statements) <= 6
    statements.clear()
    cluster(engine)
    assert len([each for each in statements if not each.startswith(("SELECT", "BEGIN"))]) == 0
