"""The battery against servers that do as they are told: what is kept, and what is said to be different."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import msgspec
import pytest

from dicomhawk.persona.battery import building as b
from dicomhawk.persona.battery import words
from dicomhawk.persona.battery.compare import compare, pauses, response_times, same_distribution
from dicomhawk.persona.battery.experiments import ALL
from dicomhawk.persona.battery.experiments.syntaxes import abstract_syntaxes, transfer_syntaxes
from dicomhawk.persona.battery.laboratory import Laboratory, Needs
from dicomhawk.persona.battery.line import Line, anything, final
from dicomhawk.persona.battery.reading import acceptance, decoded, messages
from dicomhawk.persona.battery.run import BatteryError, Plan, greet, play
from dicomhawk.persona.battery.transcript import Answer, End, Observation, Step, Take, Transcript
from dicomhawk.persona.battery.waiting import Waiting
from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer import items as it
from tests.persona.scripted import receive_pdu, reset, server


def accept(request: bytes) -> bytes:
    """An A-ASSOCIATE-AC that takes every context with its first transfer syntax."""
    asked = pdu.decode(1, 0, request[6:])
    assert isinstance(asked, pdu.AssociateRQ)
    contexts = tuple(
        it.AnsweredContext(c.context_id, 0, (it.TransferSyntax(c.transfer_syntaxes[0]),)) for c in asked.contexts
    )
    user = it.UserInformation((it.MaximumLength(16384), it.ImplementationClassUID("1.2.3")))
    name = it.ApplicationContext("1.2.840.10008.3.1.1.1")
    return pdu.encode(pdu.AssociateAC(asked.called_ae, asked.calling_ae, (name, *contexts, user)))


def answer_echo(request: bytes) -> bytes:
    """A C-ECHO-RSP of success."""
    asked = dimse.decode(request[12:])
    return b.message(request[10], dimse.encode(dimse.response(asked, 0)))


def polite(connection: socket.socket) -> None:
    """An archive that knows C-ECHO only, and closes after a release."""
    while data := receive_pdu(connection):
        match data[0]:
            case pdu.RQ:
                connection.sendall(accept(data))
            case pdu.P_DATA:
                connection.sendall(answer_echo(data))
            case pdu.RELEASE_RQ:
                connection.sendall(b.RELEASE_RP)
                return
            case _:
                connection.sendall(pdu.encode(pdu.Abort(2, 1)))
                return


def laboratory(address: tuple[str, int]) -> Laboratory:
    return Laboratory(address, "ARCHIVE", "TESTER", reply=0.5, quiet=0.1, patience=0.5, samples=30)


def test_line_keeps_what_came_back_and_how_it_ended() -> None:
    with server(polite) as address:
        take = laboratory(address).line("a name").associate().echo().release()
    assert take.label == "a name"
    assert [step.label for step in take.steps] == ["the connection", "A-ASSOCIATE-RQ", "C-ECHO-RQ", "A-RELEASE-RQ"]
    assert [words.headlines(step.answers) for step in take.steps[1:]] == [
        ["A-ASSOCIATE-AC"],
        ["C-ECHO-RSP (0x0000)"],
        ["A-RELEASE-RP"],
    ]
    assert take.end is End.FIN
    assert words.contexts(take) == {1: (b.VERIFICATION, b.IMPLICIT)}


@pytest.mark.parametrize(
    ("how", "end"), [(reset, End.RESET), (lambda c: c.close(), End.FIN), (lambda c: time.sleep(1), End.OPEN)]
)
def test_line_tells_ends_apart(how, end) -> None:  # type: ignore[no-untyped-def]
    def serve(connection: socket.socket) -> None:
        receive_pdu(connection)
        how(connection)

    with server(serve) as address:
        take = laboratory(address).line().send(b.RELEASE_RQ, "something").finish(0.3)
    assert take.end is end


def test_line_notes_pauses_inside_an_answer() -> None:
    def serve(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer = accept(receive_pdu(connection))
        connection.sendall(answer[:12])
        time.sleep(0.06)
        connection.sendall(answer[12:])
        receive_pdu(connection)

    with server(serve) as address:
        take = laboratory(address).line().associate().finish(0.0)
    assert take.last.answers[0].pauses == (12,)


def test_bytes_that_are_no_pdu_are_kept() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"220 welcome\r\n")
        time.sleep(0.3)

    with server(serve) as address:
        take = laboratory(address).line().finish(0.2)
    assert [answer.pdu for answer in take.answers] == [b"220 welcome\r\n"]
    assert words.headlines(take.last.answers) == ["bytes that are no PDU"]


def test_an_answer_in_many_fragments_is_one_message() -> None:
    command = dimse.encode(dimse.response(dimse.decode(b.echo_command()), 0))
    parts = b.p_data(b.pdv(1, 1, command[:10])) + b.p_data(b.pdv(1, 3, command[10:]))

    def serve(connection: socket.socket) -> None:
        connection.sendall(accept(receive_pdu(connection)))
        receive_pdu(connection)
        connection.sendall(parts)
        receive_pdu(connection)

    with server(serve) as address:
        line = laboratory(address).line().associate().send(b.echo(), "C-ECHO-RQ").hear(final)
        assert len(line.answers) == 2
        found = messages(line.answers)
        line.finish(0.0)
    assert [(message.command.name, message.command.status) for message in found] == [("C-ECHO-RSP", 0)]


def test_nobody_there_is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(BatteryError, match=f"Nobody answers at 127.0.0.1:{port}"):
        greet(laboratory(("127.0.0.1", port)))


@pytest.mark.parametrize(
    ("rejection", "sentence"),
    [((1, 1, 7), "--called"), ((1, 1, 3), "--calling"), ((2, 3, 2), "result 2, source 3, reason 2")],
)
def test_a_rejection_is_said_in_a_sentence(rejection: tuple[int, int, int], sentence: str) -> None:
    def serve(connection: socket.socket) -> None:
        receive_pdu(connection)
        connection.sendall(pdu.encode(pdu.AssociateRJ(*rejection)))

    with server(serve) as address, pytest.raises(BatteryError, match=sentence):
        greet(laboratory(address))


def test_what_is_not_dicom_is_said_to_be_none() -> None:
    with (
        server(lambda connection: connection.sendall(b"220 welcome\r\n")) as address,
        pytest.raises(BatteryError, match="not a DICOM archive"),
    ):
        greet(laboratory(address))


def test_what_says_nothing_may_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomhawk.persona.battery.run.GREETING_SECONDS", 0.2)
    with (
        server(lambda connection: time.sleep(1)) as address,
        pytest.raises(BatteryError, match="says nothing: it is not a DICOM archive, or it is busy"),
    ):
        greet(laboratory(address))


def test_ipv6_is_written_in_brackets() -> None:
    with pytest.raises(BatteryError, match=r"Nobody answers at \[::1\]:1\."):
        greet(laboratory(("::1", 1)))


def test_who_is_gone_is_not_waited_for_once_for_each_timer() -> None:
    asked: list[bool] = []

    def settled() -> bool:
        asked.append(True)
        return False

    timers = [experiment for experiment in ALL.experiments.values() if experiment.group == "timers"]
    played = list(Waiting(laboratory(("127.0.0.1", 1)), {}, settled).play(timers))
    assert [takes for _, _, takes in played] == [None] * len(timers)
    assert len(asked) == 1


def test_experiments_play_on_a_server_that_knows_little() -> None:
    names = {"association.usual", "association.calling", "rhythm.echo", "queries.matching", "timers.silent"}
    heard: list[tuple[str, int, int]] = []
    with server(polite) as address:
        plan = Plan(timers=True, only=frozenset(names))
        transcript = play(laboratory(address), plan, lambda *what: heard.append(what))
    assert set(transcript.observations) == names - {"queries.matching"}
    assert transcript.missing == {"queries.matching": "it needs leave to store objects (--store)"}
    silent = transcript.take("timers.silent")
    assert silent is not None
    assert silent.end is End.OPEN
    assert len(response_times(transcript.observations["rhythm.echo"])) == 30
    assert heard[-1][1:] == (5, 5)


def test_every_experiment_has_a_name_of_its_own_and_says_what_it_is() -> None:
    assert len(ALL.experiments) > 100
    for name, experiment in ALL.experiments.items():
        assert name == experiment.name
        assert experiment.about
        assert experiment.group + "." == name[: len(experiment.group) + 1]


def test_nothing_is_stored_without_leave() -> None:
    for experiment in ALL.experiments.values():
        if experiment.group == "storing":
            assert experiment.needs is Needs.STORING, experiment.name


def test_sweeps_ask_for_everything_once_and_in_a_fixed_order() -> None:
    for asked in (abstract_syntaxes(), transfer_syntaxes()):
        assert len(set(asked)) == len(asked)
        assert b.NOWHERE in asked
    assert len(abstract_syntaxes()) > 450
    # What is newer than our registry is asked for, too.
    assert "1.2.840.10008.5.1.4.1.1.66.7" in abstract_syntaxes()
    assert "1.2.840.10008.1.2.4.110" in transfer_syntaxes()
    assert {"1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.2"} <= set(abstract_syntaxes())


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("kind", range(9))
def test_pdus_of_a_wrong_length_are_none(kind: int, size: int) -> None:
    assert decoded(b.unit(kind, bytes(size))) is None or kind in (pdu.RELEASE_RQ, pdu.RELEASE_RP)


# Comparison


def take(*answers: bytes, end: End = End.FIN, seconds: float = 0.0, label: str = "") -> Take:
    step = Step("A-ASSOCIATE-RQ", b"", tuple(Answer(data, 0.01) for data in answers))
    return Take(label, (Step("the connection", b"", ()), step), end, seconds)


def transcript(name: str, *takes: Take) -> Transcript:
    return Transcript("A", "B", {name: Observation(name, takes)}, {})


def said(one: Take, other: Take, name: str = "association.usual") -> list[str]:
    return [found.words for found in compare(transcript(name, one), transcript(name, other), ("A", "B"))]


ABORT_2 = pdu.encode(pdu.Abort(2, 2))


def test_two_that_are_alike_have_no_difference() -> None:
    assert said(take(b.ABORT), take(b.ABORT)) == []


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (
            take(b.ABORT),
            take(ABORT_2),
            "after A-ASSOCIATE-RQ: A: A-ABORT (source 0, reason 0); B: A-ABORT (source 2, reason 2)",
        ),
        (take(b.ABORT), take(), "after A-ASSOCIATE-RQ: A: A-ABORT (source 0, reason 0); B: nothing"),
        (
            take(end=End.FIN),
            take(end=End.RESET),
            "after A-ASSOCIATE-RQ the connection is: A: closed in order after 0 s; B: reset after 0 s",
        ),
        (
            take(end=End.FIN, seconds=30),
            take(end=End.OPEN, seconds=75),
            "after A-ASSOCIATE-RQ the connection is: A: closed in order after 30 s; B: left open for 75 s",
        ),
        (
            take(pdu.encode(pdu.ReleaseRP())),
            take(pdu.encode(pdu.ReleaseRP(reserved_2=b"\1\2\3\4"))),
            "after A-ASSOCIATE-RQ: A: A-RELEASE-RP: reserved 00 00000000; B: A-RELEASE-RP: reserved 00 01020304",
        ),
    ],
)
def test_differences_are_said_in_words(one: Take, other: Take, words: str) -> None:
    assert said(one, other) == [words]


def test_moments_count_where_they_are_what_it_is_about() -> None:
    one, other = take(end=End.FIN, seconds=30), take(end=End.FIN, seconds=32.5)
    assert said(one, other) == []
    far = take(end=End.FIN, seconds=60)
    assert len(said(one, far, "timers.silent")) == 1


def test_another_number_of_connections_is_a_difference() -> None:
    name = "association.usual"
    found = compare(transcript(name, take(), take(label="two")), transcript(name, take()), ("A", "B"))
    assert [difference.words for difference in found] == ["the exchange goes on differently: A: two; B: it ends"]


def echoes(times: list[float], pause: tuple[int, ...] = ()) -> Transcript:
    answer = b.message(1, dimse.encode(dimse.response(dimse.decode(b.echo_command()), 0)))
    steps = tuple(Step("C-ECHO-RQ", b"", (Answer(answer, seconds, pause),)) for seconds in times)
    one = Take("", (Step("the connection", b"", ()), *steps), End.OPEN, 0.0)
    return transcript("rhythm.echo", one)


def test_response_times_are_compared_as_distributions() -> None:
    slow, quick = [0.040 + n / 1e5 for n in range(100)], [0.001 + n / 1e5 for n in range(100)]
    shuffled = slow[::2] + slow[1::2]
    assert compare(echoes(slow), echoes(shuffled)) == []
    (found,) = compare(echoes(slow), echoes(quick))
    assert found.words.startswith("response times differ (p = ")


def test_pauses_inside_answers_are_compared() -> None:
    times = [0.04] * 30
    (found,) = compare(echoes(times, (12,)), echoes(times), ("A", "B"))
    assert found.words == "answers are written: A: with a pause after 12 bytes; B: in one piece"
    assert pauses(echoes(times, (12,)).observations["rhythm.echo"]) == {(12,): 1.0}


def test_the_probability_is_that_of_kolmogorov_and_smirnov() -> None:
    # scipy.stats.ks_2samp(range(100), range(20, 120), method="asymp"): statistic 0.2, p = 0.0366
    assert same_distribution(range(100), range(20, 120)) == pytest.approx(0.0366, abs=0.008)
    assert same_distribution([1.0] * 50, [1.0] * 50) == 1.0
    assert same_distribution(range(100), range(1000, 1100)) < 1e-12


def test_a_transcript_can_be_written_down_and_read_again() -> None:
    found = echoes([0.1], (12,))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Transcript) == found


def test_a_line_can_be_had_without_a_laboratory_keeping_it() -> None:
    with server(polite) as address:
        lab = laboratory(address)
        kept = Line(replace(lab), "aside").associate().hear(anything, 0.1).finish(0.0)
    assert acceptance(kept) is not None
    assert lab.takes() == ()
