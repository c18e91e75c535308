"""Landlock: no file, no TCP port and no other process can be reached by name (Linux 5.13 and later).

There is one rule set, and it has no rule: everything that the kernel can handle is handled, and so refused.
"""

from __future__ import annotations

import ctypes
import os
from struct import pack
from typing import Final

from .kernel import system_call

_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1

# Rights on files by the version of the interface that brought them: all up to that bit.
_FILE_RIGHTS: Final = ((1, (1 << 13) - 1), (2, (1 << 14) - 1), (3, (1 << 15) - 1), (5, (1 << 16) - 1))
_NET_SINCE, _NET_RIGHTS = 4, 0b11  # bind and connect of TCP
_SCOPE_SINCE, _SCOPES = 6, 0b11  # abstract UNIX sockets, signals


def version() -> int:
    """Version of the kernel's interface; 0: it has none, or it is switched off."""
    try:
        return system_call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


def restrict() -> int:
    """Refuse this thread, and all that it starts, everything; the version of the interface. Needs no-new-privileges.

    Raises `OSError`.
    """
    known = version()
    if not known:
        raise OSError("the kernel has no landlock")
    rights = max(bits for since, bits in _FILE_RIGHTS if known >= since)
    attributes = pack("<Q", rights)
    if known >= _NET_SINCE:
        attributes += pack("<Q", _NET_RIGHTS)
    if known >= _SCOPE_SINCE:
        attributes += pack("<Q", _SCOPES)
    rule_set = system_call(_CREATE_RULESET, ctypes.c_char_p(attributes), len(attributes), 0)
    try:
        system_call(_RESTRICT_SELF, rule_set, 0)
    finally:
        os.close(rule_set)
    return known
