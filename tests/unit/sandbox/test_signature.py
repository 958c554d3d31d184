"""Signatures that botocore makes are the ones we take, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.aws.signature import matches, presigned_expiry

SECRET = "wJalrXUtnFEMI/K7MDENG"
KEYS = Credentials("ASIAEXAMPLE", SECRET, "session-token")


def environ_of(request: Any) -> dict[str, Any]:
    parts = urlsplit(request.url)
    raw = parts.path + (f"?{parts.query}" if parts.query else "")
    environ = {
        "REQUEST_METHOD": request.method,
        "RAW_URI": raw,
        "QUERY_STRING": parts.query,
        "HTTP_HOST": parts.netloc,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = (
            value.decode() if isinstance(value, bytes) else value
        )
    return environ


def signed(
    auth: Any, method: str = "GET", url: str = "", body: bytes = b"", **headers: str
) -> dict[str, Any]:
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    auth.add_auth(request)
    return environ_of(request)


S3_URL = "https://documents.s3.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("auth", "method", "url", "body"),
    [
        (SigV4Auth(KEYS, "ssm", "us-east-1"), "POST", "https://ssm.us-east-1.amazonaws.com/", b"{}"),
        (
            SigV4Auth(KEYS, "sts", "us-east-1"),
            "POST",
            "https://sts.amazonaws.com/",
            b"Action=GetCallerIdentity",
        ),
        (
            SigV4Auth(KEYS, "route53", "us-east-1"),
            "GET",
            "https://route53.amazonaws.com/2013-04-01/a%20b?x=1",
            b"",
        ),
        (S3SigV4Auth(KEYS, "s3", "us-east-1"), "GET", f"{S3_URL}/a%20b/%C3%B1%2B1.pdf", b""),
        (S3SigV4Auth(KEYS, "s3", "us-east-1"), "PUT", f"{S3_URL}/plain", b"bytes"),
        (
            S3SigV4Auth(KEYS, "s3", "us-east-1"),
            "GET",
            f"{S3_URL}/?list-type=2&prefix=a%2Fb%20c&delimiter=",
            b"",
        ),
        (S3SigV4QueryAuth(KEYS, "s3", "us-east-1", expires=60), "GET", f"{S3_URL}/a%20b", b""),
        (
            SigV4QueryAuth(KEYS, "sts", "us-east-1", expires=60),
            "GET",
            "https://sts.amazonaws.com/?Action=X",
            b"",
        ),
    ],
)
def test_what_botocore_signs(auth: Any, method: str, url: str, body: bytes) -> None:
    environ = signed(auth, method, url, body)
    assert matches(environ, body, SECRET)
    assert not matches(environ, body, "another secret")
    for name, value in (("REQUEST_METHOD", "DELETE"), ("RAW_URI", "/other"), ("HTTP_HOST", "other")):
        assert not matches({**environ, name: value}, body, SECRET)


def test_a_body_that_was_changed_on_the_way() -> None:
    environ = signed(
        SigV4Auth(KEYS, "ssm", "us-east-1"), "POST", "https://ssm.us-east-1.amazonaws.com/", b"{}"
    )
    assert not matches(environ, b'{"Name": "/other"}', SECRET)


def test_when_a_presigned_url_ends() -> None:
    environ = signed(S3SigV4QueryAuth(KEYS, "s3", "us-east-1", expires=60), "GET", f"{S3_URL}/a")
    ends = presigned_expiry(environ)
    assert ends is not None
    assert timedelta(seconds=50) < ends - datetime.now(UTC) <= timedelta(seconds=60)
    assert presigned_expiry(signed(S3SigV4Auth(KEYS, "s3", "us-east-1"), "GET", f"{S3_URL}/a")) is None
