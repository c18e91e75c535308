"""Status codes of responses, PS3.7 annex C and PS3.4 annexes B, C, J and K."""

SUCCESS = 0x0000
CANCEL = 0xFE00
PENDING = 0xFF00
PENDING_OPTIONAL_KEYS = 0xFF01
"""Matches are continuing, and an optional key is not supported (PS3.4 C.4.1.1.4)."""

NO_SUCH_OBJECT_INSTANCE = 0x0112
CLASS_INSTANCE_CONFLICT = 0x0119
SOP_CLASS_NOT_SUPPORTED = 0x0122
NO_SUCH_SOP_CLASS = 0x0118
UNRECOGNIZED_OPERATION = 0x0211

OUT_OF_RESOURCES = 0xA700
UNABLE_TO_COUNT_MATCHES = 0xA701
UNABLE_TO_PERFORM_SUBOPERATIONS = 0xA702
MOVE_DESTINATION_UNKNOWN = 0xA801
DOES_NOT_MATCH_SOP_CLASS = 0xA900
"""C-STORE: data set does not match SOP class; C-FIND, -GET, -MOVE: identifier does not."""
SUBOPERATIONS_WARNING = 0xB000
"""Sub-operations complete, one or more failures or warnings (PS3.4 C.4.2.1.5, C.4.3.1.4)."""
CANNOT_UNDERSTAND = 0xC000
UNABLE_TO_PROCESS = 0xC001


def outcome(status: int | None) -> str:
    """ECS event.outcome of a final status: warnings count as success, a cancelled or broken operation as unknown."""
    if status is None or status == CANCEL:
        return "unknown"
    return "success" if status == SUCCESS or status >> 12 == 0xB else "failure"
