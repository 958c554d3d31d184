"""Ask the server, as root by its socket."""

from __future__ import annotations

import subprocess

from andamio_db.errors import DumpError
from andamio_db.settings import Settings


def query(settings: Settings, sql: str, *arguments: str) -> str:
    """Run a statement as root and give its answer. Raises DumpError with what the client said."""
    result = subprocess.run(
        [*settings.client, "--batch", "--skip-column-names", *arguments],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise DumpError(result.stderr.strip())
    return result.stdout.strip()


def size_mb(settings: Settings) -> int:
    """The database's size, data and indexes, in MiB."""
    answer = query(
        settings,
        "SELECT COALESCE(SUM(data_length + index_length), 0) DIV 1048576 FROM information_schema.tables"
        " WHERE table_schema = DATABASE()",
        settings.database,
    )
    return int(answer)
