"""Objects of radiography, ultrasound, localizers and dose sheets: valid, coherent, readable by others."""

from __future__ import annotations

import dataclasses
import io
import math
from pathlib import Path

import msgspec
import numpy as np
import pydicom
import pytest

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.images import ultrasound
from dicomhawk.hospital.images.recipe import DoseSheet, Mark, Radiograph, Scan, Scout, Ultrasound
from dicomhawk.hospital.objects import files
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.compression import JPEG_BASELINE, JPEG_LOSSLESS, RLE
from dicomhawk.hospital.objects.ct import CT_IMAGE_STORAGE
from dicomhawk.hospital.objects.files import make_file
from dicomhawk.hospital.objects.makers import CT_MODELS, US_MODELS, XRAY_MODELS
from dicomhawk.hospital.objects.model import Model
from dicomhawk.hospital.objects.recipe import (
    CaptureAcquisition,
    CTAcquisition,
    SeriesRecipe,
    USAcquisition,
    XRayAcquisition,
    decode,
    encode,
)
from dicomhawk.hospital.objects.sc import SECONDARY_CAPTURE_STORAGE
from dicomhawk.hospital.objects.us import US_IMAGE_STORAGE, US_MULTIFRAME_STORAGE
from dicomhawk.hospital.objects.us_makers import USModel
from dicomhawk.hospital.objects.xray import CR_IMAGE_STORAGE, DX_IMAGE_STORAGE
from dicomhawk.hospital.objects.xray_makers import XRayModel
from tests.hospital.object_samples import BODY, ROOT, context_for, dciodvfy, errors_in, rendered
from tests.support import run_tool


@pytest.fixture(autouse=True)
def _pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """That they are the same each time, others test."""
    monkeypatch.setattr(files, "render", lambda recipe, k: rendered(recipe, k).copy())


def context(
    model: Model, number: int, modality: str, sop_class: str, syntax: str = EXPLICIT_LE, part: str = "CHEST"
) -> Context:
    """Rows as the generator would write them for instance `number` of a series of the model."""
    usual = context_for(CT_MODELS[0], number)
    device = dataclasses.replace(
        usual.device,
        modality=modality,
        manufacturer=model.manufacturer,
        model=model.model,
        software=model.software[-1],
    )
    series = dataclasses.replace(usual.series, modality=modality, body_part=part)
    instance = dataclasses.replace(usual.instance, sop_class_uid=sop_class, transfer_syntax_uid=syntax)
    return dataclasses.replace(usual, device=device, series=series, instance=instance)


def radiograph(model: XRayModel, view: str = "PA") -> SeriesRecipe:
    """A small radiograph as the model would make it."""
    image = Radiograph(
        body=BODY,
        study="s",
        series="t",
        view=view,
        middle=(15.0, 0.0),
        rows=300,
        columns=360,
        pixel=1.0,
        noise=1.0,
        bits=model.bits,
        inverted=model.inverted,
        mark=Mark("R", 0.08, 0.06, 14.0, electronic=model.processing.electronic_mark),
    )
    exposure = XRayAcquisition(
        requested="Rtg. thorax", kvp=125, exposure=1.9, milliseconds=9, index=310, plate="A12345678C", dose_area=1.1
    )
    return SeriesRecipe(image, exposure)


def sonogram(model: USModel, frames: int = 1) -> SeriesRecipe:
    """Two images or loops as the model would make them."""
    rows, columns = (n // 2 for n in model.size)
    scans = (Scan("kidney_right", 130.0, measured=True, label="HØ NYRE"), Scan("liver", 150.0))
    image = Ultrasound(BODY, "s", "t", scans, rows, columns, 0.0, 54.0, frames)
    return SeriesRecipe(image, USAcquisition("UL af abdomen", "C1-5-D", 4.0, 48, 66, 1.1, 0.4, "Abdomen"))


def localizer(model: object) -> SeriesRecipe:
    image = Scout(BODY, "s", "t", ("frontal", "lateral"), 160.0, 310, 512, (1.0, 1.0), 0.004, "slab")
    scan = CTAcquisition(
        frame_of_reference=f"{ROOT}.8",
        irradiation_event=f"{ROOT}.9",
        kvp=120,
        current=35,
        pitch=1.0,
        ctdi=0.1,
        kernel="T20f",
        windows=((-150, 1100), (50, 1300)),
        table_height=140.5,
        table_position=-150.25,
        requested="CT af thorax",
    )
    return SeriesRecipe(image, scan)


def sheet(layout: str) -> SeriesRecipe:
    image = DoseSheet(BODY, ("Dose Report",), (("Series", "Type"), ("1", "Scout")), ("1/1",), layout)
    return SeriesRecipe(image, CaptureAcquisition("CT af thorax"))


def storage_of(model: XRayModel) -> str:
    return DX_IMAGE_STORAGE if model.kind == "DX" else CR_IMAGE_STORAGE


CASES = [
    *((m.key, context(m, 1, m.kind, storage_of(m)), radiograph(m)) for m in XRAY_MODELS),
    ("lateral", context(XRAY_MODELS[2], 1, "DX", DX_IMAGE_STORAGE, RLE), radiograph(XRAY_MODELS[2], "LL")),
    ("bedside", context(XRAY_MODELS[4], 1, "DX", DX_IMAGE_STORAGE, JPEG_LOSSLESS), radiograph(XRAY_MODELS[4], "AP")),
    *((m.key, context(m, 1, "US", US_IMAGE_STORAGE, part="ABDOMEN"), sonogram(m)) for m in US_MODELS),
    ("us-rle", context(US_MODELS[2], 2, "US", US_IMAGE_STORAGE, RLE), sonogram(US_MODELS[2])),
    ("us-jpeg", context(US_MODELS[0], 2, "US", US_IMAGE_STORAGE, JPEG_BASELINE), sonogram(US_MODELS[0])),
    ("loop", context(US_MODELS[1], 1, "US", US_MULTIFRAME_STORAGE, JPEG_BASELINE), sonogram(US_MODELS[1], 3)),
    *((f"scout-{m.key}", context(m, 2, "CT", CT_IMAGE_STORAGE), localizer(m)) for m in CT_MODELS[::2]),
    ("torace", context(XRAY_MODELS[0], 1, "CR", CR_IMAGE_STORAGE, part="TORACE"), radiograph(XRAY_MODELS[0])),
    ("keuhkot", context(XRAY_MODELS[4], 1, "DX", DX_IMAGE_STORAGE, part="KEUHKOT"), radiograph(XRAY_MODELS[4])),
    *((f"sheet-{m.maker}", context(m, 1, "CT", SECONDARY_CAPTURE_STORAGE), sheet(m.maker)) for m in CT_MODELS[::2]),
]


@pytest.mark.parametrize(("made_for", "recipe"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_objects_are_valid_and_readable(made_for: Context, recipe: SeriesRecipe, tmp_path: Path) -> None:
    assert decode(encode(recipe)) == recipe
    content = make_file(made_for, recipe)
    read = pydicom.dcmread(io.BytesIO(content))
    assert str(read.PatientName) == "Sørensen^Käthe Åse"
    assert read.ManufacturerModelName == made_for.device.model
    header = content[: content.rindex(b"\xe0\x7f\x10\x00")].lower()
    assert not any(trace in header for trace in (b"pydicom", b"dicomhawk", b"pillow", b"1.2.826.0.1.3680043.8.498"))
    assert errors_in(dciodvfy(content, tmp_path)) == []
    path = tmp_path / "image.dcm"
    path.write_bytes(content)
    run_tool("dcmj2pnm", path, tmp_path / "image.pnm")


@pytest.mark.parametrize("model", XRAY_MODELS, ids=lambda model: model.key)
def test_a_radiograph_says_what_it_is(model: XRayModel) -> None:
    recipe = radiograph(model)
    read = pydicom.dcmread(io.BytesIO(make_file(context(model, 1, model.kind, storage_of(model)), recipe)))
    assert np.array_equal(read.pixel_array, rendered(recipe.image, 0))
    assert read.PhotometricInterpretation == ("MONOCHROME1" if model.inverted else "MONOCHROME2")
    assert read.BitsStored == model.bits
    assert float(read.WindowCenter) * 2 == float(read.WindowWidth) == 1 << model.bits
    assert list(read.PatientOrientation) == ["L", "F"]
    assert abs(read.XRayTubeCurrent * read.ExposureTime / 1000 - read.ExposureInuAs / 1000) < 0.02
    assert read.BurnedInAnnotation == ("YES" if model.processing.electronic_mark else "NO")
    if model.kind == "DX":
        deviation = 10 * math.log10(float(read.ExposureIndex) / float(read.TargetExposureIndex))
        assert float(read.DeviationIndex) == pytest.approx(deviation, abs=0.06)
        assert (read.PresentationLUTShape == "INVERSE") == model.inverted
        assert read.ViewCodeSequence[0].CodeMeaning == "postero-anterior"
    else:
        assert read.PlateType == model.detector[1]


def test_a_side_view_looks_forward_to_the_left() -> None:
    model = XRAY_MODELS[0]
    read = pydicom.dcmread(io.BytesIO(make_file(context(model, 1, "CR", CR_IMAGE_STORAGE), radiograph(model, "LL"))))
    assert (read.ViewPosition, list(read.PatientOrientation)) == ("LL", ["P", "F"])


def test_a_region_says_how_large_the_sector_is() -> None:
    model, recipe = US_MODELS[1], sonogram(US_MODELS[1])
    read = pydicom.dcmread(io.BytesIO(make_file(context(model, 1, "US", US_IMAGE_STORAGE), recipe)))
    region = read.SequenceOfUltrasoundRegions[0]
    height = (region.RegionLocationMaxY1 - region.RegionLocationMinY0) * region.PhysicalDeltaY * 10
    assert 130 <= height <= 130 + ultrasound.RADIUS * (1 - math.cos(ultrasound.SECTOR / 2)) + 2
    assert read.pixel_array.shape == (*(n // 2 for n in model.size), 3)


def test_the_overlay_is_of_the_patient_in_the_header() -> None:
    model, recipe = US_MODELS[0], sonogram(US_MODELS[0])
    one = context(model, 1, "US", US_IMAGE_STORAGE)
    other = dataclasses.replace(one, patient=dataclasses.replace(one.patient, name="Ek^Bo"))
    first, second = (pydicom.dcmread(io.BytesIO(make_file(each, recipe))).pixel_array for each in (one, other))
    rows, columns, _ = np.nonzero(first != second)
    assert rows.max() < 0.06 * first.shape[0]
    assert columns.max() < 0.4 * first.shape[1]


def test_frames_of_a_loop_are_told() -> None:
    model = US_MODELS[1]
    made = make_file(context(model, 1, "US", US_MULTIFRAME_STORAGE, JPEG_BASELINE), sonogram(model, 3))
    read = pydicom.dcmread(io.BytesIO(made))
    assert read.NumberOfFrames == 3
    assert read.FrameIncrementPointer == 0x00181063
    assert (read.PhotometricInterpretation, read.LossyImageCompression) == ("YBR_FULL_422", "01")
    assert 3 < float(read.LossyImageCompressionRatio) < 40
    assert read.pixel_array.shape[0] == 3


def test_localizers_lie_in_the_frame_of_the_spiral() -> None:
    model = CT_MODELS[2]
    frontal, lateral = (
        pydicom.dcmread(io.BytesIO(make_file(context(model, n, "CT", CT_IMAGE_STORAGE), localizer(model))))
        for n in (1, 2)
    )
    assert frontal.FrameOfReferenceUID == lateral.FrameOfReferenceUID == f"{ROOT}.8"
    assert frontal.ImageType[2] == "LOCALIZER"
    assert [float(v) for v in frontal.ImageOrientationPatient] == [1, 0, 0, 0, 0, -1]
    assert [float(v) for v in lateral.ImageOrientationPatient] == [0, 1, 0, 0, 0, -1]
    assert float(frontal.ImagePositionPatient[2]) == pytest.approx(160 - 150.25 - 0.5)
    assert np.array_equal(frontal.pixel_array.astype(int) - 1024, rendered(localizer(model).image, 0))


def test_unknown_images_have_no_recipe() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode('{"image": {"type": "radiograph"}, "acquisition": {"type": "xray"}}')
