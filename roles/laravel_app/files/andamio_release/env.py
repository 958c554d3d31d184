"""A release's .env: out of Parameter Store, or from a file that something else writes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from andamio_release.errors import ReleaseError, RequestError
from andamio_release.settings import Settings

# Reads Parameter Store with the rights of the instance's role. A process of its own: boto3 is slow to load.
SCRIPT = Path(__file__).parent.parent / "andamio-env"


class Env:
    """The .env of one run; it is fetched while the artifact is unpacked."""

    def __init__(self, settings: Settings, staging: Path) -> None:
        self.settings = settings
        self.path = staging / ".env"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to fetch it."""
        self.path.unlink(missing_ok=True)
        if self.settings.env_source == "ssm":
            command = [
                str(SCRIPT),
                "--path",
                self.settings.env_path,
                "--output",
                str(self.path),
                "--mode",
                "0600",
            ]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )

    def finish(self) -> tuple[str, dict[str, int]]:
        """Its SHA-256, and the versions of its parameters. Raises ReleaseError when it can't be had."""
        versions: dict[str, int] = {}
        if self._process is None:
            source = self.settings.shared / ".env"
            if not source.is_file():
                raise RequestError(f'there is no {source}: laravel_app_env_source is "file", so put it there')
            shutil.copyfile(source, self.path)
            self.path.chmod(0o600)
        else:
            output, errors = self._process.communicate()
            if self._process.returncode != 0:
                raise ReleaseError(errors.strip() or f"{SCRIPT.name} ended with {self._process.returncode}")
            answer: dict[str, Any] = json.loads(output)
            versions = answer["versions"]
        return hashlib.sha256(self.path.read_bytes()).hexdigest(), versions

    def cancel(self) -> None:
        """Stop fetching; a run that has failed elsewhere waits for nothing."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.path.unlink(missing_ok=True)
