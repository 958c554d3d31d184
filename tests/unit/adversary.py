"""Another user on the host, who owns a folder that root works in."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

NOBODY = 65534
AT_FDCWD, EXCHANGE = -100, 2


def theirs(root: Path, *names: str) -> Path:
    """Make a folder of that user's, with folders in it, where that user gets to; the folder."""
    for folder in (root, *root.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    made = root / "storage"
    for name in ("", *names):
        (made / name).mkdir(parents=True, exist_ok=True)
        os.chown(made / name, NOBODY, NOBODY)
    return made


def link(at: Path, target: Path) -> None:
    at.symlink_to(target)
    os.chown(at, NOBODY, NOBODY, follow_symlinks=False)


@contextlib.contextmanager
def exchanging(one: Path, other: Path) -> Iterator[None]:
    """That user exchanges two names without end, and opens the first for all: a thing to mend."""
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        while True:
            with contextlib.suppress(OSError):
                one.chmod(0o777)
            exchange(one, other)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class _Watch:
    """The one audit hook of the tests: Python has no way to remove one."""

    seen: Callable[[str, tuple[object, ...]], None] | None = None

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.seen and event.partition(".")[0] in ("open", "os", "shutil", "subprocess"):
            seen, self.seen = self.seen, None
            try:
                seen(event, arguments)
            finally:
                self.seen = seen


_watch = _Watch()
_installed: list[_Watch] = []


@contextlib.contextmanager
def watching(seen: Callable[[str, tuple[object, ...]], None]) -> Iterator[None]:
    """Have each operation on a path told, just before it is done."""
    if not _installed:
        sys.addaudithook(_watch)
        _installed.append(_watch)
    _watch.seen = seen
    try:
        yield
    finally:
        _watch.seen = None


def exchange(one: Path, other: Path) -> None:
    ctypes.CDLL(None).renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), EXCHANGE)
