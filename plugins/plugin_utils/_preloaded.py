# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have the preloaded interpreter's process run a program, from within Ansible.

``interpreter/python`` is what a shell would start. Its functions do the work here, and it stays what runs the
program where the process isn't there or refuses.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import types
from collections.abc import Mapping, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from ansible.release import __version__

OWN = str(Path(__file__).resolve().parents[2] / "interpreter" / "python")
BY_NAME = "# A module of the preloaded interpreter's: "
GRACE = 5  # seconds that a task has to end after a signal, as long as its client would wait for it
Done = tuple[int, bytes, bytes]


def run(
    interpreter: str,
    python: str,
    program: bytes,
    environment: Mapping[str, str],
    folder: str,
    *,
    words: Sequence[str] = (),
) -> Done | None:
    """Return a program's exit status, stdout and stderr; None where nothing was started.

    interpreter: the path of ``interpreter/python``; another interpreter is none of ours.
    python: the Python whose process is asked.
    program: goes to its stdin.
    words: come after the Python; those of ``by_name``, or none.
    """
    client = loaded(os.path.realpath(interpreter))
    if client is None or not client.is_on(environment):
        return None
    try:
        connection = client.connected(client.address(python, environment))
    except OSError:
        return None
    if connection is None:
        return None
    with contextlib.closing(connection):
        encoded = {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}
        return ask(client, connection, program, (python, list(words), encoded), folder)


class NotStarted(Exception):
    """The process isn't there, or can't run the module: it has to be sent."""


def in_memory(module: str, arguments: str) -> bytes:
    """Return what stands for a module of the collection's own, with its arguments as JSON: its name."""
    return f"{BY_NAME}{module}\n{arguments}".encode()


def taken_apart(data: bytes) -> tuple[list[str], bytes]:
    """Return the words and the stdin that a program is started with: itself, if it isn't a mere name."""
    if not data.startswith(BY_NAME.encode()):
        return [], data
    name, _end, arguments = data[len(BY_NAME) :].partition(b"\n")
    return ["--module", name.decode(), __version__], arguments


def is_there(python: str, environment: Mapping[str, str]) -> bool:
    """Whether there is a process that may be asked. It can still refuse."""
    client = loaded(OWN)
    try:
        return client.is_on(environment) and os.path.exists(client.address(python, environment))
    except OSError:
        return False


@functools.cache
def loaded(interpreter: str) -> Any:
    """Return the client's functions; None if this isn't it. The path is absolute, without links."""
    path = Path(interpreter)
    if path.name != "python" or not path.with_name("server.py").is_file():
        return None
    loader = SourceFileLoader("andamio_preloaded_client", interpreter)
    module = types.ModuleType(loader.name)
    module.__file__ = loader.path
    loader.exec_module(module)
    return module


def ask(
    client: Any,
    connection: socket.socket,
    program: bytes,
    start: tuple[str, list[str], dict[bytes, bytes]],
    folder: str,
) -> Done | None:
    """Hand a program over, and wait for its end. Its streams are in memory.

    start: the Python, the words after it, and the environment that the program is started with.
    """
    streams = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
    try:
        write(streams[0], program)
        try:
            client.ask(connection, *start, streams, folder)
            kind, child = client.answer(connection)
        except OSError:
            return None
        if kind != b"S":
            return None
        with passing_on(client, connection, child):
            kind, status = client.answer(connection)
        if kind != b"X":
            return 1, read(streams[1]), read(streams[2]) + client.ENDED.encode()
        ended = os.waitstatus_to_exitcode(status)
        return ended if ended >= 0 else 128 - ended, read(streams[1]), read(streams[2])
    finally:
        for stream in streams:
            os.close(stream)


class passing_on:
    """What ends Ansible ends the task first: it gets the signal, and some time."""

    def __init__(self, client: Any, connection: socket.socket, child: int) -> None:
        self._client, self._connection, self._child = client, connection, child
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._take)

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: types.FrameType | None) -> None:
        self.__exit__()
        try:
            os.killpg(self._child, number)
            self._connection.settimeout(GRACE)
            self._client.answer(self._connection)
        except OSError:
            pass
        os.kill(os.getpid(), number)


def write(stream: int, data: bytes) -> None:
    """Write all of it, and go back to its beginning."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(stream, rest) :]
    os.lseek(stream, 0, os.SEEK_SET)


def read(stream: int) -> bytes:
    """Return all of it."""
    return os.pread(stream, os.fstat(stream).st_size, 0)
