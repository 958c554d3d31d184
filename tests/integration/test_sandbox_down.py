"""What a playbook run says where the sandbox is down: one line, and what helps."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: it ran
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def health() -> Iterator[int]:
    """The port of something that is well."""

    class Well(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Well)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def run(folder: Path, port: int, *flags: str) -> subprocess.CompletedProcess[str]:
    """A playbook with the sandbox's own inventory and settings, the sandbox being at a port."""
    shutil.copytree(ROOT / "inventories" / "sandbox", folder / "inventories" / "sandbox")
    (folder / "sandbox").symlink_to(ROOT / "sandbox")
    (folder / "collections").symlink_to(ROOT / "collections")
    (folder / "ansible.cfg").write_text((ROOT / "ansible.cfg").read_text())
    (folder / "site.yml").write_text(PLAYBOOK)
    up = folder / "inventories" / "sandbox" / "00_up.yml"
    up.write_text(f"{up.read_text()}url: http://127.0.0.1:{port}/_sandbox/health\n")
    for other in (folder / "inventories" / "sandbox").glob("hosts.yml"):
        # Should it be asked after all, it gets no answer.
        other.write_text(other.read_text().replace(":4567", f":{port}"))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWS_"))
    }
    return subprocess.run(
        ["ansible-playbook", "site.yml", *flags],
        cwd=folder,
        env=environment | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_sandbox_that_is_down_is_told_in_one_line(tmp_path: Path) -> None:
    result = run(tmp_path, free_port())
    assert result.stdout + result.stderr == "[ERROR]: The sandbox is down. Start it: make sandbox\n"
    assert result.returncode == 1


def test_the_syntax_can_be_checked_without_it(tmp_path: Path) -> None:
    result = run(tmp_path, free_port(), "--syntax-check")
    assert result.returncode == 0
    assert "sandbox is down" not in result.stderr


def test_a_sandbox_that_is_up_is_not_in_the_way(tmp_path: Path, health: int) -> None:
    result = run(tmp_path, health, "--limit", "localhost")
    assert "it ran" in result.stdout
    assert "The sandbox is down" not in result.stderr
