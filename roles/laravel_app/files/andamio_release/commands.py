"""Run programs, as root or as the application, with what they print kept in the run's log.

The application's code runs in a transient unit, ``laravel-command-<random>.service``, confined as its PHP-FPM
and its workers are: the drop-in in ``laravel-command-.service.d`` is for all units of that prefix.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from andamio_release.errors import ReleaseError
from andamio_release.settings import Settings

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APP = Path(__file__).with_name("app.php")
# Of a failing program's output, this many lines are told; all of it is in the log.
TOLD = 25
# The units in which the application's code is run.
UNIT = "laravel-command-"
# systemd ends a unit that takes too long; its client is waited for this many seconds longer.
MARGIN_SECONDS = 30
# CLD_KILLED and CLD_DUMPED of waitid(2), which systemd shows as numbers.
CLD_KILLED = ("2", "3")


class KilledError(ReleaseError):
    """A program did not come to an end of its own: what it leaves is not tidy."""


class EndedError(ReleaseError):
    """A program ended with a code that isn't 0; ``code`` is it."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Commands:
    """Programs of one run, and their log."""

    def __init__(self, settings: Settings, log: IO[str]) -> None:
        self.settings = settings
        self.log = log

    def root(self, *command: str, seconds: float = 120, check: bool = True, given: str = "") -> str:
        """Run a program as root and give what it printed. Raises ReleaseError when it fails.

        given: its standard input, which may be a secret: it is not in the log.
        """
        return self._run(command, seconds, check, env={"PATH": PATH, "LANG": "C.UTF-8"}, input=given)

    def app(
        self,
        release: Path,
        *command: str,
        seconds: float = 900,
        pass_fds: Sequence[int] = (),
        extra: dict[str, str] | None = None,
        writable: Sequence[Path] = (),
        properties: Sequence[str] = (),
    ) -> str:
        """Run a program in a release as the application, confined, and give what it printed.

        It may write to its storage, to the release's bootstrap/cache, and to ``writable``. ``properties`` are
        more of its unit. ``pass_fds`` are held for as long as it runs. Raises ReleaseError when it fails,
        KilledError when it came to no end of its own.
        """
        unit = f"{UNIT}{secrets.token_hex(6)}.service"
        caged = self.confined(unit, release, seconds, [release / "bootstrap" / "cache", *writable])
        environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent", **(extra or {})}
        caged += [f"--setenv={name}={value}" for name, value in environment.items()]
        caged += [f"--property={one}" for one in properties]
        try:
            done = self._start(
                [*caged, "--", *command],
                seconds + MARGIN_SECONDS,
                told=command,
                stdin=subprocess.DEVNULL,
                env={"PATH": PATH, "LANG": "C.UTF-8"},
                pass_fds=pass_fds,
            )
        except BaseException:
            self.stop(unit)
            raise
        if done.returncode != 0:
            raise self.failure(unit, command, seconds, done)
        return done.stdout

    def confined(self, unit: str, release: Path, seconds: float, writable: Sequence[Path]) -> list[str]:
        """systemd-run's command line for a unit of the application's."""
        paths = [*self.settings.writable, *map(str, writable)]
        return [
            *("systemd-run", "--quiet", "--pipe", "--wait", "--no-ask-password", "--expand-environment=no"),
            *(f"--unit={unit}", f"--uid={self.settings.user}", f"--gid={self.settings.group}"),
            *(f"--working-directory={release}", "--property=UMask=0027"),
            *(f"--property=ReadWritePaths=-{path}" for path in paths),
            *(f"--property=RuntimeMaxSec={seconds:.0f}", "--property=TimeoutStopSec=5"),
        ]

    def failure(
        self, unit: str, command: Sequence[str], seconds: float, done: subprocess.CompletedProcess[str]
    ) -> ReleaseError:
        """Why a unit has failed, as systemd knows it; it is forgotten there."""
        # Where its client was killed, it may run on.
        if done.returncode < 0:
            self.stop(unit)
        shown = self.root(
            "systemctl", "show", unit, "--property=Result,ExecMainCode,ExecMainStatus", check=False
        )
        state = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        self.root("systemctl", "reset-failed", unit, check=False)
        name, result = short(command), state.get("Result")
        if result == "timeout":
            return KilledError(f"`{name}` took longer than {seconds:.0f} s")
        if result == "oom-kill":
            return KilledError(f"`{name}` was killed: it took more memory than it may have")
        if done.returncode < 0 or state.get("ExecMainCode") in CLD_KILLED:
            number = -done.returncode if done.returncode < 0 else state.get("ExecMainStatus")
            return KilledError(f"`{name}` was killed by signal {number}")
        return failed(command, done)

    def stop(self, unit: str) -> None:
        """End a unit and all of its processes."""
        self.root("systemctl", "stop", unit, check=False)

    def end_left_over(self) -> None:
        """End what a killed run has left running of the application's. Only who holds the lock may."""
        self.root("systemctl", "stop", f"{UNIT}*.service", check=False)
        self.root("systemctl", "reset-failed", f"{UNIT}*.service", check=False)

    def artisan(
        self, release: Path, *arguments: str, seconds: float = 900, pass_fds: Sequence[int] = ()
    ) -> str:
        """Run an artisan command in a release."""
        command = (self.settings.php, "artisan", *arguments, "--no-interaction", "--no-ansi")
        return self.app(release, *command, seconds=seconds, pass_fds=pass_fds)

    def laravel(
        self, release: Path, *commands: str, migrations: bool = False, unlock: bool = False
    ) -> dict[str, Any]:
        """Run some artisan commands in one process, and list the migrations there are.

        ``unlock`` lets go of the lock that a killed migration has left. Gives ``{"known": […], "ran": […]}``,
        empty without ``migrations``. Raises ReleaseError with what the command that failed printed.
        """
        wanted = json.dumps({"commands": commands, "migrations": migrations, "unlock": unlock})
        output = self.app(release, self.settings.php, str(APP), wanted)
        answer: dict[str, Any] = json.loads(output.splitlines()[-1])
        return answer

    def _run(self, command: Sequence[str], seconds: float, check: bool, **options: Any) -> str:
        done = self._start(command, seconds, told=command, **options)
        if check and done.returncode < 0:
            raise KilledError(f"`{short(command)}` was killed by signal {-done.returncode}")
        if check and done.returncode != 0:
            raise failed(command, done)
        return done.stdout

    def _start(
        self, command: Sequence[str], seconds: float, *, told: Sequence[str], **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; ``told`` is what the log and errors call it."""
        self.log.write(f"$ {' '.join(told)}\n")
        self.log.flush()
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
                **options,
            )
        except subprocess.TimeoutExpired as error:
            raise KilledError(f"`{short(told)}` took longer than {seconds:.0f} s") from error
        except OSError as error:
            raise ReleaseError(f"`{short(told)}` can't be run: {error}") from error
        self.log.write(done.stdout)
        self.log.flush()
        return done


def failed(command: Sequence[str], done: subprocess.CompletedProcess[str]) -> EndedError:
    """The error of a program that ended with a code other than 0."""
    said = "\n".join(done.stdout.strip().splitlines()[-TOLD:])
    return EndedError(f"`{short(command)}` ended with {done.returncode}:\n{said}", done.returncode)


def short(command: Sequence[str]) -> str:
    """A command as a person would type it."""
    words = [os.path.basename(command[0]), *command[1:]]
    return "artisan (several commands)" if str(APP) in words else " ".join(words)
