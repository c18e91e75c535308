"""What goes wrong in Orthanc's REST API, and how it says so."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import NamedTuple

from ..message import Response
from .jsoncpp import TAB, styled
from .routing import METHODS


class _Kind(NamedTuple):
    code: int
    status: int
    message: str


class Fault(Enum):
    """Errors with their number, HTTP status and words."""

    INTERNAL = _Kind(-1, 500, "Internal error")
    PLUGIN = _Kind(1, 500, "Error encountered within the plugin engine")
    RANGE = _Kind(3, 400, "Parameter out of range")
    TYPE = _Kind(5, 400, "Bad type for a parameter")
    INEXISTENT = _Kind(7, 404, "Accessing an inexistent item")
    REQUEST = _Kind(8, 400, "Bad request")
    NETWORK = _Kind(9, 500, "Error in the network protocol")
    FULL = _Kind(11, 507, "The file storage is full")
    FILE_ABSENT = _Kind(13, 404, "Inexistent file")
    FILE = _Kind(15, 400, "Bad file format")
    RESOURCE = _Kind(17, 404, "Unknown resource")
    NO_PARENT = _Kind(2024, 400, "Trying to attach a new DICOM instance to an inexistent resource")
    PARENT_IS_INSTANCE = _Kind(
        2025, 400, "Trying to attach a new DICOM instance to an instance (must be a series, study or patient)"
    )
    REVISION = _Kind(
        43, 409, "A bad revision number was provided, which might indicate conflict between multiple writers"
    )
    MEDIA = _Kind(3000, 415, "Unsupported media type")
    NO_TAG = _Kind(21, 404, "Inexistent tag")
    TAG = _Kind(27, 500, "Unknown DICOM tag")
    IMAGE_FORMAT = _Kind(23, 500, "Incompatible format of the images")
    IMAGE_SIZE = _Kind(24, 500, "Incompatible size of the images")
    NOT_IMPLEMENTED = _Kind(2, 500, "Not implemented yet")


UNHANDLED = "An unhandled exception was generated inside the HTTP server"


class Problem(Exception):
    """A call that ends with an error that is described to its client."""

    def __init__(self, fault: Fault, details: str = "") -> None:
        super().__init__(fault.value.message)
        self.fault = fault
        self.details = details

    def response(self, method: str, uri: str) -> Response:
        """The answer to a request with that method, for that path."""
        code, status, message = self.fault.value
        described: dict[str, str | int] = {
            "HttpError": HTTPStatus(status).phrase,
            "HttpStatus": status,
            "Message": message,
            "Method": method if method in METHODS else METHODS[0],  # what the API doesn't know is called the first
            "OrthancError": message,
            "OrthancStatus": code,
            "Uri": uri,
        }
        if self.details:
            described["Details"] = self.details
        return Response(status, [], f"{styled(described, TAB)}\n".encode("utf-8", "replace"))


class Refusal(Exception):
    """A call that ends with a status alone."""

    def __init__(self, status: int = 404) -> None:
        super().__init__(status)
        self.status = status
