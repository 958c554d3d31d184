# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The process that has boto3, or Ansible, in memory and forks for each task. Its client starts it.

python interpreter/server.py SOCKET            serve modules (client: ``python``); descriptor 3 listens there
python interpreter/server.py SOCKET playbook   serve runs of playbooks (client: ``ansible-playbook``)
python interpreter/server.py stop              stop this user's servers of this Python; each ends with its
                                               last task
"""

from __future__ import annotations

import contextlib
import functools
import gc
import mmap
import os
import select
import signal
import socket
import sys
import time
import types
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader

if __name__ == "__main__":
    # Beside this file nothing must be found by another name than the package's.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

from interpreter import modules, playbook, task

LISTENER = 3
KINDS: dict[str, Callable[[], task.Memory]] = {"": modules.Modules, "playbook": playbook.Playbooks}
IDLE = float(os.environ.get("ANDAMIO_PRELOAD_IDLE") or 600)  # seconds
TICK = min(2.0, IDLE / 4)  # seconds between looks at whether the socket is still there


class Server:
    """One loop, no thread: accept and fork, tell clients how their tasks have ended, preload in between.

    Once all is in memory, the next task's process is forked while no task waits for it.
    """

    def __init__(self, path: str, listener: socket.socket, make: Callable[[], task.Memory]) -> None:
        self._path = path
        self._inode = os.stat(path).st_ino
        self._listener: socket.socket | None = listener
        self._tasks: dict[int, Task] = {}
        self._spare: Spare | None = None
        self._spares = True  # whether there is to be one; not again before the next task, where one has ended
        self._ends = Ends()
        self._poll = select.poll()
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, task.ENDING):
            signal.signal(number, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.leave())
        signal.signal(signal.SIGUSR1, lambda *_: self._make_room())
        self._poll.register(self._wake, select.POLLIN)
        self._poll.register(listener, select.POLLIN)
        self._memory = make()
        self._last = time.monotonic()

    def serve(self) -> None:
        """Serve until there is no need to, and then until the last task has ended."""
        more = True
        while self._listener is not None or self._tasks:
            busy = self._listener is not None and (more or (self._spares and self._spare is None))
            events = self._poll.poll(0 if busy else TICK * 1000)
            for descriptor, _event in events:
                self._handle(descriptor)
            if self._listener is None:
                continue
            if not events and more:
                more = self._memory.step()
            elif not events and busy:
                self._spare = self._forked()
            elif not events and not self._is_wanted():
                self.leave()

    def leave(self) -> None:
        """Take no more tasks."""
        if self._listener is None:
            return
        with contextlib.suppress(OSError):
            if os.stat(self._path).st_ino == self._inode:
                os.unlink(self._path)
                os.rmdir(os.path.dirname(self._path))
        self._poll.unregister(self._listener)
        self._listener.close()
        self._listener = None
        if self._spare is not None:
            self._spare.channel.close()  # which ends it
            self._spare = None

    def _make_room(self) -> None:
        """A task was refused, as this process can't be what its client is: the next may start its like."""
        if len(self._tasks) <= 1:
            self.leave()

    def _is_wanted(self) -> bool:
        if self._tasks:
            self._last = time.monotonic()
        try:
            replaced = os.stat(self._path).st_ino != self._inode
        except OSError:
            replaced = True
        return not replaced and time.monotonic() - self._last < IDLE

    def _handle(self, descriptor: int) -> None:
        if descriptor == self._wake:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)
            for pid, one in list(self._tasks.items()):
                status = self._ends.status(one.place)
                if status is not None:
                    self._tell(pid, status)
            self._reap()
        elif self._listener is not None and descriptor == self._listener.fileno():
            self._accept(self._listener)
        else:
            for pid, one in self._tasks.items():
                if one.connection.fileno() == descriptor:
                    self._poll.unregister(descriptor)
                    kill(pid)  # its client is gone

    def _accept(self, listener: socket.socket) -> None:
        connection, _address = listener.accept()
        if task.peer(connection)[1] != os.geteuid():
            connection.close()
            return
        if not self._memory.is_current():
            # The client finds nobody here any more, and starts a new server.
            self.leave()
            connection.close()
            return
        self._last = time.monotonic()
        spare, self._spare, self._spares = self._spare or self._forked(is_late=True), None, True
        with spare.channel, contextlib.suppress(OSError):  # one that was killed is reaped as any task
            socket.send_fds(spare.channel, [b"T"], [connection.fileno()])
        self._tasks[spare.pid] = Task(connection, spare.place)
        self._poll.register(connection, select.POLLRDHUP)

    def _forked(self, is_late: bool = False) -> Spare:
        """Fork the process of a task to come; a late one's is there, and it has no time to warm up."""
        place = self._ends.take({one.place for one in self._tasks.values()})
        kept = self._memory.ready()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            warm_up = (lambda: None) if is_late else self._memory.warm_up
            with contextlib.suppress(Exception):
                task.wait(theirs, self._memory, kept, warm_up, functools.partial(self._ends.tell, place))
            os._exit(1)  # whatever it was, it isn't a second server
        theirs.close()
        return Spare(pid, ours, place)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self._tell(pid, status)

    def _tell(self, pid: int, status: int) -> None:
        """Tell a task's client how it has ended, unless it has been told."""
        if self._spare is not None and self._spare.pid == pid:
            self._spare.channel.close()
            self._spare, self._spares = None, False
        one = self._tasks.pop(pid, None)
        if one is None:
            return
        with contextlib.suppress(KeyError):
            self._poll.unregister(one.connection)
        with contextlib.suppress(OSError):
            one.connection.sendall(b"X" + status.to_bytes(4, "big"))
        one.connection.close()


@dataclass(frozen=True)
class Task:
    """A task that runs: its client, and its place among the ends."""

    connection: socket.socket
    place: int | None


@dataclass(frozen=True)
class Spare:
    """A process that waits for a task: what it gets that by, and its place among the ends."""

    pid: int
    channel: socket.socket
    place: int | None


class Ends:
    """How tasks end, by their own word: memory that the server shares with them.

    A process that ends gives its memory back first, which takes as long as many a task. A client needn't wait
    for that: what a task writes is written by then, and its exit status is known.
    """

    ROOM = 256  # tasks at a time; the clients of others wait

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 2 * self.ROOM)
        self._server = os.getpid()

    def take(self, taken: Collection[int | None]) -> int | None:
        """Return a place for a task, or None."""
        place = next((place for place in range(self.ROOM) if place not in taken), None)
        if place is not None:
            self._memory[2 * place] = 0
        return place

    def tell(self, place: int | None, status: int) -> None:
        """Say, as the task, that it ends with this exit status."""
        if place is not None and os.getppid() == self._server:
            self._memory[2 * place + 1] = status
            self._memory[2 * place] = 1
            os.kill(self._server, task.ENDING)

    def status(self, place: int | None) -> int | None:
        """Return what a task has said, as waitpid() does; None while it runs."""
        if place is None or not self._memory[2 * place]:
            return None
        return self._memory[2 * place + 1] << 8


def kill(pid: int) -> None:
    """End a task and what it has started; one that hasn't a group of its own yet is alone."""
    for end in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            end(pid, signal.SIGKILL)
            return


def stop(seconds: float = 5) -> None:
    """Ask this user's servers of this Python to leave, and wait for that; their tasks may take longer."""
    client = SourceFileLoader("client", os.path.join(os.path.dirname(os.path.realpath(__file__)), "python"))
    words = types.ModuleType(client.name)
    words.__file__ = client.path
    client.exec_module(words)
    for kind in KINDS:
        with contextlib.suppress(OSError):
            path = words.address(sys.executable, os.environ, kind)
            connection = words.connected(path)
            if connection is None:
                os.rmdir(os.path.dirname(path))  # unless there is another's in it
                continue
            pid = task.peer(connection)[0]
            connection.close()
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + seconds
            while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
                time.sleep(0.02)


def main() -> None:
    del sys.path[0]
    gc.set_threshold(50_000, 20, 20)  # a task's garbage goes with the task
    if sys.argv[1] == "stop":
        stop()
        return
    listener = socket.socket(fileno=LISTENER)
    listener.set_inheritable(False)
    listener.listen(128)  # once more: from now on it is this process that clients are told of
    kind = sys.argv[2] if len(sys.argv) > 2 else ""
    Server(sys.argv[1], listener, KINDS[kind]).serve()


if __name__ == "__main__":
    main()
