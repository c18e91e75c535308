"""Recording systems whose behaviour is known, since it is a persona's: it must come back."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dicomhawk.persona import model, sopclasses
from dicomhawk.persona.battery.laboratory import Laboratory
from dicomhawk.persona.battery.run import Plan, play
from dicomhawk.persona.battery.transcript import Transcript
from dicomhawk.persona.model import Persona
from dicomhawk.persona.recorder import fields, record
from dicomhawk.persona.recorder.contexts import named
from dicomhawk.persona.recorder.evidence import Evidence
from dicomhawk.persona.recorder.writing import toml
from dicomhawk.settings import Deployment, SettingsError
from tests.persona.scripted import server, upper_layer

OBSERVED = frozenset({"association", "negotiation", "syntaxes", "before", "on"})
NEGOTIATED = frozenset({"association", "negotiation", "syntaxes"})
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
ANYBODY = Deployment(
    seed="0123456789abcdef", hospital="Any Hospital", locale="en_US", ae_title="ARCHIVE", uid_root="1.2.3"
)


def observed(persona: Persona, only: frozenset[str] = OBSERVED) -> Transcript:
    """What the battery sees of a persona's upper layer."""
    with server(upper_layer(persona)) as address:
        lab = Laboratory(address, "ARCHIVE", "TESTER", reply=0.15, quiet=0.02)
        return play(lab, Plan(timers=False, crowd=False, only=only))


def recorded(transcript: Transcript) -> Persona:
    """The persona that is made of it."""
    return record(transcript, name="again", against="10.0.0.1:104", now=NOW).persona


def policies(persona: Persona) -> object:
    """How the persona negotiates, whatever its file calls things."""
    policy = persona.policy(ANYBODY)
    syntaxes = {uid: (p.transfer_syntaxes, p.requestor_prefers) for uid, p in policy.abstract_syntaxes.items()}
    return syntaxes, policy.checks, policy.maximum_length, policy.user_items, policy.refused_transfer_syntax


@pytest.mark.parametrize(
    "name", ["plain", *(pytest.param(name, marks=pytest.mark.soak) for name in ("orthanc", "dcmqrscp"))]
)
def test_a_known_product_comes_back(name: str) -> None:
    persona = model.load(name)
    if persona.identity.implementation_class_uid is None:
        own = {"implementation_class_uid": "1.2.3.4", "implementation_version_name": "SOME_1"}
        persona = persona.model_copy(update={"identity": persona.identity.model_copy(update=own)})
    again = recorded(observed(persona))
    assert again.kind == "measured"
    for table in ("identity", "request", "reject", "answer"):
        assert getattr(again, table) == getattr(persona, table), table
    assert policies(again) == policies(persona)
    assert again.wire.before_association == persona.wire.before_association
    assert again.wire.on_association == persona.wire.on_association


def test_another_configuration_comes_back() -> None:
    orthanc = model.load("orthanc")
    groups = list(orthanc.contexts.groups)
    groups[-1] = groups[-1].model_copy(update={"transfer_syntaxes": ("explicit-le", "implicit-le")})
    other = orthanc
    for path, value in (
        (("contexts", "groups"), tuple(groups)),
        (("identity", "called_ae_titles"), "own"),
        (("identity", "implementation_version_name"), "OTHER_9"),
        (("wire", "max_pdu"), 65536),
        (("answer", "user_items"), tuple(reversed(orthanc.answer.user_items))),
        (("answer", "refused_transfer_syntax"), "proposed"),
    ):
        other = fields.changed(other, path, value)
    transcript = observed(other, NEGOTIATED)
    again = recorded(transcript)
    assert again.identity == other.identity
    assert again.wire.max_pdu == 65536
    assert policies(again) == policies(other)
    left = Evidence(transcript).unexplained(again)
    assert len(left) <= 2, left


@pytest.mark.soak
@pytest.mark.parametrize("name", ["orthanc", "dcmqrscp", "horos"])
def test_an_unknown_product_is_foreseen_all_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the product itself taken out of the library, another's values must be found to fit."""
    persona = model.load(name)
    others = tuple(known for known in fields.library() if known.name != name)
    monkeypatch.setattr(fields, "library", lambda: others)
    transcript = observed(persona)
    again = recorded(transcript)
    evidence = Evidence(transcript)
    assert len(evidence.unexplained(again)) <= 0.1 * len(evidence.seen)


@pytest.fixture(scope="module")
def little() -> Transcript:
    """Hardly anything of Orthanc."""
    return observed(model.load("orthanc"), frozenset({"association.usual", "before.http"}))


def test_the_file_says_where_it_comes_from_and_what_it_is_not(little: Transcript) -> None:
    found = record(little, name="again", against="10.0.0.1:104", now=NOW)
    head = [line for line in found.toml.splitlines() if line.startswith("#")]
    assert head[0] == "# Recorded from 10.0.0.1:104 on 2026-11-22 05:00 UTC by dicomhawk persona record."
    assert any("Could not be observed: contexts" in line for line in head)
    assert any(line.startswith("Could not be observed: find") for line in found.report)
    assert found.persona.sources["recording"].version == "2026-11-22 05:00 UTC"
    assert found.persona.origin("wire.max_pdu") == "What 10.0.0.1:104 answered (2026-11-22 05:00 UTC)"
    assert str(found.persona.origin("find.counts")).startswith("inferred: as ")


def test_the_file_is_valid_and_says_the_same(little: Transcript, tmp_path: Path) -> None:
    found = record(little, name="again", title="Mine", against="10.0.0.1:104", now=NOW)
    file = tmp_path / "again.toml"
    file.write_text(found.toml, encoding="utf-8")
    assert model.check(file) == found.persona
    assert found.persona.title == "Mine"


def test_what_accepts_nobody_can_not_be_recorded(little: Transcript) -> None:
    nothing = Transcript("A", "B", {}, {})
    with pytest.raises(SettingsError, match="accepted no association"):
        record(nothing, name="again", against="10.0.0.1:104")
    stopped = Transcript("A", "B", {}, {"association.usual": "it had stopped answering"})
    with pytest.raises(SettingsError, match="stopped answering at once"):
        record(stopped, name="again", against="10.0.0.1:104")


@pytest.mark.parametrize("name", model.shipped())
def test_every_shipped_persona_can_be_written_and_read(name: str) -> None:
    persona = model.load(name).model_copy(update={"sources": {}, "stated": {}, "inferred": {}})
    assert model.parsed(toml(persona), name) == persona


def test_texts_of_all_kinds_can_be_written() -> None:
    persona = model.load("plain").model_copy(update={"title": 'a "quoted" \\ title: \u00fc\t\x7f\U0001f3e5'})
    text = toml(persona)
    assert tomllib.loads(text)["title"] == persona.title


def test_sop_classes_are_written_by_the_name_of_their_group() -> None:
    storage = sopclasses.storage()
    assert named(storage) == (("storage",), ())
    assert named([uid for uid in storage if uid != "1.2.840.10008.5.1.4.1.1.2"]) == (
        ("storage",),
        ("CTImageStorage",),
    )
    assert named(["1.2.840.10008.1.1", "1.2.3"]) == (("Verification", "1.2.3"), ())
    assert named([]) == ((), ())


def test_names_lead_back_to_what_they_stand_for() -> None:
    wanted = (*sopclasses.QUERY_RETRIEVE, "1.2.840.10008.1.1", *sopclasses.storage()[:40], "1.3.46.670589.5.0.1")
    names, without = named(wanted)
    found = set(sopclasses.abstract_syntaxes(names)) - set(sopclasses.abstract_syntaxes(without))
    assert found == set(wanted)
