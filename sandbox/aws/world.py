"""Tell the world that something may have changed."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path


def tell(path: Path, what: str) -> None:
    """Send a datagram to the world's socket. Nobody listening is fine: it looks by itself, too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
        sender.setblocking(False)
        sender.sendto(what.encode(), str(path))
