"""C-STORE."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Part
from .commands import Disposal, Status


class Store(Part):
    """How objects are taken (PS3.4 annex B)."""

    classes: Literal["storage", "any"] = Field(
        default="storage",
        description="Whether the Affected SOP Class UID must be one of PS3.4 annex B. Seen with a C-STORE of "
        "class Verification or of an invented one.",
    )
    class_refused: Disposal = Field(default=0x0122, description="What another SOP class gets.")
    class_of_context: bool = Field(
        default=True, description="Whether the Affected SOP Class UID must be that of the presentation context."
    )
    unreadable: Disposal | Literal["accept"] = Field(
        default="accept",
        description="What a data set gets that can't be read to its end in its transfer syntax; accept: it is "
        "kept as far as it can be read. Seen with a data set that is cut off, or of garbage.",
    )
    no_sop_uids: Status = Field(
        default=0xA900, description="Status if the data set lacks SOP Class UID or SOP Instance UID."
    )
    mismatch: Status = Field(
        default=0xA900,
        description="Status if SOP Class UID or SOP Instance UID of the data set aren't those of the command.",
    )
    required: tuple[str, ...] = Field(
        default=("0020000D", "0020000E"),
        description="Elements (tags in hexadecimal) that the data set must have, with a value.",
    )
    longest: int | None = Field(
        default=None,
        ge=64,
        description="Bytes of the longest Patient ID or UID; an object with a longer one is one that lacks a "
        "required element. Seen with a Patient ID of some hundred characters.",
    )
    required_first: bool = Field(
        default=True,
        description="Whether what is missing counts more than what doesn't match.",
    )
    required_missing: Status = Field(default=0xC000, description="Status if one of them is absent or empty.")
    duplicates: Literal["replace", "keep"] = Field(
        default="replace",
        description="Which of two objects with the same SOP Instance UID counts: the last, or the first. The "
        "status is success either way. Seen with a C-FIND or C-GET after storing another object under"
        " the same UID.",
    )
    same_object: Literal["uid", "path", "uid-in-known-study"] = Field(
        default="uid",
        description="Which stored object a new one is a duplicate of: any with its SOP Instance UID; one with the"
        " same identifiers from the patient down; or any with its SOP Instance UID, unless the new "
        "one is the first of its study. Seen by storing one UID in two studies.",
    )
    full: Status = Field(default=0xA700, description="Status when there is no room.")
