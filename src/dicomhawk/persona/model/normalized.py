"""DIMSE-N services."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from .base import Part
from .commands import Disposal, Status

LONGEST_DELAY = 600.0
"""Seconds: a requestor has left by then."""

Delay = Annotated[float, Field(ge=0, le=LONGEST_DELAY)]
Path = Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{8}(\.[0-9A-F]{8})?$")]
"""A tag in hexadecimal, or that of a sequence and one in each of its items, as in 00400270.0020000D."""
Comment = Annotated[str, StringConstraints(max_length=64)]


class Commitment(Part):
    """Storage commitment (PS3.4 annex J)."""

    accepted: bool = Field(
        default=False,
        description="Whether storage commitment is agreed to: N-ACTION with Action Type 1 on the well-known "
        "instance gets success.",
    )
    reports_accepted: bool = Field(
        default=False, description="Whether N-EVENT-REPORT with the result of a storage commitment gets success."
    )
    result: Literal["elsewhere", "association"] = Field(
        default="elsewhere",
        description="Where the result is told: on the association of the request, if it is still open by then, or on "
        "one that the archive opens, which is never done.",
    )
    delay: tuple[Delay, Delay] = Field(
        default=(0.2, 1.5), description="Seconds, at least and at most, from the request to its result."
    )
    patience: Delay = Field(default=30.0, description="Seconds that an answer to the result is waited for.")
    retrieve_ae: bool = Field(default=True, description="Whether the result has a Retrieve AE Title.")
    wrong_class: Disposal | None = Field(
        default=None,
        description="What an N-ACTION or N-EVENT-REPORT of another SOP class gets; absent: what other commands "
        "get that the archive has no service for.",
    )
    wrong_type: Disposal = Field(default=0x0123, description="What another Action Type or Event Type gets.")
    wrong_instance: Disposal | Literal["accept"] = Field(
        default=0x0112, description="What another instance than the well-known one gets."
    )
    malformed: Disposal | Literal["accept"] = Field(
        default=0x0115,
        description="What a data set gets that can't be read, or lacks Transaction UID or references; accept: the "
        "same as any other.",
    )
    empty: bool = Field(default=False, description="Whether a sequence without any reference will do.")
    known_callers: bool = Field(
        default=False, description="Whether the calling AE title must be one that the archive knows."
    )
    stranger: Disposal = Field(default=0x0110, description="What another caller gets, then.")
    stranger_comment: Comment = Field(
        default="", description="Error Comment of that; {caller} stands for the calling AE title."
    )
    full: Status = Field(default=0x0213, description="Status when too many results are still to be told.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.delay[0] > self.delay[1]:
            raise ValueError("delay: the least is greater than the most")
        return self


_FILLED: tuple[Path, ...] = (
    "00400270",  # Scheduled Step Attributes Sequence
    "00400270.0020000D",
    "00400253",  # Performed Procedure Step ID
    "00400241",  # Performed Station AE Title
    "00400244",  # Performed Procedure Step Start Date
    "00400245",  # Performed Procedure Step Start Time
    "00400252",  # Performed Procedure Step Status
    "00080060",  # Modality
)
_PRESENT: tuple[Path, ...] = (
    *(f"00400270.{tag}" for tag in ("00081110", "00080050", "00401001", "00321060")),
    *(f"00400270.{tag}" for tag in ("00400009", "00400007", "00400008")),
    *("00100010", "00100020", "00100030", "00100040", "00081120"),
    *("00400242", "00400243", "00400254", "00400255", "00081032", "00400250", "00400251"),
    *("00200010", "00400260", "00400340"),
)
_ENDED: tuple[Path, ...] = ("00400250", "00400251")  # Performed Procedure Step End Date and Time


class Steps(Part):
    """Modality performed procedure steps (PS3.4 annex F)."""

    accepted: bool = Field(
        default=False, description="Whether N-CREATE and N-SET of modality performed procedure steps are carried out."
    )
    present: tuple[Path, ...] = Field(
        default=_PRESENT, description="What an N-CREATE must have, even if empty (PS3.4 table F.7.2-1, type 2)."
    )
    filled: tuple[Path, ...] = Field(
        default=_FILLED, description="What it must have with a value (PS3.4 table F.7.2-1, type 1)."
    )
    completed: tuple[Path, ...] = Field(
        default=(*_ENDED, "00400340", "00400340.0020000E", "00400340.00181030"),
        description="What a step must have with a value when it is COMPLETED (PS3.4 table F.7.2-1, final state).",
    )
    discontinued: tuple[Path, ...] = Field(
        default=_ENDED, description="What it must have with a value when it is DISCONTINUED; there may be no series."
    )
    begins_in_progress: bool = Field(
        default=True, description="Whether a step must be IN PROGRESS when it is created."
    )
    any_uid: bool = Field(
        default=False, description="Whether a SOP Instance UID may be any text, instead of digits and dots."
    )
    uids: Literal["deployment", "uuid"] = Field(
        default="deployment",
        description="How the archive makes the UID of a step that comes without: below the deployment's root, or"
        " of a UUID (PS3.5 B.2).",
    )
    invalid_uid: Status = Field(default=0x0117, description="Status for another SOP Instance UID.")
    missing: Status = Field(default=0x0120, description="Status if something isn't there.")
    empty: Status = Field(default=0x0121, description="Status if something is there without a value.")
    missing_list: bool = Field(
        default=True, description="Whether the response lists what is missing (Attribute Identifier List)."
    )
    invalid: Status = Field(default=0x0106, description="Status for another Performed Procedure Step Status.")
    duplicate: Status = Field(default=0x0111, description="Status if there is a step with this UID.")
    unknown: Status = Field(default=0x0112, description="Status of an N-SET if there is none with this UID.")
    conflict: Status | None = Field(
        default=0x0119, description="Status if the UID is that of an object; absent: as `unknown`."
    )
    unreadable: Disposal = Field(default=0x0110, description="What a data set gets that can't be read.")
    ended: Status = Field(
        default=0x0110, description="Status of an N-SET of a step that is COMPLETED or DISCONTINUED."
    )
    ended_id: Status = Field(default=0xA710, description="Error ID of that (PS3.4 table F.7.2-2).")
    ended_comment: Comment = Field(default="", description="Error Comment of that.")
    full: Status = Field(default=0x0213, description="Status when there is no room for another step.")


class Normalized(Part):
    """How DIMSE-N commands are answered that a service is there for."""

    commitment: Commitment = Commitment()
    steps: Steps = Steps()
