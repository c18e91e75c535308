"""Electrocardiograms as 12-Lead ECG (PS3.3 A.34.3) and General ECG (A.34.4), as the carts of five makers do it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dicomhawk.hospital.findings.ecg_words import labelled, statements
from dicomhawk.hospital.objects.attributes import Attributes, decimal
from dicomhawk.hospital.objects.common import Context, code, start
from dicomhawk.hospital.objects.ecg_makers import ECGModel
from dicomhawk.hospital.objects.recipe import ECGAcquisition
from dicomhawk.hospital.waveforms.reading import Reading, read
from dicomhawk.hospital.waveforms.recipe import LEADS, Electrocardiogram
from dicomhawk.hospital.waveforms.tracing import MEDIAN_BEFORE, Recording, Stored

TWELVE_LEAD_ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
GENERAL_ECG = "1.2.840.10008.5.1.4.1.1.9.1.2"
_SCP = ("1", "2", "61", "62", "63", "64", "3", "4", "5", "6", "7", "8")
"""Numbers of the leads in SCP-ECG (EN 1064), which MDC (ISO/IEEE 11073-10102, CID 3001) took over."""
_NAMES = tuple(f"Lead {name}" for name in LEADS)
_MEASURED = (
    ("rate", None, ("/min", "UCUM", "/min")),
    ("rr", ("2:16168", "MDC", "RR interval global"), ("ms", "UCUM", "ms")),
    ("pr", ("2:15872", "MDC", "PR interval global"), ("ms", "UCUM", "ms")),
    ("qrs", ("2:16156", "MDC", "QRS duration global"), ("ms", "UCUM", "ms")),
    ("qt", ("2:16160", "MDC", "QT interval global"), ("ms", "UCUM", "ms")),
    ("qtc", ("2:15880", "MDC", "QTc global using Bazett formula"), ("ms", "UCUM", "ms")),
    ("p_axis", ("2:16128", "MDC", "P Axis"), ("deg", "UCUM", "deg")),
    ("qrs_axis", ("2:16132", "MDC", "QRS axis"), ("deg", "UCUM", "deg")),
    ("t_axis", ("2:16136", "MDC", "T axis"), ("deg", "UCUM", "deg")),
)
"""Measurements in the order of a print-out, their codes (CID 3227 to 3229) and units."""
_RATE = ("8867-4", "LN", "Heart rate")


def build(context: Context, image: Electrocardiogram, taken: ECGAcquisition, recording: Recording) -> Attributes:
    """The data set of a recording, or of a rhythm strip."""
    model = context.model
    assert isinstance(model, ECGModel)
    instance = context.instance
    made = start(context, None, sections=False)
    # Waveforms have no Acquisition Date and Time of their own, and a heart has no side.
    for tag in (0x00080022, 0x00080032, 0x00200060):
        made.data_set.pop(tag, None)
    day, moment = instance.content_date or "", instance.content_time or ""
    made.set(
        AcquisitionDateTime=f"{day}{moment}",
        ReasonForTheRequestedProcedure=taken.reason,
        CurrentPatientLocation=taken.ward,
    )
    made.items("AcquisitionContextSequence", _placement(model))
    groups = [_group(context, model, image, recording.rhythm, image.leads, "RHYTHM")]
    if recording.median is not None:
        groups.append(_group(context, model, image, recording.median, LEADS, "MEDIAN BEAT"))
    made.items("WaveformSequence", *groups)
    reading = read(image)
    made.items("WaveformAnnotationSequence", *_annotations(context, model, taken.locale, reading))
    _PRIVATE.get(model.maker, _nothing)(made, reading)
    return made


def _placement(model: ECGModel) -> Attributes:
    """Where the electrodes were (PS3.16 TID 3401)."""
    if model.scheme == "SCPECG":
        concept = code("5.4.5-33-1", "SCPECG", "Electrode Placement").set(CodingSchemeVersion="1.3")
        value = code("5.4.5-33-1-1", "SCPECG", "Standard 12-lead positions: limb leads placed at extremities")
        value.set(CodingSchemeVersion="1.3")
    else:
        concept = code("10:11345", "MDC", "Lead System")
        value = code("10:11265", "MDC", "Standard 12-lead positions, electrodes placed individually")
    item = Attributes("").set(ValueType="CODE").items("ConceptNameCodeSequence", concept)
    return item.items("ConceptCodeSequence", value)


def _group(
    context: Context, model: ECGModel, image: Electrocardiogram, values: Stored, leads: tuple[str, ...], label: str
) -> Attributes:
    """A multiplex group (PS3.3 C.10.9)."""
    median = label != "RHYTHM"
    made = Attributes(context.charset).set(
        WaveformOriginality="DERIVED" if median else "ORIGINAL",
        NumberOfWaveformChannels=len(leads),
        NumberOfWaveformSamples=len(values),
        SamplingFrequency=str(image.frequency),
        MultiplexGroupLabel=label,
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
    )
    if median:
        made.set(TriggerTimeOffset="0", TriggerSamplePosition=round(MEDIAN_BEFORE * image.frequency) + 1)
    made.items("ChannelDefinitionSequence", *(_channel(model, image, name) for name in leads))
    return made.raw("WaveformData", "OW", np.ascontiguousarray(values, "<i2").tobytes())


def _channel(model: ECGModel, image: Electrocardiogram, name: str) -> Attributes:
    number = LEADS.index(name)
    if model.scheme == "SCPECG":
        source = code(f"5.6.3-9-{_SCP[number]}", "SCPECG", _NAMES[number]).set(CodingSchemeVersion="1.3")
    else:
        source = code(f"2:{_SCP[number]}", "MDC", _NAMES[number])
    low, high = model.filters
    channel = Attributes("").set(
        ChannelLabel=name,
        ChannelSensitivity=decimal(image.step),
        ChannelSensitivityCorrectionFactor="1",
        ChannelBaseline="0",
        ChannelSampleSkew="0",
        WaveformBitsStored=16,
        FilterLowFrequency=low,
        FilterHighFrequency=high,
        NotchFilterFrequency=str(image.mains) if model.maker in ("ge", "philips") else "0",
    )
    channel.items("ChannelSensitivityUnitsSequence", code("uV", "UCUM", "microvolt"))
    return channel.items("ChannelSourceSequence", source)


def _annotations(context: Context, model: ECGModel, locale: str, reading: Reading) -> Iterator[Attributes]:
    """Measurements and statements (PS3.3 C.10.10), in the order of a print-out."""
    for number, (name, concept, unit) in enumerate(_MEASURED):
        value = getattr(reading, name)
        if value is None:
            continue
        if model.coded:
            item = _annotation(context, 0).set(NumericValue=str(value))
            item.items("ConceptNameCodeSequence", code(*(concept or _RATE)))
            yield item.items("MeasurementUnitsCodeSequence", code(*unit))
        elif number < 6:
            yield _annotation(context, 0).set(UnformattedTextValue=f"{labelled(locale, name)}: {value} {unit[0]}")
    for said in statements(locale, reading):
        yield _annotation(context, 1 if model.coded else 0).set(UnformattedTextValue=said)


def _annotation(context: Context, group: int) -> Attributes:
    return Attributes(context.charset).set(ReferencedWaveformChannels=(1, 0), AnnotationGroupNumber=group)


def _nothing(made: Attributes, reading: Reading) -> None:
    """Makers whose carts write no private elements that matter."""


def _mortara(made: Attributes, reading: Reading) -> None:
    made.private(
        0x1455,
        "Mortara Instrument, Inc.",
        (0x00, "IS", reading.rate),
        (0x01, "IS", reading.rr),
        (0x03, "LO", ""),
        (0x09, "IS", reading.p_axis if reading.p_axis is not None else ""),
        (0x0A, "IS", reading.qrs_axis),
        (0x0B, "IS", reading.t_axis),
        (0x0D, "US", 0),
    )


_PRIVATE = {"mortara": _mortara}
