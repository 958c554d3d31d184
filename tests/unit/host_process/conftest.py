"""The process on a host, here: started as on a host, and spoken to as its keeper does."""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils import _host_process

from interpreter.pieces import Pieces
from tests.unit.interpreter.conftest import gone, no_signal_is_ignored

__all__ = ["no_signal_is_ignored"]  # a fixture for all

HEAD = _host_process.HEAD
TOKEN = "0123456789abcdef"
# This one, and the system's: hosts have other versions.
PYTHONS = sorted({sys.executable, shutil.which("python3", path="/usr/bin:/bin") or sys.executable})
# As AnsiballZ: the zip on a disk, and first in sys.path.
WRAPPER = """#!/usr/bin/python3
_ANSIBALLZ_WRAPPER = True
def _ansiballz_main(zip_data, extensions):
    import base64, os, shutil, sys, tempfile
    sys.path = [p for p in sys.path if p not in ('', '.')]
    folder = tempfile.mkdtemp()
    try:
        with open(folder + '/payload.zip', 'wb') as file:
            file.write(base64.b64decode(zip_data))
        sys.path.insert(0, folder + '/payload.zip')
        import ansible.modules.it
        ansible.modules.it.main()
    finally:
        shutil.rmtree(folder)
if __name__ == "__main__":
    _ansiballz_main(
extensions={},
zip_data='%s',
)
"""


def payload(code: str, **utils: str) -> bytes:
    """Return a program as Ansible sends it, whose module runs this code, with these module_utils."""
    body = "".join(f"    {line}\n" for line in code.splitlines())
    files = {
        "ansible/__init__.py": "__version__ = '1'\n",
        "ansible/module_utils/__init__.py": "",
        **{f"ansible/module_utils/{name}.py": text for name, text in utils.items()},
        "ansible/modules/__init__.py": "",
        "ansible/modules/it.py": f"import json, os, sys, time\ndef main():\n{body}",
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            # The same for the same files, whatever the time.
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return (WRAPPER % base64.b64encode(data.getvalue()).decode()).encode()


def request(program: bytes, environment: bytes = b"{}") -> bytes:
    """Return what a task's process asks a keeper for."""
    return len(environment).to_bytes(4, "big") + environment + program


class Host:
    """The process, and the keeper's end of its pipes."""

    def __init__(self, python: str, **environment: str) -> None:
        source = zlib.compress(_host_process.source_of(TOKEN), 9)
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {python} {_host_process.words(source)}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **environment},
        )
        self.pieces = Pieces()
        self.sent = 0
        self._write(source)
        kind, _number, data = self.frame()
        assert (kind, data) == (b"H", TOKEN.encode() + bytes(range(256)))

    def ask(self, program: bytes, number: int = 1, environment: bytes = b"{}") -> None:
        """Have it run a program, without waiting for it."""
        data = self.pieces.request(request(program, environment))
        self.sent = len(data)
        self._write(HEAD.pack(b"R", number, len(data)) + data)

    def kill(self, number: int) -> None:
        self._write(HEAD.pack(b"K", number, 0))

    def run(self, program: bytes, **options: Any) -> tuple[int, str, str] | None:
        """Return a program's exit status, stdout and stderr; None where it wasn't started."""
        self.ask(program, **options)
        return self.answer()[1]

    def says(self, code: str, **utils: str) -> str:
        done = self.run(payload(code, **utils))
        assert done is not None
        assert (done[0], done[2]) == (0, "")
        return done[1].strip()

    def answer(self) -> tuple[int, tuple[int, str, str] | None]:
        """Wait for the next end of a task: its number and what it has said."""
        out, err = bytearray(), bytearray()
        while True:
            kind, number, data = self.frame()
            if kind == b"N":
                return number, None
            if kind == b"X":
                return number, (int.from_bytes(data, "big"), out.decode(), err.decode())
            (out if kind == b"O" else err).extend(data)

    def frame(self) -> tuple[bytes, int, bytes]:
        kind, number, size = HEAD.unpack(self._read(HEAD.size))
        return kind, number, self._read(size)

    def settle(self) -> None:
        """Let it learn: it does while nothing is asked of it."""
        stat = Path(f"/proc/{self.process.pid}/wchan")
        deadline = time.monotonic() + 30
        while "poll" not in stat.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        self.process.wait(30)

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        rest = memoryview(data)
        while rest:
            rest = rest[self.process.stdin.write(rest) or 0 :]

    def _read(self, size: int) -> bytes:
        assert self.process.stdout is not None
        data = b""
        while len(data) < size:
            more = self.process.stdout.read(size - len(data))
            assert more, self.process.stderr.read() if self.process.stderr else ""
            data += more
        return data


Make = Callable[..., Host]


@pytest.fixture
def make() -> Iterator[Make]:
    """Start processes that end with the test."""
    made: list[Host] = []

    def one(python: str = sys.executable, **environment: str) -> Host:
        made.append(Host(python, **environment))
        return made[-1]

    yield one
    for host in made:
        host.close()
        gone(host.process.pid)


@pytest.fixture(scope="module", params=PYTHONS, ids=lambda path: Path(path).parent.parent.name or "usr")
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """One for all tests that don't hurt it, with each Python that there is."""
    one = Host(request.param)
    one.python = request.param  # type: ignore[attr-defined]
    yield one
    one.close()


def wait_for(path: Path) -> str:
    """Return what a file has in it, once it has something. Raises AssertionError where it never has."""
    deadline = time.monotonic() + 30
    while not path.exists() or not path.read_text().endswith("\n"):
        assert time.monotonic() < deadline, f"{path} isn't written"
        time.sleep(0.01)
    return path.read_text().strip()
