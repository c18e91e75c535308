"""System calls that the standard library has no function for."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any, Final

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long

MACHINE: Final = platform.machine()

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38


def system_call(number: int, *arguments: Any) -> int:
    """The result of a system call. Raises `OSError`."""
    found = int(_LIBC.syscall(ctypes.c_long(number), *(_wide(argument) for argument in arguments)))
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found


def process_control(option: int, value: int) -> None:
    """prctl(2) with one argument. Raises `OSError`."""
    if _LIBC.prctl(option, *(ctypes.c_ulong(each) for each in (value, 0, 0, 0))) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _wide(argument: Any) -> Any:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument
