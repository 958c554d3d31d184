"""The sandbox's processes on this machine: AWS's API, the world that follows it, and the package cache."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox import config


@dataclass(frozen=True)
class Service:
    """A background process, known by its pid file."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()

    @property
    def pid_file(self) -> Path:
        return config.STATE / f"{self.name}.pid"

    @property
    def log_file(self) -> Path:
        return config.STATE / f"{self.name}.log"

    def pid(self) -> int | None:
        """The running process, if there is one; a pid that another program has now doesn't count."""
        try:
            pid = int(self.pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            folder = Path(f"/proc/{pid}/cwd").readlink()
        except (OSError, ValueError):
            return None
        return pid if self.module.encode() in command and folder == config.HOME else None

    @property
    def code_file(self) -> Path:
        return config.STATE / f"{self.name}.code"

    def is_current(self) -> bool:
        """Whether it runs, and was started from the code that is here now."""
        if self.pid() is None or not self.code_file.exists():
            return False
        return self.code_file.read_text() == code_digest()

    def start(self) -> None:
        """Start it in the background, detached from this terminal."""
        if self.pid() is not None:
            return
        self.code_file.write_text(code_digest())
        with open(self.log_file, "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                cwd=config.HOME,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment(),
            )
        self.pid_file.write_text(f"{process.pid}\n")
        # For a moment after exec, a process has no command line to know it by.
        while self.pid() is None and process.poll() is None:
            time.sleep(0.01)

    def stop(self, seconds: float = 5) -> None:
        """Ask it to stop, and make it when it hasn't in time."""
        deadline = time.monotonic() + seconds
        sent: int | None = None
        while (pid := self.pid()) is not None:
            wanted = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
            if sent != wanted:
                os.kill(pid, wanted)
                sent = wanted
            time.sleep(0.05)
        self.pid_file.unlink(missing_ok=True)

    def tail(self, lines: int = 15) -> str:
        """The end of its log."""
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def code_digest() -> str:
    """A digest of the sandbox's own code."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.sh")]):
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """The processes' environment: this one's, without what points boto3 somewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"PYTHONUNBUFFERED": "1", "AWS_DEFAULT_REGION": config.REGION}


AWS = Service(
    "aws",
    "sandbox.aws",
    ("--host", config.GATEWAY, "--port", str(config.AWS_PORT), "--region", config.REGION),
)
WORLD = Service("world", "sandbox.world")
PACKAGES = Service(
    "packages",
    "sandbox.packages",
    ("--host", config.GATEWAY, "--port", str(config.PACKAGES_PORT), "--folder", str(config.APT_CACHE)),
)
