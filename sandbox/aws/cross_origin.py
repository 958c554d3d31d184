"""Answer browsers' preflight requests, and tell them which origins may read an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.backends import get_backend

from sandbox.aws import cors
from sandbox.aws.errors import Answer, AwsError, render
from sandbox.aws.s3_address import bucket_of_host


def preflight(environ: Mapping[str, Any], account: str) -> Answer:
    found = cors.preflight(
        _rules(environ, account),
        environ.get("HTTP_ORIGIN", ""),
        environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", ""),
        environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", ""),
    )
    if found is None:
        refused = AwsError("AccessForbidden", "CORSResponse: This CORS request is not allowed.", 403)
        return render(refused, None)
    return 200, found, b""


def with_headers(answer: Answer, environ: Mapping[str, Any], account: str) -> Answer:
    """Return the answer with the bucket's CORS headers, in place of moto's (which let everybody read)."""
    status, headers, body = answer
    own = {name: value for name, value in headers.items() if not name.lower().startswith("access-control-")}
    rules = _rules(environ, account)
    return status, own | cors.answer_headers(rules, environ["HTTP_ORIGIN"], environ["REQUEST_METHOD"]), body


def _rules(environ: Mapping[str, Any], account: str) -> list[Any]:
    in_path = environ["PATH_INFO"].lstrip("/").split("/", 1)[0]
    name = bucket_of_host(environ.get("HTTP_HOST", "")) or in_path
    bucket = get_backend("s3")[account]["aws"].buckets.get(name)
    return getattr(bucket, "cors_rules", None) or []
