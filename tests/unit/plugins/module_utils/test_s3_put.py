"""PutObject without boto3: signed as botocore signs, retried, and failing in words."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import botocore.auth
import botocore.credentials
import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed
from ansible_collections.andamio.laravel_aws.plugins.module_utils._s3_put import Credentials, Putter, sign
from botocore.awsrequest import AWSRequest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MD5 = hashlib.md5(b"body", usedforsecurity=False)
NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("token", [None, "session/token+="])
@pytest.mark.parametrize("key", ["index.html", "img/se%C3%B1al%20%2B%26%3D%3F~_-.png", "a/b/c"])
def test_the_signature_is_botocores(monkeypatch: pytest.MonkeyPatch, key: str, token: str | None) -> None:
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-cache", "content-md5": "x=="}
    host, body, region = "bucket.s3.eu-west-1.amazonaws.com", b"hello", "eu-west-1"
    ours = sign(
        host=host, path=f"/{key}", headers=headers, body=body,
        credentials=Credentials("AKIDEXAMPLE", "secret", token), region=region, now=NOW,
    )  # fmt: skip

    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None)
    )
    request = AWSRequest("PUT", f"https://{host}/{key}", headers=headers, data=body)
    request.context["payload_signing_enabled"] = True
    credentials = botocore.credentials.Credentials("AKIDEXAMPLE", "secret", token)
    botocore.auth.S3SigV4Auth(credentials, "s3", region).add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]


class Answers:
    """A server that gives prepared answers: (status, body) each; and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen.append(
                    (self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                )
                status, answer = outer.answers.pop(0)
                self.send_response(status)
                self.send_header("ETag", '"etag"')
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def answers() -> Iterator[Answers]:
    made = Answers()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def put() -> Callable[..., str]:
    def put(url: str, key: str = "a b+ñ.txt") -> str:
        putter = Putter(url, "us-east-1", lambda: Credentials("k", "s"), connections=2)
        return putter.put(key, b"body", MD5.hexdigest(), {"Cache-Control": "no-cache"})

    return put


def test_a_put(answers: Answers, put: Callable[..., str]) -> None:
    answers.answers = [(200, b"")]
    assert put(f"{answers.url}/bucket") == "etag"
    path, headers, body = answers.seen[0]
    assert (path, body) == ("/bucket/a%20b%2B%C3%B1.txt", b"body")
    assert headers["content-md5"] == base64.b64encode(MD5.digest()).decode()
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_passes_by_itself_is_tried_again(answers: Answers, put: Callable[..., str], status: int) -> None:
    answers.answers = [(status, b"<Error><Code>SlowDown</Code></Error>"), (200, b"")]
    assert put(answers.url) == "etag"
    assert len(answers.seen) == 2


def test_a_refusal_says_why_and_is_not_tried_again(answers: Answers, put: Callable[..., str]) -> None:
    answers.answers = [
        (403, b"<Error><Code>AccessDenied</Code><Message>it&apos;s not yours</Message></Error>")
    ]
    with pytest.raises(CallFailed) as error:
        put(answers.url)
    assert (error.value.call, error.value.code) == ("s3.put_object", "AccessDenied")
    assert "it's not yours" in error.value.message("bucket b")
    assert "s3:PutObject" in error.value.message("bucket b")


def test_an_answer_that_is_not_s3s(answers: Answers, put: Callable[..., str]) -> None:
    answers.answers = [(407, b"<html>Proxy Authentication Required</html>")]
    with pytest.raises(CallFailed, match="Proxy Authentication Required"):
        put(answers.url)


def test_nothing_answers(put: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(CallFailed) as error:
        put("http://127.0.0.1:9")
    assert error.value.code == "EndpointConnectionError"


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_tls_is_verified(answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the given authority, by nobody's if it is another, and not at all if told so."""
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    answers.server.socket = context.wrap_socket(answers.server.socket, server_side=True)
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def put(verify: bool | str | None) -> str:
        url = answers.url.replace("http:", "https:")
        putter = Putter(url, "us-east-1", lambda: Credentials("k", "s"), connections=1, verify=verify)
        return putter.put("key", b"body", MD5.hexdigest(), {})

    answers.answers = [(200, b"")] * 3
    assert put(str(certificate)) == "etag"
    for other in (True, None):
        with pytest.raises(CallFailed, match="CERTIFICATE_VERIFY_FAILED"):
            put(other)
    assert put(False) == "etag"


def self_signed(folder: Path) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    start = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(addresses, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file
