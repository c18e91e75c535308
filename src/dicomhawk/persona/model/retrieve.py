"""C-GET and C-MOVE: which instances are meant, in which order they go out, and what is said of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Part, Seconds
from .commands import Disposal, Status

Group = Annotated[int, Field(ge=0, le=0xFFFF)]
"""A group number; in a file best written in hexadecimal, as 0x0002."""


class Selecting(Part):
    """Which instances a C-GET or C-MOVE means, and in which order."""

    order: Literal["number", "arrival", "newest-first"] = Field(
        default="number",
        description="Order of the instances: by series and instance number; in the order in which they were "
        "stored; or down the tree, of the children of each study and series the last stored first. "
        "Seen with a C-GET of a study of several series that were stored in an order that is not that"
        " of their numbers.",
    )
    class_unknown: Disposal | Literal["any"] = Field(
        default=0x0122,
        description="What a command gets whose SOP class is none of a retrieval, where commands are carried out "
        "on any context; any: it is carried out all the same, at all levels.",
    )
    level_case: bool = Field(default=True, description="Whether Query/Retrieve Level must be in upper case.")
    level_prefix: bool = Field(
        default=False, description="Whether a level is recognized by its beginning, as in STUDYX."
    )
    level_spaces: bool = Field(default=False, description="Whether spaces before a level make it another.")
    level_names: dict[str, Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]] = Field(
        default_factory=dict, description="Further names of levels, such as INSTANCE for IMAGE."
    )
    level_missing: Disposal | Literal["deduce"] = Field(
        default=0xA900,
        description="What an identifier without a level gets; deduce: the level is that of the lowest unique key "
        "in it, and a level without a value is unknown.",
    )
    level_unknown: Disposal = Field(default=0xA900, description="What a level gets that PS3.4 doesn't define.")
    level_outside: Disposal | Literal["allowed"] = Field(
        default=0xA900,
        description="What a level gets that the information model doesn't have, as PATIENT in Study Root.",
    )
    keys: Literal["unique", "all"] = Field(
        default="unique",
        description="Whether only unique keys select, or all keys of the level as in a C-FIND, where one that is "
        "absent or empty selects everything. Seen with a C-GET at SERIES level with a Modality.",
    )
    keys_above: Literal["single", "present", "ignored"] = Field(
        default="single",
        description="Unique keys of the levels above: each must have a single value; must be there and match, or "
        "nothing is found; or have no effect. Seen with a C-GET of a series without, and with a "
        "wrong, study.",
    )
    key_missing: Disposal = Field(
        default=0xA900, description="What an identifier gets that lacks a unique key, or has it without a value."
    )
    accession_number: Literal["no", "present", "filled"] = Field(
        default="no",
        description="Whether at STUDY level an Accession Number takes the place of the Study Instance UID: never,"
        " where the element is there, or where it has a value.",
    )
    id_case: bool = Field(
        default=True, description="Whether upper and lower case differ in a Patient ID or an Accession Number."
    )
    empty_keys: bool = Field(
        default=False,
        description="Whether a unique key without a value, or an empty value in a list, means what has no value "
        "there, or counts as missing.",
    )
    all_of_list: bool = Field(
        default=False,
        description="Whether a list of UIDs is refused (`nothing_found`) if one of them isn't found.",
    )
    wildcards_refused: bool = Field(
        default=False,
        description="Whether a wildcard in a unique key fails the retrieval (`nothing_found`), or is an ordinary "
        "character. Seen with a C-MOVE of a list, one of whose values has a *.",
    )
    list_order: bool = Field(
        default=False,
        description="Whether what a list names goes out in the list's order, and twice if it is named twice.",
    )
    remaining_from: Literal["found", "begun"] = Field(
        default="found",
        description="Since when the number of remaining sub-operations is known: once the instances are found, or"
        " only once the first sub-operation begins. Seen with a C-GET and a C-CANCEL in one segment.",
    )
    nothing_found: Disposal = Field(default=0x0000, description="What a retrieval gets that means no instance.")
    unreadable: Disposal = Field(
        default=0xC001,
        description="What an identifier gets that can't be read in its transfer syntax, or is too long.",
    )


class Progress(Part):
    """What responses say of the progress and the end of a retrieval."""

    last_pending: bool = Field(
        default=True,
        description="Whether a pending response follows the last sub-operation, too, before the final response.",
    )
    some_failed: Status = Field(
        default=0xB000, description="Final status if some sub-operations failed or had warnings."
    )
    all_failed: Status = Field(default=0xA702, description="Final status if all sub-operations failed.")
    cancelled_after_failures: bool = Field(
        default=True,
        description="Whether a cancelled retrieval ends with 0xFE00 also if sub-operations had failed before, "
        "instead of `some_failed` or `all_failed`.",
    )
    failed_list: Literal["data-set", "command", "none"] = Field(
        default="data-set",
        description="Where Failed SOP Instance UID List (0008,0058) is: in the data set of a final response that "
        "isn't a success; at the end of the command set of every response after the first failure, "
        "with a group length; or nowhere.",
    )
    cancel: Literal["at-once", "after-next"] = Field(
        default="at-once",
        description="Whether a C-CANCEL that comes between two sub-operations ends the retrieval at once, or the "
        "next sub-operation is still done.",
    )


class Get(Part):
    """C-GET (PS3.4 section C.4.3)."""

    select: Selecting = Selecting()
    progress: Progress = Progress()
    roles: Literal["scp", "any"] = Field(
        default="scp",
        description="On which contexts objects are sent: where the requestor took the SCP role; or also where no "
        "role was negotiated. Seen with a C-GET without role selection.",
    )
    syntaxes: tuple[str, ...] = Field(
        default=("own", "implicit-le", "explicit-le", "explicit-be"),
        description="Transfer syntaxes in the order of preference among the contexts of the object's SOP class: "
        "own is the one that the object is kept in, any the first of all contexts. Seen with several "
        "contexts for one class.",
    )
    decodes: tuple[str, ...] = Field(
        default=(),
        description="Compressed transfer syntaxes of objects that are sent uncompressed where no context has their "
        "own. Seen with a C-GET of compressed objects over uncompressed contexts.",
    )
    same_syntax: Literal["first", "last"] = Field(
        default="first", description="Which of several contexts with the same transfer syntax is used."
    )
    no_context: Literal["fail", "end"] = Field(
        default="fail",
        description="What happens where no context fits an object, or the object can't be had in the context's "
        "transfer syntax: its sub-operation fails and the next follows, "
        "or the retrieval ends with `no_context_status`. Seen with a C-GET without contexts for "
        "storage.",
    )
    no_context_status: Status = Field(default=0xC000, description="See `no_context`.")
    message_ids: Literal["operation", "association"] = Field(
        default="operation",
        description="Whether the Message IDs of C-STORE-RQs begin with 1 in each C-GET, or once on an association.",
    )
    failed_message_ids: bool = Field(
        default=False,
        description="Whether a sub-operation for which no context fits takes a Message ID, too.",
    )
    priority: Literal["medium", "request"] = Field(
        default="medium", description="Priority of the C-STORE-RQs: always medium, or that of the C-GET-RQ."
    )
    count_cancelled: bool = Field(
        default=True,
        description="Whether the sub-operation during which a C-CANCEL comes is counted once it is answered.",
    )
    any_cancel: bool = Field(
        default=False,
        description="Whether during a sub-operation a C-CANCEL counts whatever Message ID it names.",
    )
    warnings: tuple[Status, ...] = Field(
        default=(), description="Statuses of the peer that count as warnings, beside those that begin with B."
    )
    patience: Seconds = Field(
        default=60, gt=0, description="How long an answer to a C-STORE-RQ is waited for, in seconds."
    )
    after_patience: Literal["abort", "close", "fail"] = Field(
        default="abort",
        description="What happens then: an A-ABORT, the connection is closed without one (`wire.hang_up`), or the"
        " sub-operation has failed.",
    )
    rewritten: bool = Field(
        default=False,
        description="Whether objects are written anew when they are sent, so that sequences and items have "
        "defined lengths whatever they were stored with, texts no needless padding, and the first counts of elements "
        "with the same tag. Seen with a C-GET of an object with spaces behind its texts.",
    )
    dropped_groups: tuple[Group, ...] = Field(
        default=(),
        description="Groups whose elements are left out when objects are written anew. Seen with a C-GET of an "
        "object with an element of group 0002.",
    )


class Move(Part):
    """C-MOVE (PS3.4 section C.4.2): what it looks like to the requestor, since it never connects anywhere."""

    select: Selecting = Selecting()
    progress: Progress = Progress()
    unknown_destination: Disposal = Field(
        default=0xA801, description="What a Move Destination gets that the archive doesn't know."
    )
    destination_first: bool = Field(
        default=True,
        description="Whether an unknown destination counts even if nothing is found.",
    )
    unreachable: Literal["fail-all", "end"] = Field(
        default="fail-all",
        description="What a known destination means that doesn't answer: all sub-operations fail without pending "
        "responses, or the retrieval ends with `unreachable_status` and no counts.",
    )
    unreachable_status: Status = Field(default=0xC000, description="See `unreachable`.")
    megabits: float = Field(default=400, gt=0, description="Speed of the pretended transfer, Mbit/s.")
    per_object: Seconds = Field(default=0.02, ge=0, description="Pretended overhead of each object, in seconds.")
    outcome: Literal["success", "refused"] = Field(
        default="success",
        description="How a transfer to a known destination ends: every object sent, or 0xA702.",
    )
