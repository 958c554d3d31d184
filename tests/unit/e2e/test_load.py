"""The load driver against a small HTTPS server of its own, which answers as told."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.answers import Answer, acknowledged, summary, switches, wrong
from tests.e2e.load import Driver, Target

NAME = "api.academia.test"
CLASS = {
    "id": 1,
    "name": "Piano",
    "teacher": "Hugo",
    "schedule": "Martes",
    "fee_cents": 8500,
    "seats": 8,
    "seats_left": 7,
}


class Api(BaseHTTPRequestHandler):
    """As the API answers, but for what ``fault`` says."""

    protocol_version = "HTTP/1.1"
    fault = ""
    connections: ClassVar[set[Any]] = set()
    requests = 0

    def do_GET(self) -> None:
        type(self).requests += 1
        self.connections.add(self.client_address)
        if self.fault == "pause" and self.requests == 20:
            time.sleep(0.5)
        if self.fault == "cut" and self.requests % 10 == 0:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if self.path == "/api/classes":
            self.answer(200, [CLASS])
            return
        release = "v2" if self.fault == "mixed" and self.requests % 10 == 0 else "v1"
        self.answer(200, {"status": "ok", "database": "ok", "release": release})

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201, {"id": "01J", "student": {"email": given["email"]}})

    def answer(self, status: int, tree: Any) -> None:
        body = json.dumps(tree).encode()
        self.send_response(status)
        self.send_header("X-Release", "v1")
        # Chunked, as nginx passes on what PHP sends.
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "cert.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def target(certificate: Path) -> Iterator[Target]:
    Api.fault, Api.requests, Api.connections = "", 0, set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Target("127.0.0.1", NAME, server.server_address[1], certificate)
    server.shutdown()
    server.server_close()


def drive(target: Target, requests: int, rate: float = 100.0, class_id: int = 1) -> Driver:
    driver = Driver(target, rate, class_id, writes=10)
    asyncio.run(driver.run(lambda: len(driver.lags) >= requests))
    return driver


def test_it_asks_at_its_rate_over_few_connections_and_finds_nothing_wrong(target: Target) -> None:
    began = time.monotonic()
    driver = drive(target, 100)
    assert time.monotonic() - began > 0.95
    told = summary(driver.answers)
    assert told["failed"] == 0, told["failures"]
    assert told["answers"] == 100
    assert told["kinds"] == {"enrol": 10, "classes": 50, "up": 40}
    assert len(set(acknowledged(driver.answers))) == 10
    assert len(Api.connections) < 50  # few beside 100 answers; more where the machine is slow


def test_whoever_is_due_in_a_pause_waits_and_is_counted(target: Target) -> None:
    Api.fault = "pause"
    driver = drive(target, 100)
    assert summary(driver.answers)["failed"] == 0
    assert max(answer.latency for answer in driver.answers) > 0.5
    assert statistics.median(driver.lags) < 0.2  # it asks in time, though an answer is late


@pytest.mark.parametrize(("fault", "says"), [("cut", "Error"), ("mixed", "X-Release is v1")])
def test_a_wrong_answer_is_a_failure_and_is_not_asked_again(target: Target, fault: str, says: str) -> None:
    Api.fault = fault
    driver = drive(target, 60)
    told = summary(driver.answers)
    assert len(driver.answers) == 60
    assert told["failed"] > 0
    assert says in told["failures"][0]


def test_nobody_there_is_a_failure(certificate: Path) -> None:
    driver = drive(Target("127.0.0.1", NAME, 1, certificate), 3)
    assert [answer.status for answer in driver.answers] == [0, 0, 0]
    assert all("ConnectionRefused" in answer.wrong for answer in driver.answers)


@pytest.mark.parametrize(
    ("kind", "status", "body", "says"),
    [
        ("up", 200, {"status": "ok", "database": "ok", "release": "v1", "marks": ["a", "a"]}, ""),
        ("up", 200, {"status": "ok", "database": "ok", "release": "v1", "marks": ["a", "b"]}, "several"),
        ("up", 200, {"status": "ok", "database": "down", "release": "v1"}, "not well"),
        ("up", 503, {}, "503 instead of 200"),
        ("classes", 200, [CLASS], ""),
        ("classes", 200, [], "no list"),
        ("classes", 200, [CLASS | {"seats": "8"}], "other types"),
        ("classes", 200, [CLASS | {"seats_left": 9}], "add up"),
        ("classes", 200, [CLASS, CLASS], "out of order"),
        ("classes", 200, [{"id": 1}], "no class"),
        ("enrol", 201, {"id": "x", "student": {"email": "b@example.com"}}, "no enrolment"),
        ("enrol", 200, {}, "200 instead of 201"),
    ],
)
def test_what_is_wrong_with_an_answer(kind: str, status: int, body: Any, says: str) -> None:
    found = wrong(kind, status, "v1", json.dumps(body).encode(), "a@example.com")
    assert says in found if says else not found


def test_latencies_around_switches_are_told_apart() -> None:
    answers = [
        Answer("up", float(second), 0.5 if 9 <= second <= 11 else 0.1, 200, "b" if second >= 10 else "a", "")
        for second in range(30)
    ]
    assert switches(answers) == [10.0]
    told = summary(answers, [(7.0, 15.0)])
    assert told["ms"]["switch"] == {"answers": 5, "p50": 500.0, "p99": 500.0, "max": 500.0}
    assert told["ms"]["busy"]["answers"] == 4
    assert told["ms"]["quiet"] == {"answers": 21, "p50": 100.0, "p99": 100.0, "max": 100.0}
