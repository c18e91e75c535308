"""Import of real DICOM files, each patient with a false identity. `import_folder` is the whole interface."""

from dicomhawk.hospital.importer.report import ImportReport, Refusal
from dicomhawk.hospital.importer.run import Progress, SourceError, import_folder

__all__ = ["ImportReport", "Progress", "Refusal", "SourceError", "import_folder"]
