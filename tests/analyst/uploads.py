"""What scripted intruders leave: objects that are what they seem, and objects that aren't."""

from __future__ import annotations

import io
import zlib

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

ROOT = "1.2.276.0.99."
"""Of UIDs: no library's own, which would be a tell."""
SC = str(SecondaryCaptureImageStorage)
DEFLATED = "1.2.840.10008.1.2.1.99"
EDGE = 16
"""Rows and columns."""


def clean_ct() -> Dataset:
    """A small CT image as a scanner makes it."""
    data = Dataset()
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid(ROOT)
    data.StudyDate, data.StudyTime, data.Modality = "20240610", "101112", "CT"
    data.Manufacturer = "Siemens Healthineers"
    data.StudyDescription, data.SeriesDescription = "CT Thorax", "Thorax 5.0 B31f"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = (
        "Brandt^Ilse",
        "P100200",
        "19520304",
        "F",
    )
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(ROOT), generate_uid(ROOT)
    data.FrameOfReferenceUID = generate_uid(ROOT)
    data.StudyID, data.SeriesNumber, data.InstanceNumber = "1", 2, 1
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows = data.Columns = EDGE
    data.PixelSpacing = [0.7, 0.7]
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.RescaleIntercept, data.RescaleSlope = -1024, 1
    data.PixelData = (np.arange(EDGE * EDGE, dtype="<u2") * 7 % 4096).tobytes()
    return data


def part10(data: Dataset, preamble: bytes = b"") -> bytes:
    """Its file (PS3.10 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = ROOT + "1"
    buffer = io.BytesIO()
    FileDataset(buffer, data, file_meta=meta, preamble=preamble.ljust(128, b"\0")).save_as(
        buffer, enforce_file_format=True
    )
    return buffer.getvalue()


def with_preamble(start: bytes) -> bytes:
    """A file with a program's beginning in its preamble, and that program's header further on."""
    header = b"PE\0\0\x64\x86\1\0" + bytes(16) + b"\xf0\0\x22\0\x0b\2"
    data = clean_ct()
    data.add_new(0x00091001, "OB", header.ljust(256, b"\0"))
    data.add_new(0x00090010, "LO", "ACME")
    found = part10(data)
    preamble = bytearray(start.ljust(128, b"\0")[:128])
    preamble[60:64] = found.index(header).to_bytes(4, "little")
    return bytes(preamble) + found[128:]


def tampered(data: bytes, syntax: str) -> Dataset:
    """An object that was fetched, with something else to be seen on it."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    head = io.BytesIO()
    from pydicom.filewriter import write_file_meta_info

    write_file_meta_info(head, meta, enforce_standard=False)
    found = dcmread(io.BytesIO(bytes(128) + b"DICM" + head.getvalue() + data), force=True)
    pixels = bytearray(found.PixelData)
    pixels[len(pixels) // 2 : len(pixels) // 2 + 64] = b"\xff\x0f" * 32
    found.PixelData = bytes(pixels)
    return found


def bomb(repeated: int) -> tuple[bytes, Dataset]:
    """A data set in Deflated Explicit VR (PS3.5 A.5), with a comment of so many characters in it; and the same as it
    is unpacked."""
    data = clean_ct()
    data.SOPClassUID = SC
    data.add_new(0x00204000, "LT", "x" * repeated)
    from tests.sensor.scu import encoded

    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(encoded(data)) + packer.flush(), data


def with_wrong_codec() -> Dataset:
    """RLE whose header points beyond its segments (PS3.5 annex G)."""
    data = clean_ct()
    header = (2).to_bytes(4, "little") + (64).to_bytes(4, "little") + (0x7FFFFFF0).to_bytes(4, "little")
    data.PixelData = encapsulate([header.ljust(64, b"\0") + bytes(16)])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    return data
