# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have one process on a host run a run's modules: the side of the task that waits for it.

interpreter/keeper.py keeps that process, and interpreter/host.py is what runs there.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import multiprocessing
import os
import secrets
import shlex
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "interpreter"
HEAD = struct.Struct(">cII")  # as host.py's
CHUNK = 1 << 20
AGAIN = 60  # seconds after which a process is started again where it has failed to start
# What decides how a Python starts: a process that has started can't take it on.
STARTUP = ("PYTHON", "LC_", "LD_", "LANG", "HOME", "GCONV_PATH", "LOCPATH")
# Joins the two files to one program. The rest of sys.path is a Python's own; the first would be the folder.
JOINED = """import sys, types
del sys.path[0]
made = []
for name, source in {sources!r}:
    made.append(types.ModuleType(name))
    exec(compile(source, name, "exec"), vars(made[-1]))
made[1].Host(made[0].Memory(), {token!r}).serve()
"""
Done = tuple[int, bytes, bytes]


class Broken(Exception):
    """A program was handed over, and nothing was heard of it: it may have run, or not."""


@dataclass(frozen=True)
class Command:
    """A shell's command that runs a Python with a program on its stdin, taken apart."""

    shell: str
    before: str | None  # what becomes another user, and runs a shell with the rest
    success: str  # what that shell says first
    environment: Mapping[str, str]
    python: str

    def python_with(self, words: str) -> str:
        """Return the same command with words for the Python, without the environment."""
        inner = f"{self.python} {words}"
        if self.before is not None:
            inner = self.before + shlex.quote(f"{self.success}{inner}")
        return f"{self.shell} -c {shlex.quote(inner)}"


def taken_apart(command: str, success: str) -> Command | None:
    """Take apart what Ansible runs a module with; None where there is anything else in it.

    success: what the command says once it has become another user; empty where it doesn't.

    That nothing else is in it is known by putting it together again.
    """
    try:
        shell, flag, inner = shlex.split(command)
        before, said = None, ""
        if success:
            *_words, last = shlex.split(inner)
            before, said = inner.removesuffix(shlex.quote(last)), f"echo {success} ; "
            if before == inner or not last.startswith(said):
                return None
            inner = last.removeprefix(said)
        *words, python = shlex.split(inner)
    except ValueError:
        return None
    environment = {name: value for name, _equals, value in (word.partition("=") for word in words)}
    parts = Command(shell, before, said, environment, python)
    given = "".join(f"{name}={shlex.quote(value)} " for name, value in environment.items())
    again = given + python
    if before is not None:
        again = before + shlex.quote(said + again)
    if flag != "-c" or command != f"{shell} -c {shlex.quote(again)}" or shlex.quote(python) != python:
        return None
    if not os.path.isabs(python) or not all(name.isidentifier() for name in environment):
        return None
    return None if any(name.startswith(STARTUP) for name in environment) else parts


@dataclass(frozen=True)
class Process:
    """The process on a host for one user and one Python, by way of its keeper's socket."""

    folder: str  # the run's own
    host: str  # what ssh is told of the host, as one word
    command: Command

    @property
    def path(self) -> str:
        """The keeper's socket. One host's begin with the same letters."""
        command = self.command
        return (
            f"{prefix(self.folder, self.host)}{digest(command.shell, command.before or '', command.python)}"
        )

    def run(self, program: bytes, seconds: float) -> Done | None:
        """Return a program's exit status, stdout and stderr; None where it wasn't started.

        seconds: the longest that the process may take to start.

        Raises Broken.
        """
        connection = connected(self.path)
        if connection is None:
            return None
        with connection:
            try:
                connection.settimeout(seconds)
                if answer(connection)[0] != b"H":
                    return None
                connection.settimeout(None)
                environment = json.dumps(dict(self.command.environment)).encode()
                size = 4 + len(environment) + len(program)
                connection.sendall(HEAD.pack(b"R", 0, size) + len(environment).to_bytes(4, "big"))
                connection.sendall(environment + program)
            except OSError:
                return None  # the keeper passes on nothing that isn't whole
            return heard(connection)

    def start(self, build: Callable[[str], list[bytes]], seconds: float) -> None:
        """Start a keeper, unless there is one, or one has failed a short while ago.

        build: makes ssh's command of the host's.
        seconds: the longest that the process may take to start.
        """
        with contextlib.suppress(OSError), locked(f"{self.path}.lock") as lock:
            connection = connected(self.path)
            if connection is not None:
                connection.close()
                return
            if os.fstat(lock).st_size and time.time() - os.fstat(lock).st_mtime < AGAIN:
                return
            token = secrets.token_hex(16)
            source = zlib.compress(source_of(token), 9)
            start = {
                "command": [os.fsdecode(word) for word in build(self.command.python_with(words(source)))],
                "source": base64.b64encode(source).decode(),
                "token": token,
                "seconds": seconds,
                "parent": run_process(),
                "path": self.path,
            }
            launch(self.path, json.dumps(start).encode())


def is_on(environment: Mapping[str, str]) -> bool:
    """Whether there may be a process at all."""
    off = {"0", "no", "off", "false"}
    return sys.platform == "linux" and environment.get("ANDAMIO_PRELOAD", "").lower() not in off


def is_payload(program: bytes) -> bool:
    """Whether a program is a module as Ansible sends it, and nobody traces or debugs it."""
    return b"\n_ANSIBALLZ_WRAPPER = True\n" in program and b"\nextensions={},\n" in program


def stop(folder: str, host: str) -> None:
    """Have all processes on a host end, after their tasks."""
    before = prefix(folder, host)
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            connection = connected(entry.path) if entry.path.startswith(before) else None
            if connection is not None:
                with connection:
                    connection.sendall(HEAD.pack(b"Q", 0, 0))


def prefix(folder: str, host: str) -> str:
    return f"{folder}/h{digest(host)}"


def digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode(errors="surrogateescape")).hexdigest()[:12]


def run_process() -> int:
    """The process of the run of Ansible: this one, or the one that has started it for a task."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


def source_of(token: str) -> bytes:
    """The program for a host's Python."""
    files = ("host_memory.py", "host.py")
    sources = [(name, (SOURCES / name).read_text(encoding="utf-8")) for name in files]
    return JOINED.format(sources=sources, token=token.encode()).encode()


def words(source: bytes) -> str:
    """The words for a Python that has it read a compressed program from its stdin, and run that."""
    size = len(source)
    read = f"[d.extend(os.read(0,{size}-len(d))or sys.exit())for x in iter(lambda:len(d)<{size},0)]"
    return "-c " + shlex.quote(f"import os,sys,zlib;d=bytearray();{read};exec(zlib.decompress(d))")


def connected(path: str) -> socket.socket | None:
    """Return a connection to a keeper of this user's, or None where nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with short(path) as name:
            connection.connect(name)
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        connection.close()
        return None
    if struct.unpack("3i", peer)[1] != os.geteuid():
        connection.close()
        return None
    return connection


@contextlib.contextmanager
def short(path: str) -> Iterator[str]:
    """Yield a name for a socket that is as short as it has to be, however deep its folder is."""
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    finally:
        os.close(folder)


@contextlib.contextmanager
def locked(path: str) -> Iterator[int]:
    """Yield a file that no other process has by this function. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def launch(path: str, start: bytes) -> None:
    """Start a keeper that listens there. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.umask(0o177)
        try:
            with short(path) as name:
                listener.bind(name)
        finally:
            os.umask(before)
        listener.listen(128)
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SOURCES / "keeper.py"), str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        if keeper.stdin is not None:
            with keeper.stdin:
                keeper.stdin.write(start)


def heard(connection: socket.socket) -> Done | None:
    """Wait for a program's end. None is for one that wasn't started. Raises Broken."""
    said = {b"O": bytearray(), b"E": bytearray()}
    while True:
        try:
            kind, data = answer(connection)
        except OSError as error:
            raise Broken from error
        if kind == b"X":
            return int.from_bytes(data, "big"), bytes(said[b"O"]), bytes(said[b"E"])
        if kind == b"N":
            return None
        said[kind] += data


def answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return the next frame's kind and data. Raises OSError at the end."""
    kind, _number, size = HEAD.unpack(exactly(connection, HEAD.size))
    return kind, exactly(connection, size)


def exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = connection.recv(min(size - len(data), CHUNK))
        if not more:
            raise ConnectionResetError
        data += more
    return bytes(data)
