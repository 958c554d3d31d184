"""Requests of tasks, sent by a process that keeps the connections: fewer of those, and all else as before."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from interpreter import connections

from .conftest import Interpreter, Make, gone

IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:root</Arn><UserId>1</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
DENIED = (
    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not by you</Message></Error></ErrorResponse>"
)


class Api:
    """An AWS that keeps connections open, and remembers who asked by which of them."""

    def __init__(self) -> None:
        self.connections: list[Any] = []
        self.keys: list[str] = []
        self.answer = (200, IDENTITY)
        self.before: Any = None
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                api.connections.append(self.connection)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                api.keys += re.findall(r"Credential=(\w+)", self.headers.get("Authorization", ""))
                if api.before:
                    api.before()
                status, text = api.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


def client(url: str, service: str = "sts", key: str = "one") -> str:
    """Return the code of a client that tries once."""
    return (
        "import boto3, botocore.config\n"
        f"client = boto3.client('{service}', endpoint_url='{url}', region_name='us-east-1',\n"
        f"    aws_access_key_id='{key}', aws_secret_access_key='secret',\n"
        "    config=botocore.config.Config(retries={'total_max_attempts': 1}))\n"
    )


def who(url: str, key: str = "one") -> str:
    return f"{client(url, key=key)}print(client.get_caller_identity()['Account'])\n"


def answered(interpreter: Interpreter, code: str, **options: Any) -> str:
    done = interpreter.run(code, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sender(interpreter: Interpreter) -> int:
    """Return the process that has the connections: neither the server nor one of its children."""
    server = interpreter.server()
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    (found,) = (
        process.name
        for process in Path("/proc").glob("[0-9]*")
        if str(interpreter.folder).encode() in _words(process)
        and process.name not in {*children, f"{server}"}
    )
    return int(found)


def _words(process: Path) -> bytes:
    try:
        return process.joinpath("cmdline").read_bytes()
    except OSError:
        return b""


def test_tasks_use_the_same_connection_each_with_its_own_key(make: Make, api: Api) -> None:
    interpreter = make()
    for key in ("one", "two", "three"):
        assert answered(interpreter, who(api.url, key)) == "123456789012"
    assert api.keys == ["one", "two", "three"]
    assert len(api.connections) == 1


def test_threads_of_a_task_ask_side_by_side(make: Make, api: Api) -> None:
    together = threading.Barrier(4)
    api.before = lambda: together.wait(30)
    code = (
        f"{client(api.url)}import concurrent.futures\n"
        "with concurrent.futures.ThreadPoolExecutor(4) as pool:\n"
        "    print(len(list(pool.map(lambda _: client.get_caller_identity(), range(4)))))\n"
    )
    assert answered(make(), code) == "4"


def test_a_fork_of_a_task_has_a_way_of_its_own(make: Make, api: Api) -> None:
    code = (
        f"{client(api.url)}client.get_caller_identity()\nchild = os.fork()\nfor _ in range(50):\n"
        "    client.get_caller_identity()\nif child == 0:\n    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert answered(make(), code) == "7"


def test_an_answer_that_nobody_waits_for_is_not_the_next_ones(make: Make, api: Api) -> None:
    def slow() -> None:
        api.answer = (200, IDENTITY.replace("123456789012", f"{len(api.keys):012}"))
        time.sleep(1)

    api.before = slow
    code = (
        f"{client(api.url)}import signal, time\ndef late(*_): raise KeyError\n"
        "signal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, 0.4)\n"
        "try:\n    client.get_caller_identity()\nexcept KeyError:\n    time.sleep(1)\n"
        "    print(client.get_caller_identity()['Account'])\n"
    )
    assert answered(make(), code) == "000000000002"


def failing(url: str) -> str:
    return (
        f"{client(url)}try:\n    client.get_caller_identity()\n"
        "except Exception as error:\n    print(*(kind.__name__ for kind in type(error).__mro__), error)\n"
    )


def plainly(code: str) -> str:
    done = subprocess.run([sys.executable], input=code, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_errors_are_those_of_a_task_that_asks_itself(make: Make, api: Api) -> None:
    interpreter = make()
    api.answer = (403, DENIED)
    code = failing(api.url)
    assert answered(interpreter, code) == plainly(code)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        code = failing(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        said = answered(interpreter, code)
        assert said == plainly(code)
    assert "EndpointConnectionError" in said


def test_an_answer_cut_off_is_an_error(make: Make, api: Api) -> None:
    interpreter = make()
    api.before = lambda: api.connections[-1].shutdown(socket.SHUT_RDWR)
    code = failing(api.url)
    assert answered(interpreter, code).partition(":")[0] == plainly(code).partition(":")[0]


def test_without_that_process_a_task_asks_itself(make: Make, api: Api) -> None:
    interpreter = make()
    answered(interpreter, who(api.url))
    process = sender(interpreter)
    os.kill(process, signal.SIGKILL)
    gone(process)
    assert answered(interpreter, who(api.url)) == "123456789012"
    assert len(api.connections) == 2


def test_where_that_process_ends_meanwhile_nobody_knows_the_answer(make: Make, api: Api) -> None:
    interpreter = make()
    answered(interpreter, "")
    process = sender(interpreter)
    api.before = lambda: os.kill(process, signal.SIGKILL)
    assert answered(interpreter, failing(api.url)).startswith("ConnectionClosedError")


def test_it_ends_with_the_server_however_that_ends(make: Make, api: Api) -> None:
    interpreter = make()
    answered(interpreter, who(api.url))
    process, server = sender(interpreter), interpreter.server()
    assert server is not None
    os.kill(server, signal.SIGKILL)
    gone(process)


def test_a_connection_that_was_quiet_for_long_is_not_used(make: Make, api: Api) -> None:
    interpreter = make(ANDAMIO_PRELOAD_QUIET="0.2")
    answered(interpreter, who(api.url))
    time.sleep(0.4)
    answered(interpreter, who(api.url))
    assert len(api.connections) == 2


def test_what_is_large_or_comes_piece_by_piece_is_the_tasks_own(make: Make, api: Api) -> None:
    interpreter = make()
    api.answer = (200, "x" * 100)
    s3 = client(api.url, "s3")
    assert answered(interpreter, f"{s3}print(client.get_object(Bucket='b', Key='k')['Body'].read()[:3])") == (
        "b'xxx'"
    )
    api.answer = (200, "")
    answered(interpreter, f"{s3}client.put_object(Bucket='b', Key='k', Body=b'y' * 1_000_000)")
    assert len(api.connections) == 2
    for _ in range(2):
        answered(interpreter, f"{s3}client.list_buckets()")
    assert len(api.connections) == 3


def request(**changed: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"body": b"", "stream_output": False, "context": {}, **changed})


@pytest.mark.parametrize(
    ("changed", "suits"),
    [
        ({}, True),
        ({"body": None}, True),
        ({"body": "words"}, True),
        ({"body": b"x" * connections.LARGEST}, True),
        ({"body": b"x" * (connections.LARGEST + 1)}, False),
        ({"body": iter(())}, False),
        ({"stream_output": True}, False),
        ({"context": {"read_timeout": 1}}, False),
    ],
)
def test_what_is_handed_over(changed: dict[str, Any], suits: bool) -> None:
    assert connections.suits(request(**changed)) == suits


def test_keys_of_tls_are_written_by_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/dev/null")
    assert not connections.suits(request())
