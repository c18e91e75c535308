"""DICOM upper layer (PS3.8) and DIMSE (PS3.7), sans-IO: bytes in -> events, commands in -> bytes."""
