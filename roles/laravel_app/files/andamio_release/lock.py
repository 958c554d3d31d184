"""One run at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from andamio_release.errors import ReleaseError


class LockedError(ReleaseError):
    """Another run is under way; the message says whose."""


@contextmanager
def lock(path: Path, who: dict[str, str]) -> Iterator[int]:
    """Hold the lock; its file's descriptor, for a child that must not be outrun.

    The kernel lets go of it when the last process that holds it is gone, so no lock stays behind. A child
    that is given the descriptor holds it too: a migration that outlives its engine keeps others out.
    Raises LockedError while another run holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(busy(os.pread(descriptor, 65536, 0))) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({**who, "pid": str(os.getpid())}).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a run is under way."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def busy(content: bytes) -> str:
    """Who holds the lock, in words."""
    try:
        who = json.loads(content)
    except ValueError:
        who = {}
    what = " ".join(filter(None, [who.get("action", "run"), who.get("what", "")]))
    reason = f" ({who['reason']})" if who.get("reason") else ""
    return (
        f"another {what} is under way{reason}: by {who.get('owner', 'somebody')},"
        f" since {who.get('time', '?')}, process {who.get('pid', '?')}. Try again when it has ended."
    )
