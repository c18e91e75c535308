"""What a process does to itself before it looks at a file."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Callable
from struct import pack
from typing import Final

from . import landlock, seccomp
from .kernel import (
    MACHINE,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    process_control,
    system_call,
)

MEMORY: Final = 768 << 20
"""Bytes of address space beyond what is used before the file is looked at: copies of an object of 64 MiB, an image
in 32 bits."""

_NONE: Final = (
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_NPROC,
    resource.RLIMIT_CORE,
    resource.RLIMIT_MEMLOCK,
    resource.RLIMIT_MSGQUEUE,
)

_MAX_DESCRIPTOR: Final = 4096
"""Descriptors that a process which opened next to nothing can have."""

_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION: Final = 0x20080522


def begin() -> None:
    """Die with the parent, gain no privileges, have none."""
    process_control(PR_SET_PDEATHSIG, signal.SIGKILL)
    process_control(PR_SET_DUMPABLE, 0)
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    if MACHINE in _CAPSET:
        header = ctypes.c_char_p(pack("<Ii", _CAPABILITY_VERSION, 0))
        system_call(_CAPSET[MACHINE], header, ctypes.c_char_p(bytes(24)))


def lock(seconds: int, out: int, prepare: Callable[[], None]) -> dict[str, int]:
    """Close all doors; which layers hold: the version of landlock, 1 for the others, 0 for what isn't there.

    `seconds`: of CPU time. `out`: the only descriptor that stays open. `prepare` is called when landlock holds
    already, and memory isn't bounded yet. Raises `OSError` if what
    the kernel has can't be used.
    """
    holds = {"no_new_privs": 1, "landlock": 0, "limits": 0, "seccomp": 0}
    statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    if landlock.version():
        holds["landlock"] = landlock.restrict()
    prepare()
    used = int(os.pread(statm, 256, 0).split()[0]) * resource.getpagesize()
    os.closerange(0, out)
    os.closerange(out + 1, _MAX_DESCRIPTOR)
    _limit(seconds, used + MEMORY)
    holds["limits"] = 1
    if seccomp.supported():
        seccomp.restrict()
        holds["seccomp"] = 1
    return holds


def _limit(seconds: int, memory: int) -> None:
    for kind in _NONE:
        resource.setrlimit(kind, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
