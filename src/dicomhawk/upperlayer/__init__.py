"""DICOM upper layer (PS3.8) and DIMSE (PS3.7), sans-IO: bytes in -> events, commands in -> bytes.

It owns no socket, no clock, no thread and no log. `Provider` drives one connection, on either side.
"""
