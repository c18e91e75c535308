"""The DICOM upper layer protocol state machine, PS3.8 section 9.2, as one table.

Names are the standard's: states Sta1..Sta13, events Evt1..Evt19, actions AE-1.., DT-, AR-, AA-. The table is
PS3.8 table 9-10; the diagram in ``docs/architecture.md`` is generated from it. What an action sends is up to
the `Provider` that drives the machine, and where products differ to its `Dialect`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum


class State(IntEnum):
    """PS3.8 table 9-1 to 9-5."""

    STA1 = 1
    """Idle."""
    STA2 = 2
    """Transport connection open, awaiting A-ASSOCIATE-RQ."""
    STA3 = 3
    """Awaiting the local A-ASSOCIATE response primitive."""
    STA4 = 4
    """Awaiting transport connection opening to complete."""
    STA5 = 5
    """Awaiting A-ASSOCIATE-AC or -RJ."""
    STA6 = 6
    """Association established, ready for data transfer."""
    STA7 = 7
    """Awaiting A-RELEASE-RP."""
    STA8 = 8
    """Awaiting the local A-RELEASE response primitive."""
    STA9 = 9
    """Release collision, requestor side: awaiting the A-RELEASE response primitive."""
    STA10 = 10
    """Release collision, acceptor side: awaiting A-RELEASE-RP."""
    STA11 = 11
    """Release collision, requestor side: awaiting A-RELEASE-RP."""
    STA12 = 12
    """Release collision, acceptor side: awaiting the A-RELEASE response primitive."""
    STA13 = 13
    """Awaiting transport connection close."""


class Event(IntEnum):
    """PS3.8 table 9-10, first column."""

    EVT1 = 1
    """A-ASSOCIATE request (local user)."""
    EVT2 = 2
    """Transport connection confirmation."""
    EVT3 = 3
    """A-ASSOCIATE-AC received."""
    EVT4 = 4
    """A-ASSOCIATE-RJ received."""
    EVT5 = 5
    """Transport connection indication."""
    EVT6 = 6
    """A-ASSOCIATE-RQ received."""
    EVT7 = 7
    """A-ASSOCIATE response primitive, accept."""
    EVT8 = 8
    """A-ASSOCIATE response primitive, reject."""
    EVT9 = 9
    """P-DATA request primitive."""
    EVT10 = 10
    """P-DATA-TF received."""
    EVT11 = 11
    """A-RELEASE request primitive."""
    EVT12 = 12
    """A-RELEASE-RQ received."""
    EVT13 = 13
    """A-RELEASE-RP received."""
    EVT14 = 14
    """A-RELEASE response primitive."""
    EVT15 = 15
    """A-ABORT request primitive."""
    EVT16 = 16
    """A-ABORT received."""
    EVT17 = 17
    """Transport connection closed."""
    EVT18 = 18
    """ARTIM timer expired."""
    EVT19 = 19
    """Unrecognized or invalid PDU received."""


class Action(StrEnum):
    """PS3.8 tables 9-6 to 9-9. Strings, because `Enum` computes the hash of its members anew each time."""

    AE_1 = "AE-1"
    AE_2 = "AE-2"
    AE_3 = "AE-3"
    AE_4 = "AE-4"
    AE_5 = "AE-5"
    AE_6 = "AE-6"
    AE_7 = "AE-7"
    AE_8 = "AE-8"
    DT_1 = "DT-1"
    DT_2 = "DT-2"
    AR_1 = "AR-1"
    AR_2 = "AR-2"
    AR_3 = "AR-3"
    AR_4 = "AR-4"
    AR_5 = "AR-5"
    AR_6 = "AR-6"
    AR_7 = "AR-7"
    AR_8 = "AR-8"
    AR_9 = "AR-9"
    AR_10 = "AR-10"
    AA_1 = "AA-1"
    AA_2 = "AA-2"
    AA_3 = "AA-3"
    AA_4 = "AA-4"
    AA_5 = "AA-5"
    AA_6 = "AA-6"
    AA_7 = "AA-7"
    AA_8 = "AA-8"


NEXT: Mapping[Action, State] = {
    Action.AE_1: State.STA4,
    Action.AE_2: State.STA5,
    Action.AE_3: State.STA6,
    Action.AE_4: State.STA1,
    Action.AE_5: State.STA2,
    Action.AE_6: State.STA3,  # or STA13, where the service provider itself rejects
    Action.AE_7: State.STA6,
    Action.AE_8: State.STA13,
    Action.DT_1: State.STA6,
    Action.DT_2: State.STA6,
    Action.AR_1: State.STA7,
    Action.AR_2: State.STA8,
    Action.AR_3: State.STA1,
    Action.AR_4: State.STA13,
    Action.AR_5: State.STA1,
    Action.AR_6: State.STA7,
    Action.AR_7: State.STA8,
    Action.AR_8: State.STA9,  # or STA10, on the acceptor's side
    Action.AR_9: State.STA11,
    Action.AR_10: State.STA12,
    Action.AA_1: State.STA13,
    Action.AA_2: State.STA1,
    Action.AA_3: State.STA1,
    Action.AA_4: State.STA1,
    Action.AA_5: State.STA1,
    Action.AA_6: State.STA13,
    Action.AA_7: State.STA13,
    Action.AA_8: State.STA13,
}
"""The state that an action leads to, whatever state it was taken in."""


def _table(text: str) -> dict[tuple[Event, State], Action]:
    """Rows are events, columns states 1..13, as the standard prints them; a dot is an event that can't occur."""
    table = {}
    for row in text.strip().splitlines():
        number, *cells = row.split()
        for state, cell in zip(State, cells, strict=True):
            if cell != ".":
                table[Event(int(number)), state] = Action(cell)
    return table


TABLE: Mapping[tuple[Event, State], Action] = _table(
    """
     1 AE-1 .    .    .    .    .    .    .    .    .     .    .    .
     2 .    .    .    AE-2 .    .    .    .    .    .     .    .    .
     3 .    AA-1 AA-8 .    AE-3 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
     4 .    AA-1 AA-8 .    AE-4 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
     5 AE-5 .    .    .    .    .    .    .    .    .     .    .    .
     6 .    AE-6 AA-8 .    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7
     7 .    .    AE-7 .    .    .    .    .    .    .     .    .    .
     8 .    .    AE-8 .    .    .    .    .    .    .     .    .    .
     9 .    .    .    .    .    DT-1 .    AR-7 .    .     .    .    .
    10 .    AA-1 AA-8 .    AA-8 DT-2 AR-6 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
    11 .    .    .    .    .    AR-1 .    .    .    .     .    .    .
    12 .    AA-1 AA-8 .    AA-8 AR-2 AR-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6
    13 .    AA-1 AA-8 .    AA-8 AA-8 AR-3 AA-8 AA-8 AR-10 AR-3 AA-8 AA-6
    14 .    .    .    .    .    .    .    AR-4 AR-9 .     .    AR-4 .
    15 .    .    AA-1 AA-2 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1  AA-1 AA-1 .
    16 .    AA-2 AA-3 .    AA-3 AA-3 AA-3 AA-3 AA-3 AA-3  AA-3 AA-3 AA-2
    17 .    AA-5 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4  AA-4 AA-4 AR-5
    18 .    AA-2 .    .    .    .    .    .    .    .     .    .    AA-2
    19 .    AA-1 AA-8 .    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7
    """
)
"""PS3.8 table 9-10."""


def diagram() -> str:
    """The table as a Mermaid state diagram: one arrow for each pair of states, labelled with what takes it.

    `tools/state_diagram.py` puts it into ``docs/architecture.md``.
    """
    arrows: dict[tuple[State, State], dict[Action, list[int]]] = {}
    for (event, state), action in TABLE.items():
        targets = [NEXT[action]]
        if action is Action.AE_6:
            targets.append(State.STA13)
        if action is Action.AR_8:
            targets.append(State.STA10)
        for target in targets:
            arrows.setdefault((state, target), {}).setdefault(action, []).append(event)
    lines = ["stateDiagram-v2", "    [*] --> Sta1"]
    for (state, target), actions in sorted(arrows.items()):
        label = ", ".join(
            f"Evt{'/'.join(str(int(e)) for e in events)} {action.value}" for action, events in actions.items()
        )
        lines.append(f"    Sta{state.value} --> Sta{target.value}: {label}")
    return "\n".join(lines) + "\n"
