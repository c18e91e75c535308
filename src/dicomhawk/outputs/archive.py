"""ZIP archives whose bytes depend on what is in them only, with and without a password."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pyzipper  # type: ignore[import-untyped]
from pyzipper.zipfile_aes import (  # type: ignore[import-untyped]
    AES,
    HMAC,
    AESZipEncrypter,
    AESZipInfo,
    Counter,
    SHA1Hash,
)

_CHUNK = 1 << 20
_UNIX = 3
"""``create_system``: who made it, which is the same wherever it is made."""
_ITERATIONS, _KEY, _SALT, _VERIFIER = 1000, 32, 16, 2  # of AE-2 (WinZip's specification of AES in ZIP files)

Moment = tuple[int, int, int, int, int, int]
"""Year to second, as ZIP files have it."""


class Hashing:
    """Writes to a file, and hashes and counts what is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write `data`; all of it is written."""
        self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()


def info(name: str, moment: Moment) -> ZipInfo:
    """A member without a trace of where and when it was made."""
    found = ZipInfo(name, moment)
    found.compress_type = ZIP_DEFLATED
    found.create_system = _UNIX
    found.external_attr = 0o600 << 16
    return found


def copy(source: Path, target: Any) -> None:
    """The bytes of a file, in pieces."""
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            target.write(chunk)


def write_protected(target: Path, files: dict[str, Path], password: str, moment: Moment) -> None:
    """An archive of `files` (by their names in it), encrypted with AES-256 (AE-2) under `password`.

    The salt is made from password and content, so that the same files give the same archive; whoever sees two
    archives can tell whether a file in them is the same, and nothing else.
    """
    secret = password.encode()
    with _Protected(target, "w", compression=ZIP_DEFLATED) as archive:
        for name, path in sorted(files.items()):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            archive.salt = hmac.digest(secret, digest, "sha256")[:_SALT]
            archive.setpassword(secret)
            member = AESZipInfo(name, moment)
            member.compress_type = ZIP_DEFLATED
            member.create_system = _UNIX
            member.external_attr = 0o600 << 16
            with archive.open(member, "w", force_zip64=True) as into:
                copy(path, into)


class _Protected(pyzipper.AESZipFile):  # type: ignore[misc]
    """Encrypts each member with the salt that was set."""

    salt = b""

    def get_encrypter(self) -> Any:
        return _Encrypter(self.pwd, self.salt)


class _Encrypter(AESZipEncrypter):  # type: ignore[misc]
    """As its base, with a salt that is given and not drawn."""

    def __init__(self, password: bytes, salt: bytes) -> None:
        super().__init__(pwd=password, nbits=256, force_wz_aes_version=2)
        material = hashlib.pbkdf2_hmac("sha1", password, salt, _ITERATIONS, 2 * _KEY + _VERIFIER)
        self.salt = salt
        self.encpwdverify = material[2 * _KEY :]
        self.encrypter = AES.new(material[:_KEY], AES.MODE_CTR, counter=Counter.new(nbits=128, little_endian=True))
        self.hmac = HMAC.new(material[_KEY : 2 * _KEY], digestmod=SHA1Hash())


def open_archive(target: Path) -> ZipFile:
    """A new archive, in which members are written one after the other with `ZipFile.open`."""
    return ZipFile(target, "w", ZIP_DEFLATED)
