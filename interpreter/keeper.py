# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeps one process on a host for a run of Ansible, and passes its tasks on to it.

A task's process starts it with the number of a listening socket and, on stdin, what Start has, as JSON. It
starts ssh with the process on the host (host.py), says hello to each client, and passes frames on, both ways:
a client has one task. It ends with the run, with ssh, when the host's process is too old, or when it is told
to: then after its last task.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

# Alone, as this Python is started, it looks at no folder of anybody's.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from interpreter.pieces import Pieces

HEAD = struct.Struct(">cII")  # as host.py's
CHUNK = 1 << 18
NOISE = 1 << 16  # bytes that a host may say before its process does
GRACE = 5  # seconds that ssh has to end, once there is no more to do


@dataclass(frozen=True)
class Start:
    """What a keeper is started with."""

    command: list[str]  # ssh's
    source: str  # what goes to the host's Python first, in base64
    token: str  # what that says first
    seconds: float  # in which that is to happen
    parent: int  # the process of the run
    path: str  # the socket's


class Stream:
    """A descriptor that never keeps the loop waiting."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.input = bytearray()
        self.output = bytearray()
        os.set_blocking(file.fileno(), False)

    def read(self) -> bool:
        """Read what there is; return whether more may come."""
        try:
            data = os.read(self.file.fileno(), CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.input += data
        return bool(data)

    def write(self) -> bool:
        """Write what can be written; return whether somebody reads."""
        try:
            while self.output:
                del self.output[: os.write(self.file.fileno(), memoryview(self.output)[:CHUNK])]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def frame(self) -> tuple[bytes, int, bytes] | None:
        """Take the next frame out of what was read; None until it is there as a whole."""
        if len(self.input) < HEAD.size:
            return None
        kind, number, size = HEAD.unpack_from(self.input)
        end = HEAD.size + size
        if len(self.input) < end:
            return None
        data = bytes(memoryview(self.input)[HEAD.size : end])
        del self.input[:end]
        return kind, number, data


class Keeper:
    """One loop, no thread."""

    def __init__(self, start: Start, listener: socket.socket) -> None:
        self._start = start
        self._listener: socket.socket | None = listener
        self._listener.setblocking(False)
        self._inode = os.stat(start.path).st_ino
        self._clients: dict[int, Stream] = {}  # by number
        self._running: set[int] = set()
        self._answered: set[int] = set()
        self._pieces = Pieces()
        self._last = 0
        self._is_ready = False
        self._deadline = time.monotonic() + start.seconds
        self._selector = selectors.DefaultSelector()
        self._run = os.pidfd_open(start.parent)
        self._ssh = subprocess.Popen(
            start.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._to, self._from = Stream(self._ssh.stdin), Stream(self._ssh.stdout)
        self._to.output += base64.b64decode(start.source)
        for file in (self._run, self._listener, self._from.file):
            self._selector.register(file, selectors.EVENT_READ)

    def keep(self) -> None:
        """Serve until there is no need to."""
        while self._listener is not None or self._clients:
            self._want_to_write()
            wait = None if self._is_ready else max(0.0, self._deadline - time.monotonic())
            ready = self._selector.select(wait)
            if not self._is_ready and time.monotonic() >= self._deadline:
                return
            for key, events in ready:
                if key.fd == self._run:
                    return
                if self._listener is not None and key.fileobj is self._listener:
                    self._accept(self._listener)
                elif key.fileobj is self._from.file:
                    if not self._hear():
                        return
                elif key.fileobj is self._to.file:
                    if not self._to.write():
                        return
                else:
                    self._serve(key.data, events)

    def end(self) -> None:
        """Let go of the clients and of the host, which ends its tasks at the end of its stdin."""
        if not self._is_ready:
            with suppress(OSError), open(f"{self._start.path}.lock", "a", encoding="ascii") as file:
                file.write("-")  # for the next one to wait a while
        self._leave()
        for number, client in list(self._clients.items()):
            if number in self._answered:
                client.file.settimeout(GRACE)
                with suppress(OSError):
                    client.file.sendall(client.output)
            self._drop(number)
        for stream in (self._to, self._from):
            stream.file.close()
        try:
            self._ssh.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._ssh.kill()

    def _want_to_write(self) -> None:
        """Look out for what can be written where something is to be."""
        for stream, number in ((self._to, 0), *((client, each) for each, client in self._clients.items())):
            reads = 0 if stream is self._to else selectors.EVENT_READ
            wanted = reads | (selectors.EVENT_WRITE if stream.output else 0)
            known = self._selector.get_map().get(stream.file)
            if known is None and wanted:
                self._selector.register(stream.file, wanted, number)
            elif known is not None and not wanted:
                self._selector.unregister(stream.file)
            elif known is not None and known.events != wanted:
                self._selector.modify(stream.file, wanted, number)

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _address = listener.accept()
        except OSError:
            return
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", peer)[1] != os.geteuid():
            client.close()
            return
        self._last += 1
        self._clients[self._last] = Stream(client)
        if self._is_ready:
            self._clients[self._last].output += HEAD.pack(b"H", 0, 0)

    def _serve(self, number: int, events: int) -> None:
        client = self._clients.get(number)
        if client is None:
            return
        alive = client.write() if events & selectors.EVENT_WRITE else True
        if events & selectors.EVENT_READ:
            alive = client.read() and alive
            frame = client.frame()
            if frame is not None and frame[0] == b"Q":
                self._leave()
            elif frame is not None and self._is_ready and number not in self._running:
                self._running.add(number)
                request = self._pieces.request(frame[2])
                self._to.output += HEAD.pack(b"R", number, len(request)) + request
        if not alive or (number in self._answered and not client.output):
            self._drop(number)

    def _hear(self) -> bool:
        """Pass on what the host says; return whether there will be more."""
        alive = self._from.read()
        if not self._is_ready:
            self._look_for_hello()
        while self._is_ready:
            frame = self._from.frame()
            if frame is None:
                break
            kind, number, data = frame
            client = self._clients.get(number)
            if client is not None:
                client.output += HEAD.pack(kind, 0, len(data)) + data
            if kind == b"N":
                self._leave()
            if kind in {b"N", b"X"}:
                self._running.discard(number)
                self._answered.add(number)
        return alive

    def _look_for_hello(self) -> None:
        hello = self._start.token.encode() + bytes(range(256))
        whole = HEAD.pack(b"H", 0, len(hello)) + hello
        found = self._from.input.find(whole)
        if found >= 0:
            del self._from.input[: found + len(whole)]
            self._is_ready = True
            for client in self._clients.values():
                client.output += HEAD.pack(b"H", 0, 0)
        elif len(self._from.input) > NOISE:
            self._deadline = 0.0

    def _drop(self, number: int) -> None:
        """Forget a client; what it waited for is to end."""
        client = self._clients.pop(number)
        self._answered.discard(number)
        with suppress(KeyError):
            self._selector.unregister(client.file)
        client.file.close()
        if number in self._running:
            self._running.discard(number)
            self._to.output += HEAD.pack(b"K", number, 0)

    def _leave(self) -> None:
        """Take no more tasks."""
        if self._listener is None:
            return
        with suppress(OSError):
            if os.stat(self._start.path).st_ino == self._inode:
                os.unlink(self._start.path)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._listener = None


def started(file: BinaryIO) -> Start:
    """Read what there is to do."""
    return Start(**json.load(file))


def main() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    start = started(sys.stdin.buffer)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    keeper = Keeper(start, socket.socket(fileno=int(sys.argv[1])))
    try:
        keeper.keep()
    finally:
        keeper.end()


if __name__ == "__main__":
    main()
