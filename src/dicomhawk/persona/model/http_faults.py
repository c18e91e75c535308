"""What can be wrong with a request, and what is done about each of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from .base import Part, Seconds

Status = Annotated[int, Field(ge=100, le=599)]


class Fault(StrEnum):
    """What is wrong with a request (RFC 9112), in the order in which it is looked for."""

    SILENT = "silent"
    """Nothing came at all."""
    HEAD_TIMEOUT = "head-timeout"
    """A request has begun and doesn't go on."""
    TORN = "torn"
    """The client closes its side within a head."""
    CONTROL = "control"
    """A control character in the head, or before it: TLS, DICOM, garbage."""
    HTTP2 = "http2"
    """The connection preface of HTTP/2 (RFC 9113 section 3.4)."""
    LINE_LENGTH = "line-length"
    """The request line is too long."""
    HEAD_LENGTH = "head-length"
    """The whole head is too long."""
    EMPTY = "empty"
    """Empty lines instead of a request line."""
    LINE = "line"
    """Not method, target and version."""
    OLD = "old"
    """A request line without a version, as of HTTP/0.9."""
    VERSION_FORM = "version-form"
    """A version that isn't HTTP's."""
    METHOD = "method"
    """A method that the product doesn't know."""
    TARGET = "target"
    """A target of no form that there is."""
    ASTERISK = "asterisk"
    """The target `*`."""
    FOREIGN = "foreign"
    """A target on another server, as one asks a proxy."""
    FIELD = "field"
    """A line that is no field."""
    FIELD_LENGTH = "field-length"
    """A field that is too long."""
    FIELD_COUNT = "field-count"
    """Too many fields."""
    FOLD = "fold"
    """A field that goes on in the next line (obs-fold)."""
    SPACE = "space"
    """White space between a field's name and its colon."""
    BARE_LF = "bare-lf"
    """A line that ends in LF alone."""
    BARE_CR = "bare-cr"
    """CR within a line."""
    VERSION = "version"
    """A version of HTTP that isn't spoken."""
    HOST = "host"
    """No Host in HTTP/1.1."""
    HOSTS = "hosts"
    """Several Host fields, or one that names no host."""
    LENGTH = "length"
    """A Content-Length that is no number."""
    LENGTHS = "lengths"
    """Several that differ."""
    LENGTH_AND_CODING = "length-and-coding"
    """Content-Length and Transfer-Encoding at once."""
    CODING = "coding"
    """A transfer coding that isn't known."""
    OLD_CODING = "old-coding"
    """A transfer coding in HTTP/1.0."""
    EXPECTATION = "expectation"
    """An expectation other than 100-continue."""
    BODY_LENGTH = "body-length"
    """A body that is too long."""
    CHUNK = "chunk"
    """Chunks that aren't any."""
    BODY_TIMEOUT = "body-timeout"
    """A body that doesn't go on."""
    BODY_TORN = "body-torn"
    """The client closes its side within a body."""


class FaultModel(Part):
    """What is done about a fault."""

    status: Status | None = Field(default=None, description="Of the answer; unset: nothing is sent.")
    reason: str | None = Field(default=None, max_length=64, description="Reason phrase, if not the usual one.")
    detail: str = Field(
        default="", max_length=200, description="What the error page says of it ({detail} there; may have {version})."
    )
    page: str | None = Field(default=None, max_length=4000, description="Body, if not the usual error page.")
    ordinary: bool = Field(
        default=False, description="Whether the answer has the fields of ordinary ones instead of an error's."
    )
    serve: bool = Field(default=False, description="Whether it is let pass; then the rest is of no matter.")
    close: Literal["fin", "reset"] = Field(default="fin", description="How the connection ends then.")
    hold: Seconds = Field(default=0, ge=0, le=3600, description="Seconds until it does.")


def _answer(status: int, **more: object) -> FaultModel:
    return FaultModel.model_validate({"status": status} | more)


_PASSED = FaultModel(serve=True)
_SILENCE = FaultModel()
LITERAL: dict[Fault, FaultModel] = {
    Fault.SILENT: _SILENCE,
    Fault.TORN: _SILENCE,
    Fault.HEAD_TIMEOUT: _answer(408),
    Fault.LINE_LENGTH: _answer(414),
    Fault.HEAD_LENGTH: _answer(431),
    Fault.EMPTY: _PASSED,
    Fault.ASTERISK: _PASSED,
    Fault.FOREIGN: _PASSED,
    Fault.FIELD_LENGTH: _answer(431),
    Fault.FIELD_COUNT: _answer(431),
    Fault.BARE_LF: _PASSED,
    Fault.VERSION: _answer(505),
    Fault.METHOD: _PASSED,
    Fault.CODING: _answer(501),
    Fault.EXPECTATION: _answer(417),
    Fault.BODY_LENGTH: _answer(413),
    Fault.BODY_TIMEOUT: _answer(408),
    Fault.BODY_TORN: _SILENCE,
}
"""RFC 9110 and 9112 read literally; 400 for what isn't here."""
OTHERWISE = _answer(400)
