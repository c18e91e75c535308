"""What can be wrong with a query."""

from __future__ import annotations

from enum import Enum

MAX_KEYS = 1000
"""Keys of one identifier: each comes back in every match. The longest of real clients has about 100."""

MAX_VALUES = 60_000
"""Values of all keys of one identifier together: more than UIDs fit into the longest that is read."""

MAX_COMMENT = 64
"""Characters of Error Comment (0000,0902), an LO."""


class QueryProblem(Enum):
    """The failures of PS3.4 sections C.4.1.1.4, C.4.2.1.5 and C.4.3.1.4, by their kind."""

    IDENTIFIER_MISMATCH = "identifier does not match SOP class"  # 0xA900
    UNABLE_TO_PROCESS = "unable to process"  # 0xCxxx


class QueryError(Exception):
    """A query that gets a failure. `tags`: Offending Element (0000,0901); `comment`: Error Comment (0000,0902).

    `status`: the code that a product has for it; None: the standard's for its `kind`.
    """

    def __init__(
        self, kind: QueryProblem, comment: str, tags: tuple[int, ...] = (), *, status: int | None = None
    ) -> None:
        super().__init__(comment)
        self.kind = kind
        self.status = status
        self.comment = comment[:MAX_COMMENT]
        self.tags = tags


class UnkeptKeyError(Exception):
    """A key has a value that would have to be compared with what the product's index doesn't keep."""
