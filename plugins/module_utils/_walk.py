# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reach a path as root without being led elsewhere by whoever owns a folder on the way.

Each folder is opened by itself, never through a link that its owner could have put there, and what is done is
done by descriptor. A link is followed only where nobody but root could have made or exchanged it. The module
files uses this, and the release engine, as its walk.py.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO without a writer must not stop the reader.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LINKS_FOLLOWED = 40
_SHARED = stat.S_IWGRP | stat.S_IWOTH


class UnsafePathError(OSError):
    """A path that another user leads elsewhere, or that has something other than a regular file."""


@dataclass(frozen=True)
class Place:
    """Where a path's last name lies: a descriptor of its folder, good until the place is left.

    fixed: nobody but root (and the user who runs this) can exchange the folder, one above it, or what is
    root's in it.
    """

    path: str
    folder: int
    name: str
    fixed: bool

    def status(self) -> os.stat_result:
        """What is there; a link's own status. Raises OSError."""
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)

    def alone(self) -> bool:
        """Whether nobody but root can exchange what is there."""
        return self.fixed and _keeps(os.fstat(self.folder), self.status().st_uid)


@contextmanager
def place(path: str, *, make: bool = False) -> Iterator[Place]:
    """Walk to the folder of an absolute path. ``make`` makes the folders that are missing.

    Raises UnsafePathError for a link that another user could have made, and OSError.
    """
    *above, name = path.split("/")[1:]
    walk = _Walk(path)
    try:
        walk.go(above, make=make)
        yield Place(path, walk.folders[-1], name, walk.is_fixed())
    finally:
        walk.close()


def open_file(at: Place) -> int:
    """Return a descriptor of a regular file to read. Raises UnsafePathError when it is none, and OSError."""
    if not stat.S_ISREG(at.status().st_mode):
        raise UnsafePathError(f"{at.path} is no regular file")
    try:
        descriptor = os.open(at.name, _FILE, dir_fd=at.folder)
    except OSError as error:
        raise _named(error, at.path) from error
    # Another one may have taken its place meanwhile.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnsafePathError(f"{at.path} is no regular file")
    return descriptor


def open_folder(at: Place) -> int:
    """Return a descriptor of a folder. Raises UnsafePathError when it is none, and OSError."""
    try:
        return os.open(at.name, _FOLDER, dir_fd=at.folder)
    except OSError as error:
        raise _named(error, at.path) from error


def read(path: str, most: int) -> bytes:
    """Return a regular file's content. Raises UnsafePathError when it has more than ``most`` bytes."""
    with place(path) as at, os.fdopen(open_file(at), "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise UnsafePathError(f"{path} has more than {most} bytes")
    return content


def tail(path: str, since: int, most: int) -> bytes:
    """Return what a regular file has from byte ``since`` on, its last ``most`` bytes at most."""
    with place(path) as at, os.fdopen(open_file(at), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        # A file that is shorter than it was has been begun anew.
        file.seek(max(since if since <= size else 0, size - most))
        return file.read(most)


class _Walk:
    """The folders of a path that are open, from the root on, and whether each of them is fixed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folders = [os.open("/", _FOLDER)]
        self.fixed = [True]

    def close(self) -> None:
        for descriptor in self.folders:
            os.close(descriptor)

    def go(self, parts: list[str], *, make: bool) -> None:
        """Walk on through the parts of a path. Raises UnsafePathError and OSError."""
        ahead, followed = parts[::-1], 0
        while ahead:
            part = ahead.pop()
            if part == "..":
                self._cut(max(len(self.folders) - 1, 1))
            elif part not in ("", "."):
                target = self._step(part, make=make)
                followed += bool(target)
                if followed > _LINKS_FOLLOWED:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self.path)
                if target.startswith("/"):
                    self._cut(1)
                ahead += target.split("/")[::-1]

    def is_fixed(self) -> bool:
        """Return whether what is root's where the walk has come to stays there."""
        here = os.fstat(self.folders[-1])
        return self.fixed[-1] and _keeps(here, 0)

    def _step(self, part: str, *, make: bool) -> str:
        """Enter a folder; of a link, return the target instead."""
        here = self.folders[-1]
        try:
            try:
                status = os.stat(part, dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:
                if not make:
                    raise
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=here)
                status = os.stat(part, dir_fd=here, follow_symlinks=False)
            fixed = self.fixed[-1] and _keeps(os.fstat(here), status.st_uid)
            if stat.S_ISLNK(status.st_mode):
                if not fixed:
                    raise UnsafePathError(
                        f"{self.path}: {part} is a link that another user may have made: remove it"
                    )
                return os.readlink(part, dir_fd=here)
            self.folders.append(os.open(part, _FOLDER, dir_fd=here))
        except UnsafePathError:
            raise
        except OSError as error:
            raise _named(error, self.path) from error
        self.fixed.append(fixed)
        return ""

    def _cut(self, count: int) -> None:
        while len(self.folders) > count:
            os.close(self.folders.pop())
            self.fixed.pop()


def _keeps(folder: os.stat_result, owner: int) -> bool:
    """Return whether what an owner has in a folder stays there, but for root and who runs this."""
    own = (0, os.geteuid())
    sticky = bool(folder.st_mode & stat.S_ISVTX) and owner in own
    return folder.st_uid in own and (not folder.st_mode & _SHARED or sticky)


def _named(error: OSError, path: str) -> OSError:
    """Return an error with the whole path in it."""
    if error.errno == errno.ELOOP:
        return UnsafePathError(f"{path} is a link")
    return OSError(error.errno, error.strerror, path)
