"""What a file might make a process do that it has taken over; given to a `Sandbox` by name."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Contents = Sequence[Any]
Facts = Mapping[str, Any]

_LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16
X86 = os.uname().machine == "x86_64"


def load(options: Facts) -> dict[str, Any]:
    return {"loaded": dict(options)}


def prepare(job: str) -> None:
    pass


def tries(contents: Contents, facts: Facts) -> bytes:
    """What became of each thing that must fail with an error."""
    return json.dumps({name: _outcome(lambda each=each: each(facts)) for name, each in _TRIES.items()}).encode()


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        return f"it could: {attempt()!r}"
    except BaseException as error:
        return type(error).__name__


def _clone(_: Facts) -> int:
    found = _LIBC.syscall(56 if X86 else 220, signal.SIGCHLD, 0, 0, 0, 0)
    if found == 0:
        os._exit(0)
    if found < 0:
        raise OSError(ctypes.get_errno())
    return int(found)


def _executable_memory(_: Facts) -> int:
    _LIBC.mmap.restype = ctypes.c_long
    found = _LIBC.mmap(None, 4096, 7, 0x22, -1, 0)
    if found < 0:
        raise OSError(ctypes.get_errno())
    return int(found)


def _relock(_: Facts) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


_TRIES: dict[str, Callable[[Facts], object]] = {
    "read": lambda facts: os.open(facts["file"], os.O_RDONLY),
    "write": lambda facts: os.open(facts["new"], os.O_WRONLY | os.O_CREAT),
    "list": lambda facts: os.listdir("/"),
    "stat": lambda facts: os.stat(facts["file"]),
    "unlink": lambda facts: os.unlink(facts["file"]),
    "rename": lambda facts: os.rename(facts["file"], facts["new"]),
    "chmod": lambda facts: os.chmod(facts["file"], 0o777),
    "proc": lambda facts: os.open("/proc/self/mem", os.O_RDWR),
    "memfd": lambda facts: os.memfd_create("x"),
    "fork": lambda facts: os.fork(),
    "clone": _clone,
    "thread": lambda facts: threading.Thread(target=int).start(),
    "executable memory": _executable_memory,
    "limits": _relock,
    "environment of others": lambda facts: Path(f"/proc/{facts['parent']}/environ").read_bytes(),
    "unix": lambda facts: socket.socketpair(),
}


def sockets(contents: Contents, facts: Facts) -> bytes:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("127.0.0.1", facts["port"]))
    return b"it could"


def raw_socket(contents: Contents, facts: Facts) -> bytes:
    _LIBC.syscall(41 if X86 else 198, 2, 1, 0)
    return b"it could"


def execute(contents: Contents, facts: Facts) -> bytes:
    os.execv(sys.executable, [sys.executable, "-c", "pass"])


def run(contents: Contents, facts: Facts) -> bytes:
    subprocess.run(["/bin/true"], check=False)
    return b"it could"


def trace(contents: Contents, facts: Facts) -> bytes:
    _LIBC.ptrace(PTRACE_ATTACH, facts["parent"], 0, 0)
    return b"it could"


def kill(contents: Contents, facts: Facts) -> bytes:
    os.kill(facts["parent"], signal.SIGTERM)
    return b"it could"


def crash(contents: Contents, facts: Facts) -> bytes:
    ctypes.string_at(0)
    return b"it could"


def hog(contents: Contents, facts: Facts) -> bytes:
    """Memory without end; where that is refused, it says so."""
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def loop(contents: Contents, facts: Facts) -> bytes:
    while True:
        pass


def sleep(contents: Contents, facts: Facts) -> bytes:
    threading.Event().wait()
    return b""


def flood(contents: Contents, facts: Facts) -> bytes:
    return bytes(64 << 20)


def raises(contents: Contents, facts: Facts) -> bytes:
    raise ValueError("of no use")


def says(contents: Contents, facts: Facts) -> bytes:
    """What the test wants to be said."""
    return str(facts["text"]).encode()


def read(contents: Contents, facts: Facts) -> bytes:
    return b"|".join(bytes(content[:100]) for content in contents)


def descriptors(contents: Contents, facts: Facts) -> bytes:
    """Numbers that are open."""
    found = []
    for number in range(512):
        try:
            os.lseek(number, 0, os.SEEK_CUR)
        except OSError as error:
            if error.errno == errno.EBADF:
                continue
        found.append(number)
    return json.dumps(found).encode()


JOBS = {
    name: job
    for name, job in dict(globals()).items()
    if callable(job) and getattr(job, "__module__", "") == __name__ and not name.startswith("_")
}
