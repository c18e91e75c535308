"""Finding and reading persona files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomhawk.persona.model import load, shipped
from dicomhawk.settings import SettingsError


def test_every_shipped_persona_can_be_read() -> None:
    assert {"plain", "orthanc", "dcmqrscp"} <= set(shipped())
    assert [load(name).name for name in shipped()] == shipped()


def test_a_variation_is_laid_over_what_it_extends(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "orthanc"\nname = "mine"\n[wire]\nmax_pdu = 32768\n', encoding="utf-8")
    mine, orthanc = load(str(path)), load("orthanc")
    assert (mine.name, mine.wire.max_pdu) == ("mine", 32768)
    assert mine.model_copy(update={"name": orthanc.name, "wire": orthanc.wire}) == orthanc
    assert mine.wire.model_copy(update={"max_pdu": orthanc.wire.max_pdu}) == orthanc.wire


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('extends = "nothing"\nname = "mine"', "There is no persona 'nothing'"),
        ("extends = 1\n", "wrong at extends"),
        ('extends = "../plain"\n', "There is no persona '../plain'"),
        ('name = "mine"\ntitle = "x"\n[wire]\nmax_pdu = 1\n', "wrong at wire.max_pdu"),
        ('name = "mine"\ntitle = "x"\ncolour = "red"\n', "wrong at colour"),
        ("name = ", "not a TOML file"),
    ],
)
def test_a_wrong_file_gets_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load(str(path))
    assert sentence in str(error.value)


def test_a_persona_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(SettingsError, match="plain"):
        load("absent")
