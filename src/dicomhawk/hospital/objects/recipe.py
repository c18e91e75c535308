"""What the catalogue keeps of a generated series: the recipe of its pixels and how it was acquired."""

from __future__ import annotations

import msgspec

from dicomhawk.hospital.images import recipe as images
from dicomhawk.hospital.objects.document_recipe import Document


class CTAcquisition(msgspec.Struct, frozen=True, tag="ct", omit_defaults=True):
    """How a CT series was acquired, as far as it is not in the recipe of its pixels."""

    frame_of_reference: str
    irradiation_event: str
    kvp: int
    current: int  # mA where the beam passes the chest
    pitch: float
    ctdi: float  # mGy
    kernel: str
    windows: tuple[tuple[int, int], ...]  # centre and width
    table_height: float
    table_position: float  # mm: z of the base's centre in the coordinates of the scanner
    requested: str  # Requested Procedure Description
    acquisition: int = 1
    agent: str | None = None
    agent_volume: int = 0
    flow: float = 0.0
    axial: bool = False  # rotation after rotation with a standing table, instead of a spiral


class MRAcquisition(msgspec.Struct, frozen=True, tag="mr", omit_defaults=True):
    """How an MR series was acquired, as far as it is not in the recipe of its pixels."""

    frame_of_reference: str
    sequence: str  # key in `mr.SEQUENCES`
    repetition_time: float
    echo_time: float
    inversion_time: float | None
    flip_angle: int
    echo_train: int
    bandwidth: int
    averages: int
    frequency: float  # MHz
    coil: str
    sar: float
    requested: str
    centre: tuple[float, float, float]  # of the stack, in the coordinates of the scanner (x, y, z)
    window: tuple[int, int]
    duration: int  # seconds
    agent: str | None = None


class XRayAcquisition(msgspec.Struct, frozen=True, tag="xray", omit_defaults=True):
    """How a radiograph was exposed, as far as it is not in the recipe of its pixels."""

    requested: str
    kvp: int
    exposure: float  # mAs
    milliseconds: int
    index: int  # Exposure Index
    plate: str  # Plate ID or Detector ID
    dose_area: float  # dGy cm²
    grid: bool = True


class USAcquisition(msgspec.Struct, frozen=True, tag="us", omit_defaults=True):
    """What an ultrasound machine was set to, as far as it is not in the recipe of its pixels."""

    requested: str
    transducer: str
    frequency: float  # MHz
    gain: int  # dB
    dynamic_range: int  # dB
    mechanical_index: float
    thermal_index: float
    preset: str  # the name of the examination in the overlay


class CaptureAcquisition(msgspec.Struct, frozen=True, tag="capture"):
    """What is known of a screen that was captured."""

    requested: str


class ECGAcquisition(msgspec.Struct, frozen=True, tag="ecg"):
    """How an electrocardiogram was ordered, and in which language its cart writes."""

    requested: str
    locale: str
    reason: str
    ward: str


Acquisition = CTAcquisition | MRAcquisition | XRayAcquisition | USAcquisition | CaptureAcquisition | ECGAcquisition


class SeriesRecipe(msgspec.Struct, frozen=True):
    """The column ``recipe`` of a series."""

    image: images.Recipe
    acquisition: Acquisition


class DocumentRecipe(msgspec.Struct, frozen=True):
    """The same column of a series that is one document, such as a report."""

    document: Document


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(SeriesRecipe)
_document_decoder = msgspec.json.Decoder(DocumentRecipe)
_DOCUMENT = '{"document":'


def encode(recipe: SeriesRecipe | DocumentRecipe) -> str:
    """The recipe as JSON, for the catalogue."""
    return _encoder.encode(recipe).decode()


def decode(text: str) -> SeriesRecipe | DocumentRecipe:
    """The recipe from its JSON. Raises `msgspec.DecodeError` if it is none."""
    return _document_decoder.decode(text) if text.startswith(_DOCUMENT) else _decoder.decode(text)
