"""Electrocardiograms: the standard twelve leads, and a rhythm strip where the heart gives reason."""

from __future__ import annotations

import random
from collections.abc import Iterator

from msgspec.structs import replace

from dicomhawk.hospital.objects.ecg import GENERAL_ECG, TWELVE_LEAD_ECG
from dicomhawk.hospital.objects.ecg_makers import ECGModel
from dicomhawk.hospital.objects.makers import model_of
from dicomhawk.hospital.objects.recipe import ECGAcquisition
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.waveforms.heart import heart
from dicomhawk.hospital.waveforms.recipe import LEADS, Electrocardiogram
from dicomhawk.hospital.world.draw import draw
from dicomhawk.hospital.world.planned import Examination, Planned, Stored

SECONDS = 10
STRIP = (30, 30, 60)  # seconds
WITH_STRIP, WITH_STRIP_IRREGULAR = 0.06, 0.4
SIXTY_HERTZ = ("en_US",)


def electrocardiograms(exam: Examination, device: Device, source: random.Random) -> Iterator[Planned]:
    """A series with the recording, and perhaps one with a strip."""
    model = model_of(device.manufacturer, device.model)
    assert isinstance(model, ECGModel)
    body = exam.body
    beating = heart(body.seed, body.age, female=body.female, study=exam.seed, urgent=exam.urgent)
    image = Electrocardiogram(
        person=body.seed,
        study=exam.seed,
        heart=beating,
        leads=LEADS,
        frequency=model.frequency,
        seconds=SECONDS,
        step=model.step,
        mains=60 if exam.locale in SIXTY_HERTZ else 50,
        hum=round(source.lognormvariate(0.3, 0.9), 2),
        muscle=round(min(source.lognormvariate(1.6, 0.55), 22), 2),
        wander=round(min(source.lognormvariate(3.1, 0.6), 160), 1),
        median=model.median,
    )
    taken = ECGAcquisition(requested=exam.requested, locale=exam.locale, reason=exam.reason, ward=exam.ward)
    protocol = draw(device.serial, "protocol").choice(model.protocols)
    begins = source.randrange(70, 200)
    stored = Stored(1, TWELVE_LEAD_ECG, None, None, bits=None)
    yield Planned(image, taken, protocol, protocol, "HEART", begins, float(SECONDS), stored=stored, number=1)
    irregular = beating.rhythm != "sinus" or beating.early_ventricular or beating.early_atrial
    if model.strips and source.random() < (WITH_STRIP_IRREGULAR if irregular else WITH_STRIP):
        strip = replace(image, leads=model.strips, seconds=source.choice(STRIP), median=False)
        stored = Stored(1, GENERAL_ECG, None, None, bits=None)
        begins += SECONDS + source.randrange(15, 60)
        yield Planned(strip, taken, "RHYTHM", "RHYTHM", "HEART", begins, float(strip.seconds), stored=stored)
