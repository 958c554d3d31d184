"""Asking one server for a page of a name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _probe


class Handler(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "http://127.0.0.1:1/never")
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(b"x" * (_probe.BODY_LIMIT + 1) if self.path == "/large" else b"hello")

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_the_name_is_asked_for_at_the_address(port: int) -> None:
    answer = _probe.ask("127.0.0.1", port, "api.academia.test", "/")
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["x-host"] == "api.academia.test"
    assert (answer.certificate, answer.fingerprint) == ({}, "")


def test_no_redirect_is_followed(port: int) -> None:
    assert _probe.ask("127.0.0.1", port, "a.test", "/away").status == 302


def test_a_body_is_read_up_to_a_limit(port: int) -> None:
    assert len(_probe.ask("127.0.0.1", port, "a.test", "/large", method="POST").body) == _probe.BODY_LIMIT


def test_a_closed_port_is_an_os_error() -> None:
    with pytest.raises(ConnectionRefusedError):
        _probe.ask("127.0.0.1", 1, "a.test", "/")
