"""Run programs: as the application's user, or as root, with what they print kept in the run's log."""

from __future__ import annotations

import json
import os
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
    ) -> str:
        """Run a program in a release as the application's user. Raises ReleaseError when it fails."""
        environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent", **(extra or {})}
        return self._run(
            command,
            seconds,
            True,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=release,
            user=self.settings.user,
            group=self.settings.group,
            extra_groups=(),
            umask=0o027,
            pass_fds=pass_fds,
        )

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
        self.log.write(f"$ {' '.join(command)}\n")
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
            raise KilledError(f"`{short(command)}` took longer than {seconds:.0f} s") from error
        except OSError as error:
            raise ReleaseError(f"`{short(command)}` can't be run: {error}") from error
        self.log.write(done.stdout)
        self.log.flush()
        if check and done.returncode < 0:
            raise KilledError(f"`{short(command)}` was killed by signal {-done.returncode}")
        if check and done.returncode != 0:
            said = "\n".join(done.stdout.strip().splitlines()[-TOLD:])
            raise EndedError(f"`{short(command)}` ended with {done.returncode}:\n{said}", done.returncode)
        output: str = done.stdout
        return output


def short(command: Sequence[str]) -> str:
    """A command as a person would type it."""
    words = [os.path.basename(command[0]), *command[1:]]
    return "artisan (several commands)" if str(APP) in words else " ".join(words)
