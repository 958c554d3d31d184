"""Where a request came from. The edge says so in headers, which nobody else is believed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sandbox.aws.call import Environ


@dataclass(frozen=True)
class Origin:
    """A client's address, whether it spoke TLS, and whether its X-Andamio headers count."""

    address: str
    secure: bool
    trusted: bool


def origin_of(environ: Environ, edges: Collection[str]) -> Origin:
    """Read the edge's headers. A client on this machine that came without it counts as secure."""
    peer = str(environ.get("REMOTE_ADDR", ""))
    if peer not in edges:
        return Origin(peer, secure=True, trusted=False)
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", peer)
    address = forwarded.split(",")[-1].strip()
    return Origin(address, environ.get("HTTP_X_FORWARDED_PROTO", "https") == "https", trusted=True)
