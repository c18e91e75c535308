"""What a product demands of a DIMSE command set and of its fragments, as data (PS3.7 sections 6.3, 9.3, 10.3).

Products differ in what they check at all, and so in which malformed commands they answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The defaults demand little: what can be answered is answered. Compared by identity, since decoded commands are
    remembered by it."""

    mandatory: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """By command field: the elements without which the command is refused (`Quirk.COMMAND_ELEMENT`). Those of VR US
    must hold two bytes at least."""
    known_fields_only: bool = False
    """Whether a command field that isn't among `mandatory` is refused."""
    data_set: Mapping[int, bool] = field(default_factory=dict)
    """By command field: whether a data set must or must not be announced; with others it may."""
    filled: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """By command field: text elements that must not be empty."""
    longest: Mapping[int, int] = field(default_factory=dict)
    """By element number: the longest value taken, bytes, where the element is mandatory."""
    first_counts: bool = False
    """Whether the first or the last counts of an element that is there more than once."""
    any_group: bool = False
    """Whether elements of other groups than 0000 are passed over."""
    short_tail: bool = False
    """Whether bytes behind the last element are passed over if they are too few for another one's header, or no more
    than that."""
    open_end: bool = False
    """Whether there may be sequences of undefined length, which are passed over, the last one also without end."""
    long_numbers: bool = False
    """Whether a US element may have any length but 0: its first two bytes count, and of one byte the other is 0."""
    c_strings: bool = False
    """Whether a text ends at the first NUL, and spaces around it don't count, nor white space anywhere in a UID."""
    odd_fragments: bool = True
    """Whether a fragment may have an odd length. If not, one in a command set ends it as it is so far."""
    context_at_end: bool = False
    """Whether the presentation context is looked at when a command is complete and, if a data set comes on another
    one, when that is; or at once."""


STANDARD = Rules()
