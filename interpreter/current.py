# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a server has read, and whether a new process would read the same."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

# Read anew for each task, so that they may differ from the server's.
FRESH = frozenset(
    {"TZ", "PATH", "TMPDIR", "TEMP", "TMP", "COLUMNS", "LINES", "TERM", "USER", "LOGNAME", "LANGUAGE"}
)
# Whatever a server reads, these decide how an interpreter starts. The last two are put right for each task.
STARTUP = ("LC_ALL", "LC_CTYPE", "LANG", "HOME")
SETTABLE = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"})


class Current:
    """The files and the environment that what is in memory was made from."""

    def __init__(self) -> None:
        self.path = list(sys.path)
        self._stats: dict[str, tuple[int, int, int] | None] = {}
        self._variables: dict[str, str | None] = {}
        self.note(sys.executable, f"{sys.prefix}/pyvenv.cfg", *self.path)

    def note(self, *paths: str) -> None:
        """Remember how files and folders are, unless they are known."""
        for path in paths:
            if path not in self._stats:
                self._stats[path] = fingerprint(path)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Note the variables of the environment that are read meanwhile."""
        with reads() as seen:
            yield
        self._variables |= {name: os.environ.get(name) for name in {*STARTUP, *seen} - FRESH}

    def is_current(self) -> bool:
        """Whether every file that was read is as it was."""
        return all(fingerprint(path) == was for path, was in self._stats.items())

    def started_alike(self, environment: dict[str, str]) -> bool:
        """Whether an interpreter with this environment would have started, and read, the same."""
        python = {name for name in (*environment, *os.environ) if name.startswith("PYTHON")} - SETTABLE
        return all(environment.get(name) == os.environ.get(name) for name in {*self._variables, *python})


@contextlib.contextmanager
def reads() -> Iterator[set[str]]:
    """Note the names of the environment's variables that are read meanwhile."""
    seen: set[str] = set()
    kind = type(os.environ)
    read = kind.__getitem__

    def noting(environ: Any, name: Any) -> Any:
        seen.add(name)
        return read(environ, name)

    # Nothing tells of a read, so the method itself is replaced meanwhile: what mypy takes for a mistake.
    kind.__getitem__ = noting  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        kind.__getitem__ = read  # type: ignore[method-assign]


def fingerprint(path: str) -> tuple[int, int, int] | None:
    """Return what changes with a file: its time, size and place; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
