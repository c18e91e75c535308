"""The DICOMweb services (PS3.18): where they are, and what products do differently there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Part

AET = "{aet}"
"""In a path: the archive's AE title."""
Place = Annotated[str, Field(pattern=r"^(|(/[A-Za-z0-9._~{}-]+)+)$", max_length=200)]
Text = Annotated[str, Field(max_length=1000, pattern=r"^[\t -~]*$")]


class Errors(Part):
    """Bodies of errors."""

    type: Text = Field(default="text/plain", description="Content-Type; empty: there is no body.")
    body: Text = Field(default="{message}", description="{message}, {status} and {reason} are filled in.")


class DicomWeb(Part):
    """QIDO-RS, WADO-RS and STOW-RS, and WADO-URI."""

    prefix: Place = Field(
        default="/dicom-web", description="Path below which the RESTful services are; empty: it has none."
    )
    uri: Place = Field(default="/wado", description="Path of WADO-URI; empty: it has none.")
    aets: tuple[str, ...] = Field(
        default=(), description="Further AE titles that the paths are there for, where they have one."
    )
    unknown_aet: Text = Field(default="", description="Message of the 404 for another AE title; {aet} is filled in.")
    empty: Literal[200, 204] = Field(default=204, description="Status of a search without matches.")
    most: int = Field(default=0, ge=0, le=100_000, description="Matches of a search at most; 0: no limit.")
    remaining: bool = Field(
        default=True, description="Whether a Warning says how many more there are (PS3.18 8.3.4.4)."
    )
    fuzzy: Literal["warned", "ignored"] = Field(
        default="warned", description="What becomes of fuzzymatching=true: a Warning, or nothing."
    )
    unknown: Literal["refused", "ignored"] = Field(
        default="refused", description="What becomes of a parameter that is no attribute: 400, or nothing."
    )
    parameters: tuple[str, ...] = Field(
        default=(), description="Parameters of searches that are known beside those of the standard."
    )
    counts: bool = Field(
        default=False,
        description="Whether patients can be searched for, and matches counted: patients, studies/count ...",
    )
    character_set: Literal["utf-8", "own", "none"] = Field(
        default="utf-8", description="What (0008,0005) says in JSON and XML: UTF-8, what the object has, or nothing."
    )
    json_type: Literal["application/dicom+json", "application/json"] = Field(
        default="application/dicom+json", description="Content-Type of JSON where the client takes both."
    )
    bulk_from: int = Field(default=1024, ge=1, le=1 << 24, description="Bytes from which on a value is bulk data.")
    cache: Text = Field(default="no-cache", description="Cache-Control of searches; empty: none.")
    thumbnail: int = Field(
        default=64, ge=16, le=1024, description="Columns of a thumbnail if the client has no wish."
    )
    no_match: Text = Field(default="", description="Message of the 404 where nothing is found.")
    not_acceptable: Text = Field(default="", description="Message of the 406 for objects that can't be had so.")
    stored_other_study: int = Field(
        default=0xA900,
        ge=0,
        le=0xFFFF,
        description="Failure Reason for an object of another study than the path says.",
    )
    not_dicom: int = Field(default=0xC000, ge=0, le=0xFFFF, description="Failure Reason for a part that isn't DICOM.")
    errors: Errors = Errors()
