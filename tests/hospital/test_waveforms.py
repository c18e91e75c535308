"""Electrocardiograms: what is drawn is what is measured, the leads agree with each other, and objects are valid."""

from __future__ import annotations

import math
import shutil
import statistics
import subprocess
from dataclasses import replace as replaced
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydicom
import pytest
from msgspec.structs import replace

from dicomhawk.hospital.charset import character_set
from dicomhawk.hospital.findings.ecg_words import concluded, seen, statements
from dicomhawk.hospital.findings.vocabulary import words
from dicomhawk.hospital.objects.ecg import GENERAL_ECG, TWELVE_LEAD_ECG
from dicomhawk.hospital.objects.ecg_makers import ECG_MODELS, ECGModel
from dicomhawk.hospital.objects.files import make_file
from dicomhawk.hospital.objects.recipe import ECGAcquisition, SeriesRecipe, decode, encode
from dicomhawk.hospital.waveforms.heart import heart
from dicomhawk.hospital.waveforms.reading import read
from dicomhawk.hospital.waveforms.recipe import LEADS, Electrocardiogram, Heart
from dicomhawk.hospital.waveforms.tracing import MEDIAN_BEFORE, beats, median, record
from dicomhawk.hospital.world.locale import available, locale

from .test_objects_modalities import context

USUAL = Heart(rate=70.0, axis=50.0, pr=160.0, qrs=94.0, qt=390.0)


def recipe(beating: Heart = USUAL, person: str = "p", study: str = "s") -> Electrocardiogram:
    """A quiet recording of all leads."""
    return Electrocardiogram(
        person=person,
        study=study,
        heart=beating,
        leads=LEADS,
        frequency=500,
        seconds=10,
        step=1.0,
        mains=50,
        hum=0.0,
        muscle=0.0,
        wander=0.0,
        median=True,
    )


def intervals(beating: Heart) -> list[float]:
    """The lengths of a minute's beats, in seconds."""
    times = [beat.at for beat in beats(replace(recipe(beating), seconds=60))]
    return [after - before for before, after in pairwise(times)]


def test_the_same_recipe_gives_the_same_values() -> None:
    noisy = replace(recipe(), hum=3.0, muscle=8.0, wander=40.0)
    one, two = record(noisy), record(noisy)
    assert (one.rhythm == two.rhythm).all()
    assert one.rhythm.shape == (5000, 12)
    assert one.median is not None
    assert one.median.shape == (600, 12)
    assert (record(replace(noisy, study="other")).rhythm != one.rhythm).any()


@pytest.mark.parametrize("muscle", [0.0, 9.0])
def test_limb_leads_obey_einthoven_and_goldberger(muscle: float) -> None:
    values = record(replace(recipe(), muscle=muscle, hum=2.0, wander=50.0)).rhythm.astype(int)
    one, two, three, right, left, foot = values.T[:6]
    assert np.abs(one + three - two).max() <= 2  # rounded each
    assert np.abs(right + (one + two) / 2).max() <= 2
    assert np.abs(left - (one - three) / 2).max() <= 2
    assert np.abs(foot - (two + three) / 2).max() <= 2


def test_the_rate_is_that_of_the_beats() -> None:
    for rate in (50.0, 70.0, 110.0):
        lengths = intervals(replace(USUAL, rate=rate))
        assert 60 / statistics.mean(lengths) == pytest.approx(rate, rel=0.03)
        assert abs(read(recipe(replace(USUAL, rate=rate))).rate - rate) <= rate * 0.08


def test_fibrillation_is_irregular_and_has_no_p_wave() -> None:
    regular, irregular = (intervals(replace(USUAL, rhythm=r)) for r in ("sinus", "fibrillation"))
    assert statistics.stdev(regular) < 0.05 * statistics.mean(regular)
    assert statistics.stdev(irregular) > 0.13 * statistics.mean(irregular)
    reading = read(recipe(replace(USUAL, rhythm="fibrillation")))
    assert reading.pr is None
    assert reading.p_axis is None
    assert reading.statements[0] == "fibrillation"


def peaks(beating: Heart) -> dict[str, tuple[float, float]]:
    """Of each lead's QRS: the highest and the lowest value, mV."""
    begin = round(MEDIAN_BEFORE * 500)
    values = median(recipe(beating))[:, begin : begin + round(beating.qrs / 2 * 1.1)]
    return {name: (float(row.max()), float(row.min())) for name, row in zip(LEADS, values, strict=True)}


def test_r_grows_and_s_shrinks_across_a_normal_chest() -> None:
    found = peaks(USUAL)
    assert found["V1"][1] < -0.3  # rS
    assert found["V1"][0] < 0.5 * -found["V1"][1]
    assert found["V5"][0] > 0.5 > -found["V5"][1]
    assert found["V4"][0] > found["V2"][0] > found["V1"][0]
    assert found["aVR"][1] < -0.3
    assert found["II"][0] > 0.3


def test_blocks_and_scars_look_like_themselves() -> None:
    left = peaks(replace(USUAL, block="left", qrs=150.0))
    assert left["V1"][0] < -0.25 * left["V1"][1]
    assert left["V6"][1] > -0.1  # no q and no S to the left
    right = peaks(replace(USUAL, block="right", qrs=140.0))
    assert right["V1"][0] > 0.4  # a second R
    assert right["I"][1] < -0.15
    scar = peaks(replace(USUAL, scar="anterior"))
    assert scar["V2"][0] < 0.05  # QS
    assert peaks(replace(USUAL, scar="inferior"))["III"][1] < -0.2
    assert peaks(replace(USUAL, block="left_anterior", axis=-55.0))["III"][1] < -0.4


def test_the_axis_that_is_read_follows_the_one_that_is_drawn() -> None:
    read_axes = [read(recipe(replace(USUAL, axis=axis))).qrs_axis for axis in (-40.0, 0.0, 40.0, 80.0)]
    assert read_axes == sorted(read_axes)
    assert all(abs(got - drawn) < 8 for got, drawn in zip(read_axes, (-40, 0, 40, 80), strict=True))


def test_hearts_age() -> None:
    def share(age: float, rhythm: str) -> float:
        drawn = [heart(f"p{n}", age, female=n % 2 == 0, study=f"s{n}", urgent=False) for n in range(600)]
        assert all(
            90 <= h.pr <= 380 and 70 <= h.qrs <= 185 and 260 <= h.qt <= 560 and 40 <= h.rate <= 155 for h in drawn
        )
        return sum(h.rhythm == rhythm for h in drawn) / len(drawn)

    assert share(30, "fibrillation") == 0
    assert 0.03 < share(82, "fibrillation") < 0.2
    readings = [
        read(recipe(heart(f"n{n}", 30, female=False, study=f"n{n}", urgent=False), f"n{n}", f"n{n}"))
        for n in range(200)
    ]
    assert sum(r.statements[-1] == "normal" for r in readings) > 100
    old = [
        read(recipe(heart(f"n{n}", 80, female=False, study=f"n{n}", urgent=True), f"n{n}", f"n{n}"))
        for n in range(200)
    ]
    assert sum(r.statements[-1] == "abnormal" for r in old) > 100


def test_what_lasts_is_there_again_another_day() -> None:
    for number in range(60):
        one, two = (
            heart(f"p{number}", 75, female=True, study=f"s{number}/{day}", urgent=False) for day in ("a", "b")
        )
        assert (one.block, one.scar, one.thick, one.axis) == (two.block, two.scar, two.thick, two.axis)


@pytest.mark.parametrize("name", available())
def test_every_statement_has_its_words(name: str) -> None:
    said = words(name)["ecg"]["said"]
    charset = character_set(locale(name).charset)
    keys: set[str] = set()
    for number in range(400):
        drawn = heart(f"q{number}", 20 + number % 75, female=bool(number % 2), study=f"d{number}", urgent=True)
        made = recipe(drawn, f"q{number}", f"d{number}")
        reading = read(made)
        keys |= set(reading.statements)
        texts = [*statements(name, reading), *seen(name, made), *concluded(name, made)]
        assert all(text and charset.encode(text) is not None for text in texts)
    assert keys <= set(said)
    assert len(keys) > 20


def series(model: ECGModel, **changes: object) -> SeriesRecipe:
    """A recording as the model makes it."""
    image = replace(
        recipe(), frequency=model.frequency, step=model.step, median=model.median, muscle=5.0, wander=20.0, **changes
    )
    return SeriesRecipe(image, ECGAcquisition(requested="EKG", locale="da_DK", reason="Synkope", ward="Medicin"))


def written(model: ECGModel, made: SeriesRecipe, sop_class: str = TWELVE_LEAD_ECG) -> bytes:
    """The file of a recording."""
    usual = context(model, 0, "ECG", sop_class, part="HEART")
    return make_file(replaced(usual, instance=replaced(usual.instance, instance_number=1)), made)


@pytest.mark.parametrize("model", ECG_MODELS, ids=lambda model: model.key)
def test_carts_write_valid_objects(model: ECGModel, tmp_path: Path) -> None:
    kinds = [(TWELVE_LEAD_ECG, series(model))]
    if model.strips:
        kinds.append((GENERAL_ECG, series(model, leads=model.strips, seconds=30)))
    for sop_class, made in kinds:
        path = tmp_path / f"{sop_class}.dcm"
        path.write_bytes(written(model, decode(encode(made)), sop_class))
        data = pydicom.dcmread(path)
        group = data.WaveformSequence[0]
        assert isinstance(made.image, Electrocardiogram)
        assert group.NumberOfWaveformSamples == model.frequency * made.image.seconds
        values = data.waveform_array(0)
        expected = record(made.image).rhythm * model.step
        assert values.shape == expected.shape
        assert np.abs(values - expected).max() < 0.01  # microvolts
        assert [str(c.ChannelSourceSequence[0].CodeMeaning) for c in group.ChannelDefinitionSequence] == [
            f"Lead {name}" for name in made.image.leads
        ]
        numbers = {
            str(item.ConceptNameCodeSequence[0].CodeMeaning): int(item.NumericValue)
            for item in data.WaveformAnnotationSequence
            if "NumericValue" in item
        }
        if model.coded:
            assert numbers["QRS duration global"] == 94
            assert numbers["QT interval global"] == 390
            assert numbers["QTc global using Bazett formula"] == pytest.approx(
                390 / math.sqrt(numbers["RR interval global"] / 1000), abs=1
            )
        said = [str(i.UnformattedTextValue) for i in data.WaveformAnnotationSequence if "UnformattedTextValue" in i]
        assert "Normalt EKG" in said
        if shutil.which("dciodvfy") is None:
            pytest.skip("dciodvfy is not installed; `make packages` installs what the tests use")
        done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
        assert [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")] == []
