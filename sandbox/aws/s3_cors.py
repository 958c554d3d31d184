"""What a bucket's CORS rules let a page of another origin do. Pure, but for finding the bucket.

moto reflects any origin, for every service; a browser must be refused what AWS would refuse it.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from moto.backends import get_backend

from sandbox.aws.call import Call, Environ
from sandbox.aws.errors import Answer

Rule = Mapping[str, Any]

_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
_REFUSAL = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessForbidden</Code>'
    b"<Message>CORSResponse: This CORS request is not allowed.</Message></Error>"
)


def rules_of(call: Call, account: str) -> Sequence[Rule] | None:
    """Return the CORS rules of the bucket that is asked; None when it isn't S3 that is."""
    if call.service != "s3":
        return None
    name = call.request.path.lstrip("/").split("/", 1)[0]
    bucket = get_backend("s3")[account]["aws"].buckets.get(name)
    rules: Sequence[Rule] = getattr(bucket, "cors_rules", [])
    return rules


def preflight(rules: Sequence[Rule], environ: Environ) -> Answer:
    """Answer a browser's OPTIONS."""
    method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "")
    wanted = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    headers = _allowed(rules, environ.get("HTTP_ORIGIN", ""), method, re.findall(r"[^\s,]+", wanted.lower()))
    if headers is None:
        return 403, {"Content-Type": "application/xml"}, _REFUSAL
    return 200, {**headers, **({"Access-Control-Allow-Headers": wanted.lower()} if wanted else {})}, b""


def show(rules: Sequence[Rule], environ: Environ, answer: Answer) -> Answer:
    """Let the asking page read an answer if a rule says so, and no other page."""
    status, headers, body = answer
    kept = {name: value for name, value in headers.items() if not name.lower().startswith("access-control-")}
    allowed = _allowed(rules, environ.get("HTTP_ORIGIN", ""), environ["REQUEST_METHOD"], [])
    return status, {**kept, **(allowed or {})}, body


def _allowed(rules: Sequence[Rule], origin: str, method: str, wanted: Sequence[str]) -> dict[str, str] | None:
    """The headers of the first rule that matches all three."""
    for rule in rules:
        pattern = next((one for one in rule["AllowedOrigins"] if _matches(one, origin)), None)
        names = [name.lower() for name in rule.get("AllowedHeaders", [])]
        if (
            origin
            and pattern
            and method in rule["AllowedMethods"]
            and all(any(_matches(name, header) for name in names) for header in wanted)
        ):
            headers = {
                "Access-Control-Allow-Origin": "*" if pattern == "*" else origin,
                "Access-Control-Allow-Methods": ", ".join(rule["AllowedMethods"]),
                "Access-Control-Expose-Headers": ", ".join(rule.get("ExposeHeaders", [])),
                "Access-Control-Max-Age": str(rule.get("MaxAgeSeconds", "")),
                "Vary": _VARY,
            }
            return {name: value for name, value in headers.items() if value}
    return None


def _matches(pattern: str, value: str) -> bool:
    """A pattern may hold one `*`."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value) is not None
