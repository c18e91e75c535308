"""DIMSE commands: which are taken, from whom and on which presentation context, and what the others get."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Part

Status = Annotated[int, Field(ge=0, le=0xFFFF)]
"""A status of a DIMSE response (PS3.7 annex C); in a file best written in hexadecimal, as 0xA702."""

Disposal = Literal["abort", "close", "ignore"] | Status
"""What a command gets that isn't carried out: an A-ABORT (see `wire.on_association`, command-refused), the end of the
connection without one, no answer at all, or a response with this status."""

CommandName = Literal[
    "C-ECHO",
    "C-STORE",
    "C-FIND",
    "C-GET",
    "C-MOVE",
    "N-EVENT-REPORT",
    "N-GET",
    "N-SET",
    "N-ACTION",
    "N-CREATE",
    "N-DELETE",
]


class Reading(Part):
    """What may be wrong with data sets. Seen with identifiers and objects that are cut off at each byte."""

    ends_in_header: bool = Field(
        default=False, description="Whether a data set may end within the header of an element or item."
    )
    ends_before_value: bool = Field(
        default=False, description="Whether it may end right behind the header of an element."
    )
    other_vrs: bool = Field(
        default=False,
        description="Whether two bytes that are no VR may stand for one: with a length of 32 bits if they are "
        "capitals, else of 16. Seen with the VRs zz and ZZ.",
    )
    fragments_anywhere: bool = Field(
        default=True,
        description="Whether binary values other than Pixel Data may be in fragments, too. Seen by a key of VR OB "
        "with undefined length.",
    )
    loose_items: bool = Field(
        default=False,
        description="Whether items and sequences may be longer than what they are in. Seen with an item that "
        "claims more than its sequence has.",
    )


class Commands(Part):
    """Which commands are taken, from whom and where."""

    reading: Reading = Reading()

    on_any_context: bool = Field(
        default=False,
        description="Whether a command is carried out on every accepted presentation context, its Affected SOP "
        "Class UID alone saying what is asked for. Seen with a C-STORE or C-FIND on a context for "
        "Verification.",
    )
    wrong_context: Disposal = Field(
        default=0x0122,
        description="What a command gets on a context of another service, unless `on_any_context`.",
    )
    of_known_callers: tuple[CommandName, ...] = Field(
        default=(),
        description="Commands that are taken only from calling AE titles that the archive knows. Seen with the "
        "same command under a configured and under an invented AE title.",
    )
    of_strangers: Disposal = Field(
        default="abort", description="What those commands get when the caller is unknown; before any data set comes."
    )
    knows_itself: bool = Field(
        default=False,
        description="Whether the archive's own AE title is one that it knows, as caller or destination. Seen with a "
        "C-MOVE to the archive itself.",
    )
    ae_title_case: bool = Field(
        default=True,
        description="Whether upper and lower case differ in the AE titles of callers and destinations.",
    )
    unsupported: Disposal = Field(
        default=0x0211,
        description="What a DIMSE-N command gets whose SOP class is known here. Seen with an N-GET of Verification.",
    )
    unknown_class: Disposal = Field(
        default=0x0118, description="What a DIMSE-N command gets whose SOP class no context is accepted for."
    )
    undefined: Disposal = Field(
        default=0x0211, description="What a command field gets that PS3.7 doesn't define, such as 0x0123."
    )
    response: Disposal = Field(
        default="ignore",
        description="What a response gets that nobody waits for. Seen with a C-ECHO-RSP sent to the archive.",
    )
    late_cancel: Disposal = Field(
        default="ignore", description="What a C-CANCEL gets when nothing is there to be cancelled."
    )
    data_set_of_ignored: Literal["skip", "command"] = Field(
        default="skip",
        description="Whether the data set of an ignored command is skipped, or the next command is expected at "
        "once, so that the data set is a violation (pdv-order). Seen with an ignored command that has"
        " a data set.",
    )
    meanwhile: Literal["wait", "abort", "drop"] = Field(
        default="wait",
        description="What becomes of a command that comes while a query or retrieval is answered: it waits for "
        "its turn, the association is aborted, or both end without another response. Seen with two "
        "commands in a segment.",
    )


class Responses(Part):
    """Which elements responses have."""

    affected_sop_class: bool = Field(
        default=True, description="Whether responses repeat the Affected SOP Class UID of the request."
    )
    empty_sop_class: bool = Field(default=False, description="Whether they do so when it is there but empty.")
    unable: Status = Field(
        default=0xC001,
        description="Status of a query or retrieval that can't be carried out for a reason of the archive's own, or "
        "because it asks for too much.",
    )
    offending_element: bool = Field(
        default=True,
        description="Whether a failure for an identifier names the elements that are wrong (0000,0901). Seen with"
        " a query whose level is unknown.",
    )
