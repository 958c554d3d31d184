# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PutObject for thousands of small files.

A boto3 client takes 1.4 ms of processor time for each PutObject, and threads don't help since Python runs one
of them at a time. Signing the one request we need and sending it through urllib3, which boto3 brings along,
takes a fifth of that. Everything else (listing, multipart uploads, CloudFront) goes through boto3.

The signature is AWS Signature Version 4; the unit test compares it with botocore's own.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from ._errors import CallFailed

try:
    import urllib3
    from botocore.exceptions import ClientError, EndpointConnectionError, SSLError
    from botocore.httpsession import get_cert_path
    from botocore.utils import get_environ_proxies
except ImportError:
    pass  # AnsibleAWSModule says so, with the version that is needed

RETRIES = 6


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret_key: str
    token: str | None = None


class Putter:
    """Puts objects into one bucket, from any number of threads.

    url: the bucket's, as boto3 resolves it, with or without a path.
    credentials: gives the current ones at each request, since those of a role are renewed.
    verify: False, or the path of a CA bundle, or None for botocore's.
    """

    def __init__(
        self,
        url: str,
        region: str,
        credentials: Callable[[], Credentials],
        *,
        connections: int,
        verify: bool | str | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._base = parts.path.rstrip("/")
        self._region = region
        self._credentials = credentials
        self._pool = _pool(url, connections, verify)

    def put(self, key: str, body: bytes, md5: str, headers: Mapping[str, str]) -> str:
        """Put an object and return its ETag. Raises CallFailed, too if the body isn't the one hashed."""
        path = f"{self._base}/{quote(key, safe='/~')}"
        own = {
            **{name.lower(): value for name, value in headers.items()},
            "content-md5": base64.b64encode(bytes.fromhex(md5)).decode(),
        }
        signed = sign(
            host=self._host,
            path=path,
            headers=own,
            body=body,
            credentials=self._credentials(),
            region=self._region,
            now=datetime.now(UTC),
        )
        try:
            answer = self._pool.request("PUT", path, body=body, headers=signed)
        except urllib3.exceptions.HTTPError as error:
            untrusted = isinstance(getattr(error, "reason", error), urllib3.exceptions.SSLError)
            kind = SSLError if untrusted else EndpointConnectionError
            raise CallFailed("s3.put_object", kind(endpoint_url=self._host, error=error)) from error
        if answer.status != 200:
            raise CallFailed("s3.put_object", _error(answer.status, answer.data))
        return str(answer.headers["ETag"]).strip('"')


def _pool(url: str, connections: int, verify: bool | str | None) -> Any:
    options: dict[str, Any] = {
        "maxsize": connections,
        "block": True,
        "timeout": urllib3.Timeout(connect=20, read=120),
        "retries": urllib3.Retry(
            RETRIES,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=None,
            backoff_factor=0.2,
            backoff_jitter=0.5,
            raise_on_status=False,
            redirect=False,
        ),
    }
    if url.startswith("https:"):
        trusted = {
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": get_cert_path(True if verify is None else verify),
        }
        options |= {"cert_reqs": "CERT_NONE"} if verify is False else trusted
    proxy = get_environ_proxies(url).get("https")
    if proxy and url.startswith("https:"):
        return urllib3.ProxyManager(proxy, **options).connection_from_url(url)
    return urllib3.connection_from_url(url, **options)


def sign(
    *,
    host: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    region: str,
    now: datetime,
) -> dict[str, str]:
    """Return a PUT's headers with AWS Signature Version 4 for S3. ``headers`` has lower-case names."""
    time = now.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    signed = {**headers, "host": host, "x-amz-content-sha256": digest, "x-amz-date": time}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = sorted(signed)
    lines = ["PUT", path, "", *(f"{name}:{' '.join(signed[name].split())}" for name in names), ""]
    canonical = "\n".join([*lines, ";".join(names), digest])
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = _signing_key(credentials.secret_key, time[:8], region)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return signed


@functools.lru_cache(maxsize=4)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for text in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, text.encode(), "sha256")
    return key


def _error(status: int, body: bytes) -> Any:
    text = body.decode(errors="replace")
    code, message = (re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("Code", "Message"))
    error = {
        "Code": code[1] if code else str(status),
        # Without a message it is a proxy's or load balancer's page; its beginning is all there is to show.
        "Message": html.unescape(message[1]) if message else text[:200],
    }
    return ClientError({"Error": error}, "PutObject")
