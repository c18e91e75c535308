"""Headers and files: valid, coherent with the device, readable by others, and without a trace of our tools."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.images import render
from dicomhawk.hospital.images.recipe import Body, BrainMR, ChestCT
from dicomhawk.hospital.objects import Context, make_file
from dicomhawk.hospital.objects.attributes import Attributes, decimal
from dicomhawk.hospital.objects.ct import CT_IMAGE_STORAGE, tube_current
from dicomhawk.hospital.objects.makers import CT_MODELS, MR_MODELS, CTModel, MRModel, implementation_of
from dicomhawk.hospital.objects.mr import MR_IMAGE_STORAGE
from dicomhawk.hospital.objects.recipe import CTAcquisition, MRAcquisition, SeriesRecipe, decode, encode
from dicomhawk.hospital.part10 import dataset_offset
from dicomhawk.hospital.rows import Device, Instance, Patient, Series, Study

ROOT = "1.2.826.0.1.3680043.10.1234"
BODY = Body(seed="ab12", female=True, age=61.0)
MODELS = [*CT_MODELS, *MR_MODELS]


def context_for(model: CTModel | MRModel, number: int) -> Context:
    """Rows as the generator would write them for slice `number` of a series."""
    modality = "CT" if isinstance(model, CTModel) else "MR"
    siemens = model.maker == "siemens"
    device = Device(
        device_key=1,
        role="modality",
        ae_title=f"{modality}01",
        host="10.0.0.9",
        port=104,
        modality=modality,
        manufacturer=model.manufacturer,
        model=model.model,
        serial="61234",
        software=model.software[-1],
        station_name="STATION1",
        uid_root=f"{ROOT}.5.1",
    )
    patient = Patient(
        patient_key=1,
        patient_id="0412560000",
        issuer="CPR",
        name="Sørensen^Käthe Åse",
        birth_date="19561204",
        sex="F",
    )
    study = Study(
        study_key=1,
        patient_key=1,
        study_uid=f"{ROOT}.2.1",
        study_date="20260304",
        study_time="101500.250000" if siemens else "101500",
        accession_number="RH26000001",
        study_id="1",
        referring_physician="Holm^Jens",
        description="CT af thorax",
        patient_age="069Y",
        patient_size="1.68",
        patient_weight="71",
    )
    series = Series(
        series_key=1,
        study_key=1,
        series_uid=f"{ROOT}.5.1.77",
        modality=modality,
        series_number=2,
        description="Thorax  2.0  B31f",
        series_date="20260304",
        series_time="101600",
        body_part="CHEST" if modality == "CT" else "HEAD",
        protocol_name="1_ThoraxRoutine",
        performing_physician="",
        operators="Friis^Lone",
        institution="Sygehus Øst",
        department="Røntgenafdelingen",
        step_start_date="20260304",
        step_start_time="101500",
        step_id="CT1",
        device_key=1,
    )
    instance = Instance(
        instance_key=number,
        series_key=1,
        sop_uid=f"{ROOT}.5.1.77.{number}",
        sop_class_uid=CT_IMAGE_STORAGE if modality == "CT" else MR_IMAGE_STORAGE,
        transfer_syntax_uid=EXPLICIT_LE,
        instance_number=number,
        content_date="20260304",
        content_time="101605.500000" if siemens else "101605",
    )
    return Context(patient, study, series, instance, device, "ISO_IR 100", "Skovvej 3, 8800 Viborg")


def recipe_for(model: CTModel | MRModel) -> SeriesRecipe:
    """A series that the model could have made."""
    if isinstance(model, CTModel):
        image = ChestCT(
            body=BODY,
            study="s",
            series="t",
            slices=120,
            top=150.0,
            spacing=2.0,
            thickness=2.0,
            fov=350.0,
            contrast=0.9,
            kernel="soft",
            noise=10.0,
            table=model.table,
            padding=-1024 if model.maker == "siemens" else -3024,
        )
        scan = CTAcquisition(
            frame_of_reference=f"{ROOT}.5.1.8",
            irradiation_event=f"{ROOT}.5.1.9",
            kvp=120,
            current=200,
            pitch=model.pitch[0],
            ctdi=6.2,
            kernel=model.kernels["soft"][0],
            windows=((40, 400), (-600, 1200)) if model.maker == "siemens" else ((40, 400),),
            table_height=140.5,
            table_position=-150.25,
            requested="CT af thorax",
            agent="Omnipaque 350",
            agent_volume=80,
            flow=3.0,
        )
        return SeriesRecipe(image, scan)
    head = BrainMR(
        body=BODY,
        study="s",
        series="t",
        slices=24,
        contrast="FLAIR",
        plane="axial",
        first=-56.0,
        spacing=5.5,
        thickness=5.0,
        fov=230.0,
        acquired=256,
        snr=30.0,
        tilt=15.0,
        field=model.field,
    )
    timing = MRAcquisition(
        frame_of_reference=f"{ROOT}.5.1.8",
        sequence="FLAIR",
        repetition_time=9000.0,
        echo_time=92.0,
        inversion_time=2480.0,
        flip_angle=150,
        echo_train=16,
        bandwidth=220,
        averages=1,
        frequency=model.frequency,
        coil=model.coil[1],
        sar=0.8,
        requested="MR af cerebrum",
        centre=(1.5, -12.25, 40.0),
        window=(320, 640),
        duration=218,
    )
    return SeriesRecipe(head, timing)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_dciodvfy_finds_no_error(model: CTModel | MRModel, tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian: dicom3tools) is not installed")
    path = tmp_path / "image.dcm"
    path.write_bytes(make_file(context_for(model, 10), recipe_for(model)))
    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace", check=False)
    report = done.stdout + done.stderr
    assert "Image" in report
    assert [line for line in report.splitlines() if "Error" in line] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_others_read_the_same_pixels_and_text(model: CTModel | MRModel) -> None:
    recipe = recipe_for(model)
    read = pydicom.dcmread(io.BytesIO(make_file(context_for(model, 10), recipe)))
    rendered = render(recipe.image, 9)
    assert np.array_equal(
        read.pixel_array * float(read.get("RescaleSlope", 1)) + float(read.get("RescaleIntercept", 0)), rendered
    )
    assert str(read.PatientName) == "Sørensen^Käthe Åse"
    assert read.InstitutionalDepartmentName == "Røntgenafdelingen"
    assert read.ManufacturerModelName == model.model
    assert read.PatientAge == "069Y"
    assert (read.Rows, read.Columns) == rendered.shape


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_the_file_names_the_device_and_no_tool_of_ours(model: CTModel | MRModel) -> None:
    content = make_file(context_for(model, 3), recipe_for(model))
    head = content[: dataset_offset(content)]
    header = content[: content.index(b"\xe0\x7f\x10\x00")]
    assert model.implementation[0].encode() in head
    assert b"1.2.826.0.1.3680043.8.498" not in header  # pydicom's root
    assert b"pydicom" not in header.lower()
    assert b"dicomhawk" not in header.lower()
    assert content == make_file(context_for(model, 3), recipe_for(model))


@pytest.mark.parametrize("model", [CT_MODELS[0], CT_MODELS[2], MR_MODELS[0]], ids=lambda model: model.key)
def test_geometry_of_a_series_is_that_of_its_pixels(model: CTModel | MRModel) -> None:
    recipe = recipe_for(model)
    first, second = (pydicom.dcmread(io.BytesIO(make_file(context_for(model, n), recipe))) for n in (5, 6))
    row, column = np.array(first.ImageOrientationPatient[:3]), np.array(first.ImageOrientationPatient[3:])
    step = np.array(second.ImagePositionPatient) - np.array(first.ImagePositionPatient)
    normal = np.cross(row, column)
    assert np.allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=1e-6)
    assert np.allclose(np.abs(step @ normal), recipe.image.spacing, atol=1e-4)
    assert np.allclose(np.abs(step), np.abs(normal) * recipe.image.spacing, atol=1e-3)
    assert float(second.SliceLocation) != float(first.SliceLocation)
    assert first.FrameOfReferenceUID == second.FrameOfReferenceUID
    assert np.allclose(float(first.PixelSpacing[0]) * first.Columns, recipe.image.fov)


def test_makers_write_in_their_own_manner() -> None:
    siemens, ge = (
        pydicom.dcmread(io.BytesIO(make_file(context_for(model, 5), recipe_for(model)))) for model in CT_MODELS[::2]
    )
    assert (siemens.BitsStored, siemens.PixelRepresentation) == (12, 0)
    assert (ge.BitsStored, ge.PixelRepresentation, ge.PixelPaddingValue) == (16, 1, -2000)
    assert ge.pixel_array[0, 0] == -2000
    assert siemens.pixel_array[0, 0] == 0
    assert siemens[0x0019, 0x0010].value == "SIEMENS CT VA0  COAD"
    assert ge[0x0009, 0x0010].value == "GEMS_IDEN_01"
    assert str(ge[0x0018, 0x0050].value) == "2.000000"
    assert str(siemens[0x0018, 0x0050].value) == "2"
    assert len(siemens.WindowCenter) == 2


def test_software_and_implementation_go_together() -> None:
    for model in MODELS:
        uid, version = implementation_of(model, model.software[-1])
        assert uid == model.implementation[0]
        assert version == model.implementation[1][-1]
        assert len(version) <= 16
        assert all(len(station.replace("%", "1")) <= 16 for station in model.station)


def test_tube_current_follows_the_body() -> None:
    recipe, model = recipe_for(CT_MODELS[0]), CT_MODELS[0]
    currents = [tube_current(recipe.image, recipe.acquisition, model, k) for k in range(120)]
    assert currents[0] > 1.2 * currents[50]
    assert currents[110] > currents[50]


def test_recipes_survive_the_catalogue() -> None:
    for model in MODELS:
        assert decode(encode(recipe_for(model))) == recipe_for(model)
    with pytest.raises(msgspec.DecodeError):
        decode("{}")


@given(st.floats(-1e6, 1e6))
def test_decimal_strings_fit_and_are_close(number: float) -> None:
    text = decimal(number)
    assert len(text) <= 16
    assert abs(float(text) - number) <= 1e-5 * max(1, abs(number))


def test_characters_that_the_hospital_lacks_are_replaced() -> None:
    made = Attributes("ISO_IR 100").set(PatientName="山田^太郎")
    assert b"??^??" in made.encode()


def test_unknown_keywords_are_refused() -> None:
    with pytest.raises(ValueError, match="NoSuchKeyword"):
        Attributes("").set(NoSuchKeyword="x")
