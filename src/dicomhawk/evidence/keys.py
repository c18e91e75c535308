"""The key that entries of the chain are signed with: ed25519 (RFC 8032), in PEM files."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ..settings import Settings, SettingsError

KEY_NAME = "key.pem"
PUBLIC_NAME = "public.pem"
ID_LENGTH = 16
"""Hexadecimal digits that a key is known by: the beginning of the SHA-256 of its 32 bytes."""


class PublicKey:
    """What signatures are checked with."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        raw = key.public_bytes_raw()
        self._key = key
        self.id = hashlib.sha256(raw).hexdigest()[:ID_LENGTH]
        self.text = base64.b64encode(raw).decode()
        """Its 32 bytes, in base 64."""

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        """From its 32 bytes in base 64. Raises ValueError."""
        return cls(Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True)))

    @property
    def pem(self) -> bytes:
        """As a file that openssl reads."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's, of `message`."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Signer:
    """What entries are signed with."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(message)


def signer(settings: Settings) -> Signer | None:
    """The key of the settings, made if there is none yet; None if entries aren't to be signed.

    Its public half is put into ``evidence/public.pem``, for others to have. Raises `SettingsError`.
    """
    if not settings.evidence.sign:
        return None
    folder = settings.evidence_dir
    path = settings.evidence.key or folder / KEY_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        found = Signer(_load(path))
        public = folder / PUBLIC_NAME
        if not public.exists() or public.read_bytes() != found.public.pem:
            public.write_bytes(found.public.pem)
            public.chmod(0o644)
    except OSError as error:
        raise SettingsError(f"The signing key {path} can't be used: {error.strerror}.") from None
    return found


def public_key(path: Path) -> PublicKey:
    """The public key in a PEM file. Raises `SettingsError`."""
    try:
        found = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"The public key {path} can't be read: {error.strerror}.") from None
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise SettingsError(f"{path} has no public key of ed25519 in PEM.")
    return PublicKey(found)


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, pem)
        os.fsync(fd)
    finally:
        os.close(fd)
    try:
        os.link(partial, path)  # fails where another process was first, whose key is as good
    except FileExistsError:
        pass
    finally:
        partial.unlink()


def _load(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"The signing key {path} can be read by others: its mode must be 0600.")
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise SettingsError(f"{path} has no key of ed25519 in PEM without a passphrase.")
    return found
