"""Where settings come from, and which of them wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomhawk.settings import Remote, Settings, SettingsError, load

FILE = """\
host = "0.0.0.0"
workers = 3

[dicom]
ports = [104, 11112]

[vault]
object_mib = 7
passwords = false
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "dicomhawk.toml").write_text(FILE)
    return tmp_path


def test_defaults(tmp_path: Path) -> None:
    settings = load(data=tmp_path, environment={})
    assert settings == Settings(data=tmp_path)
    assert settings.dicom.ports == (11112,)
    assert settings.host == "127.0.0.1"
    assert settings.deployment is None


def test_the_folder_is_the_only_place_of_state(tmp_path: Path) -> None:
    settings = load(data=tmp_path, environment={})
    for folder in (settings.journal_dir, settings.vault_dir, settings.hospital_dir):
        assert folder.parent == tmp_path


def test_a_file_wins_over_defaults(data: Path) -> None:
    settings = load(data=data, environment={})
    assert (settings.host, settings.workers, settings.dicom.ports) == ("0.0.0.0", 3, (104, 11112))
    assert (settings.vault.object_mib, settings.vault.passwords, settings.vault.objects_mib) == (7, False, 16384)


def test_the_environment_wins_over_the_file(data: Path) -> None:
    environment = {
        "DICOMHAWK_WORKERS": "5",
        "DICOMHAWK_DICOM__PORTS": "2104",
        "DICOMHAWK_VAULT__OBJECT_MIB": "8",
        "WORKERS": "9",
        "dicomhawk_workers": "9",
    }
    settings = load(data=data, environment=environment)
    assert (settings.host, settings.workers, settings.dicom.ports) == ("0.0.0.0", 5, (2104,))
    assert (settings.vault.object_mib, settings.vault.passwords) == (8, False)


def test_flags_win_over_both(data: Path) -> None:
    environment = {"DICOMHAWK_WORKERS": "5", "DICOMHAWK_HOST": "::"}
    flags = {"workers": 7, "host": None, "dicom": {"ports": (0, 0)}}
    settings = load(data=data, environment=environment, flags=flags)
    assert (settings.host, settings.workers, settings.dicom.ports) == ("::", 7, (0, 0))
    assert load(data=data, environment={}, flags={"dicom": {"ports": None}}).dicom.ports == (104, 11112)


def test_several_values_in_a_variable(tmp_path: Path) -> None:
    assert load(data=tmp_path, environment={"DICOMHAWK_DICOM__PORTS": "104,11112,0"}).dicom.ports == (104, 11112, 0)


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ("CT01", Remote(ae_title="CT01")),
        (" CT 01 ", Remote(ae_title="CT 01")),
        ("CT01@ct01.example", Remote(ae_title="CT01", host="ct01.example")),
        ("CT01@10.20.4.11:104", Remote(ae_title="CT01", host="10.20.4.11", port=104)),
        ("CT@HOME@10.20.4.11:104", Remote(ae_title="CT@HOME", host="10.20.4.11", port=104)),
        ("CT01@[fe80::1]:104", Remote(ae_title="CT01", host="fe80::1", port=104)),
        ("CT01@[fe80::1]", Remote(ae_title="CT01", host="fe80::1")),
        ("CT01@fe80::1", Remote(ae_title="CT01", host="fe80::1")),
    ],
)
def test_a_remote_in_short(tmp_path: Path, text: str, remote: Remote) -> None:
    assert load(data=tmp_path, environment={"DICOMHAWK_DICOM__REMOTES": text}).dicom.remotes == (remote,)


def test_remotes_of_file_environment_and_flags(tmp_path: Path) -> None:
    table = '{ ae_title = "A", host = "10.0.0.1", port = 104 }'
    (tmp_path / "dicomhawk.toml").write_text(f'[dicom]\nremotes = [{table}, "B", {{ ae_title = "C" }}]\n')
    settings = load(data=tmp_path, environment={})
    assert settings.dicom.remotes[0] == Remote(ae_title="A", host="10.0.0.1", port=104)
    assert settings.dicom.remotes[1:] == (Remote(ae_title="B"), Remote(ae_title="C"))
    environment = {"DICOMHAWK_DICOM__REMOTES": "D@10.0.0.2:104,E"}
    assert [each.ae_title for each in load(data=tmp_path, environment=environment).dicom.remotes] == ["D", "E"]
    flags = {"dicom": {"remotes": ("F",)}}
    assert load(data=tmp_path, environment=environment, flags=flags).dicom.remotes == (Remote(ae_title="F"),)


@pytest.mark.parametrize(
    "text",
    [
        "A\\\\B",
        "",
        " ",
        "ABCDEFGHIJKLMNOPQ",
        "A\\u0001",
        "Ærø",
        "A@b c",
        "A@b:",
        "A@b:0",
        "A@b:65536",
        "A@" + 254 * "b",
    ],
)
def test_remotes_that_can_not_be(data: Path, text: str) -> None:
    (data / "dicomhawk.toml").write_text(f'[dicom]\nremotes = ["B", "{text}"]\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^dicom\.remotes\.1.*\.$"):
        load(data=data, environment={})


def test_two_remotes_with_one_title(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the AE title A is there twice"):
        load(data=tmp_path, environment={"DICOMHAWK_DICOM__REMOTES": "A,B,A"})


def test_the_folder_may_come_from_the_environment(data: Path) -> None:
    settings = load(environment={"DICOMHAWK_DATA": str(data)})
    assert (settings.data, settings.workers) == (data, 3)
    assert load(data=data / "other", environment={"DICOMHAWK_DATA": str(data)}).data == data / "other"


def test_another_file(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("workers = 11\n")
    settings = load(data=data, file=other, environment={})
    assert (settings.workers, settings.host, settings.data) == (11, "127.0.0.1", data)


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("workers = -1\n", "workers"),
        ('workers = "many"\n', "workers"),
        ("worker = 1\n", "worker"),
        ("[dicom]\nports = [65536]\n", "dicom.ports"),
        ("[dicom]\nports = []\n", "dicom.ports"),
        ("[vault]\ntranscripts_mib = 0\n", "vault.transcripts_mib"),
        ('[deployment]\nseed = "00"\n', "deployment"),
        ("workers = 1\nworkers = 2\n", "TOML"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "TOML"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(data: Path, text: str, mentions: str) -> None:
    (data / "dicomhawk.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(data=data, environment={})
    said = str(caught.value)
    assert mentions in said
    assert said.endswith(".")
    assert "\n" not in said


def test_a_file_that_is_not_text(data: Path) -> None:
    (data / "dicomhawk.toml").write_bytes(b"\xff\xfe\0\0")
    with pytest.raises(SettingsError, match="TOML"):
        load(data=data, environment={})


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.toml can't be read"):
        load(data=tmp_path, file=tmp_path / "missing.toml", environment={})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DICOMHAWK_WORKERS", "two"),
        ("DICOMHAWK_DICOM__PORTS", "104,x"),
        ("DICOMHAWK_NO_SUCH_THING", "1"),
        ("DICOMHAWK_DICOM", "104"),
        ("DICOMHAWK_HOST__DEEPER", "1"),
    ],
)
def test_wrong_variables(data: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError):
        load(data=data, environment={name: value})


def test_two_variables_that_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        load(data=tmp_path, environment={"DICOMHAWK_DICOM": "104", "DICOMHAWK_DICOM__PORTS": "104"})


def test_settings_can_not_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.workers = 3  # type: ignore[misc]


def test_a_remote_that_seems_to_be_down() -> None:
    up, down, named_so = (Remote.model_validate(text) for text in ("A@h:104", "A@h:104/down", "A/down"))
    assert up.reachable
    assert (down.host, down.port, down.reachable) == ("h", 104, False)
    assert (named_so.ae_title, named_so.reachable) == ("A/down", True)
