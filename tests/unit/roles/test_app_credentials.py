"""andamio-credentials: what its endpoint answers to whom, and how it bears an AWS that is away."""

from __future__ import annotations

import asyncio
import importlib.machinery
import importlib.util
import stat
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[3] / "roles/laravel_app/files/andamio-credentials"
TOKEN = "t" * 43
NOW = 1_796_000_000.0
CREDENTIALS = {
    "AccessKeyId": "ASIA",
    "SecretAccessKey": "s",
    "Token": "t",
    "Expiration": "2026-12-01T02:00:00Z",
}


def load() -> Any:
    loader = importlib.machinery.SourceFileLoader("andamio_credentials", str(FILE))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module  # dataclasses look there
    loader.exec_module(module)
    return module


program = load()


@pytest.fixture
def kept() -> Any:
    found = program.Kept()
    found.take(CREDENTIALS)
    return found


def head(line: str = "GET /credentials HTTP/1.1", **headers: str) -> bytes:
    given = {"Host": "127.0.0.1:9911", "Authorization": TOKEN, "Accept": "application/json", **headers}
    return "\r\n".join([line, *(f"{name}: {value}" for name, value in given.items()), "", ""]).encode()


def test_whoever_has_the_token_gets_what_the_sdks_want(kept: Any) -> None:
    assert program.respond(head(), TOKEN, kept, kept.ends - 1) == (200, CREDENTIALS)


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head(Authorization="t" * 42), 401),
        (head(Authorization=""), 401),
        (head(Authorization=f"Bearer {TOKEN}"), 401),
        (head(Authorization="\u00fc"), 401),
        (head().replace(b"Authorization: " + TOKEN.encode() + b"\r\n", b""), 401),
        (head(Host="localhost:9911"), 421),
        (head(Host="rebound.example:9911"), 421),
        (head().replace(b"Host", b"X-Host"), 421),
        (head("GET / HTTP/1.1"), 404),
        (head("GET /credentials/ HTTP/1.1"), 404),
        (head("GET /credentials?a=b HTTP/1.1"), 404),
        (head("GET http://127.0.0.1:9911/credentials HTTP/1.1"), 404),
        (head("POST /credentials HTTP/1.1"), 405),
        (head("HEAD /credentials HTTP/1.1"), 405),
        (head("GET /credentials"), 400),
        (head("GET /credentials HTTP/2"), 400),
        (head(host="127.0.0.1:9911"), 400),
        (head(authorization=TOKEN), 400),
        (b"\x00\xff\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
    ],
)
def test_nobody_else_gets_anything(kept: Any, request_head: bytes, status: int) -> None:
    got, body = program.respond(request_head, TOKEN, kept, kept.ends - 1)
    assert (got, sorted(body)) == (status, ["code", "message"])


def test_credentials_hold_to_their_end_and_then_the_reason_is_told(kept: Any) -> None:
    kept.reason = "AWS has not answered for 60 s"
    assert kept.answer(kept.ends - 1)[0] == 200
    status, body = kept.answer(kept.ends)
    assert (status, body["message"]) == (
        503,
        "no credentials of the application's role: AWS has not answered for 60 s",
    )
    assert program.Kept().answer(NOW)[0] == 503


def test_app_env_is_made_once_and_for_root_alone(tmp_path: Path) -> None:
    path = tmp_path / "app.env"
    assert program.prepare(path, "us-east-1", True)
    assert not path.exists()
    assert program.prepare(path, "us-east-1", False)
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [line.split("=")[0] for line in text.splitlines()] == [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ]
    assert "FULL_URI=http://127.0.0.1:9911/credentials\n" in text
    assert not program.prepare(path, "us-east-1", False)
    # Another region, or somebody who let others read it: the token stays.
    for region, mode in (("eu-west-1", 0o600), ("eu-west-1", 0o644)):
        path.chmod(mode)
        assert program.prepare(path, region, False)
        assert program.token_of(path.read_text()) == program.token_of(text)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("AWS_CONTAINER_AUTHORIZATION_TOKEN=\n")
    assert program.prepare(path, "eu-west-1", False)
    assert program.token_of(path.read_text()) != program.token_of(text)


# The renewal, with a clock of its own


class Clock:
    """Time that passes when somebody sleeps. What is fetched lives for an hour. AWS is away at times."""

    def __init__(self, *away: tuple[float, float]) -> None:
        self.now, self.away, self.fetched = NOW, away, list[float]()

    def time(self) -> float:
        return self.now

    async def fetch(self) -> dict[str, str]:
        since = self.now - NOW
        self.fetched.append(since)
        if any(start <= since < end for start, end in self.away):
            raise program.Unavailable("away")
        ends = program.datetime.fromtimestamp(self.now + 3600, program.datetime.now().astimezone().tzinfo)
        return CREDENTIALS | {"Expiration": ends.strftime("%Y-%m-%dT%H:%M:%S%z")}


def renewed(monkeypatch: pytest.MonkeyPatch, clock: Clock, seconds: float) -> list[float]:
    """Let it renew for so long; return the seconds at which an application would have been answered 503."""
    kept, refused = program.Kept(), list[float]()

    async def sleep(pause: float) -> None:
        for _second in range(int(pause)):
            clock.now += 1
            if kept.answer(clock.now)[0] != 200:
                refused.append(clock.now - NOW)
        if clock.now - NOW > seconds:
            raise asyncio.CancelledError

    monkeypatch.setattr(program, "fetched", clock.fetch)
    monkeypatch.setattr(program.time, "time", clock.time)
    monkeypatch.setattr(program.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(program.renew(kept))
    return refused


def test_they_are_renewed_half_an_hour_before_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    assert renewed(monkeypatch, clock, 4 * 3600) == []
    assert clock.fetched[:3] == [0, 1800, 3600]


def test_aws_that_is_away_for_half_an_hour_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock((1000, 3500))
    assert renewed(monkeypatch, clock, 7200) == []


def test_aws_that_is_away_at_boot_is_asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock((0, 200))
    refused = renewed(monkeypatch, clock, 600)
    assert clock.fetched[:6] == [0, 5, 15, 35, 75, 135]
    assert refused == [float(second) for second in range(1, 256)]


def test_aws_that_is_away_for_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = renewed(monkeypatch, Clock((1000, 9000)), 12000)
    assert (refused[0], refused[-1] < 9061) == (3600, True)


# The connections


def served(client: Callable[[int], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve while a client, who gets the port, does its things; return what it returns."""

    async def fetch() -> dict[str, str]:
        return CREDENTIALS | {"Expiration": "2099-01-01T00:00:00Z"}

    async def both() -> Any:
        kept = program.Kept()
        kept.take(await fetch())
        server = await asyncio.start_server(
            lambda reader, writer: program.converse(reader, writer, TOKEN, kept), "127.0.0.1", 0, limit=8192
        )
        async with server:
            return await client(server.sockets[0].getsockname()[1])

    monkeypatch.setattr(program, "HEAD_SECONDS", 0.5)
    running: Coroutine[Any, Any, Any] = both()
    return asyncio.run(running)


async def ask(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer


def test_slow_clients_keep_nobody_waiting_and_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def client(port: int) -> tuple[bytes, list[bytes]]:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        for _reader, writer in slow:
            writer.write(b"GET /credentials HTTP/1.1\r\nX:")
        async with asyncio.timeout(0.4):
            answer = await ask(port, head())
        ends = [await reader.read() for reader, _writer in slow]
        for _reader, writer in slow:
            writer.close()
        return answer, ends

    answer, ends = served(client, monkeypatch)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"AccessKeyId": "ASIA"' in answer
    assert ends == [b""] * 100


def test_a_head_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /credentials HTTP/1.1\r\nX: " + b"x" * 100_000)
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    assert served(client, monkeypatch) == b""
