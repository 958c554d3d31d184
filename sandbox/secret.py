"""The secret of a sandbox: who has it owns the account.

It is the secret of the access key ``sandbox``, by which requests are signed, and the word that a reset takes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

# Hexadecimal, so that Ansible, which blots a secret out of what it prints, blots out no word or name.
BYTES = 32


def ensure(path: Path) -> bool:
    """Make the file, which its owner alone can read, where there is none. Gives whether it was made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(BYTES))
        return True
    return False


def read(path: Path) -> str:
    """The secret. Raises FileNotFoundError when there is none, ValueError when the file isn't one."""
    found = path.read_text().strip()
    if len(found) < BYTES:
        raise ValueError(f"{path} has no secret in it: remove it, and start the sandbox: make sandbox")
    return found
