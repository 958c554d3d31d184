# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What runs modules on a host: one process for a run of Ansible, which forks for each of its tasks.

It is sent to the host's Python over SSH, and never written to its disk. It needs Python 3.9 and nothing
else. Frames come through stdin and go through stdout: a letter, the task's number and the size of what
follows, as HEAD says. "R" runs a program, "K" ends one. "H" says hello; "O", "E" and "X" are a program's
output, errors and status; "N" says that it wasn't started. At the end of stdin all tasks end.

docs/interpreter.md says what a task can see of it.
"""

from __future__ import annotations

import atexit
import builtins
import ctypes
import gc
import importlib
import io
import os
import select
import signal
import struct
import sys
import tempfile
import threading
import time
import types
from contextlib import suppress
from typing import Any, NoReturn

HEAD = struct.Struct(">cII")
CHUNK = 1 << 20
GRACE = 3  # seconds that a task has to end, once it is told to
DIES_WITH_PARENT = 1  # Linux's PR_SET_PDEATHSIG
# What decides how a session begins, whom it may become and what it may do: with another, this process is old.
SESSION = (
    *(
        "/etc/passwd",
        "/etc/group",
        "/etc/environment",
        "/etc/default/locale",
        "/etc/sudoers",
        "/etc/sudoers.d",
    ),
    *("/etc/security/limits.conf", "/etc/security/limits.d", "/etc/pam.d", "/etc/ld.so.cache"),
)


class Host:
    """One loop: read frames, fork, tell how tasks have ended, and learn while there is nothing to do."""

    def __init__(self, memory: Any, token: bytes) -> None:
        if sys.platform != "linux":
            sys.exit()  # before it says hello, so that nothing is handed over
        self._memory = memory
        self._path = [
            "",
            *sys.path,
        ]  # what this is started with leaves the first out: nothing here is from there
        self._buffer = bytearray()
        self._tasks: dict[int, tuple[int, int, int]] = {}  # by process: number, stdout, stderr
        self._told: dict[int, float] = {}  # by process: when it was told to end
        self._libc = ctypes.CDLL(None)
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._leave())
        self._was = self._fingerprints()
        self._is_old = False
        # Whatever a channel might do to a byte is seen in these.
        send(b"H", 0, token + bytes(range(256)))

    def serve(self) -> None:
        """Serve until the end of stdin."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            learns = not self._tasks and self._memory.is_learning
            wait = 0 if learns else GRACE * 1000 if self._told else None
            ready = [descriptor for descriptor, _event in poll.poll(wait)]
            if self._wake in ready:
                with suppress(BlockingIOError):
                    os.read(self._wake, 4096)
                self._reap()
            self._end_the_slow()
            if 0 in ready:
                data = os.read(0, CHUNK)
                if not data:
                    self._leave()
                self._buffer += data
                self._take()
            elif not ready and learns:
                self._memory.learn()
                self._was.update(
                    {path: now for path, now in self._fingerprints().items() if path not in self._was}
                )

    def _take(self) -> None:
        """Do what the frames say that are there as a whole."""
        while len(self._buffer) >= HEAD.size:
            kind, number, size = HEAD.unpack_from(self._buffer)
            end = HEAD.size + size
            if len(self._buffer) < end:
                return
            data = bytes(memoryview(self._buffer)[HEAD.size : end])
            del self._buffer[:end]
            if kind == b"R":
                self._run(number, data)
            elif kind == b"K":
                for pid in [pid for pid, task in self._tasks.items() if task[0] == number]:
                    self._told[pid] = time.monotonic()
                    interrupt(pid)

    def _run(self, number: int, data: bytes) -> None:
        environment, program, payload = self._memory.request(data)
        self._is_old = self._is_old or any(fingerprint(path) != was for path, was in self._was.items())
        if payload is None or self._is_old:
            send(b"N", number)
            return
        streams = [os.memfd_create(name) for name in ("stdout", "stderr")]
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_task(parent, streams, environment, program, payload)
        self._tasks[pid] = number, streams[0], streams[1]

    def _become_task(
        self, parent: int, streams: list[int], environment: dict[str, str], program: bytes, payload: Any
    ) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            self._libc.prctl(DIES_WITH_PARENT, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            null = os.open(os.devnull, os.O_RDONLY)
            for target, descriptor in enumerate((null, *streams)):
                os.dup2(descriptor, target)
            os.closerange(3, max(null, *streams, *(task[2] for task in self._tasks.values())) + 1)
            os.environ.update(environment)
            time.tzset()
            self._memory.lend(payload)
            status = execute(program, self._path)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _reap(self) -> None:
        """Send what ended tasks have said."""
        while self._tasks:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if pid not in self._tasks:
                continue
            number, *streams = self._tasks.pop(pid)
            if self._told.pop(pid, None) is not None:
                end_rest(pid)
            for kind, stream in ((b"O", streams[0]), (b"E", streams[1])):
                for start in range(0, os.fstat(stream).st_size, CHUNK):
                    send(kind, number, os.pread(stream, CHUNK, start))
                os.close(stream)
            ended = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            send(b"X", number, ended.to_bytes(4, "big"))

    def _end_the_slow(self) -> None:
        for pid, since in self._told.items():
            if time.monotonic() > since + GRACE:
                kill(pid, signal.SIGKILL)

    def _leave(self) -> NoReturn:
        """End, and all tasks before."""
        signal.set_wakeup_fd(-1)
        for pid in self._tasks:
            interrupt(pid)
        end = time.monotonic() + GRACE
        while self._tasks and time.monotonic() < end:
            for pid in [pid for pid in self._tasks if os.waitpid(pid, os.WNOHANG)[0]]:
                end_rest(pid)
                del self._tasks[pid]
            time.sleep(0.01)
        for pid in self._tasks:
            kill(pid, signal.SIGKILL)
        os._exit(0)

    def _fingerprints(self) -> dict[str, Any]:
        """Return what changes with each file that this process was made from."""
        files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        paths = {sys.executable, *SESSION, *self._path[1:], *filter(None, files)}
        return {path: fingerprint(path) for path in paths if not path.startswith("/dev/null/")}


def interrupt(pid: int) -> None:
    """Have a task end as Ctrl-C ends one: it takes what it has unpacked along."""
    with suppress(OSError):
        os.kill(pid, signal.SIGINT)


def end_rest(pid: int) -> None:
    """End what a task has started, and left behind."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def kill(pid: int, number: int) -> None:
    """Signal a task and what it has started; one that hasn't a group of its own yet is alone."""
    for end in (os.killpg, os.kill):
        with suppress(OSError):
            end(pid, number)
            return


def fingerprint(path: str) -> tuple[int, int, int] | None:
    """Return what changes with a file: its time, size and place; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def send(kind: bytes, number: int, data: bytes = b"") -> None:
    """Write a frame. Where nobody reads any more, stdin is at its end, too."""
    rest = memoryview(HEAD.pack(kind, number, len(data)) + data)
    with suppress(OSError):
        while rest:
            rest = rest[os.write(1, rest) :]


def execute(program: bytes, path: list[str]) -> int:
    """Run a program as a Python does that reads it from stdin, and return its exit status."""
    main = fresh(path)
    code: Any = None
    try:
        exec(compile(program, "<stdin>", "exec", dont_inherit=True), main.__dict__)  # noqa: S102 - the task
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    # An interpreter's own last calls; typeshed doesn't list the first.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    stuck = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except (OSError, ValueError) as error:
            stuck = 120
            if stream is sys.stdout:
                print(f"Exception ignored in: {stream!r}\n{type(error).__name__}: {error}", file=sys.stderr)
    return stuck or (code or 0) & 0xFF


def fresh(path: list[str]) -> types.ModuleType:
    """Put sys as a new Python has it, and return its __main__."""
    sys.argv = [""]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = sys.orig_argv[:1]
    sys.path[:] = path
    # typeshed has the originals as final; these are the originals of this task.
    sys.stdin = sys.__stdin__ = stream(0, sys.stdin)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = stream(1, sys.stdout)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = stream(2, sys.stderr)  # type: ignore[misc]
    tempfile.tempdir = None
    importlib.invalidate_caches()
    main = types.ModuleType("__main__")
    vars(main).update(__builtins__=builtins, __annotations__={}, __file__="<stdin>", __cached__=None)
    for name in {"__main__", "__mp_main__"} & {*sys.modules}:
        sys.modules[name] = main
    if "platform" in sys.modules:
        # It has asked for the host's name by now, which an earlier task may have changed.
        vars(sys.modules["platform"]).update(_uname_cache=None, _platform_cache={}, _os_release_cache=None)
    gc.enable()
    return main


def stream(number: int, like: Any) -> io.TextIOWrapper:
    """Return a standard stream as a Python makes it that isn't at a terminal."""
    raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    buffer: Any = io.BufferedReader(raw) if number == 0 else raw if unbuffered else io.BufferedWriter(raw)
    made = io.TextIOWrapper(
        buffer,
        encoding=like.encoding,
        errors=like.errors,
        newline=None if number == 0 else "\n",
        line_buffering=number == 2 and not unbuffered,
        write_through=unbuffered,
    )
    # As an interpreter has them; typeshed knows them as properties.
    raw.name = f"<{('stdin', 'stdout', 'stderr')[number]}>"
    made.mode = "r" if number == 0 else "w"  # type: ignore[misc]
    return made
