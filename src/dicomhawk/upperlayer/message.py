"""DIMSE messages from presentation data values (PS3.8 annex E, PS3.7 6.3.1).

Assembly streams: a command set is collected (it is small and bounded), a data set is handed on fragment by
fragment as it comes and never held. How messages are cut into fragments is in `fragments`.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from .dimse import MAX_COMMAND_SET, Command, decode
from .errors import ProtocolError, Quirk
from .rules import STANDARD, Rules

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
    """Puts the fragments of one direction of an association together, as `rules` have it."""

    __slots__ = ("_command", "_context_id", "_data_context", "_rules", "in_data_set")

    def __init__(self, rules: Rules = STANDARD) -> None:
        self._rules = rules
        self._command: bytearray | None = None
        self._context_id = 0
        self._data_context: int | None = None  # of the data set that has begun
        self.in_data_set = False
        """Whether a command is complete and (more of) its data set is to come."""

    @property
    def idle(self) -> bool:
        """True between messages."""
        return self._command is None and not self.in_data_set

    def reset(self) -> None:
        """Forget the message that is under way: the next fragment begins another."""
        self._command = None
        self.in_data_set = False

    def forget_command(self) -> None:
        """Forget what has come of a command set."""
        self._command = None

    def add(
        self, pdv: tuple[int, int, bytes | memoryview], contexts: Container[int], offset: int
    ) -> CommandReceived | DataSetFragment | None:
        """Take one PDV (see `pdu.PDV`) whose data begin at `offset` of the stream.

        Returns what it completes, or None. Raises `ProtocolError` for a context that was not accepted, a
        wrong order of fragments, and a command set that is too long or malformed.
        """
        context_id, control, data = pdv
        rules = self._rules
        if context_id not in contexts and (self.in_data_set or not rules.context_at_end):
            raise ProtocolError(Quirk.PDV_CONTEXT, f"context {context_id} was not accepted")
        if context_id != self._context_id:
            if self._command is not None or (self.in_data_set and (control & 2 or not rules.context_at_end)):
                raise ProtocolError(Quirk.PDV_CONTEXT, f"context {context_id} within a message on {self._context_id}")
            if not self.in_data_set:
                self._context_id = context_id
        if self.in_data_set:
            if self._data_context is None:
                self._data_context = context_id
            elif context_id != self._data_context:
                raise ProtocolError(Quirk.PDV_CONTEXT, f"context {context_id} within a data set on another one")
        if control & 1:
            return self._add_command(context_id, control & 2, data, contexts)
        if not self.in_data_set:
            raise ProtocolError(Quirk.PDV_ORDER, "a data set without a command")
        if len(data) & 1 and not rules.odd_fragments:
            raise ProtocolError(Quirk.PDV_ODD, f"a fragment of {len(data)} bytes of a data set")
        last = control & 2 != 0
        self.in_data_set = not last
        view = data if isinstance(data, memoryview) else memoryview(data)
        return _new(DataSetFragment, (context_id, view, last, offset))

    def _add_command(
        self, context_id: int, last: int, data: bytes | memoryview, contexts: Container[int]
    ) -> CommandReceived | None:
        if self.in_data_set:
            raise ProtocolError(Quirk.PDV_ORDER, "a command within a data set")
        rules, collected = self._rules, self._command
        if len(data) & 1 and not rules.odd_fragments:
            if not collected:
                raise ProtocolError(Quirk.PDV_ODD, f"a fragment of {len(data)} bytes of a command set")
            data, last = b"", 2
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
        if rules.context_at_end and context_id not in contexts:
            raise ProtocolError(Quirk.PDV_CONTEXT, f"context {context_id} was not accepted")
        command = decode(raw, rules)
        self.in_data_set = command.has_data_set
        self._data_context = None
        return _new(CommandReceived, (context_id, command, raw))
