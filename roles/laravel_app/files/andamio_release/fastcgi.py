"""Ask PHP-FPM over its Unix socket, as nginx would: a FastCGI responder's client, of one request.

The protocol: https://fastcgi-archives.github.io/FastCGI_Specification.html
"""

from __future__ import annotations

import re
import select
import socket as sockets
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HEADER = struct.Struct(">BBHHBx")
BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7
RESPONDER = struct.pack(">HB5x", 1, 0)
REQUEST = 1
REFUSALS = {1: "it takes no second request", 2: "it is overloaded", 3: "it knows no responder"}
CHUNK = 32 * 1024
MOST = 4 * 1024 * 1024
RETRY_SECONDS = 0.02


class FastCgiError(OSError):
    """There was no answer, or none that could be understood."""


@dataclass(frozen=True)
class Answer:
    """What came back; ``headers`` by lower-case name, ``errors`` what PHP wrote to its standard error."""

    status: int
    headers: dict[str, str]
    body: bytes
    errors: str = ""


def ask(
    socket: Path,
    script: Path,
    *,
    method: str = "GET",
    uri: str = "/",
    host: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    seconds: float = 10.0,
    limit: int = MOST,
) -> Answer:
    """Run a script in the PHP-FPM behind a socket; the whole takes ``seconds`` at most.

    ``limit`` is how many bytes the answer may have. Raises FastCgiError, which says what went wrong.
    """
    deadline = time.monotonic() + seconds
    out = request(params(script, host, method=method, uri=uri, headers=headers or {}, body=body), body)
    reply = Reply(limit)
    try:
        with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
            connect(connection, socket, deadline)
            exchange(connection, out, reply, deadline)
        return reply.answer()
    except FastCgiError as error:
        raise FastCgiError(f"{socket}: {error}") from error
    except TimeoutError as error:
        raise FastCgiError(f"{socket}: no whole answer within {seconds:g} s{reply.said()}") from error
    except OSError as error:
        raise FastCgiError(f"{socket}: {error.strerror or error}") from error


def connect(connection: sockets.socket, path: Path, deadline: float) -> None:
    """Connect, waiting while the server's queue is full. Raises OSError, TimeoutError."""
    while True:
        connection.settimeout(left(deadline))
        try:
            return connection.connect(str(path))
        except BlockingIOError:
            time.sleep(min(RETRY_SECONDS, left(deadline)))


def left(deadline: float) -> float:
    """The seconds until then. Raises TimeoutError when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def exchange(connection: sockets.socket, out: bytes, reply: Reply, deadline: float) -> None:
    """Send and receive at once: PHP may answer before it has read everything. Raises OSError."""
    waiting = memoryview(out)
    while not reply.ended:
        writers = [connection] if waiting else []
        readable, writable, _others = select.select([connection], writers, [], left(deadline))
        if writable:
            try:
                waiting = waiting[connection.send(waiting) :]
            except (BrokenPipeError, ConnectionResetError):
                waiting = waiting[:0]  # it wants no more; what it has answered can still be read
        if readable:
            data = connection.recv(65536)
            if not data:
                raise FastCgiError(f"the connection was closed before the answer was whole{reply.said()}")
            reply.feed(data)


@dataclass
class Reply:
    """An answer's records, put together as they come."""

    limit: int
    pending: bytearray = field(default_factory=bytearray)
    output: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)
    ended: bool = False

    def feed(self, data: bytes) -> None:
        """Take in what was received. Raises FastCgiError for what is no FastCGI, or too long."""
        self.pending += data
        while not self.ended and len(self.pending) >= HEADER.size:
            version, kind, number, length, padding = HEADER.unpack_from(self.pending)
            if version != 1 or number != REQUEST or kind not in (STDOUT, STDERR, END_REQUEST):
                raise FastCgiError(f"malformed record: version {version}, type {kind}, request {number}")
            end = HEADER.size + length
            if len(self.pending) < end + padding:
                return
            self._record(kind, bytes(self.pending[HEADER.size : end]))
            del self.pending[: end + padding]

    def _record(self, kind: int, content: bytes) -> None:
        if kind == END_REQUEST:
            if len(content) != 8:
                raise FastCgiError(f"malformed record: an end of {len(content)} bytes")
            if content[4]:
                raise FastCgiError(REFUSALS.get(content[4], f"refused for reason {content[4]}"))
            self.ended = True
            return
        if len(self.output) + len(self.errors) + len(content) > self.limit:
            raise FastCgiError(f"the answer has more than {self.limit} bytes")
        (self.output if kind == STDOUT else self.errors).extend(content)

    def said(self) -> str:
        """What PHP complained of, to be put after a message."""
        text = " ".join(self.errors.decode(errors="replace").split())
        return f" (PHP: {text[:300]})" if text else ""

    def answer(self) -> Answer:
        """The whole answer. Raises FastCgiError when it has no proper headers."""
        end = re.search(rb"\r?\n\r?\n", self.output)
        if end is None:
            raise FastCgiError(f"the answer has no headers{self.said()}")
        headers = parse_headers(self.output[: end.start()].decode("latin-1"))
        status = headers.pop("status", "302" if "location" in headers else "200")
        code = re.match(r"[1-9][0-9]{2}(?![0-9])", status)
        if code is None:
            raise FastCgiError(f"the answer has the status {status[:50]!r}{self.said()}")
        return Answer(
            int(code[0]), headers, bytes(self.output[end.end() :]), self.errors.decode(errors="replace")
        )


def parse_headers(head: str) -> dict[str, str]:
    """Headers by lower-case name, those that come again joined by a comma. Raises FastCgiError."""
    headers: dict[str, str] = {}
    for line in head.split("\n"):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise FastCgiError(f"malformed header {line[:100]!r}")
        key, value = name.strip().lower(), value.strip()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def params(
    script: Path, host: str, *, method: str, uri: str, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """What nginx's fastcgi_params and the site's own lines say of a request over TLS."""
    query = uri.partition("?")[2]
    values = {
        "QUERY_STRING": query,
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "SCRIPT_NAME": f"/{script.name}",
        "SCRIPT_FILENAME": str(script),
        "DOCUMENT_URI": f"/{script.name}",
        "DOCUMENT_ROOT": str(script.parent),
        "REQUEST_URI": uri,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_SCHEME": "https",
        "HTTPS": "on",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "andamio-release",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "0",
        "SERVER_ADDR": "127.0.0.1",
        "SERVER_PORT": "443",
        "SERVER_NAME": host,
        # PHP built with force-cgi-redirect asks for it.
        "REDIRECT_STATUS": "200",
        "HTTP_HOST": host,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        values["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    # An outgoing proxy to some programs (httpoxy), so nginx blots it out.
    values["HTTP_PROXY"] = ""
    return values


def request(values: Mapping[str, str], body: bytes) -> bytes:
    """All records of a request."""
    pairs = b"".join(pair(name.encode(), value.encode()) for name, value in values.items())
    return record(BEGIN_REQUEST, RESPONDER) + stream(PARAMS, pairs) + stream(STDIN, body)


def stream(kind: int, content: bytes) -> bytes:
    """A stream's records, with the empty one that ends it."""
    chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
    return b"".join(record(kind, chunk) for chunk in [*chunks, b""])


def record(kind: int, content: bytes) -> bytes:
    return HEADER.pack(1, kind, REQUEST, len(content), 0) + content


def pair(name: bytes, value: bytes) -> bytes:
    lengths = (
        bytes([len(text)]) if len(text) < 128 else struct.pack(">L", len(text) | 1 << 31)
        for text in (name, value)
    )
    return b"".join(lengths) + name + value
