"""Asking PHP-FPM: the request as nginx would send it, and every way in which an answer can fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from andamio_release.fastcgi import Answer, FastCgiError, Reply, ask, exchange
from hypothesis import given, settings
from hypothesis import strategies as st

from .fake_fpm import FakeFpm, Request, ended, in_pieces, page, read_request, record

SCRIPT = Path("/srv/laravel/releases/v2/public/index.php")
Fpm = Callable[..., FakeFpm]


@pytest.fixture
def fpm(tmp_path: Path) -> Iterator[Fpm]:
    """Start a fake PHP-FPM with its answers; closed after the test."""
    servers = []

    def start(*answers: Any) -> FakeFpm:
        servers.append(FakeFpm(tmp_path / f"fpm{len(servers)}.sock", *answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def question(server: FakeFpm, **more: Any) -> Answer:
    return ask(server.path, SCRIPT, **{"host": "api.academia.test", "seconds": 5, **more})


def failure(server: FakeFpm, **more: Any) -> str:
    with pytest.raises(FastCgiError) as caught:
        question(server, **more)
    text = str(caught.value)
    assert text.startswith(f"{server.path}: ")
    return text.removeprefix(f"{server.path}: ")


def test_a_request_as_nginx_sends_it(fpm: Fpm) -> None:
    server = fpm(page(b"hello"))
    headers = {"Accept": "application/json", "X-Long": "x" * 200, "Proxy": "http://evil"}
    answer = question(server, uri="/api/pagos?a=1&b=%3F?", headers=headers)
    assert answer == Answer(200, {"content-type": "text/html"}, b"hello", "")
    assert server.requests[0].params == {
        "QUERY_STRING": "a=1&b=%3F?",
        "REQUEST_METHOD": "GET",
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": "",
        "SCRIPT_NAME": "/index.php",
        "SCRIPT_FILENAME": "/srv/laravel/releases/v2/public/index.php",
        "DOCUMENT_URI": "/index.php",
        "DOCUMENT_ROOT": "/srv/laravel/releases/v2/public",
        "REQUEST_URI": "/api/pagos?a=1&b=%3F?",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_SCHEME": "https",
        "HTTPS": "on",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "andamio-release",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "0",
        "SERVER_ADDR": "127.0.0.1",
        "SERVER_PORT": "443",
        "SERVER_NAME": "api.academia.test",
        "REDIRECT_STATUS": "200",
        "HTTP_HOST": "api.academia.test",
        "HTTP_ACCEPT": "application/json",
        "HTTP_X_LONG": "x" * 200,
        "HTTP_PROXY": "",
    }


def test_a_body_is_sent(fpm: Fpm) -> None:
    server = fpm(page())
    body = bytes(range(256)) * 1000
    question(server, method="POST", body=body, headers={"content-type": "application/json"})
    request = server.requests[0]
    assert request.body == body
    assert (request.params["CONTENT_LENGTH"], request.params["CONTENT_TYPE"]) == (
        "256000",
        "application/json",
    )
    assert "HTTP_CONTENT_TYPE" not in request.params
    assert max(length for _kind, length in request.kinds) <= 65535
    assert request.kinds[-1] == (5, 0)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 100])
def test_records_come_in_any_pieces(fpm: Fpm, size: int) -> None:
    answer = question(fpm(in_pieces(page(b"x" * 300, 418, b"Notice: a", b"X-A: b:c\r\n"), size)))
    assert answer == Answer(418, {"content-type": "text/html", "x-a": "b:c"}, b"x" * 300, "Notice: a")


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
    st.lists(st.integers(0, 255), min_size=1, max_size=5),
)
@settings(max_examples=50, deadline=None)
def test_an_answer_is_the_same_however_it_is_cut(cuts: list[int], paddings: list[int]) -> None:
    out, at, records = b"Status: 201\r\n\r\n" + bytes(range(256)), 0, b""
    for turn in range(1000):
        size = cuts[turn % len(cuts)]
        if at >= len(out):
            break
        records += record(6, out[at : at + size], paddings[turn % len(paddings)]) + record(7, b"e")
        at += size
    client, server = socket.socketpair()
    with client, server:
        client.setblocking(False)
        sender = threading.Thread(target=server.sendall, args=(records + ended(),))
        sender.start()
        reply = Reply(10_000)
        exchange(client, b"", reply, time.monotonic() + 10)
        sender.join()
    answer = reply.answer()
    assert (answer.status, answer.body) == (201, bytes(range(256)))
    assert set(answer.errors) == {"e"}


def test_a_big_answer(fpm: Fpm) -> None:
    body = b"0123456789abcdef" * 200_000
    assert question(fpm(page(body))).body == body


def test_an_answer_before_the_body_is_read(fpm: Fpm) -> None:
    """Both sides would wait for ever if one sent all before it received."""

    def eager(connection: socket.socket) -> None:
        connection.sendall(page(b"y" * 2_000_000))
        read_request(connection)

    assert len(question(fpm(eager), method="POST", body=b"x" * 3_000_000).body) == 2_000_000


def test_an_answer_to_a_body_nobody_wants(fpm: Fpm) -> None:
    def deaf(connection: socket.socket) -> None:
        connection.recv(10)
        connection.shutdown(socket.SHUT_RD)
        while connection.recv(65536):
            pass
        time.sleep(0.2)  # the client finds nobody to send to, and goes on listening
        connection.sendall(page(b"too much", 413))

    assert question(fpm(deaf), method="POST", body=b"x" * 3_000_000).status == 413


@pytest.mark.parametrize(
    ("head", "status", "headers"),
    [
        (b"Content-type: a\r\n\r\n", 200, {"content-type": "a"}),
        (b"Content-type: a\n\n", 200, {"content-type": "a"}),
        (b"Status: 404 Not Found\r\n\r\n", 404, {}),
        (b"Location: /login\r\n\r\n", 302, {"location": "/login"}),
        (b"Status: 201\r\nLocation: /a\r\n\r\n", 201, {"location": "/a"}),
        (b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n", 200, {"set-cookie": "a=1, b=2"}),
    ],
)
def test_status_and_headers(fpm: Fpm, head: bytes, status: int, headers: dict[str, str]) -> None:
    answer = question(fpm(record(6, head + b"one\r\n\r\ntwo\n\n") + ended()))
    assert answer == Answer(status, headers, b"one\r\n\r\ntwo\n\n")


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "the connection was closed before the answer was whole"),
        (page()[:-1], "the connection was closed before the answer was whole"),
        (record(7, b"PHP Fatal error:\n no") + page()[:-1],
         "the connection was closed before the answer was whole (PHP: PHP Fatal error: no)"),
        (b"HTTP/1.1 400 Bad Request\r\n", "malformed record: version 72, type 84, request 21584"),
        (record(6, b"x", version=2), "malformed record: version 2, type 6, request 1"),
        (record(6, b"x", number=2), "malformed record: version 1, type 6, request 2"),
        (record(11, bytes(8)), "malformed record: version 1, type 11, request 1"),
        (record(3, b"short"), "malformed record: an end of 5 bytes"),
        (ended(2), "it is overloaded"),
        (ended(9), "refused for reason 9"),
        (ended(), "the answer has no headers"),
        (record(7, b"oops") + record(6, b"just text") + ended(), "the answer has no headers (PHP: oops)"),
        (record(6, b"Status: fine\r\n\r\n") + ended(), "the answer has the status 'fine'"),
        (record(6, b"Status: 2000\r\n\r\n") + ended(), "the answer has the status '2000'"),
        (record(6, b"A: b\r\n<b>oops\r\n\r\n") + ended(), "malformed header '<b>oops'"),
    ],
)  # fmt: skip
def test_what_is_no_answer(fpm: Fpm, sent: bytes, message: str) -> None:
    assert failure(fpm(sent)) == message


def test_what_follows_the_end_is_nobodys(fpm: Fpm) -> None:
    assert question(fpm(page(b"all") + b"rubbish, at length")).body == b"all"


def test_an_answer_that_is_too_long(fpm: Fpm) -> None:
    assert failure(fpm(page(b"x" * 5000)), limit=4000) == "the answer has more than 4000 bytes"
    assert (
        failure(fpm(record(7, b"x" * 3000) * 2 + page()), limit=4000) == "the answer has more than 4000 bytes"
    )
    assert question(fpm(page(b"x" * 5000)), limit=6000).body == b"x" * 5000


def test_a_server_that_says_nothing(fpm: Fpm) -> None:
    before = time.monotonic()
    assert failure(fpm(lambda _: time.sleep(1)), seconds=0.3) == "no whole answer within 0.3 s"
    assert time.monotonic() - before < 0.8


def test_the_deadline_is_for_the_whole(fpm: Fpm) -> None:
    """A byte now and then doesn't make it longer."""
    before = time.monotonic()
    slow = in_pieces(record(7, b"still here") + page(b"x" * 500), 18, 0.05)
    assert failure(fpm(slow), seconds=0.4) == "no whole answer within 0.4 s (PHP: still here)"
    assert time.monotonic() - before < 0.8


def test_a_server_that_reads_nothing(fpm: Fpm) -> None:
    message = failure(fpm(lambda _: time.sleep(1)), seconds=0.3, method="POST", body=b"x" * 3_000_000)
    assert message == "no whole answer within 0.3 s"


def test_nobody_listens(tmp_path: Path) -> None:
    path = tmp_path / "fpm.sock"
    with pytest.raises(FastCgiError, match=r"fpm.sock: No such file or directory"):
        ask(path, SCRIPT, host="a")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with pytest.raises(FastCgiError, match=r"fpm.sock: Connection refused"):
            ask(path, SCRIPT, host="a")
    with pytest.raises(FastCgiError, match=r"AF_UNIX path too long"):
        ask(tmp_path / ("x" * 200), SCRIPT, host="a")


def test_a_full_queue_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "fpm.sock"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as other:
        server.bind(str(path))
        server.listen(0)
        other.connect(str(path))
        with pytest.raises(FastCgiError, match=r"no whole answer within 0.2 s"):
            ask(path, SCRIPT, host="a", seconds=0.2)

        def serve() -> None:
            time.sleep(0.1)
            server.accept()
            connection, _address = server.accept()
            with connection:
                seen.append(Request(read_request(connection)))
                connection.sendall(page())

        seen: list[Request] = []
        thread = threading.Thread(target=serve)
        thread.start()
        assert ask(path, SCRIPT, host="a", seconds=5).status == 200
        thread.join()
