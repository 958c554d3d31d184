"""http_probe against real web servers, with and without TLS."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.modules import run_module

NAME = "api.academia.test"
NOT_AFTER = datetime(2046, 11, 24, 10, 0, 0, tzinfo=UTC)


class Handler(BaseHTTPRequestHandler):
    """Answers as its path says; /later is 503 at first, and 200 from the third request on."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        later = 200 if self.asked.count("/later") > 2 else 503
        self.send_response({"/away": 302, "/broken": 500, "/later": later}.get(self.path, 200))
        if self.path == "/away":
            self.send_header("Location", "/nowhere")
        self.send_header("X-Host", self.headers["Host"])
        self.send_header("X-Method", self.command)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write("¡hola!".encode())

    do_POST = do_GET
    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Server:
    """A server on a free port of 127.0.0.1, with TLS when it is given a certificate."""

    def __init__(self, certificate: Path | None) -> None:
        self.asked: list[str] = []
        handler = type("Handler", (Handler,), {"asked": self.asked})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def probe(self, **arguments: Any) -> dict[str, Any]:
        return run_module("http_probe", **{"name": NAME, "port": self.port, **arguments})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of NAME that is its own authority, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Andamio Test CA")])
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName("www.academia.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(0xA5A5)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(NOT_AFTER)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(made.public_bytes(pem) + private)
    return file


@pytest.fixture
def http() -> Iterator[Server]:
    server = Server(None)
    yield server
    server.close()


@pytest.fixture
def https(certificate: Path) -> Iterator[Server]:
    server = Server(certificate)
    yield server
    server.close()


@pytest.mark.parametrize("check", [False, True])
def test_the_answer(http: Server, check: bool) -> None:
    result = http.probe(tls=False, path="/up?full=1", check=check)
    assert (result["changed"], result["status"], result["body"]) == (False, 200, "¡hola!")
    assert result["headers"]["x-host"] == NAME
    assert result["certificate"] == {}
    assert http.asked == ["/up?full=1"]


@pytest.mark.parametrize(("method", "body"), [("POST", "¡hola!"), ("HEAD", "")])
def test_another_method(http: Server, method: str, body: str) -> None:
    result = http.probe(tls=False, method=method)
    assert (result["headers"]["x-method"], result["body"]) == (method, body)


def test_a_redirect_is_an_answer_and_not_followed(http: Server) -> None:
    result = http.probe(tls=False, path="/away", status=[301, 302])
    assert (result["status"], result["headers"]["location"]) == (302, "/nowhere")
    assert http.asked == ["/away"]


def test_a_status_that_was_not_asked_for_fails_and_is_told(http: Server) -> None:
    failed = http.probe(tls=False, path="/broken", fails=True)
    assert failed["msg"] == f"GET http://{NAME}/broken at 127.0.0.1: status 500"
    assert (failed["status"], failed["body"]) == (500, "¡hola!")


def test_any_status_will_do(http: Server) -> None:
    assert http.probe(tls=False, path="/broken", status=[])["status"] == 500


def test_it_waits_until_the_answer_is_right(http: Server) -> None:
    assert http.probe(tls=False, path="/later", wait=30)["status"] == 200
    assert http.asked == ["/later"] * 3


def test_it_waits_no_longer_than_it_was_told(http: Server) -> None:
    started = time.monotonic()
    failed = http.probe(tls=False, path="/broken", wait=1, fails=True)
    assert failed["status"] == 500
    assert 1 <= time.monotonic() - started < 10
    assert len(http.asked) >= 2


def test_nobody_is_there() -> None:
    failed = run_module("http_probe", name=NAME, port=1, tls=False, fails=True)
    assert failed["msg"].startswith(f"GET http://{NAME}/ at 127.0.0.1: ")
    assert "refused" in failed["msg"]
    assert "status" not in failed


def test_a_valid_certificate_is_told_whole(https: Server, certificate: Path) -> None:
    shown = https.probe(ca_path=str(certificate))["certificate"]
    encoded = ssl.PEM_cert_to_DER_cert(certificate.read_text().split("-----BEGIN PRIVATE")[0])
    assert shown == {
        "names": [NAME, "www.academia.test"],
        "issuer": "Andamio Test CA",
        "serial": "A5A5",
        "sha256": hashlib.sha256(encoded).hexdigest(),
        "not_after": "2046-11-24T10:00:00Z",
    }


def test_a_certificate_of_another_name_is_refused(https: Server, certificate: Path) -> None:
    failed = https.probe(name="wrong.academia.test", ca_path=str(certificate), fails=True)
    assert "wrong.academia.test" in failed["msg"]
    assert "mismatch" in failed["msg"]
    assert https.asked == []


def test_an_authority_that_is_not_trusted_is_refused(https: Server) -> None:
    assert "certificate verify failed" in https.probe(fails=True)["msg"]
    assert https.asked == []


def test_without_validation_only_the_fingerprint_is_told(https: Server) -> None:
    result = https.probe(name="wrong.academia.test", validate_certs=False)
    assert result["status"] == 200
    assert list(result["certificate"]) == ["sha256"]


def test_a_server_without_tls_is_no_tls_server(http: Server) -> None:
    assert http.probe(fails=True)["msg"].startswith(f"GET https://{NAME}/ at 127.0.0.1: ")
