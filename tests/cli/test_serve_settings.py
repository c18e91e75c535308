"""What `dicomhawk serve` makes of settings on a data folder that is not there yet."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.sensor.raw import echoes
from tests.support import Sensor, dicomhawk, run_tool

EMPTY = {"DICOMHAWK_HOSPITAL__STUDIES": "0"}


def test_an_empty_hospital(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Sensor(data, workers=1, environment=EMPTY) as sensor:
        for keys in (("-S", "-k", "QueryRetrieveLevel=STUDY"), ("-P", "-k", "QueryRetrieveLevel=PATIENT")):
            found = run_tool("findscu", "-v", *keys, "-k", "PatientID", *sensor.address)
            assert "Received Final Find Response (Success)" in found.output
            assert "Find Response: 1" not in found.output
    with closing(sqlite3.connect(data / "hospital" / "catalogue.sqlite")) as catalogue:
        assert catalogue.execute("SELECT count(*) FROM study").fetchone() == (0,)
    with Sensor(data, workers=1, environment=EMPTY) as sensor:
        assert echoes(sensor)


@pytest.mark.parametrize(
    ("environment", "flags"),
    [
        ({"DICOMHAWK_DEPLOYMENT__AE_TITLE": "ARCHIVE"}, ()),
        ({}, ("--ae-title", "ARCHIVE")),
        ({"DICOMHAWK_DEPLOYMENT__AE_TITLE": "OTHER"}, ("--ae-title", "ARCHIVE")),
    ],
)
def test_an_ae_title_of_the_operators(tmp_path: Path, environment: Mapping[str, str], flags: tuple[str, ...]) -> None:
    persona = tmp_path / "strict.toml"
    persona.write_text('name = "strict"\ntitle = "Strict"\n[identity]\ncalled_ae_titles = "own"\n')
    how = {**EMPTY, **environment}
    with Sensor(tmp_path / "data", workers=1, environment=how, flags=(*flags, "--persona", persona)) as sensor:
        run_tool("echoscu", "-aec", "ARCHIVE", *sensor.address)
        run_tool("echoscu", "-aec", "OTHER", *sensor.address, status=None)
        sensor.wait_event("dicom.association.reject", dicom__ae__called="OTHER")
    assert 'ae_title = "ARCHIVE"' not in (tmp_path / "data" / "dicomhawk.toml").read_text()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--remote", "A\\B@10.0.0.1:104"), "backslash"),
        (("--remote", "A", "--remote", "A@10.0.0.1"), "twice"),
        (("--remote", "A@10.0.0.1:0"), "port"),
        (("--ae-title", "LONGER THAN SIXTEEN"), "deployment.ae_title"),
        (("--ae-title", " "), "deployment.ae_title"),
    ],
)
def test_titles_that_can_not_be(tmp_path: Path, flags: tuple[str, ...], says: str) -> None:
    done = dicomhawk("serve", "--data", tmp_path / "data", *flags, environment=EMPTY)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
