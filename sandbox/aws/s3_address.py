"""Where a bucket's name is in an S3 address. Pure."""

from __future__ import annotations

import re

_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3(?:[.-](?:dualstack[.-])?[a-z0-9-]+)?\.amazonaws\.com", re.IGNORECASE
)


def bucket_of_host(host: str) -> str | None:
    """Return the bucket that a virtual-hosted-style host name speaks of, None for any other host."""
    match = _VIRTUAL_HOST.fullmatch(host.rsplit(":", 1)[0])
    return match["bucket"].lower() if match else None
