"""What the examiner makes of a sandbox that dies, lies, or isn't there; and what comes of it in the database."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from dicomhawk.analyst.database.schema import captures, events, files, sessions
from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.payload import Examiner, examine_pending
from dicomhawk.analyst.payload.model import Comparison, Examination, Untrue, read
from dicomhawk.analyst.payload.sandbox import SandboxError, layers
from dicomhawk.settings import Settings
from dicomhawk.settings.analysis import Analyst
from tests.analyst.payload import lying_jobs, samples
from tests.analyst.payload.conftest import UNHURRIED, Examine, severities

LYING = "tests.analyst.payload.lying_jobs"


@pytest.fixture(scope="module")
def liar(data: Path) -> Iterator[Examiner]:
    """An examiner whose sandbox does what the first word of a file says."""
    made = Examiner(Settings(data=data, analyst=Analyst(examination_seconds=2)), jobs=LYING)
    yield made
    made.close()


def give(examiner: Examiner, data: Path, content: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    (data / sha256).write_bytes(content)
    return examiner.examine(sha256, data / sha256)


@pytest.mark.parametrize(
    ("word", "id", "severity"),
    [
        (b"crash", "sandbox.died", 3),
        (b"loop", "sandbox.timeout", 2),
        (b"socket", "sandbox.violation", 4),
        (b"raise", "sandbox.failed", 2),
        (b"nonsense", "sandbox.untrue", 3),
        (b"empty", "sandbox.untrue", 3),
        (b"deep", "sandbox.untrue", 3),
        (b"huge-number", "sandbox.untrue", 3),
        (b"bad-id", "sandbox.untrue", 3),
        (b"long", "sandbox.untrue", 3),
        (b"big-picture", "sandbox.untrue", 3),
    ],
)
def test_a_sandbox_that_was_taken_over_is_not_believed(
    liar: Examiner, data: Path, word: bytes, id: str, severity: int
) -> None:
    if word == b"socket" and not layers().seccomp:
        pytest.skip("this kernel has no seccomp for this machine")
    report = give(liar, data, word)
    assert severities(report) == {id: severity}
    assert report["size"] == len(word) and report["type"] == "unknown"
    assert severities(give(liar, data, b"clean")) == {}


def test_a_picture_of_another_size_than_it_says_is_not_written(liar: Examiner, data: Path) -> None:
    report = give(liar, data, b"short-picture")
    assert report["preview"] is None and severities(report) == {}


def test_rules_that_take_forever_or_crash_take_nothing_else_with_them(liar: Examiner, data: Path) -> None:
    assert severities(give(liar, data, b"clean slow-rule")) == {"yara.timeout": 1}
    assert severities(give(liar, data, b"clean crashing-rule")) == {"yara.failed": 1}


@pytest.mark.soak
def test_a_slow_rule_of_the_operator_is_left(data: Path, tmp_path: Path) -> None:
    patterns = "\n".join(f"$a{n} = /(a|aa|a[a-z]{{1,40}}){{1,40}}b{n}[a-z]{{1,60}}[0-9]{{4,40}}/" for n in range(60))
    (tmp_path / "slow.yar").write_text(f"rule slow {{ strings: {patterns} condition: any of them }}")
    (tmp_path / "loop.yar").write_text(
        "rule loop { condition: for all i in (0..100000000) : ( for all j in (0..100000000) : ( i + j >= 0 ) ) }"
    )
    examiner = Examiner(Settings(data=data, analyst=Analyst(examination_seconds=15, yara=tmp_path)))
    try:
        report = give(examiner, data, b"a" * 300_000)
        assert severities(report) == {"yara.timeout": 1}
        assert report["type"] == "text"
    finally:
        examiner.close()


def test_a_digest_that_is_none_is_refused(examiner: Examiner, data: Path) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        examiner.examine("../../etc/passwd", data)


def test_a_link_is_not_followed(examiner: Examiner, tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("/etc/hostname")
    assert severities(examiner.examine("0" * 64, tmp_path / "x")) == {"sandbox.absent": 0}


def test_what_is_no_file_is_not_opened(examiner: Examiner, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    assert severities(examiner.examine("0" * 64, tmp_path / "x")) == {"sandbox.absent": 0}


def test_without_room_for_a_preview_there_is_a_report(tmp_path: Path) -> None:
    (tmp_path / "previews").write_text("in the way")
    examiner = Examiner(Settings(data=tmp_path, analyst=UNHURRIED))
    try:
        report = give(examiner, tmp_path, samples.ct())
        assert report["preview"] is None and report["severity"] == 0
    finally:
        examiner.close()


def test_a_file_that_was_changed_in_the_vault_is_told(examiner: Examiner, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(samples.ct())
    assert severities(examiner.examine("0" * 64, tmp_path / "x")) == {"sandbox.digest": 3}


def test_the_same_file_has_the_same_report(examine: Examine) -> None:
    assert examine(samples.ct(preamble=samples.elf(128))) == examine(samples.ct(preamble=samples.elf(128)))


def test_health_says_what_is_missing(examiner: Examiner, data: Path, tmp_path: Path) -> None:
    health = examiner.health()
    assert health["error"] == "" and health["layers"]["landlock"] == layers().landlock
    (tmp_path / "bad.yar").write_text("rule broken {")
    other = Examiner(Settings(data=data, analyst=Analyst(yara=tmp_path)))
    try:
        assert len(other.health()["ignored_rules"]) == 1
        assert other.version != examiner.version
    finally:
        other.close()


def test_strictly_nothing_is_examined_in_half_a_sandbox(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomhawk.analyst.payload.examiner.layers", lambda: type(layers())(0, True))
    strict = Examiner(Settings(data=data, analyst=Analyst(sandbox="strict")))
    try:
        assert strict.health()["error"] == "the kernel has no landlock, so that no file is examined"
    finally:
        strict.close()


def test_what_is_told_is_bounded() -> None:
    clean = lying_jobs.clean()
    assert read(Examination, json.dumps(clean).encode()).type == "data"
    for name, value in (
        ("type", "x" * 1000),
        ("findings", [{"id": "ab.c", "name": "n", "severity": 5}]),
        ("findings", [{"id": "ab.c", "name": "n", "severity": 1}] * 1000),
        ("sections", [{"name": "n", "offset": 0, "length": 1, "entropy": 9.0}]),
        ("size", -1),
        ("size", 1 << 70),
        ("sha256", "<script>"),
        ("preview", {"width": 100_000, "height": 1, "samples": 1, "data": ""}),
    ):
        with pytest.raises(Untrue):
            read(Examination, json.dumps(clean | {name: value}).encode())
    dirty = {"findings": [{"id": "ab.c", "name": "\x1b[2J\u202ex", "severity": 1}], "strings": ["a\nb\x00"]}
    found = read(Examination, json.dumps(clean | dirty).encode())
    assert (found.findings[0].name, found.strings) == ("·[2J·x", ["a·b·"])
    with pytest.raises(Untrue):
        read(Comparison, b'{"attributes": ' + b"[" * 100_000)


# In the database.


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_database(f"sqlite:///{tmp_path / 'findings.sqlite'}")
    yield made
    made.dispose()


def captured(
    engine: Engine, vault: Path, content: bytes, session: str, *, kept: bool = True, address: str = "192.0.2.1"
) -> str:
    """As the analyst leaves it: a file that was captured in a session and isn't examined."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = vault / "objects" / sha256[:2] / sha256
    if kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    name = f"objects/{sha256[:2]}/{sha256}"
    document = {"event": {"id": f"e{session}{sha256}"}, "file": {"hash": {"sha256": sha256}}}
    if kept:
        document["file"]["name"] = name  # type: ignore[assignment]
    with engine.begin() as connection:
        if not connection.execute(select(sessions.c.session).where(sessions.c.session == session)).first():
            row = {"session": session, "sensor": "s", "address": address, "first": 1, "last": 2}
            needed = {
                column.name: 0
                for column in sessions.columns
                if not column.nullable and column.default is None and column.name not in row
            }
            connection.execute(insert(sessions).values(**needed, **row))
        if not connection.execute(select(files.c.sha256).where(files.c.sha256 == sha256)).first():
            connection.execute(insert(files).values(sha256=sha256, size=len(content)))
        event = document["event"]["id"]
        connection.execute(
            insert(events).values(
                id=event,
                moment=1,
                sensor="s",
                session=session,
                action="file.captured",
                severity=1,
                document=json.dumps(document),
            )
        )
        connection.execute(insert(captures).values(event=event, session=session, sha256=sha256, moment=1))
    return sha256


def row_of(engine: Engine, sha256: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(files).where(files.c.sha256 == sha256)).one()


def stale(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(sessions.c.session).where(sessions.c.stale)).scalars())


def test_pending_files_are_examined_and_their_sessions_marked(
    engine: Engine, examiner: Examiner, tmp_path: Path
) -> None:
    vault = tmp_path / "vault"
    bad = captured(engine, vault, samples.ct(preamble=samples.elf(128)), "one")
    captured(engine, vault, samples.ct(preamble=samples.elf(128)), "two")
    clean = captured(engine, vault, samples.ct(), "three")
    assert stale(engine) == set()
    assert examine_pending(engine, examiner, vault, 10) == 2
    assert stale(engine) == {"one", "two", "three"}
    row = row_of(engine, bad)
    assert (row.type, row.severity) == ("DICOM + ELF", 4) and row.examined > 1_700_000_000_000_000
    assert json.loads(row.report)["verdict"] == row.verdict and row.fuzzy == json.loads(row.report)["fuzzy"]
    assert row_of(engine, clean).severity == 0
    assert examine_pending(engine, examiner, vault, 10) == 0


def test_no_more_than_were_asked_for(engine: Engine, examiner: Examiner, tmp_path: Path) -> None:
    for number in range(3):
        captured(engine, tmp_path, b"x%d" % number, "one")
    assert [examine_pending(engine, examiner, tmp_path, 2) for _ in range(3)] == [2, 1, 0]


def test_nobody_keeps_the_others_waiting(engine: Engine, examiner: Examiner, tmp_path: Path) -> None:
    for number in range(8):
        captured(engine, tmp_path, b"flood%d" % number, "one", address="198.51.100.1")
    late = captured(engine, tmp_path, b"late", "two", address="198.51.100.2")
    assert examine_pending(engine, examiner, tmp_path, 2) == 2
    assert row_of(engine, late).examined is not None


def test_files_of_which_only_the_digest_was_kept_are_done_with(
    engine: Engine, examiner: Examiner, tmp_path: Path
) -> None:
    sha256 = captured(engine, tmp_path, b"gone", "one", kept=False)
    assert examine_pending(engine, examiner, tmp_path, 10) == 1
    assert row_of(engine, sha256).verdict == "Only its digest and size were kept."


def test_files_of_another_vault_wait_for_it(engine: Engine, examiner: Examiner, tmp_path: Path) -> None:
    captured(engine, tmp_path / "there", b"x", "one")
    assert examine_pending(engine, examiner, tmp_path / "here", 10) == 0
    assert examine_pending(engine, examiner, tmp_path / "there", 10) == 1


def test_files_that_a_vault_does_not_have_are_not_looked_for_all_the_time(
    engine: Engine, examiner: Examiner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = captured(engine, tmp_path / "there", b"x", "one")
    elsewhere: dict[str, float] = {}
    assert examine_pending(engine, examiner, tmp_path / "here", 10, elsewhere) == 0
    assert list(elsewhere) == [sha256]
    (tmp_path / "there").rename(tmp_path / "here")
    assert examine_pending(engine, examiner, tmp_path / "here", 10, elsewhere) == 0
    monkeypatch.setattr(time, "monotonic", lambda: elsewhere[sha256] + 1)
    assert examine_pending(engine, examiner, tmp_path / "here", 10, elsewhere) == 1


def test_with_other_rules_all_are_examined_again(engine: Engine, data: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    sha256 = captured(engine, tmp_path, b"a needle", "one")
    settings = Settings(data=data, analyst=UNHURRIED.model_copy(update={"yara": rules}))
    for source, expected in (("", 0), ('rule needle { strings: $a = "needle" condition: $a }', 2)):
        (rules / "x.yar").write_text(source)
        examiner = Examiner(settings)
        try:
            assert examine_pending(engine, examiner, tmp_path, 10) == 1
            assert examine_pending(engine, examiner, tmp_path, 10) == 0
        finally:
            examiner.close()
        assert row_of(engine, sha256).severity == expected


def test_without_a_sandbox_files_wait(engine: Engine, data: Path, tmp_path: Path) -> None:
    captured(engine, tmp_path, b"x", "one")
    broken = Examiner(Settings(data=data), jobs="tests.analyst.payload.no_such_jobs")
    assert examine_pending(engine, broken, tmp_path, 10) == 0
    with pytest.raises(SandboxError):
        _ = broken.version
    assert broken.health()["error"]
    with engine.begin() as connection:
        assert connection.execute(update(files).where(files.c.examined.is_(None)).values(size=1)).rowcount == 1
