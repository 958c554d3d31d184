"""What /etc/andamio/db.json says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from andamio_db.errors import DumpError

SETTINGS = Path("/etc/andamio/db.json")
SUFFIX = ".sql.gz"
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """The host's settings.

    ``user`` is the application's database user, at localhost. ``dump`` and ``client`` are commands; ``work``
    is a folder that only root reads, on a disk; ``keep`` counts the dumps in a folder (a bucket has its
    lifecycle). ``hmac_parameter`` names the parameter with the key that signs dumps; without one, the key is
    a file in ``work``.
    """

    database: str
    user: str
    dump: list[str]
    client: list[str]
    work: str
    socket: str = "/run/mysqld/mysqld.sock"
    bucket: str = ""
    region: str = ""
    directory: str = ""
    keep: int = 7
    hmac_parameter: str = ""


def read(path: Path) -> Settings:
    """The settings of this host. Raises DumpError."""
    try:
        return Settings(**json.loads(path.read_text()))
    except OSError as error:
        raise DumpError(f"{path} can't be read ({error.strerror}): run the role mysql first") from error
    except (ValueError, TypeError) as error:
        raise DumpError(f"{path}: {error}: run the role mysql again") from error
