"""The state table, compared with somebody else's."""

from __future__ import annotations

import pynetdicom.fsm

from dicomhawk.upperlayer.machine import NEXT, TABLE, Action, Event, State, diagram


def test_the_table_is_that_of_pynetdicom_action_by_action() -> None:
    ours = {(f"Evt{event.value}", f"Sta{state.value}"): action.value for (event, state), action in TABLE.items()}
    assert ours == pynetdicom.fsm.TRANSITION_TABLE


def test_actions_lead_to_the_states_that_they_lead_to_in_pynetdicom() -> None:
    theirs = {name: state for name, (_, _, state) in pynetdicom.fsm.ACTIONS.items()}
    ours = {action.value: f"Sta{state.value}" for action, state in NEXT.items()}
    several = {"AE-6": ("Sta3", "Sta13"), "AR-8": ("Sta9", "Sta10")}
    for name, expected in several.items():
        assert theirs.pop(name) == expected
        assert ours.pop(name) == expected[0]
    assert ours == theirs


def test_every_action_is_in_the_table_and_has_a_next_state() -> None:
    assert set(TABLE.values()) == set(Action) == set(NEXT)


def test_every_event_that_a_peer_can_cause_has_an_action_wherever_a_peer_is_connected() -> None:
    connected = [state for state in State if state not in (State.STA1, State.STA4)]
    caused = (Event.EVT3, Event.EVT4, Event.EVT6, Event.EVT10, Event.EVT12, Event.EVT13, Event.EVT16, Event.EVT19)
    for state in connected:
        for event in (*caused, Event.EVT17):
            assert (event, state) in TABLE, (event, state)


def test_every_state_is_left_in_the_end() -> None:
    """From every state a closed connection, or the local user, leads back to Sta1."""
    ways = {(state, NEXT[action]) for (_, state), action in TABLE.items()}
    reaching = {State.STA1}
    while grown := {state for state, target in ways if target in reaching} - reaching:
        reaching |= grown
    assert reaching == set(State)


def test_the_diagram_has_every_transition() -> None:
    text = diagram()
    for (event, state), action in TABLE.items():
        (line,) = [x for x in text.splitlines() if x.startswith(f"    Sta{state.value} --> Sta{NEXT[action].value}:")]
        assert action.value in line
        assert str(event.value) in line
    assert "Sta7 --> Sta10" in text  # AR-8 on the acceptor's side
    assert "Sta2 --> Sta13" in text  # AE-6 where the provider rejects
