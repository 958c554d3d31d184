"""The interpreter as real processes: each client in a folder of its own, and no server left behind."""

from __future__ import annotations

import base64
import io
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.release import __version__

ROOT = Path(__file__).resolve().parents[3]
PRELOADED = "'botocore.session' in sys.modules"


def payload(code: str, version: str = __version__, **files: bytes) -> str:
    """Return a program in the form of Ansible's payloads: with a zip of module_utils, here hardly any."""
    stubs = {
        "ansible/__init__.py": f'__version__="{version}"\n'.encode(),
        "ansible/module_utils/__init__.py": b"",
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in (stubs | files).items():
            file.writestr(name, content)
    return (
        f"_ANSIBALLZ_WRAPPER = True\nimport os, sys\n{code}\nif False:\n    dict(\n"
        f"zip_data='{base64.b64encode(data.getvalue()).decode()}',\n)\n"
    )


class Interpreter:
    """One folder of sockets, and the client that looks there."""

    def __init__(self, root: Path = ROOT, **environment: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="andamio-test-"))
        self.client = root / "interpreter" / "python"
        # As in a terminal with this venv: the sockets' folder alone is another.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "AWS_"))}
        self.environment = kept | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANDAMIO_PRELOAD_DIR": str(self.folder / "run"),
            **environment,
        }
        self.environment.pop("ANDAMIO_PRELOAD", None)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a client, without waiting for it."""
        environment = self.environment | options.pop("environment", {})
        return subprocess.Popen(
            [str(self.client), *words],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, code: str, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a payload with this code from stdin, or other words with this as stdin."""
        process = self.start(*words, **options)
        out, err = process.communicate(code if words else payload(code), timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def says(self, expression: str, **options: Any) -> str:
        """Return what an expression is in a task."""
        done = self.run(f"print({expression})", **options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def socket(self) -> Path:
        """The only socket there is."""
        (path,) = (self.folder / "run").iterdir()
        return path

    def server(self) -> int | None:
        """Return the server's process, if one listens."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.socket))
                peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        except (OSError, ValueError):
            return None
        return int(struct.unpack("3i", peer)[0])

    def close(self) -> None:
        server = self.server()
        if server is not None:
            os.kill(server, signal.SIGTERM)
            gone(server)
        shutil.rmtree(self.folder)


def gone(pid: int, seconds: float = 60) -> None:
    """Return when a process has ended. Raises AssertionError where it doesn't."""
    deadline = time.monotonic() + seconds
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it isn't just waiting to be asked how it ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


Make = Callable[..., Interpreter]


@pytest.fixture(autouse=True, scope="session")
def no_signal_is_ignored() -> None:
    """As in a terminal: what nohup or a shell's background ignores, every task would ignore as well."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def make() -> Iterator[Make]:
    """Make interpreters that are nobody else's."""
    made: list[Interpreter] = []

    def one(**options: Any) -> Interpreter:
        made.append(Interpreter(**options))
        return made[-1]

    yield one
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def shared() -> Iterator[Interpreter]:
    """One whose server serves all tests that don't hurt it."""
    interpreter = Interpreter()
    yield interpreter
    interpreter.close()
