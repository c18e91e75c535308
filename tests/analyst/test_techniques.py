"""The rules for techniques, with what was recorded of scripted intruders and of those who are none."""

from __future__ import annotations

import json
import time
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomhawk.analyst.techniques import Rule, Rules
from dicomhawk.analyst.techniques.describe import described
from dicomhawk.analyst.techniques.regexes import MAX_SEARCHED, checked
from dicomhawk.analyst.techniques.rules import FOLDER
from dicomhawk.settings import SettingsError
from tests.analyst.intruders import ORDINARY, PASSES, SCANNERS, TRIGGERS
from tests.analyst.made_events import event

SAMPLES = FOLDER / "samples"
NOISE = Path(__file__).parent / "noise"
ALL = [f"D{number:02}" for number in range(1, 39)]
HARMLESS = {"D01", "D02", "D03", "D04", "D05", "D27", "D36"}
"""All that the daily noise may be."""
LISTED: dict[str, str] = tomllib.loads((Path(__file__).parent / "techniques.toml").read_text())
"""The rules that each sample triggers, looked through by a person."""


WHOLE = Rules.load()


@pytest.fixture
def rules() -> Rules:
    return WHOLE


def sample(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Events, examinations of files, and tags of the origin."""
    beside = path.with_suffix(".given.json")
    given = json.loads(beside.read_text()) if beside.exists() else {}
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return events, given.get("files", {}), given.get("origin", [])


def found(rules: Rules, path: Path) -> dict[str, int]:
    """Rules that a sample triggers, and their severity."""
    return {match.rule: match.severity for match in rules.match(*sample(path))}


def test_the_whole_catalogue_is_there(rules: Rules) -> None:
    assert [rule.id for rule in rules.all] == ALL
    for rule in rules.all:
        assert rule.description.endswith(".") and rule.attack, rule.id
        assert all(rules.technique(identifier) for identifier in rule.attack), rule.id
    cited = {identifier for rule in rules.all for identifier in rule.attack}
    assert cited == set(rules.attack.techniques)


def test_the_page_says_what_there_is(rules: Rules) -> None:
    page = (Path(__file__).parents[2] / "docs" / "techniques.md").read_text()
    assert described(page, rules) == page, "run `make docs`"


def test_each_rule_has_its_intruder_and_his_like() -> None:
    assert list(TRIGGERS) == list(PASSES) == ALL
    assert {path.stem for path in NOISE.glob("*.ndjson")} == {*SCANNERS, *ORDINARY}


@pytest.mark.parametrize("name", ALL)
def test_its_sample_triggers_a_rule(rules: Rules, name: str) -> None:
    assert name in found(rules, SAMPLES / f"{name}.triggers.ndjson")


@pytest.mark.parametrize("name", ALL)
def test_what_comes_near_it_does_not(rules: Rules, name: str) -> None:
    assert name not in found(rules, SAMPLES / f"{name}.passes.ndjson")


def test_samples_trigger_what_was_looked_through(rules: Rules) -> None:
    now = {
        path.name.removesuffix(".ndjson"): " ".join(found(rules, path))
        for path in sorted([*SAMPLES.glob("*.ndjson"), *NOISE.glob("*.ndjson")])
    }
    assert now == LISTED


@pytest.mark.parametrize("name", SCANNERS)
def test_the_daily_noise_is_nothing(rules: Rules, name: str) -> None:
    triggered = found(rules, NOISE / f"{name}.ndjson")
    assert set(triggered) <= HARMLESS | {"D37"}, triggered
    assert max(triggered.values(), default=0) <= 1


def test_ordinary_clients_do_nothing_bad(rules: Rules) -> None:
    paths = [NOISE / f"{name}.ndjson" for name in ORDINARY]
    paths += [SAMPLES / f"D{number:02}.passes.ndjson" for number in (6, 8, 9, 10, 11, 12, 14, 16, 28)]
    for path in paths:
        triggered = found(rules, path)
        assert max(triggered.values(), default=0) <= 1, (path, triggered)


def test_a_match_says_what_was_seen(rules: Rules) -> None:
    events, files, origin = sample(SAMPLES / "D06.triggers.ndjson")
    (match,) = (each for each in rules.match(events, files, origin) if each.rule == "D06")
    assert match.name == "AE title brute force" and match.severity == 2
    assert match.attack == ("T1110.001", "T1595.003", "T0812")
    assert match.times == 7 and match.first < match.last
    assert match.detail.startswith("Tried called AE titles: ANY-SCP, 123456, 12345, password, iloveyou, ...")
    named = {each["event"]["id"] for each in events}
    assert len(match.evidence) == 7 and set(match.evidence) <= named


def test_details_are_harmless(rules: Rules) -> None:
    hostile = "\x1b[2J\ud800\u202e<script>\x00" + "x" * 5000
    (match,) = (
        each
        for each in rules.match([event("dicom.c-move", dicom__move__destination=hostile)], {})
        if each.rule == "D13"
    )
    assert match.detail.isprintable() and len(match.detail) < 300
    match.detail.encode()


def test_it_is_deterministic(rules: Rules) -> None:
    again = Rules.load()
    for path in SAMPLES.glob("*.triggers.ndjson"):
        assert rules.match(*sample(path)) == again.match(*sample(path))


# The language


def own(pattern: str) -> Rules:
    """A rule alone, X1, with this pattern."""
    tables = tomllib.loads(f'id = "X1"\nname = "x"\nseverity = "low"\n[[pattern]]\n{pattern}\n')
    return Rules([Rule.model_validate(tables)], {}, WHOLE.attack)


def triggers(pattern: str, *events: dict[str, Any], files: Any = (), origin: Any = ()) -> int:
    """How many events the pattern is seen in."""
    matches = own(pattern).match(events, dict(files), origin)
    return next((match.times for match in matches if match.rule == "X1"), 0)


A = event("a", x=1, name="Abc", tags=["one", "Two"], keys={"1": "", "2": "*"})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('{ field = "x", equals = 1 }', True),
        ('{ field = "x", equals = true }', False),
        ('{ field = "x", least = 1, most = 1 }', True),
        ('{ field = "x", least = 2 }', False),
        ('{ field = "x", in = [3, 1] }', True),
        ('{ field = "name", in = ["abc"] }', False),
        ('{ field = "name", glob = "a?c" }', True),
        ('{ field = "name", regex = "^b" }', False),
        ('{ field = "name", regex = "^AB" }', True),
        ('{ field = "name", contains = ["z", "BC"] }', True),
        ('{ field = "name", exists = false }', False),
        ('{ field = "none.at.all", exists = false }', True),
        ('{ field = "none", equals = 1, not = true }', True),
        ('{ field = "tags", in = ["Two"] }', True),
        ('{ field = "tags", items_least = 2, items_most = 2 }', True),
        ('{ field = "tags", items_least = 3 }', False),
        ("{ field = \"keys.*\", every = true, regex = '^[*]{0,1}$' }", True),
        ("{ field = \"keys.*\", every = true, except = [\"2\"], glob = \"\" }", True),
        ("{ field = \"keys.*\", every = true, glob = \"\" }", False),
        ('{ fields = ["x", "name"], in = [[2, "abc"], [1, "ABC"]] }', True),
        ('{ fields = ["x", "name"], in = [[1, "b"]] }', False),
    ],
)  # fmt: skip
def test_conditions(condition: str, holds: bool) -> None:
    assert triggers(f'action = "a"\nwhere = [{condition}]', A) == holds


def test_hashed_secrets_are_compared() -> None:
    pattern = 'action = "a"\nwhere = [{ fields = ["u", "p"], in = [["admin", "Secret"]] }]'
    digest = sha256(b"Secret").hexdigest()
    assert triggers(pattern, event("a", u="Admin", p_sha256=digest)) == 1
    assert triggers(pattern, event("a", u="admin", p_sha256=digest[::-1])) == 0
    assert triggers(pattern, event("a", u="admin")) == 0


def test_counts_in_a_window() -> None:
    pattern = 'action = "a"\nleast = 3\nwithin = 10'
    assert triggers(pattern, *(event("a", at) for at in (0, 9, 18, 27))) == 0
    assert triggers(pattern, *(event("a", at) for at in (0, 20, 24, 30, 50))) == 3
    assert triggers('action = "a"\nleast = 3', event("a"), event("b"), event("a", 1)) == 0


def test_distinct_values_and_sums() -> None:
    events = [event("a", at, v=at % 2, n=10) for at in range(5)]
    assert triggers('action = "a"\ndistinct = "v"\nleast = 2\nwithin = 60', *events) == 5
    assert triggers('action = "a"\ndistinct = "v"\nleast = 3\nwithin = 60', *events) == 0
    assert triggers('action = "a"\nsum = "n"\nleast = 50', *events) == 5
    assert triggers('action = "a"\nsum = "n"\nleast = 51', *events) == 0
    assert triggers('action = "a"\nsum = "n"\nleast = 30\nwithin = 1', *events) == 0


def test_by_connection_and_unless() -> None:
    events = [event("a", n, honeypot__connection="c1") for n in (1, 2)] + [event("a", 3, honeypot__connection="c2")]
    events.append(event("b", 4, honeypot__connection="c2"))
    assert triggers('action = "a"\nby = "connection"\nleast = 2', *events) == 2
    assert triggers('action = "a"\nby = "connection"\nleast = 3', *events) == 0
    assert triggers('action = "a"\nby = "connection"\nunless = [{ action = "b" }]', *events) == 2
    assert triggers('action = "a"\nunless = [{ action = "b" }]', *events) == 0


def test_steps() -> None:
    steps = 'steps = [{ action = "a" }, { action = "b" }]\nwithin = 10'
    assert triggers(steps, event("a", 0), event("c", 1), event("b", 5)) == 2
    assert triggers(steps, event("b", 0), event("a", 5)) == 0
    assert triggers(steps, event("a", 0), event("b", 11)) == 0
    assert triggers(steps, event("a", 0), event("a", 8), event("b", 12)) == 2
    assert triggers(steps + "\nleast = 2", event("a"), event("b", 1), event("a", 2), event("b", 3)) == 4
    assert triggers(steps + '\nby = "connection"', event("a", honeypot__connection="1"), event("b", 1)) == 0


def test_series() -> None:
    pattern = 'action = "a"\nseries = "v"\nleast = 4'
    for values, times in (
        ((1, 2, 3, 4), 4),
        ((9, 4, 3, 2), 4),
        ((1, 2, 2, 3, 4), 4),
        ((1, 2, 1, 2, 1), 0),
        (("a-b", "b-c", "c-d", "d-e"), 4),
        ((1, "2", 3, 4), 0),
    ):
        assert triggers(pattern, *(event("a", n, v=value) for n, value in enumerate(values))) == times


def test_findings_of_files() -> None:
    stored = [event("file.captured", n, file__hash__sha256=f"{n:064}") for n in range(2)]
    files = {f"{0:064}": {"findings": [{"id": "bomb.zip", "severity": 3}, {"id": "bomb.gzip"}], "size": 9}}
    assert triggers('file_finding = "bomb.*"', *stored, files=files) == 1
    assert triggers('file_finding = "bomb.*"\nleast = 2', *stored, files=files) == 1
    assert triggers('file_finding = "bomb.*"\nleast = 3', *stored, files=files) == 0
    for severity, times in (("medium", 1), ("critical", 0)):
        pattern = f'file_finding = "bomb.*"\nfinding_severity = "{severity}"'
        assert triggers(pattern, *stored, files=files) == times
    assert triggers('file_finding = "x.*"', *stored, files=files) == 0
    assert triggers('file_finding = "bomb.*"\nwhere = [{ field = "size", least = 10 }]', *stored, files=files) == 0
    assert triggers('file_finding = "bomb.*"', files=files) == 0


def test_how_a_file_was_left() -> None:
    stored = [event("file.captured", file__hash__sha256="ab"), event("web.store", 1, x=1, file__hash__sha256="ab")]
    files = {"ab": {"findings": [{"id": "text.sql", "severity": 3}]}}
    for by, times in (
        ('action = "web.*"', 2),
        ('where = [{ field = "x", equals = 2 }]', 0),
        ('action = "http.*"', 0),
    ):
        assert triggers(f'file_finding = "text.*"\nleft_by = [{{ {by} }}]', *stored, files=files) == times


def test_tags_of_the_origin() -> None:
    assert triggers('action = "a"\norigin = "tor*"', A, origin=["tor-exit"]) == 1
    assert triggers('action = "a"\norigin = "tor*"', A, origin=["hosting"]) == 0


def test_everything_said() -> None:
    pattern = 'action = "*"\nwhere = [{ field = "said", regex = \'<script>\' }]'
    for path in ("dicom__ae__calling", "url__original", "file__name", "honeypot__credential__username"):
        assert triggers(pattern, event("web.store", **{path: "a<SCRIPT>"})) == 1, path
    assert triggers(pattern, event("a", dicom__query__keys={"00100010": "<script>"})) == 1
    assert triggers(pattern, event("a", http__request__headers=["A: b", "Referer: <script>"])) == 1
    assert triggers(pattern, event("a", url__query="a=%253Cscript%253E")) == 1
    assert triggers(pattern, event("a", honeypot__first_bytes=b"x<script>".hex())) == 1
    assert triggers(pattern, event("a", observer__name="<script>")) == 0
    assert triggers(pattern, event("file.captured", file__name="<script>")) == 0


def test_the_severest_pattern_counts() -> None:
    rules = own('action = "a"\nseverity = "info"\n[[pattern]]\naction = "b"\nseverity = 4')
    for events, severity in (([event("a")], 0), ([event("a"), event("b", 1)], 4)):
        assert [match.severity for match in rules.match(events, {}) if match.rule == "X1"] == [severity]


# The operator's folder


def test_a_rule_of_ours_is_replaced_or_switched_off(tmp_path: Path) -> None:
    events, files, origin = sample(SAMPLES / "D06.triggers.ndjson")
    (tmp_path / "quiet.toml").write_text('id = "D06"\nenabled = false\n')
    (tmp_path / "mine.toml").write_text(
        'id = "D03"\nname = "Mine"\nseverity = 4\n[[pattern]]\naction = "connection.close"\n'
    )
    mine = Rules.load(tmp_path)
    assert "D06" not in [rule.id for rule in mine.all]
    matches = mine.match(events, files, origin)
    assert [(match.rule, match.name, match.severity) for match in matches] == [("D03", "Mine", 4)]
    assert mine.version != Rules.load().version == Rules.load().version


def test_an_operators_list(tmp_path: Path) -> None:
    (tmp_path / "lists.toml").write_text('ours = ["A*"]\nvendor_ae_titles = ["NOBODY"]\n')
    (tmp_path / "x.toml").write_text(
        'id = "X1"\nname = "x"\n[[pattern]]\nwhere = [{ field = "name", glob = "@ours" }]\n'
    )
    assert [match.rule for match in Rules.load(tmp_path).match([A], {})] == ["X1"]
    events, files, origin = sample(SAMPLES / "D07.triggers.ndjson")
    assert "D07" not in [match.rule for match in Rules.load(tmp_path).match(events, files, origin)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id = ", "is not a TOML file"),
        ('id = "a b"\n', "wrong at id"),
        ('id = "X"\n', "needs a name and at least one"),
        ('id = "X"\nname = "x"\n[[pattern]]\naktion = "a"\n', "pattern.0.aktion"),
        ('id = "X"\nname = "x"\nseverity = "awful"\n[[pattern]]\naction = "a"\n', "wrong at severity"),
        ('id = "X"\nname = "x"\n[[pattern]]\naction = "a"\nwhere = [{ field = "a" }]\n', "something to compare with"),
        ('id = "X"\nname = "x"\n[[pattern]]\naction = "a"\nwhere = [{ field = "a..b", equals = 1 }]\n', "path of a"),
        ('id = "X"\nname = "x"\n[[pattern]]\nwhere = [{ field = "a", regex = "(" }]\n', "not a regular expression"),
        ('id = "X"\nname = "x"\n[[pattern]]\nwhere = [{ field = "a", regex = "(a+)+$" }]\n', "too long"),
        ('id = "X"\nname = "x"\n[[pattern]]\nwhere = [{ field = "a", regex = "(a|a)*b" }]\n', "too long"),
        ('id = "X"\nname = "x"\n[[pattern]]\nwhere = [{ field = "a", regex = "@none" }]\n', "no list 'none'"),
        ('id = "X"\nname = "x"\n[[pattern]]\nwhere = [{ field = "said", equals = "a" }]\n', "regex and contains"),
        ('id = "X"\nname = "x"\n[[pattern]]\ndistinct = "a"\nsum = "b"\n', "don't go together"),
        ('id = "X"\nname = "x"\n[[pattern]]\nsteps = [{ action = "a" }]\n', "at least two"),
        ('id = "X"\nname = "x"\n[[pattern]]\naction = "a"\nwithin = -1\n', "pattern.0.within"),
        ('id = "X"\nname = "x"\n[[pattern]]\naction = "a*b*c*d*e*f*"\n', "more than four"),
        ("x = " + "[" * 5000, "is not a TOML file"),
        ("#" * 600_000, "too long for a rule"),
    ],
    ids=range(18),
)
def test_a_bad_rule_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        Rules.load(tmp_path)
    assert says in str(error.value) and "\n" not in str(error.value), error.value
    assert str(error.value).endswith(".") and len(str(error.value)) < 500


def test_other_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        Rules.load(tmp_path / "none")
    (tmp_path / "a.toml").write_bytes(b'id = "\xff"')
    with pytest.raises(SettingsError, match="not a TOML file"):
        Rules.load(tmp_path)
    (tmp_path / "a.toml").write_text('id = "X1"\nenabled = false')
    (tmp_path / "b.toml").write_text('id = "X1"\nenabled = false')
    with pytest.raises(SettingsError, match="the same id"):
        Rules.load(tmp_path)
    (tmp_path / "lists.toml").write_text("a = 1")
    with pytest.raises(SettingsError, match="list of texts"):
        Rules.load(tmp_path)


# Whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PATHS = (
    "source.bytes", "dicom.ae.called", "dicom.contexts", "dicom.query.keys", "dicom.query.level", "url.query",
    "http.request.headers", "honeypot.connection", "honeypot.first_bytes", "file.hash.sha256", "url.path",
    "dicom.suboperations.completed", "dicom.query.offset", "honeypot.credential", "dicom", "honeypot", "event",
)  # fmt: skip


@st.composite
def hostile_events(draw: st.DrawFn) -> Any:
    """What begins as an event of ours does, and goes on anyhow."""
    actions = ("dicom.c-find", "dicom.association", "http.request", "connection.close", "web.query", "tls.handshake")
    made = event(draw(st.sampled_from(actions)), draw(st.integers(0, 100)))
    for path in draw(st.lists(st.sampled_from(PATHS), max_size=4)):
        *above, last = path.split(".")
        within: Any = made
        for step in above:
            within = within.setdefault(step, {}) if isinstance(within, dict) else {}
        if isinstance(within, dict):
            within[last] = draw(JSON)
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(hostile_events() | JSON, max_size=12),
    st.dictionaries(st.text(max_size=3), JSON, max_size=3),
)
def test_whatever_comes(events: list[Any], files: dict[str, Any]) -> None:
    for match in WHOLE.match(events, files, ["tor"]):
        assert 0 <= match.severity <= 4 and match.times >= 1 and match.first <= match.last
        match.detail.encode()


def test_no_expression_runs_away() -> None:
    """Each expression of ours is searched in what it likes least: its own beginnings, again and again."""
    beginnings = (
        "a",
        "'",
        " ",
        "../",
        "<a ",
        "${",
        "{{a",
        ";",
        "`id",
        "$(",
        "wget -",
        "' or a",
        "a*",
        "1",
        "/",
        "\n",
    )
    beginnings += ("<svg", "javascript", "%{a", "{%a", "; id", "'))", "union  all ", "%2e", "onload ", "\\", "=")
    expressions = [
        each
        for rule in WHOLE.all
        for pattern in rule.pattern
        for selector in (pattern, *pattern.steps, *pattern.unless)
        for condition in (*selector.where, *selector.any, *selector.none)
        for each in condition.regex
        if not each.startswith("@")
    ]
    expressions += [each for key in ("pacs_paths", "sprayed_paths") for each in _lists()[key]]
    assert len(expressions) > 60
    worst = 0.0
    for expression in expressions:
        compiled = checked(expression)
        for beginning in beginnings:
            text = (beginning * MAX_SEARCHED)[:MAX_SEARCHED]
            began = time.process_time()
            compiled.search(text)
            worst = max(worst, time.process_time() - began)
    assert worst < 0.5, worst


def _lists() -> dict[str, list[str]]:
    return tomllib.loads((FOLDER / "lists.toml").read_text())


def test_it_is_fast(rules: Rules) -> None:
    """Within a generous bound, for machines that have something else to do; docs/performance.md has the figure."""
    sessions = [sample(path) for path in sorted(SAMPLES.glob("*.ndjson"))]
    total = sum(len(events) for events, _, _ in sessions)
    began = time.process_time()
    for _ in range(3):
        for each in sessions:
            rules.match(*each)
    assert (time.process_time() - began) / (3 * total) < 500e-6


@pytest.mark.parametrize(
    "action", ["web.query", "dicom.association", "connection.close", "http.login", "dicom.c-find"]
)
def test_a_long_session_takes_no_longer_for_each_event(rules: Rules, action: str) -> None:
    def seconds(count: int) -> float:
        told = [
            event(
                action,
                number * 0.02,
                dicom={
                    "ae": {"called": f"A{number}"},
                    "query": {"offset": number, "keys": {"00080020": f"{number:08}"}},
                },
                honeypot={"web": {"face": "qido-rs"}, "connection": f"c{number}", "credential": {"username": number}},
                source={"bytes": 0},
            )
            for number in range(count)
        ]
        began = time.process_time()
        rules.match(told, {})
        return (time.process_time() - began) / count

    seconds(100)
    assert seconds(6_000) < 4 * seconds(600) + 20e-6
