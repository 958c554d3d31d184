# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One task, in a process of its own: it takes on what the client has, and runs what the client was given.

What that is, the server's memory knows (modules.py, playbook.py).
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import io
import marshal
import os
import resource
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn, Protocol

from . import payload

SECONDS = 10  # for a client to say what it wants
# Of /proc/<pid>/status: what a fork of the server can't take on must be the same for both.
SAME = frozenset(
    {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"}
    | {"Cpus_allowed", "Mems_allowed", "SigBlk"}
)
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
LIMITS = sorted({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")})
ENDING = signal.SIGUSR2  # from a task that has said how it ends
# All but those that can't be ignored, and those that Python ignores.
CATCHABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ}


class Memory(Protocol):
    """What a server has in memory, for the tasks that it forks."""

    path: list[str]

    def step(self) -> bool:
        """Put one more thing there, if one is left."""

    def is_current(self) -> bool:
        """Whether a new process would read the same files."""

    def suits(self, request: Request) -> bool:
        """Whether the client's own process would have the same in memory."""

    def ready(self) -> list[int]:
        """Take up what tasks have told, before one is forked; return the files that it keeps open."""

    def warm_up(self) -> None:
        """Do, in a process that waits for its task, what it will do then."""

    def execute(self, request: Request) -> int:
        """Run what was asked for, and return its exit status."""


class Refused(Exception):
    """Nothing has started: the client may run it itself."""


@dataclass(frozen=True)
class Request:
    """What a client asks for."""

    python: str
    arguments: list[str]
    environment: dict[str, str]
    umask: int
    client: int
    descriptors: list[int]  # stdin, stdout, stderr and the working directory


def peer(connection: socket.socket) -> tuple[int, int]:
    """Return the process and the user at the other end."""
    pid, uid, _gid = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    return pid, uid


def wait(
    channel: socket.socket,
    memory: Memory,
    kept: list[int],
    warm_up: Callable[[], object],
    tell: Callable[[int], object],
) -> NoReturn:
    """Serve one client, when it comes. This is the child: it never returns to the server's loop.

    channel: brings the connection to the client; at its end there is none to come.
    kept: the server's files that are the task's as well.
    warm_up: is done before.
    tell: takes the exit status just before this process ends by itself.
    """
    try:
        forget_server(keep=[channel.fileno(), *kept])
        os.setsid()
        with contextlib.suppress(Exception):  # without it, the task takes longer
            warm_up()
        _word, descriptors, _flags, _address = socket.recv_fds(channel, 1, 1)
        channel.close()
        if descriptors:
            run(socket.socket(fileno=descriptors[0]), memory, tell)
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def run(connection: socket.socket, memory: Memory, tell: Callable[[int], object]) -> NoReturn:
    """Serve this client."""
    try:
        try:
            request = received(connection)
            check(request, memory)
            take_on(request)
        except (Refused, OSError, ValueError, TypeError) as refusal:
            connection.sendall(b"R" + bytes(4))
            os.kill(os.getppid(), signal.SIGUSR1)
            raise SystemExit from refusal
        connection.sendall(b"S" + os.getpid().to_bytes(4, "big"))
        connection.close()
        status = memory.execute(request)
        tell(status)
        os._exit(status)
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def forget_server(keep: list[int]) -> None:
    """Let go of the server's signals and files."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1, ENDING, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    for number in CATCHABLE:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for after, before in pairwise([2, *sorted(keep), 65536]):
        os.closerange(after + 1, before)


def received(connection: socket.socket) -> Request:
    """Read the request and its descriptors. Raises EOFError where it isn't whole: nobody waits any more."""
    connection.settimeout(SECONDS)
    head, descriptors, _flags, _address = socket.recv_fds(connection, 4, 4)
    if len(head) != 4 or len(descriptors) != 4:
        raise EOFError
    data = exactly(connection, int.from_bytes(head, "big"))
    connection.settimeout(None)
    python, arguments, environment, umask = marshal.loads(data)  # noqa: S302 - it is this user's own process
    decoded = {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
    return Request(python, arguments, decoded, umask, peer(connection)[0], descriptors)


def exactly(connection: socket.socket, size: int) -> bytes:
    """Read so many bytes. Raises EOFError when there are fewer."""
    data = bytearray()
    while len(data) < size:
        more = connection.recv(min(size - len(data), 1 << 16))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def check(request: Request, memory: Memory) -> None:
    """Raise Refused where this process can't be what the client's own would be."""
    if os.path.dirname(request.python) != os.path.dirname(sys.executable):
        raise Refused
    if not memory.suits(request) or status(request.client) != status(os.getpid()):
        raise Refused
    for name in NAMESPACES:
        if os.readlink(f"/proc/{request.client}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"):
            raise Refused


def status(pid: int) -> list[str]:
    """Return the lines of a process's status that have to be the same."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="surrogateescape") as file:
        return [line for line in file if line.partition(":")[0] in SAME]


def take_on(request: Request) -> None:
    """Take on the client's limits, priority, ignored signals, streams, folder, umask and environment.

    Raises OSError or ValueError where one can't be.
    """
    for limit in LIMITS:
        theirs = resource.prlimit(request.client, limit)
        if theirs != resource.getrlimit(limit):
            resource.setrlimit(limit, theirs)
    nice = os.getpriority(os.PRIO_PROCESS, request.client)
    if nice != os.getpriority(os.PRIO_PROCESS, 0):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    with open(f"/proc/{request.client}/status", encoding="utf-8", errors="surrogateescape") as file:
        ignored = int(next(line for line in file if line.startswith("SigIgn:")).split()[1], 16)
    for number in CATCHABLE:
        if ignored >> (number - 1) & 1:
            signal.signal(number, signal.SIG_IGN)
    *streams, folder = request.descriptors
    os.fchdir(folder)
    os.close(folder)
    for target, descriptor in enumerate(streams):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.umask(request.umask)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()


def ended(run: Callable[[], object]) -> int:
    """Run it, and return the exit status that an interpreter ends with."""
    try:
        run()
        code: Any = None
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        for _own in ("this function", "its argument"):
            error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
        if isinstance(error, KeyboardInterrupt):
            finish()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    return finish() or (code or 0) & 0xFF


def finish() -> int:
    """End as an interpreter does: threads, what was registered, streams. Returns 120 if a stream is stuck."""
    # An interpreter's own last calls; typeshed doesn't list the first.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    status = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except (OSError, ValueError) as error:
            status = 120
            if stream is sys.stdout:
                print(f"Exception ignored in: {stream!r}\n{type(error).__name__}: {error}", file=sys.stderr)
    return status


def fresh(name: str, request: Request, memory: Memory) -> types.ModuleType:
    """Put sys as a new interpreter has it, and return its __main__."""
    unbuffered = bool(request.environment.get("PYTHONUNBUFFERED"))
    sys.argv = request.arguments or [""]
    sys.orig_argv = [request.python, *request.arguments]
    sys.executable = request.python
    sys.path[:] = [os.path.dirname(os.path.realpath(name)) if request.arguments else "", *memory.path]
    sys.dont_write_bytecode = bool(request.environment.get("PYTHONDONTWRITEBYTECODE"))
    # typeshed has the originals as final; these are the originals of this task.
    sys.stdin = sys.__stdin__ = stream(0, sys.stdin, unbuffered)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = stream(1, sys.stdout, unbuffered)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = stream(2, sys.stderr, unbuffered)  # type: ignore[misc]
    tempfile.tempdir = None
    main = types.ModuleType("__main__")
    vars(main).update(__builtins__=builtins, __annotations__={}, __file__=name, __cached__=None)
    sys.modules["__main__"] = main
    gc.enable()
    return main


def forget_own() -> None:
    """Have this package unknown to the task: it may have one of that name."""
    for own in [module for module in sys.modules if module.split(".")[0] == __name__.split(".")[0]]:
        payload.forget(own)


def stream(number: int, like: Any, unbuffered: bool) -> io.TextIOWrapper:
    """Return a standard stream as an interpreter makes it; its encoding is the one this one started with."""
    raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
    buffer: Any = io.BufferedReader(raw) if number == 0 else raw if unbuffered else io.BufferedWriter(raw)
    made = io.TextIOWrapper(
        buffer,
        encoding=like.encoding,
        errors=like.errors,
        newline=None if number == 0 else "\n",
        line_buffering=not unbuffered and (number == 2 or raw.isatty()),
        write_through=unbuffered,
    )
    # As an interpreter has them; typeshed knows them as properties.
    raw.name = f"<{('stdin', 'stdout', 'stderr')[number]}>"
    made.mode = "r" if number == 0 else "w"  # type: ignore[misc]
    return made
