"""Load a dump into a database."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from andamio_db.errors import DumpError
from andamio_db.settings import CHUNK, Settings


def load(settings: Settings, path: Path, database: str) -> None:
    """Load a dump into a database. Raises DumpError when the client fails."""
    with (
        gzip.open(path) as packed,
        subprocess.Popen([*settings.client, database], stdin=subprocess.PIPE) as client,
        suppress(BrokenPipeError),  # a client that fails closes its end, and then says why
        cast(IO[bytes], client.stdin) as pipe,
    ):
        shutil.copyfileobj(packed, pipe, CHUNK)
    if client.returncode != 0:
        raise DumpError(f"{settings.client[0]} ended with {client.returncode} while loading into {database}")
