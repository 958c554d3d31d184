"""A small, fast HTTP/1.1 server: it counts requests, can add latency, and is never the bottleneck.

One asyncio protocol a connection and no framework: some 10 000 small requests a second, which no client
that is measured here can make. Latency is added to each answer, and to "100 Continue", as a longer way to
AWS would.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, unquote


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # The length to state when the body isn't sent (HEAD).
    length: int | None = None


Handler = Callable[[Request], tuple[str, Response]]
"""Answers a request, and names the operation for the count."""


class Connection(asyncio.Protocol):
    """One client connection; requests are answered one after the other."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = bytearray()
        self.head: tuple[str, str, dict[str, str]] | None = None
        self.transport = asyncio.Transport()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self._request():
            pass

    def _request(self) -> bool:
        """Answer one request if it is there as a whole."""
        if self.head is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            lines = self.buffer[:end].decode("latin-1").split("\r\n")
            del self.buffer[: end + 4]
            method, target, _ = lines[0].split(" ", 2)
            pairs = (line.partition(":") for line in lines[1:])
            self.head = (method, target, {name.lower(): value.strip() for name, _, value in pairs})
            if self.head[2].get("expect", "").lower() == "100-continue":
                self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        method, target, headers = self.head
        if headers.get("transfer-encoding") == "chunked":
            raise ValueError("a chunked request body isn't understood here")
        length = int(headers.get("content-length", 0))
        if len(self.buffer) < length:
            return False
        body = bytes(self.buffer[:length])
        del self.buffer[:length]
        self.head = None
        path, _, query = target.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        self._send(self.server.answer(Request(method, unquote(path), options, headers, body)))
        return bool(self.buffer)

    def _send(self, data: bytes) -> None:
        if self.server.latency:
            asyncio.get_running_loop().call_later(self.server.latency, self.transport.write, data)
        else:
            self.transport.write(data)


class Server:
    """Answers with a handler; ``/_control`` sets the latency, and gives and zeroes the counts."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.latency = 0.0
        self.counts: Counter[str] = Counter()

    def answer(self, request: Request) -> bytes:
        if request.path == "/_control":
            response = self._control(request)
        else:
            operation, response = self.handler(request)
            self.counts[operation] += 1
        length = len(response.body) if response.length is None else response.length
        lines = [f"HTTP/1.1 {response.status} .", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        body = b"" if request.method == "HEAD" else response.body
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _control(self, request: Request) -> Response:
        if "latency" in request.query:
            self.latency = float(request.query["latency"])
        counts = json.dumps(self.counts).encode()
        self.counts.clear()
        return Response(body=counts)

    async def serve(self, port: int) -> None:
        """Listen on loopback, print the URL, and go on until killed."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=1024)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


def main(handler: Handler) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    try:
        asyncio.run(Server(handler).serve(parser.parse_args().port))
    except KeyboardInterrupt:
        sys.exit(0)
