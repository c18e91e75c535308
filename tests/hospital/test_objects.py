"""Headers and files: valid, coherent with the device, readable by others, and without a trace of our tools."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.images.rendering import render
from dicomhawk.hospital.objects.attributes import Attributes, decimal
from dicomhawk.hospital.objects.ct import tube_current
from dicomhawk.hospital.objects.files import make_file
from dicomhawk.hospital.objects.makers import CT_MODELS, MR_MODELS, CTModel, MRModel, implementation_of
from dicomhawk.hospital.objects.recipe import decode, encode
from dicomhawk.hospital.part10 import dataset_offset
from tests.hospital.object_samples import MODELS, context_for, dciodvfy, errors_in, recipe_for


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.key)
def test_dciodvfy_finds_no_error(model: CTModel | MRModel, tmp_path: Path) -> None:
    report = dciodvfy(make_file(context_for(model, 10), recipe_for(model)), tmp_path)
    assert "Image" in report
    assert errors_in(report) == []


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
