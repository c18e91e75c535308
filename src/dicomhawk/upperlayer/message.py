"""DIMSE messages over presentation data values (PS3.8 annex E, PS3.7 6.3.1): assembly and fragmentation.

Assembly streams: a command set is collected (it is small and bounded), a data set is handed on fragment by
fragment as it comes and never held.
"""

from __future__ import annotations

from collections.abc import Container
from struct import Struct
from typing import NamedTuple

from .dimse import MAX_COMMAND_SET, Command, decode
from .errors import ProtocolError, Quirk

_PDU_AND_PDV_HEADER = Struct(">BBLLBB")
UNLIMITED_PIECE = 1 << 20
"""Fragment size towards a peer that announced no maximum length."""
SMALLEST_MAXIMUM = 128
"""A peer that announces less is sent this much all the same: its own header would hardly fit."""


_new = tuple.__new__
"""Makes a NamedTuple without the call of Python that its own constructor costs, once for each PDV."""


class CommandReceived(NamedTuple):
    """A whole command set; its data set, if `command.has_data_set`, follows as `DataSetFragment`."""

    context_id: int
    command: Command
    raw: bytes


class DataSetFragment(NamedTuple):
    """The next piece of a data set.

    `data` is a view of the bytes fed, which it keeps alive: who wants to keep it copies it. `offset` is the
    position of its first byte in the whole stream of bytes received.
    """

    context_id: int
    data: memoryview
    last: bool
    offset: int


class Assembler:
    """Puts the fragments of one direction of an association together."""

    __slots__ = ("_command", "_context_id", "_in_data_set")

    def __init__(self) -> None:
        self._command: bytearray | None = None
        self._context_id = 0
        self._in_data_set = False

    @property
    def idle(self) -> bool:
        """True between messages."""
        return self._command is None and not self._in_data_set

    def add(
        self, pdv: tuple[int, int, bytes | memoryview], contexts: Container[int], offset: int
    ) -> CommandReceived | DataSetFragment | None:
        """Take one PDV (see `pdu.PDV`) whose data begin at `offset` of the stream.

        Returns what it completes, or None. Raises `ProtocolError` for a context that was not accepted, a
        wrong order of fragments, and a command set that is too long or malformed.
        """
        context_id, control, data = pdv
        if context_id not in contexts:
            raise ProtocolError(Quirk.PDV_CONTEXT, f"context {context_id} was not accepted")
        if context_id != self._context_id:
            if not self.idle:
                raise ProtocolError(Quirk.PDV_CONTEXT, f"context {context_id} within a message on {self._context_id}")
            self._context_id = context_id
        if control & 1:
            return self._add_command(context_id, control & 2, data)
        if not self._in_data_set:
            raise ProtocolError(Quirk.PDV_ORDER, "a data set without a command")
        last = control & 2 != 0
        self._in_data_set = not last
        view = data if isinstance(data, memoryview) else memoryview(data)
        return _new(DataSetFragment, (context_id, view, last, offset))

    def _add_command(self, context_id: int, last: int, data: bytes | memoryview) -> CommandReceived | None:
        if self._in_data_set:
            raise ProtocolError(Quirk.PDV_ORDER, "a command within a data set")
        collected = self._command
        if len(data) + (len(collected) if collected else 0) > MAX_COMMAND_SET:
            raise ProtocolError(Quirk.COMMAND_TOO_LONG, f"a command set of more than {MAX_COMMAND_SET} bytes")
        if not last:
            if collected is None:
                collected = self._command = bytearray()
            collected += data
            return None
        if collected is None:
            raw = bytes(data)
        else:
            raw = bytes(collected + data)
            self._command = None
        command = decode(raw)
        self._in_data_set = command.has_data_set
        return _new(CommandReceived, (context_id, command, raw))


def piece_length(maximum_length: int) -> int:
    """Bytes of a data set that one P-DATA-TF carries to a peer that announced `maximum_length` (0: no limit)."""
    return UNLIMITED_PIECE if maximum_length == 0 else (max(maximum_length, SMALLEST_MAXIMUM) - 6) & ~1


def fragments(
    context_id: int, data: bytes | memoryview, maximum_length: int, *, command: bool = False, last: bool = True
) -> list[bytes | memoryview]:
    """P-DATA-TF PDUs of one PDV each that carry `data`, none longer than `maximum_length` (0: no limit).

    With `last` False, more of the same data set follows in another call; `data` is then a multiple of
    `piece_length`, or the pieces differ from those that one call would have made.

    The result alternates 12 header bytes (PDU and PDV) with views of `data`, ready for one vectored write;
    an empty `data` gives one empty fragment.
    """
    size = len(data)
    kind = 1 if command else 0
    final = kind | 2 if last else kind
    pack = _PDU_AND_PDV_HEADER.pack
    piece = piece_length(maximum_length)
    if size <= piece:
        return [pack(4, 0, size + 6, size + 2, context_id, final), data]
    view = memoryview(data)
    result: list[bytes | memoryview] = []
    header = pack(4, 0, piece + 6, piece + 2, context_id, kind)
    position = 0
    while size - position > piece:
        result.append(header)
        result.append(view[position : position + piece])
        position += piece
    rest = size - position
    result.append(pack(4, 0, rest + 6, rest + 2, context_id, final))
    result.append(view[position:])
    return result
