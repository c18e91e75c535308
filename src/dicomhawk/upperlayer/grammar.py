"""Which A-ASSOCIATE-RQs a product's parser takes, as data: products differ in what they tolerate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Layout(Enum):
    """How closely the inside of a user information sub-item is looked at."""

    STRICT = "strict"
    """It must have exactly the fields of the standard."""
    LENIENT = "lenient"
    """Bytes behind the fields are ignored."""
    OPAQUE = "opaque"
    """It isn't looked at: anything will do."""
    REREAD = "reread"
    """What is behind the fields that the product looks at is read as further sub-items."""


@dataclass(frozen=True, slots=True, eq=False)
class Grammar:
    """The defaults are PS3.8 read literally. Compared by identity, since decoded requests are remembered by it."""

    longest_request: int = 65536
    """Longest A-ASSOCIATE-RQ, as its PDU length says it; longer ones are `Quirk.PDU_TOO_LONG`."""
    most_items: int = 4096
    """Items and sub-items of a request: 128 contexts with 30 transfer syntaxes each. Each costs time and memory."""
    most_siblings: int = 512
    """Items at one level: 128 contexts, each with a role and an extended negotiation, and some more."""
    longest_text: int | None = None
    """Longest UID or name of an item that holds nothing else (64 by PS3.5 section 6.2); None: any length."""
    version_first: bool = False
    """A protocol version without bit 0 is seen before the items are, so that broken items don't matter then."""
    answers_as_proposals: bool = False
    """Presentation contexts of an A-ASSOCIATE-AC (21H) count as proposed ones. One whose result isn't 0 counts
    as without any sub-items."""
    maximum_length: Layout = Layout.STRICT
    """51H. Lenient: the declared length only says where the next sub-item is; the four bytes must be there."""
    asynchronous_operations: Layout = Layout.STRICT
    """53H."""
    role_selection: Layout = Layout.STRICT
    """54H. Lenient: a UID beyond `longest_text` is cut there, and the roles are read right behind the cut."""
    common_extended: Layout = Layout.STRICT
    """57H."""
    user_identity: Layout = Layout.STRICT
    """58H. Reread: the secondary field belongs to it with a passcode only (type 2)."""
    identity_responses_as_requests: bool = False
    """A user identity response (59H) is read as if it were a request (58H)."""


STRICT = Grammar()
