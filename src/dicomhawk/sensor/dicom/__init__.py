"""The DICOM door: an asyncio adapter over `upperlayer` and the DIMSE services."""
