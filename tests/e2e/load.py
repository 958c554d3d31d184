"""Visitors of the API at a constant rate, who look closely at each answer and try nothing twice.

python -m tests.e2e.load --seconds 280 --rate 75 --class-id 7

A request is due when the clock says so, whether or not the ones before it were answered, and its latency
counts from then: a pause of the server is seen by all who would have come in it. The answers go to
.cache/e2e/load.json, one row each; answers.py makes sense of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from pathlib import Path

from .answers import Answer, quantile, summary, wrong

CACHE = Path(__file__).resolve().parents[2] / ".cache"
SECONDS = 20.0
# nginx closes a connection that was quiet for 30 s: one that nearly was isn't used again, since the
# request could cross the goodbye.
QUIET = 5.0


@dataclass
class Target:
    """Where the API is, and what to trust. The address is asked under the name, by SNI and Host."""

    address: str
    name: str = "api.academia.test"
    port: int = 443
    trust: Path = CACHE / "sandbox" / "trust.pem"
    context: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.context = ssl.create_default_context(cafile=str(self.trust))
        self.context.set_alpn_protocols(["http/1.1"])


class Connection:
    """One keep-alive connection."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.used = time.monotonic()

    async def open(self) -> None:
        target = self.target
        self.reader, self.writer = await asyncio.open_connection(
            target.address, target.port, ssl=target.context, server_hostname=target.name
        )

    @property
    def usable(self) -> bool:
        """Whether the server hasn't closed it, and won't while a request is on its way."""
        quiet = time.monotonic() - self.used
        return quiet < QUIET and not self.reader.at_eof() and not self.writer.is_closing()

    async def ask(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send a request; return status, headers and body. Raises OSError and EOFError."""
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.target.name}", "Accept: application/json"]
        if body:
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        self.writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await self.writer.drain()
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            key.strip().lower(): value.strip()
            for key, _, value in (line.partition(":") for line in lines[1:])
        }
        if headers.get("transfer-encoding") == "chunked":
            content = await self._chunks()
        else:
            content = await self.reader.readexactly(int(headers.get("content-length", 0)))
        self.used = time.monotonic()
        if headers.get("connection") == "close":
            self.close()
        return int(lines[0].split()[1]), headers, content

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return b"".join(parts)

    def close(self) -> None:
        self.writer.close()


class Driver:
    """Asks at a constant rate until told to end; ``answers`` has what came back."""

    def __init__(
        self, target: Target, rate: float, class_id: int = 0, *, writes: int = 20, kind: str = "up"
    ) -> None:
        """Prepare to drive.

        class_id: where students enrol, one request in ``writes``; 0: nobody does, and all ask /up, whose
        answers are looked at as those of this kind.
        """
        self.target = target
        self.rate = rate
        self.class_id = class_id
        self.writes = writes
        self.kind = kind
        self.run_id = uuid.uuid4().hex[:8]
        self.answers: list[Answer] = []
        self.lags: list[float] = []
        self._idle: list[Connection] = []

    async def run(self, over: Callable[[], bool]) -> None:
        """Ask until ``over`` says so, and wait for the last answers."""
        tasks: set[asyncio.Task[None]] = set()
        began = time.monotonic()
        number = 0
        while not over():
            due = began + number / self.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.lags.append(time.monotonic() - due)
            task = asyncio.create_task(self._visit(number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.gather(*tasks)
        for connection in self._idle:
            connection.close()

    async def capacity(self, seconds: float, visitors: int = 4) -> float:
        """How many reads a second a few visitors get answered who each ask anew when the answer is here."""
        end = time.monotonic() + seconds

        async def visit() -> None:
            number = 0
            while time.monotonic() < end:
                number += 1
                await self._visit(1 + number % 2, time.monotonic())

        await asyncio.gather(*(visit() for _ in range(visitors)))
        return len(self.answers) / seconds

    def _what(self, number: int) -> tuple[str, str, str, str]:
        """Kind, method, path and e-mail of the n-th request."""
        if self.class_id and number % self.writes == 0:
            return "enrol", "POST", "/api/enrolments", f"load-{self.run_id}-{number}@example.com"
        if self.class_id and number % 2:
            return "classes", "GET", "/api/classes", ""
        return self.kind, "GET", "/up", ""

    async def _visit(self, number: int, due: float) -> None:
        kind, method, path, email = self._what(number)
        body = json.dumps({"class_id": self.class_id, "name": "Ana Gómez", "email": email}) if email else ""
        # As the world's clock tells it: the moments of other processes are compared with it.
        sent = time.time() - (time.monotonic() - due)
        answer = Answer(kind, sent, 0.0, 0, "", "", email)
        connection: Connection | None = None
        try:
            async with asyncio.timeout(SECONDS):
                connection = await self._connection()
                status, headers, content = await connection.ask(method, path, body.encode())
            answer.status, answer.release = status, headers.get("x-release", "")
            answer.wrong = wrong(kind, status, answer.release, content, email)
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError) as problem:
            answer.wrong = f"{type(problem).__name__}: {problem}"
            if connection:
                connection.close()
        answer.latency = time.monotonic() - due
        self.answers.append(answer)
        if connection and not connection.writer.is_closing():
            self._idle.append(connection)

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.close()
        connection = Connection(self.target)
        await connection.open()
        return connection


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.load", description=__doc__)
    parser.add_argument("--address", required=True, help="the host's address")
    parser.add_argument("--name", default="api.academia.test")
    parser.add_argument("--port", type=int, default=443)
    parser.add_argument("--trust", type=Path, default=CACHE / "sandbox" / "trust.pem")
    parser.add_argument("--rate", type=float, default=75.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--class-id", type=int, default=0, help="class to enrol in; 0: only /up is asked")
    parser.add_argument("--until", type=Path, help="go on until this file is there, and no longer")
    parser.add_argument("--output", type=Path, default=CACHE / "e2e" / "load.json")
    options = parser.parse_args()
    target = Target(options.address, options.name, options.port, options.trust)
    driver = Driver(target, options.rate, options.class_id)
    began, ends = time.time(), time.monotonic() + options.seconds

    def over() -> bool:
        return time.monotonic() > ends or bool(options.until and options.until.exists())

    asyncio.run(driver.run(over))
    took = time.time() - began
    # What tells that the driver held its rate: its share of a processor, and how late it was.
    held = {
        "cpu": round(time.process_time() / took, 3),
        "lag_p99": round(quantile(driver.lags, 0.99), 4),
        "lag_max": round(max(driver.lags, default=0.0), 4),
    }
    told = summary(driver.answers) | {"seconds": round(took, 1), "rate": options.rate} | held
    rows = [astuple(answer) for answer in driver.answers]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps({"began": began, **held, "answers": rows}))
    print(json.dumps(told, indent=1))
    return 1 if told["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
