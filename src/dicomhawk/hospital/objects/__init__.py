"""DICOM objects of generated series: what they are made by, headers as the devices would have written them, files."""
