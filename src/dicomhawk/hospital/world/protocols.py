"""What is acquired in a study: its series, with geometry, dose or times, and the names that scanners give them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from dicomhawk.hospital.images import tissue
from dicomhawk.hospital.images.recipe import Body, BrainMR, ChestCT, Contrast, Kernel, Plane
from dicomhawk.hospital.objects.makers import CTModel, MRModel, model_of
from dicomhawk.hospital.objects.recipe import CTAcquisition, MRAcquisition
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.dose_sheets import dose_sheet, planning_of
from dicomhawk.hospital.world.draw import clipped, token
from dicomhawk.hospital.world.kinds import Kind
from dicomhawk.hospital.world.localizers import localizer
from dicomhawk.hospital.world.planned import Examination, Planned

BASE_CENTRE, BASE_SPACING = 66.0, 2.5  # of the chest's base volume: slice in the middle, mm between slices
APEX, ADRENALS, KIDNEYS = 123.0, 25.0, 12.0  # base slices that a chest CT begins and ends at
BASE_FIELD = 346.0  # mm: field of view that fits the base's own chest
AGENTS = ("Iomeron 350", "Omnipaque 350", "Visipaque 320", "Ultravist 370", "Xenetix 350", "Isovue 370")


def ct_series(exam: Examination, model: CTModel, source: random.Random) -> Iterator[Planned]:
    """A chest CT: the same scan as two or three reconstructions."""
    siemens = model.maker == "siemens"
    with_agent = exam.kind != "ct_native" and source.random() < 0.92
    low_dose = exam.kind == "ct_native" and source.random() < 0.4
    late = source.random() < 0.4
    contrast = 0.0 if not with_agent else source.choice((0.5, 0.55, 0.6) if late else (0.85, 0.9, 0.95, 1.0))
    body = exam.body
    thickness, spacing, _ = source.choices(model.slices, [weight for *_, weight in model.slices])[0]
    below = KIDNEYS if with_agent and source.random() < 0.4 else ADRENALS
    top = from_slice(APEX + source.uniform(-1, 1.5), body)
    length = top - from_slice(below + source.uniform(-2, 2), body)
    field = round(BASE_FIELD * body.girth + 1.5 * max(body.fat, -3) + source.uniform(-6, 3))
    kvp = source.choice((100, 120, 120, 120)) if with_agent else 120
    current = int(clipped(source, 60 if low_dose else 210, 45, 30, 480) * (1 + (body.girth - 1) * 2))
    noise = 10.5 * (210 / current) ** 0.4 * (2.5 / thickness) ** 0.5 * (1 + max(body.fat, 0) * 0.012)
    common = CTAcquisition(
        frame_of_reference=exam.frame_of_reference,
        irradiation_event=exam.irradiation_event,
        kvp=kvp,
        current=current,
        pitch=source.choice(model.pitch),
        ctdi=round(current * 0.031 * (kvp / 120) ** 2.5 * source.uniform(0.95, 1.05), 6),
        kernel="",
        windows=(),
        table_height=round(source.uniform(128, 172), 1 if siemens else 6),
        table_position=round(source.uniform(-420, -140) if siemens else source.uniform(-190, -60), 1),
        requested=exam.requested,
        acquisition=2 if siemens else 1,
        agent=source.choice(AGENTS) if with_agent else None,
        agent_volume=source.choice((60, 70, 80, 90, 100)) if with_agent else 0,
        flow=source.choice((2.0, 2.5, 3.0, 3.5)) if with_agent else 0.0,
    )
    kernels: list[tuple[Kernel, float, float]] = [("soft", thickness, spacing), ("lung", thickness, spacing)]
    if thickness < 3 and source.random() < 0.5:
        kernels.append(("soft", 5.0, 5.0))
    protocol = _ct_protocol(exam.kind, low_dose, siemens, source)
    begins = source.randrange(160, 420)
    planning = localizer(exam, model, common, begins, source)
    yield planning
    for number, (kernel, thick, step) in enumerate(kernels):
        name = source.choice(model.kernels[kernel])
        image = ChestCT(
            body=body,
            study=exam.seed,
            series=token(exam.seed, "series", number),
            slices=round(length / step) + 1,
            top=round(top, 2),
            spacing=step,
            thickness=thick,
            fov=float(field),
            contrast=contrast,
            kernel=kernel,
            noise=round(noise * (thickness / thick) ** 0.5 * (2.6 if kernel == "lung" else 1), 2),
            table=model.table,
            padding=-1024 if siemens else -3024,
        )
        windows = ((-600, 1200), (40, 400)) if kernel == "lung" else ((40, 400), (-600, 1200))
        acquisition = replace(common, kernel=name, windows=windows if siemens else windows[:1])
        description = _ct_description(siemens, kernel, name, thick, contrast > 0, source)
        yield Planned(image, acquisition, description, protocol, "CHEST", begins, length / 46)
        begins += source.randrange(25, 70)
    filed = begins + source.randrange(10, 60)
    yield dose_sheet(exam, model, [common], planning_of(planning), top, length, filed, source)


def from_slice(base_slice: float, body: Body) -> float:
    """mm from the centre of the scan at which a slice of the base lies in this patient."""
    return (base_slice - BASE_CENTRE) * BASE_SPACING * body.height


def _ct_protocol(kind: Kind, low_dose: bool, siemens: bool, source: random.Random) -> str:
    if siemens:
        routine = source.choice(("ThoraxRoutine", "Thorax", "ThoraxAbdomen", "Chest_Std"))
        return f"{source.randrange(1, 9)}_{'ThoraxLowDose' if low_dose else routine}"
    routine = "CHEST W CONTRAST" if kind == "ct_contrast" else source.choice(("CHEST ROUTINE", "ROUTINE CHEST"))
    return f"5.{source.randrange(1, 20)} {'LOW DOSE CHEST' if low_dose else routine}"


def _ct_description(
    siemens: bool, kernel: Kernel, name: str, thick: float, contrast: bool, source: random.Random
) -> str:
    if siemens:
        region = "Lung" if kernel == "lung" and source.random() < 0.5 else "Thorax"
        return f"{region}  {thick:.1f}  {name.replace(chr(92), '  ')}"
    if kernel == "lung":
        return source.choice((f"LUNG {thick:g}MM", "Lung", f"AX {thick:g} LUNG"))
    return source.choice((f"AX {thick:g} STD", f"CHEST {thick:g}MM", "Chest Std" + (" C+" if contrast else "")))


@dataclass(frozen=True)
class _Scan:
    """One series of an MR protocol; times as the sequence has them, or another inversion at 3 T."""

    contrast: Contrast
    plane: Plane
    siemens: str
    ge: str
    train: int
    flip: int
    seconds: int


_SCANS = {
    "t1": _Scan("T1", "axial", "t1_se_tra", "Ax T1", 1, 90, 182),
    "t2": _Scan("T2", "axial", "t2_tse_tra", "Ax T2 FSE", 15, 150, 146),
    "flair": _Scan("FLAIR", "axial", "t2_tirm_tra_dark-fluid", "Ax T2 FLAIR", 16, 150, 218),
    "dwi": _Scan("DWI", "axial", "ep2d_diff_3scan_trace_p2", "Ax DWI", 1, 90, 82),
    "adc": _Scan("ADC", "axial", "ep2d_diff_3scan_trace_p2_ADC", "ADC (10^-6 mm²/s)", 1, 90, 0),
    "cor": _Scan("FLAIR", "coronal", "t2_tirm_cor_dark-fluid", "Cor T2 FLAIR", 16, 150, 236),
    "cort2": _Scan("T2", "coronal", "t2_tse_cor_hippo", "Cor T2 FSE", 13, 150, 204),
}
# Centre and width of the window that the scanner suggests, relative to grey matter.
_WINDOWS = {"T1": (0.85, 1.8), "T2": (1.1, 2.2), "FLAIR": (0.8, 1.6), "DWI": (0.8, 1.7), "ADC": (1.0, 2.0)}
_PROTOCOLS: dict[str, tuple[tuple[str, ...], ...]] = {
    "mr_plain": (
        ("t2", "flair", "t1"),
        ("t1", "t2", "flair", "cort2"),
        ("t2", "flair", "dwi", "adc"),
        ("flair", "t2", "t1", "cor"),
    ),
    "mr_acute": (("dwi", "adc", "flair"), ("dwi", "adc", "flair", "t2"), ("dwi", "adc", "t2")),
}


def mr_series(exam: Examination, model: MRModel, source: random.Random) -> Iterator[Planned]:
    """An MR of the brain by one of the department's protocols."""
    siemens = model.maker == "siemens"
    chosen = source.choice(_PROTOCOLS[exam.kind])
    tilt = round(clipped(source, 15, 1.5, 12, 18), 1)
    centre = tuple(round(source.gauss(0, sd), 2) for sd in (3.0, 9.0, 14.0))
    frequency = model.frequency + source.gauss(0, 0.0004)
    spacing = source.choice((5.5, 5.5, 6.0, 5.0))
    thickness = spacing - source.choice((0.5, 1.0))
    slices = round(128 / spacing) + source.choice((0, 0, 1))
    first = round(-57.0 + source.uniform(-1.5, 2.5), 2)
    field_of_view = source.choice((220.0, 230.0, 230.0, 240.0))
    protocol = (
        source.choice(("Head^Routine", "Head", "Brain")) if siemens else source.choice(("BRAIN", "Brain Routine"))
    )
    begins = source.randrange(120, 260)
    for number, name in enumerate(chosen):
        scan = _SCANS[name]
        sequence = tissue.SEQUENCES["DWI" if scan.contrast == "ADC" else scan.contrast]
        diffusion = scan.contrast in ("DWI", "ADC")
        coronal = scan.plane == "coronal"
        acquired = 128 if diffusion else source.choice((256, 256, 320))
        image = BrainMR(
            body=exam.body,
            study=exam.seed,
            series=token(exam.seed, "series", number),
            slices=20 if coronal else slices,
            contrast=scan.contrast,
            plane=scan.plane,
            first=-26.0 if coronal else first,
            spacing=4.0 if coronal else spacing,
            thickness=3.5 if coronal else thickness,
            fov=200.0 if coronal else field_of_view,
            acquired=acquired,
            snr=round(
                source.uniform(11, 15) if diffusion else source.uniform(26, 36) * (model.field / 1.5) ** 0.5, 1
            ),
            tilt=round(tilt * 0.3, 1) if coronal else tilt,
            down=-6.0 if coronal else 0.0,
            field=model.field,
            gain=float(source.randrange(150, 220) if diffusion else source.randrange(330, 480)),
            matrix=256 if diffusion else 512,
        )
        jitter = 1 + source.gauss(0, 0.01)
        low, wide = _WINDOWS[scan.contrast]
        window = (1400, 2600) if scan.contrast == "ADC" else (round(image.gain * low), round(image.gain * wide))
        acquisition = MRAcquisition(
            frame_of_reference=exam.frame_of_reference,
            sequence=scan.contrast,
            repetition_time=float(round(sequence.repetition * jitter, -1)),
            echo_time=float(round(sequence.echo * jitter)),
            inversion_time=None if sequence.inversion is None else float(round(sequence.inversion * jitter, -1)),
            flip_angle=scan.flip if siemens else (111 if scan.train > 1 else 90),
            echo_train=scan.train,
            bandwidth=source.choice((130, 180, 220, 260)) if not diffusion else 1502,
            averages=1 if not diffusion else 2,
            frequency=round(frequency, 6),
            coil=model.coil[1 + (len(exam.seed) % (len(model.coil) - 1))],
            sar=round(source.uniform(0.04, 1.6), 8),
            requested=exam.requested,
            centre=(centre[0], centre[1], centre[2]),
            window=window,
            duration=scan.seconds,
        )
        description = scan.siemens if siemens else scan.ge
        lasts = scan.seconds * 0.9 if scan.seconds else 0.5
        yield Planned(
            image, acquisition, description, protocol if not siemens else scan.siemens, "HEAD", begins, lasts
        )
        begins += max(scan.seconds, 1) + source.randrange(20, 55) * (scan.seconds > 0)


def ct(exam: Examination, device: Device, source: random.Random) -> Iterator[Planned]:
    """Series of CT for the device that the examination is made on."""
    model = model_of(device.manufacturer, device.model)
    assert isinstance(model, CTModel)
    return ct_series(exam, model, source)


def mr(exam: Examination, device: Device, source: random.Random) -> Iterator[Planned]:
    """Series of MR for the device that the examination is made on."""
    model = model_of(device.manufacturer, device.model)
    assert isinstance(model, MRModel)
    return mr_series(exam, model, source)
