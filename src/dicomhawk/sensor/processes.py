"""Small things that Linux processes want: to die with their parent, and to have enough descriptors."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

NICENESS = 5
"""Of servants: answers go before images that are made ahead."""
_PR_SET_PDEATHSIG = 1


def die_with(parent: int, number: int = signal.SIGTERM) -> None:
    """Have the kernel send signal `number` to this process when `parent` (its pid) ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before the call
        os.kill(os.getpid(), number)


def become_servant(parent: int) -> None:
    """Make this process one that works for `parent` (its pid), ends with it and comes after it.

    Here, because a new process imports the module of what it begins with.
    """
    die_with(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)


def raise_descriptor_limit() -> None:
    """Allow as many open files as the system lets us, for as many connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptor_limit() -> int:
    """How many files this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
