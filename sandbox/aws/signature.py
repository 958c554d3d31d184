"""Check a Signature Version 4. Pure, but for the clock."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
_SAFE = "-_.~"


def matches(environ: Mapping[str, Any], body: bytes, secret: str) -> bool:
    """Whether the request was signed with this secret, in its header or in its (presigned) URL."""
    query = dict(_pairs(environ))
    if "X-Amz-Signature" in query:
        scope, signed, given = (
            query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")
        )
        moment = query.get("X-Amz-Date", "")
    elif "HTTP_AUTHORIZATION" not in environ:
        return False
    else:
        fields = dict(re.findall(r"(\w+)=([^,\s]+)", environ["HTTP_AUTHORIZATION"]))
        scope, signed, given = (fields.get(name, "") for name in ("Credential", "SignedHeaders", "Signature"))
        moment = environ.get("HTTP_X_AMZ_DATE", "")
    _key, _, scope = scope.partition("/")
    service = scope.split("/")[2]
    canonical = "\n".join(
        [
            environ["REQUEST_METHOD"],
            _path(environ, service),
            "&".join(
                f"{name}={value}"
                for name, value in sorted(
                    (quote(name, _SAFE), quote(value, _SAFE))
                    for name, value in _pairs(environ)
                    if name != "X-Amz-Signature"
                )
            ),
            *_headers(environ, signed.split(";")),
            "",
            signed,
            _payload(environ, body, unsigned=service == "s3" and "X-Amz-Signature" in query),
        ]
    )
    text = "\n".join([ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), given)


def presigned_expiry(environ: Mapping[str, Any]) -> datetime | None:
    """When a presigned URL ends; None if the request isn't one."""
    query = dict(_pairs(environ))
    if "X-Amz-Expires" not in query:
        return None
    start = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return start + timedelta(seconds=int(query["X-Amz-Expires"]))


def _pairs(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in environ.get("QUERY_STRING", "").split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in parts]


def _path(environ: Mapping[str, Any], service: str) -> str:
    path = str(environ["RAW_URI"]).split("?", 1)[0]
    # S3 signs the path as it is; all others sign it encoded once more.
    return quote(unquote(path) if service == "s3" else path, "/" + _SAFE)


def _headers(environ: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    lines = []
    for name in names:
        key = name.upper().replace("-", "_")
        value = environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", "")
        lines.append(f"{name}:{' '.join(str(value).split())}")
    return lines


def _payload(environ: Mapping[str, Any], body: bytes, unsigned: bool) -> str:
    digest = hashlib.sha256(body).hexdigest()
    claimed = str(environ.get("HTTP_X_AMZ_CONTENT_SHA256", "UNSIGNED-PAYLOAD" if unsigned else digest))
    # A digest must be the body's own; UNSIGNED-PAYLOAD and STREAMING-… stand for themselves.
    return digest if re.fullmatch("[0-9a-f]{64}", claimed) else claimed
