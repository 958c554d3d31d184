"""A PHP-FPM of a few lines: FastCGI on a Unix socket, with the answer each test gives it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HEADER = struct.Struct(">BBHHBx")


def record(kind: int, content: bytes, padding: int = 0, number: int = 1, version: int = 1) -> bytes:
    return HEADER.pack(version, kind, number, len(content), padding) + content + b"\xee" * padding


def ended(reason: int = 0) -> bytes:
    return record(3, struct.pack(">LB3x", 0, reason))


def page(body: bytes = b"ok", status: int = 200, errors: bytes = b"", headers: bytes = b"") -> bytes:
    """The records of a usual answer."""
    head = b"Status: %d Whatever\r\nContent-type: text/html\r\n%s\r\n" % (status, headers)
    out = head + body
    chunks = b"".join(record(6, out[start : start + 8192], 3) for start in range(0, len(out), 8192))
    return (record(7, errors) if errors else b"") + chunks + record(6, b"") + ended()


class Request:
    """What the client sent, as FastCGI means it."""

    def __init__(self, raw: bytes) -> None:
        streams = {4: b"", 5: b""}
        self.kinds = []
        while raw:
            version, kind, number, length, padding = HEADER.unpack_from(raw)
            assert (version, number) == (1, 1)
            self.kinds.append((kind, length))
            if kind == 1:
                assert raw[8:16] == b"\0\1\0\0\0\0\0\0"
            else:
                streams[kind] += raw[8 : 8 + length]
            raw = raw[8 + length + padding :]
        self.body = streams[5]
        self.params = dict(self.pairs(streams[4]))

    @staticmethod
    def pairs(raw: bytes) -> Iterator[tuple[str, str]]:
        while raw:
            lengths = []
            for _count in range(2):
                wide = raw[0] >> 7
                lengths.append(struct.unpack(">L", raw[:4])[0] & 0x7FFFFFFF if wide else raw[0])
                raw = raw[4 if wide else 1 :]
            name, value = raw[: lengths[0]], raw[lengths[0] : sum(lengths)]
            yield name.decode(), value.decode()
            raw = raw[sum(lengths) :]


class FakeFpm:
    """``answers`` are used one a request, the last for all that follow.

    Bytes are sent once the request is whole; a function is given the connection, to do as it likes.
    """

    def __init__(self, path: Path, *answers: bytes | Callable[[socket.socket], None]) -> None:
        self.path = path
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen(8)
        self.threads = [threading.Thread(target=self.serve, daemon=True)]
        self.threads[0].start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self.server.accept()
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                thread = threading.Thread(target=self.answer, args=(connection, answer), daemon=True)
                self.threads.append(thread)
                thread.start()

    def answer(self, connection: socket.socket, answer: bytes | Callable[[socket.socket], None]) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            if callable(answer):
                answer(connection)
                return
            self.requests.append(Request(read_request(connection)))
            connection.sendall(answer)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for thread in self.threads:
            thread.join(timeout=20)


def read_request(connection: socket.socket) -> bytes:
    """All of a request: up to the empty record that ends standard input."""
    raw = b""
    while not raw.endswith(record(5, b"")):
        block = connection.recv(65536)
        if not block:
            break
        raw += block
    return raw


def in_pieces(answer: bytes, size: int, pause: float = 0.0) -> Callable[[socket.socket], None]:
    """Send an answer so many bytes at a time."""

    def send(connection: socket.socket) -> None:
        read_request(connection)
        for start in range(0, len(answer), size):
            connection.sendall(answer[start : start + size])
            time.sleep(pause)

    return send
