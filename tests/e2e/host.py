"""The account's one host, as its own console shows it: faster than Ansible, and there when SSH isn't."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import config, podman

from .apps import App
from .chromium import address

ENGINE = "/usr/local/sbin/andamio-release"
API = "api.academia.test"


@dataclass(frozen=True)
class Told:
    """What the engine answered: its exit code, its JSON (empty when it was killed) and what it said."""

    code: int
    answer: dict[str, Any]
    said: str

    @property
    def all(self) -> str:
        return f"{self.code} {json.dumps(self.answer)}\n{self.said}"


class Host:
    """One machine of the sandbox, by its instance's id."""

    def __init__(self) -> None:
        (self.name,) = podman.containers(**{"andamio.kind": "instance"})

    @property
    def address(self) -> str:
        """The elastic address, as the API's name has it."""
        return address(API, config.CLOUD_ADDRESS)

    def command(self, *words: str) -> list[str]:
        return [str(config.PODMAN), "exec", "--interactive", self.name, *words]

    def sh(self, script: str, seconds: float = 60) -> str:
        """Run a shell script as root and give what it printed. Raises AssertionError when it fails."""
        done = subprocess.run(
            self.command("sh", "-eu"),
            input=script,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{script}\nended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def sql(self, statement: str) -> list[list[str]]:
        """Run SQL as root in the application's schema; give its rows."""
        output = self.sh(f"mysql --default-character-set=utf8mb4 -NB laravel <<'SQL'\n{statement}\nSQL\n")
        return [line.split("\t") for line in output.splitlines()]

    def start(self, verb: str, request: dict[str, Any], content: bytes = b"", kill_after: str = "") -> Run:
        """Start the engine, and send it the request and the artifact."""
        environment = ("env", f"ANDAMIO_RELEASE_KILL_AFTER={kill_after}") if kill_after else ()
        process = subprocess.Popen(
            self.command(*environment, ENGINE, verb, "--json"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return Run(process, json.dumps(request).encode() + b"\n" + content)

    def engine(
        self, verb: str, request: dict[str, Any] | None = None, content: bytes = b"", kill_after: str = ""
    ) -> Told:
        """Run the engine to its end."""
        return self.start(verb, request or {}, content, kill_after).end()

    def deploy(self, app: App, kill_after: str = "", **more: Any) -> Told:
        return self.engine("deploy", app.request(**more), app.bytes, kill_after)

    def rollback(self, kill_after: str = "", **wishes: Any) -> Told:
        wishes = {"release": "", "owner": "e2e", "reason": "a test", **wishes}
        return self.engine("rollback", wishes, kill_after=kill_after)

    def live(self) -> str:
        """The id of the live release."""
        return Path(self.sh("readlink /srv/laravel/current").strip()).name

    def releases(self) -> list[str]:
        return self.sh("ls -A /srv/laravel/releases").split()

    def forget_marks(self) -> None:
        """Undo the migrations of the tests' own releases, which no later release knows."""
        tables = self.sql("SHOW TABLES LIKE 'mark\\_%'")
        self.sql("DELETE FROM migrations WHERE migration LIKE '%\\_mark\\_%'")
        for (table,) in tables:
            self.sql(f"DROP TABLE {table}")

    def class_id(self) -> int:
        """A class with seats for all who come."""
        self.sql(
            "INSERT INTO courses (slug, name, teacher, schedule, seats, fee_cents) "
            "VALUES ('multitud', 'Coro', 'Eva Rey', 'Domingos, 11:00', 65000, 100) "
            "ON DUPLICATE KEY UPDATE seats = 65000"
        )
        return int(self.sql("SELECT id FROM courses WHERE slug = 'multitud'")[0][0])


@dataclass
class Run:
    """An engine that runs."""

    process: subprocess.Popen[bytes]
    sent: bytes

    def __post_init__(self) -> None:
        assert self.process.stdin
        try:
            self.process.stdin.write(self.sent)
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # It has ended without reading on.
        self.process.stdin = None

    def end(self, seconds: float = 120) -> Told:
        """Wait for its end."""
        output, errors = self.process.communicate(timeout=seconds)
        lines = output.decode().strip().splitlines()
        answer = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        return Told(self.process.returncode, answer, errors.decode(errors="replace"))


def until(what: str, done: Any, seconds: float = 60, every: float = 0.2) -> Any:
    """Wait until ``done()`` gives something true, and give that. Raises AssertionError after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(every)
    return found
