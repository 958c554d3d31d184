"""The sandbox's certificate authority, and the certificates it issues."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox import config

CA_NAME = "Andamio sandbox CA"
CA_DAYS = 3650
LEAF_DAYS = 396
RENEW_DAYS = 30


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put a file in place whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.new")
    partial.unlink(missing_ok=True)
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    partial.replace(path)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def builder(subject: x509.Name, issuer: x509.Name, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def ensure_ca() -> None:
    """Make the authority's key and certificate where there are none."""
    if config.CA.exists() and config.CA_KEY.exists():
        return
    key = new_key()
    name = common_name(CA_NAME)
    certificate = (
        builder(name, name, CA_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write(config.CA_KEY, key_pem(key), 0o600)
    write(config.CA, certificate.public_bytes(serialization.Encoding.PEM))


def issue(names: Sequence[str]) -> tuple[bytes, bytes]:
    """A certificate for these names and addresses, and its key, as PEM."""
    authority = x509.load_pem_x509_certificate(config.CA.read_bytes())
    authority_key = serialization.load_pem_private_key(config.CA_KEY.read_bytes(), None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{config.CA_KEY} is not an EC key; remove it and {config.CA} to have new ones")
    key = new_key()
    certificate = (
        builder(common_name(names[0]), authority.subject, LEAF_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key_pem(key)


def covers(certificate: Path, names: Sequence[str]) -> bool:
    """Whether a certificate file is ours, is for exactly these names and is good for a while yet."""
    if not certificate.exists():
        return False
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    authority = x509.load_pem_x509_certificate(config.CA.read_bytes())
    try:
        found.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=RENEW_DAYS)
    return list(extension) == [general_name(name) for name in names] and found.not_valid_after_utc > soon


def ensure(certificate: Path, key: Path, names: Sequence[str]) -> bool:
    """Make a certificate where there is none for these names. Gives whether it made one."""
    if covers(certificate, names) and key.exists():
        return False
    issued, issued_key = issue(names)
    write(key, issued_key, 0o600)
    write(certificate, issued)
    return True
