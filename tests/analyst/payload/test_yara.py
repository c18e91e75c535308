"""YARA rules: each finds what it is for; the operator's own can be wrong without harm."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dicomhawk.analyst.payload.analyses.yara import OURS, Yara
from dicomhawk.analyst.payload.model import Findings
from tests.analyst.payload.yara_samples import SAMPLES


@pytest.fixture(scope="module")
def ours() -> Yara:
    return _ready(Yara(None))


def _ready(yara: Yara) -> Yara:
    yara.prepare()
    return yara


def found(yara: Yara, data: bytes) -> dict[str, int]:
    findings = Findings()
    yara.look(data, len(data), findings)
    return {each.id: each.severity for each in findings.all}


def test_every_rule_of_ours_compiles_and_has_samples(ours: Yara) -> None:
    names = {
        name for path in OURS.glob("*.yar") for name in re.findall(r"^rule (\w+)", path.read_text(), re.MULTILINE)
    }
    assert names == set(SAMPLES)
    assert not ours.ignored


@pytest.mark.parametrize("rule", SAMPLES)
def test_a_rule_finds_what_it_is_for_and_not_what_is_like_it(ours: Yara, rule: str) -> None:
    hit, miss = SAMPLES[rule]
    assert found(ours, hit).get(f"yara.{rule}", 0) >= 2
    assert f"yara.{rule}" not in found(ours, miss)


def test_rules_of_the_operator_are_applied_and_wrong_ones_are_told(tmp_path: Path) -> None:
    (tmp_path / "good.yar").write_text('rule mine { meta: severity = 1 strings: $a = "needle" condition: $a }')
    (tmp_path / "bad.yar").write_text("rule broken { strings: ")
    (tmp_path / "unknown.yara").write_text(
        'import "nosuch" rule worse { condition: nosuch.x } rule fine { strings: $a = "hay" condition: $a }'
    )
    (tmp_path / "include.yar").write_text('include "/etc/passwd"')
    (tmp_path / "binary.yar").write_bytes(b"\xff\xfe\0")
    (tmp_path / "notes.txt").write_text("no rule")
    yara = _ready(Yara(tmp_path))
    assert found(yara, b"a needle in the hay")["yara.mine"] == 1
    told = "\n".join(yara.ignored)
    assert all(name in told for name in ("bad.yar", "unknown.yara", "include.yar", "binary.yar"))
    assert "\x00" not in told and len(yara.ignored) <= 8


def test_other_rules_are_another_version(tmp_path: Path) -> None:
    before = Yara(tmp_path).version
    (tmp_path / "more.yar").write_text("rule more { condition: false }")
    assert Yara(tmp_path).version != before == Yara(None).version


def test_the_end_of_a_large_file_is_scanned_too(ours: Yara, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomhawk.analyst.payload.analyses.yara.MAX_SCANNED", 4096)
    data = bytes(50_000) + SAMPLES["eicar"][0]
    findings = Findings()
    ours.look(data, len(data), findings)
    assert [(each.id, each.offset) for each in findings.all] == [("yara.eicar", data.index(b"$EICAR"))]
