"""Seccomp: the system calls that reading memory and writing to an open pipe take, and no others (seccomp(2)).

Others fail with EPERM, since libraries try to open this and that; those that only an intruder makes end the process
with SIGSYS, which is told from every other death.
"""

from __future__ import annotations

import ctypes
import os
import sys
from struct import pack
from typing import Final, NamedTuple

from .kernel import MACHINE, system_call


class _Machine(NamedTuple):
    audit: int
    """AUDIT_ARCH_..."""
    seccomp: int
    """Number of the system call itself."""
    allowed: tuple[int, ...]
    without_execution: tuple[int, ...]
    """mmap and mprotect: allowed where nothing becomes executable."""
    tgkill: int
    fatal: tuple[int, ...]


_X86_64: Final = _Machine(
    audit=0xC000003E,
    seccomp=317,
    # read write close fstat lseek munmap brk rt_sigaction rt_sigprocmask rt_sigreturn readv writev sched_yield mremap
    # madvise nanosleep getpid exit gettimeofday getrusage sigaltstack gettid futex sched_getaffinity restart_syscall
    # clock_gettime clock_nanosleep exit_group getrandom
    allowed=(
        *(0, 1, 3, 5, 8, 11, 12, 13, 14, 15, 19, 20, 24, 25, 28, 35, 39, 60, 96, 98, 131, 186, 202, 204, 219),
        *(228, 230, 231, 318),
    ),
    without_execution=(9, 10),
    tgkill=234,
    # socket connect bind execve ptrace process_vm_readv process_vm_writev bpf execveat io_uring_setup userfaultfd
    # vfork kill init_module kexec_load
    fatal=(41, 42, 49, 59, 101, 310, 311, 321, 322, 425, 323, 58, 62, 175, 246),
)
_AARCH64: Final = _Machine(
    audit=0xC00000B7,
    seccomp=277,
    allowed=(
        *(63, 64, 57, 80, 62, 215, 214, 134, 135, 139, 65, 66, 124, 216, 233, 101, 172, 93, 169, 165, 132, 178, 98),
        *(123, 128, 113, 115, 94, 278),
    ),
    without_execution=(222, 226),
    tgkill=131,
    fatal=(198, 203, 200, 221, 117, 270, 271, 280, 281, 425, 282, 129, 105, 104),
)
_MACHINES: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}

_SET_MODE_FILTER: Final = 1
_ALL_THREADS: Final = 1

_LOAD, _EQUALS, _HAS, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _EPERM = 0x7FFF0000, 0x80000000, 0x00050001
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_PROT_EXEC: Final = 4


def supported() -> bool:
    """Whether there is a filter for this machine, and a kernel that takes one."""
    machine = _machine()
    if machine is None:
        return False
    try:
        system_call(machine.seccomp, 2, 0, ctypes.byref(ctypes.c_uint32(_KILL_PROCESS)))  # SECCOMP_GET_ACTION_AVAIL
    except OSError:
        return False
    return True


def restrict() -> None:
    """Install the filter in all threads of this process, for good. Needs no-new-privileges. Raises `OSError`."""
    machine = _machine()
    if machine is None:
        raise OSError(f"there is no filter for {MACHINE}")
    program = _program(machine)
    code = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    system_call(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, described)


def _machine() -> _Machine | None:
    return _MACHINES.get(MACHINE) if sys.byteorder == "little" and sys.maxsize > 1 << 32 else None


def _program(machine: _Machine) -> bytes:
    """The filter in the kernel's classic BPF; jumps count instructions from the next one."""
    steps = [_step(_LOAD, _ARCHITECTURE), _step(_EQUALS, machine.audit, 1, 0), _step(_RETURN, _KILL_PROCESS)]
    steps.append(_step(_LOAD, _NUMBER))
    for number in machine.allowed:
        steps += (_step(_EQUALS, number, 0, 1), _step(_RETURN, _ALLOW))
    for number in machine.fatal:
        steps += (_step(_EQUALS, number, 0, 1), _step(_RETURN, _KILL_PROCESS))
    for number in machine.without_execution:
        steps += (
            _step(_EQUALS, number, 0, 4),
            _step(_LOAD, _ARGUMENTS + 2 * 8),
            _step(_HAS, _PROT_EXEC, 1, 0),
            _step(_RETURN, _ALLOW),
            _step(_RETURN, _EPERM),
        )
    steps += (
        _step(_EQUALS, machine.tgkill, 0, 4),
        _step(_LOAD, _ARGUMENTS),
        _step(_EQUALS, os.getpid(), 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _KILL_PROCESS),
    )
    steps.append(_step(_RETURN, _EPERM))
    return b"".join(steps)


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return pack("<HBBI", code, if_true, if_false, operand)
