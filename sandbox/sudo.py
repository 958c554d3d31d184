"""Root's part of the work: podman's files, mounts and images are root's."""

from __future__ import annotations

import os
import subprocess


def prefix() -> list[str]:
    """What makes a command run as root: nothing for root, sudo for others, never asking for a password."""
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def root(*command: str, check: bool = True) -> None:
    """Run a command as root. Raises CalledProcessError when it fails."""
    subprocess.run([*prefix(), *command], check=check, capture_output=True)
