"""The names that the API answers by. Pure.

A page that a browser shows may have its own name lead to this machine (DNS rebinding); its requests then
carry that name, and are for somebody else.
"""

from __future__ import annotations

import re

_ADDRESS = r"127\.0\.0\.1|10\.97\.0\.\d{1,3}|169\.254\.169\.254"
_HOST = re.compile(rf"(localhost|{_ADDRESS}|([a-z0-9_-]+\.)*amazonaws\.com)\.?(:\d{{1,5}})?", re.IGNORECASE)


def is_own(host: str) -> bool:
    """Whether a Host header names the sandbox: loopback, its network, or AWS."""
    return _HOST.fullmatch(host) is not None
