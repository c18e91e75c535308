"""How a message is cut into P-DATA-TFs (PS3.8 annex D.1, E): products differ in how much of the peer's maximum length
they use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct

from .headers import cuts

IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
_PDU_AND_PDV_HEADER = Struct(">BBLLBB")
_PDV_HEADER = Struct(">LBB")
UNLIMITED = 1 << 20
"""Maximum length assumed for a peer that announced none."""
HEADERS = 12
"""Bytes of a P-DATA-TF with one presentation data value that come before the data; its length counts 6 of them."""


@dataclass(frozen=True, slots=True)
class Fragments:
    """The defaults fill what the peer takes."""

    overhead: int = 6
    """Bytes by which a fragment is shorter than the maximum length that the peer announced; 6 are needed."""
    smallest: int = 128
    """The smallest maximum length that is respected: hardly more than a PDV's own header would fit."""
    below: bool = True
    """Whether a peer that announces less is sent so much all the same, or nothing (`Quirk.PEER_MAXIMUM`)."""
    largest: int | None = None
    """The largest that is used, also towards a peer without a limit; None: `UNLIMITED` towards those only."""
    even_from: int = 0
    """Fragments have an even length where the maximum length is this or more (PS3.8 annex E.1 wants it always)."""
    whole_from: int | None = None
    """The header of an element isn't parted, but goes into the next fragment, where a fragment has this length or
    more; None: it always is, as the bytes come."""
    packed: bool = False
    """Whether the data set of a message that is sent as a whole begins in the P-DATA-TF of its command."""

    def piece(self, maximum_length: int) -> int:
        """Bytes of a data set that one P-DATA-TF carries to a peer that announced `maximum_length` (0: no limit).

        0 if nothing can be sent to it.
        """
        largest = self.largest
        if largest is not None and (maximum_length == 0 or maximum_length > largest):
            maximum_length = largest
        if maximum_length == 0:
            return UNLIMITED
        if maximum_length < self.smallest:
            if not self.below:
                return 0
            maximum_length = self.smallest
        piece = maximum_length - self.overhead
        return piece & ~1 if maximum_length >= self.even_from else piece


FILLING = Fragments()


def packed(
    context_id: int, command: bytes | memoryview, data: bytes | memoryview, piece: int
) -> list[bytes | memoryview]:
    """P-DATA-TF PDUs of a whole message, the first of which has the command and as much of `data` as fits.

    Each is at most as long as one with a single PDV of `piece` bytes. Without room for both the data set has PDUs
    of its own. The result alternates headers with data, as that of `fragments`.
    """
    room = piece - len(command) - _PDV_HEADER.size
    if room < 1:
        return fragments(context_id, command, piece, command=True) + fragments(context_id, data, piece)
    first = memoryview(data)[:room]
    last = len(first) == len(data)
    length = len(command) + len(first) + 2 * _PDV_HEADER.size
    result: list[bytes | memoryview] = [
        _PDU_AND_PDV_HEADER.pack(4, 0, length, len(command) + 2, context_id, 3),
        command,
        _PDV_HEADER.pack(len(first) + 2, context_id, 2 if last else 0),
        first,
    ]
    return result if last else result + fragments(context_id, memoryview(data)[room:], piece)


def fragments(
    context_id: int, data: bytes | memoryview, piece: int, *, command: bool = False, last: bool = True
) -> list[bytes | memoryview]:
    """P-DATA-TF PDUs of one PDV each that carry `data`, at most `piece` bytes each.

    With `last` False, more of the same data set follows in another call; `data` is then a multiple of
    `piece`, or the pieces differ from those that one call would have made.

    The result alternates `HEADERS` header bytes (PDU and PDV) with views of `data`, ready for one vectored write;
    an empty `data` gives one empty fragment.
    """
    size = len(data)
    kind = 1 if command else 0
    final = kind | 2 if last else kind
    pack = _PDU_AND_PDV_HEADER.pack
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


def whole_cuts(data: bytes | memoryview, piece: int, transfer_syntax: str) -> Iterator[tuple[int, int]]:
    """Beginning and end of each fragment of a data set in `transfer_syntax`: no header of an element is parted."""
    if len(data) <= piece or transfer_syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        return ((begin, min(begin + piece, len(data))) for begin in range(0, max(len(data), 1), piece))
    explicit, big_endian = transfer_syntax != IMPLICIT_VR_LITTLE_ENDIAN, transfer_syntax == EXPLICIT_VR_BIG_ENDIAN
    return cuts(data, piece, explicit=explicit, big_endian=big_endian)


def runs(pieces: Iterable[tuple[int, int]], most: int) -> Iterator[tuple[int, int, int]]:
    """Groups `pieces`, each with beginning and end: beginning and end of some that have the same length, but for the
    last of them, which may be shorter, and that length; at most `most` pieces in one."""
    start = stop = size = count = 0
    for begin, end in pieces:
        if count and (end - begin > size or count == most):
            yield start, stop, size
            count = 0
        if not count:
            start, size = begin, end - begin
        stop = end
        count += 1
        if end - begin < size:
            yield start, stop, size
            count = 0
    if count:
        yield start, stop, size


def whole_fragments(
    context_id: int,
    data: bytes | memoryview,
    piece: int,
    transfer_syntax: str,
    *,
    command: bool = False,
) -> list[bytes | memoryview]:
    """As `fragments`, without parting the header of an element. `transfer_syntax` is that of `data`."""
    if len(data) <= piece:
        return fragments(context_id, data, piece, command=command)
    view = memoryview(data)
    kind = 1 if command else 0
    result: list[bytes | memoryview] = []
    for begin, end in whole_cuts(view, piece, transfer_syntax):
        size = end - begin
        control = kind | 2 if end == len(data) else kind
        result.append(_PDU_AND_PDV_HEADER.pack(4, 0, size + 6, size + 2, context_id, control))
        result.append(view[begin:end])
    return result
