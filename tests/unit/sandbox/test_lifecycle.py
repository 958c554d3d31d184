"""What is said when something is in the way of the sandbox."""

from __future__ import annotations

import http.server
import threading

import pytest

from sandbox import config, lifecycle


class Silent(http.server.BaseHTTPRequestHandler):
    """A package cache whose mirror does not answer."""

    def do_GET(self) -> None:
        self.send_error(504, "deb.debian.org does not answer this machine")

    def log_message(self, *_arguments: object) -> None:
        pass


def test_no_packages_are_told_with_the_reason_and_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(config, "GATEWAY", "127.0.0.1")
    monkeypatch.setattr(config, "PACKAGES_PORT", server.server_address[1])
    with pytest.raises(lifecycle.SandboxError) as told:
        lifecycle.check_packages(seconds=0.1)
    server.shutdown()
    server.server_close()
    assert "504 deb.debian.org does not answer this machine" in str(told.value)
    assert "DEBIAN_MIRROR" in str(told.value)


def test_a_program_that_is_not_there_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.sudo.prefix", list)
    assert lifecycle.run_as_root("no-such-program") == ""
