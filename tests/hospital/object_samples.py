"""Objects as the generator makes them, for tests, and what dciodvfy says of them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.images.recipe import Body, BrainMR, ChestCT, Recipe
from dicomhawk.hospital.images.rendering import render
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.ct import CT_IMAGE_STORAGE
from dicomhawk.hospital.objects.makers import CT_MODELS, MR_MODELS, CTModel, MRModel
from dicomhawk.hospital.objects.mr import MR_IMAGE_STORAGE
from dicomhawk.hospital.objects.recipe import CTAcquisition, MRAcquisition, SeriesRecipe
from dicomhawk.hospital.rows import Device, Instance, Patient, Series, Study
from tests.support import run_tool

ROOT = "1.2.826.0.1.3680043.10.1234"
BODY = Body(seed="ab12", female=True, age=61.0)
MODELS = [*CT_MODELS, *MR_MODELS]


@lru_cache(maxsize=32)
def rendered(recipe: Recipe, k: int) -> NDArray[Any]:
    """What `render` makes, once for all tests that only look at it: a radiograph takes a second."""
    image = render(recipe, k)
    image.flags.writeable = False
    return image


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


def dciodvfy(content: bytes, folder: Path, *options: str) -> str:
    """What dciodvfy (dicom3tools) says of a file; skips the test where it isn't installed."""
    path = folder / "object.dcm"
    path.write_bytes(content)
    return run_tool("dciodvfy", *options, path, status=None).output


def errors_in(report: str) -> list[str]:
    """The lines of a report that are errors."""
    return [line for line in report.splitlines() if "Error" in line]


_ROOT_FOLDER = Path(__file__).parents[2]
_RENDERS = """
import sys, msgspec
from dicomhawk.hospital.images.recipe import Recipe
from tests.hospital.object_samples import digests
recipes = [msgspec.json.decode(text, type=Recipe) for text in sys.argv[2:]]
print(*digests(recipes, int(sys.argv[1])))
"""


def digests(recipes: Sequence[Recipe], number: int) -> list[str]:
    """SHA-256 of image `number`, from 0, of each series."""
    return [hashlib.sha256(render(recipe, number).tobytes()).hexdigest() for recipe in recipes]


def digests_elsewhere(recipes: Sequence[Recipe], number: int) -> list[str]:
    """The same, of what another process renders."""
    command = [sys.executable, "-c", _RENDERS, str(number), *(msgspec.json.encode(each).decode() for each in recipes)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=_ROOT_FOLDER).stdout.split()
