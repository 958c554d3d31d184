"""The sandbox's certificate authority."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from sandbox import config, pki


@pytest.fixture(autouse=True)
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(config, "CA", tmp_path / "ca.pem")
    monkeypatch.setattr(config, "CA_KEY", tmp_path / "ca.key")
    pki.ensure_ca()
    return tmp_path


def test_the_authority_stays_and_its_key_is_private(authority: Path) -> None:
    before = config.CA.read_bytes()
    pki.ensure_ca()
    assert config.CA.read_bytes() == before
    assert config.CA_KEY.stat().st_mode & 0o777 == 0o600


def test_a_certificate_is_for_its_names_and_addresses(authority: Path) -> None:
    certificate, key = authority / "a.pem", authority / "a.key"
    assert pki.ensure(certificate, key, ["academia.test", "*.academia.test", "127.0.0.1"])
    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["academia.test", "*.academia.test"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(config.CA.read_bytes()))
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_good_certificate_is_kept_and_one_for_other_names_is_not(authority: Path) -> None:
    certificate, key = authority / "a.pem", authority / "a.key"
    pki.ensure(certificate, key, ["a.test"])
    assert not pki.ensure(certificate, key, ["a.test"])
    assert pki.ensure(certificate, key, ["a.test", "b.test"])


def test_a_certificate_of_an_earlier_authority_is_replaced(authority: Path) -> None:
    certificate, key = authority / "a.pem", authority / "a.key"
    pki.ensure(certificate, key, ["a.test"])
    config.CA.unlink()
    config.CA_KEY.unlink()
    pki.ensure_ca()
    assert pki.ensure(certificate, key, ["a.test"])
