"""Events of two visits, as a recorder writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dicomhawk.evidence import events as ev
from dicomhawk.evidence import journal
from dicomhawk.evidence.recorder import Recorder
from dicomhawk.settings import Settings

ONE, TWO, DOOR = ("198.51.100.7", 41822), ("198.51.100.8", 41823), ("203.0.113.10", 11112)
HOSTILE = "\x1b[2J\r\n\u202e\x9b31m[red]"


def two_visits(folder: Path) -> list[dict[str, Any]]:
    """A visitor that queries, fetches and stores, and another that knocks with HTTP."""
    recorder = Recorder(Settings(data=folder), "w0")
    record = recorder.open(ONE, DOOR)
    contexts = (ev.Context(id=1, abstract_syntax="1.2", transfer_syntaxes=("1",), result="accepted"),)
    record.emit(
        ev.Association(
            calling="FINDSCU", called="ANY-SCP", contexts=contexts, username=HOSTILE, implementation_uid="1.2"
        )
    )
    record.emit(
        ev.CFind(message_id=1, level="STUDY", keys={"00100010": "A*", "0040A730.00080100": "x", "odd": HOSTILE})
    )
    record.emit(ev.CFindEnd(message_id=1, status=0, matches=12), 18_400_000)
    record.emit(ev.CMove(message_id=2, level="STUDY", destination="WS1"))
    record.emit(ev.CMoveEnd(message_id=2, status=0xA801))
    record.emit(ev.CGet(message_id=3, level="SERIES"))
    record.emit(ev.CGetEnd(message_id=3, status=0xB000, completed=7, failed=1, bytes=3 << 20))
    sink = record.open_object(b"head")
    record.emit(ev.CStore(message_id=4, status=0, sop_instance="1.2.3", bytes=4))
    record.object_stored(sink.finish())
    record.received(b"x" * 2000)
    other = recorder.open(TWO, DOOR)
    other.emit(ev.ProtocolUnknown(guess="http", first_bytes="47", text="GET / HTTP/1.1"))
    other.close("peer-reset")
    record.emit(ev.Release())
    record.close("peer-fin")
    recorder.emit(ev.WorkerStart(pid=1, worker="w0"))
    recorder.flush()
    return list(journal.read(folder / "journal"))
