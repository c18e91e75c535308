"""What a product demands of a command set before it looks at what it says."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ...upperlayer.dimse import CommandField, Key
from ...upperlayer.rules import Rules
from .base import Part


def _field(name: str) -> str:
    if name.replace("-", "_") not in CommandField.__members__:
        raise ValueError(f"there is no command {name}")
    return name


def _key(name: str) -> str:
    if name not in Key.__members__:
        raise ValueError(f"there is no command element {name}")
    return name


CommandName = Annotated[str, AfterValidator(_field)]
"""As the standard writes it: C-STORE-RQ."""
Keyword = Annotated[str, AfterValidator(_key)]
"""Keyword of a command element (PS3.7 annex E): AffectedSOPClassUID."""


class CommandSets(Part):
    """What a command set must be like; what is refused is a quirk: command-set or command-element.

    Observed with C-ECHO requests, and with one request of each kind, that lack an element, have it twice, empty, or
    longer than it may be, and so on.
    """

    mandatory: dict[CommandName, tuple[Keyword, ...]] = Field(
        default_factory=dict, description="Elements without which a command is refused."
    )
    known_only: bool = Field(
        default=False, description="Whether commands that aren't listed under `mandatory` are refused."
    )
    data_set: dict[CommandName, bool] = Field(
        default_factory=dict, description="Commands that must (true) or must not (false) announce a data set."
    )
    filled: dict[CommandName, tuple[Keyword, ...]] = Field(
        default_factory=dict, description="Elements that must not be empty."
    )
    longest: dict[Keyword, int] = Field(
        default_factory=dict, description="Longest values of mandatory elements, in bytes."
    )
    first_counts: bool = Field(
        default=False, description="Whether the first or the last counts of an element that comes more than once."
    )
    any_group: bool = Field(default=False, description="Whether elements of other groups are passed over.")
    short_tail: bool = Field(
        default=False, description="Whether one to seven bytes behind the last element are passed over."
    )
    open_end: bool = Field(
        default=False,
        description="Whether a sequence of undefined length is passed over, the last one also without end.",
    )
    long_numbers: bool = Field(
        default=False,
        description="Whether a number may have any length: its first two bytes count, and one byte stands for two.",
    )
    c_strings: bool = Field(
        default=False,
        description="Whether a text ends at its first NUL and loses spaces on both sides, and a UID all white space.",
    )
    odd_fragments: bool = Field(
        default=True,
        description="Whether fragments may have an odd length; if not, one in a command set ends it before itself,"
        " and elsewhere it is pdv-odd.",
    )
    context_at_end: bool = Field(
        default=False,
        description="Whether an unknown presentation context is seen when the command is complete, or at once."
        " Observed with the first half of a command on a context that wasn't accepted.",
    )

    def rules(self) -> Rules:
        """The upper layer's form of it."""
        return Rules(
            mandatory={_number(name): _elements(keys) for name, keys in self.mandatory.items()},
            known_fields_only=self.known_only,
            data_set={_number(name): demanded for name, demanded in self.data_set.items()},
            filled={_number(name): _elements(keys) for name, keys in self.filled.items()},
            longest={Key[key].value: length for key, length in self.longest.items()},
            first_counts=self.first_counts,
            any_group=self.any_group,
            short_tail=self.short_tail,
            open_end=self.open_end,
            long_numbers=self.long_numbers,
            c_strings=self.c_strings,
            odd_fragments=self.odd_fragments,
            context_at_end=self.context_at_end,
        )


def _number(name: str) -> int:
    return CommandField[name.replace("-", "_")].value


def _elements(keys: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(Key[key].value for key in keys)
