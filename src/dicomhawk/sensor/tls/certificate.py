"""The deployment's key and certificate: of a kind that a hospital's servers have, made once and kept.

Nothing in it is ours: names come from the scene that the bait tells of, the rest from the deployment's seed. Keys are
random; they can't come from a seed, and needn't, because the file stays.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ...hospital.world.draw import draw
from ...lures.scene import Scene, scene
from ...persona.model.tls import Tls
from ...settings import Deployment, Settings, SettingsError

CERTIFICATE: Final = "tls/server.pem"
KEY: Final = "tls/server.key"
YEARS: Final = (2, 3, 5, 10, 10)
"""How long such certificates are valid: those of a hospital's own authority are long-lived."""
OLDEST_DAYS: Final = 500
"""How long ago one may have been made."""
_LOCALITY_IN: Final = 0.6
_NAME_BYTES: Final = 64
"""Upper bound of an organization's name (RFC 5280 appendix A.1)."""

_VERSIONS: Final = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def prepare(settings: Settings, deployment: Deployment, tls: Tls, now: datetime | None = None) -> None:
    """Make key and certificate, unless they are there or the operator has given others. Raises `SettingsError`."""
    if settings.tls.certificate is not None:
        return
    certificate, key = settings.data / CERTIFICATE, settings.data / KEY
    if certificate.exists() and key.exists():
        return
    made = _key(tls.key)
    chain = _certificate(deployment, scene(deployment), made, now or datetime.now(UTC))
    try:
        key.parent.mkdir(parents=True, exist_ok=True)
        _write(
            key,
            made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
        _write(certificate, chain.public_bytes(serialization.Encoding.PEM))
    except OSError as error:
        raise SettingsError(f"{key.parent} can't be written: {error.strerror}.") from None


def context(settings: Settings, tls: Tls, *, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """What the doors negotiate with; `protocols` of ALPN. Raises `SettingsError` if key and certificate don't fit."""
    certificate = settings.tls.certificate or settings.data / CERTIFICATE
    key = (settings.tls.key or certificate) if settings.tls.certificate is not None else settings.data / KEY
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = _VERSIONS[tls.oldest], _VERSIONS[tls.newest]
    made.options |= ssl.OP_NO_RENEGOTIATION
    if tls.server_order:
        made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        if tls.ciphers:
            made.set_ciphers(tls.ciphers)
        made.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"{certificate} can't be used for TLS: {error.strerror or error}.") from None
    if protocols:
        made.set_alpn_protocols(list(protocols))
    return made


def _key(kind: str) -> PrivateKey:
    if kind == "ec-256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 4096 if kind == "rsa-4096" else 2048)


def _certificate(deployment: Deployment, of: Scene, key: PrivateKey, now: datetime) -> x509.Certificate:
    source = draw(deployment.seed, "tls", "certificate")
    host = f"{of.archive.name}.{of.domain}"
    organization = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, deployment.locale[-2:]),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, deployment.hospital[:_NAME_BYTES]),
    ]
    if source.random() < _LOCALITY_IN:
        organization.insert(1, x509.NameAttribute(NameOID.LOCALITY_NAME, of.place[:_NAME_BYTES]))
    unit = source.choice((None, of.department, "IT", "ICT", "PACS"))
    if unit is not None:
        organization.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit[:_NAME_BYTES]))
    subject = x509.Name([*organization, x509.NameAttribute(NameOID.COMMON_NAME, host[:_NAME_BYTES])])
    by_itself = source.random() < 0.6
    owner = source.choice((of.place, of.place.upper(), deployment.hospital[:40]))
    authority = f"{owner} {source.choice(('CA', 'Root CA', 'Issuing CA 01', 'Internal CA'))}"
    issuer = subject
    if not by_itself:
        issuer = x509.Name([organization[0], x509.NameAttribute(NameOID.COMMON_NAME, authority)])
    begin = (now - timedelta(days=source.randint(20, OLDEST_DAYS))).replace(
        hour=source.randint(7, 16), minute=source.randint(0, 59), second=source.randint(0, 59), microsecond=0
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(source.getrandbits(source.choice((62, 63, 127, 158))) | 1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365 * source.choice(YEARS)))
    )
    if source.random() < 0.75:
        names = [x509.DNSName(host)]
        if source.random() < 0.5:
            names.append(x509.DNSName(of.archive.name))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if by_itself:
        if source.random() < 0.5:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    else:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(usage, critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    # The key of an authority signs once and is forgotten: nobody else has a certificate of it.
    return builder.sign(key if by_itself else rsa.generate_private_key(65537, 2048), hashes.SHA256())


def _write(path: Path, content: bytes) -> None:
    """The whole file or none, for its owner alone."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        partial.unlink()
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
    partial.replace(path)
