"""Root's part of the work: podman's files, mounts and images are root's."""

from __future__ import annotations

import os
import subprocess


def prefix() -> list[str]:
    """What makes a command run as root: nothing for root, sudo for others, never asking for a password."""
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def root(*command: str, check: bool = True) -> str:
    """Run a command as root and give what it printed. Raises CalledProcessError when it fails."""
    # What root runs is in folders that a user's path, or a bare service's, may lack.
    env = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    words = [*prefix(), *command]
    result = subprocess.run(words, check=check, capture_output=True, text=True, errors="replace", env=env)
    return result.stdout
