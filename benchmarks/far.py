"""A longer way to a server: passes on what comes and goes on TCP, each some milliseconds later.

``python -m benchmarks.far 127.0.0.1:4567 100`` prints where it listens, and adds 100 ms to each round trip.
A new connection takes two of them first, as TCP and TLS 1.3 do. The way is longer, not narrower.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .measure import ROOT

CHUNK = 65536


async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on until the source's end."""
    clock = asyncio.get_running_loop().time
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def write() -> None:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not data:
                target.close()
                return
            target.write(data)

    writing = asyncio.create_task(write())
    data = b"anything"
    while data:
        try:
            data = await source.read(CHUNK)
        except OSError:
            data = b""
        waiting.put_nowait((clock() + seconds, data))
    await writing


async def serve(host: str, port: int, seconds: float) -> None:
    """Serve until the process is ended. ``seconds`` are those of a round trip."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * seconds)
        there = await asyncio.open_connection(host, port)
        await asyncio.gather(
            carry(reader, there[1], seconds / 2), carry(there[0], writer, seconds / 2), return_exceptions=True
        )

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def away(endpoint: str, milliseconds: float) -> Iterator[str]:
    """Give an endpoint that is the given one, so far away."""
    place = endpoint.partition("//")[2]
    command = [sys.executable, "-m", "benchmarks.far", place, str(milliseconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip() if process.stdout else ''}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    _host, _, _port = sys.argv[1].rpartition(":")
    asyncio.run(serve(_host, int(_port), float(sys.argv[2]) / 1000))
