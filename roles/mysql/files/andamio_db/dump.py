"""Dump the database: whole, signed and put away, or nothing."""

from __future__ import annotations

import fcntl
import gzip
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from andamio_db import signature
from andamio_db.errors import DumpError
from andamio_db.settings import CHUNK, SUFFIX, Settings
from andamio_db.stores import Store

TRAILER = b"-- Dump completed"


def key_for(database: str, now: datetime, label: str = "") -> str:
    """A dump's key: sorted by name is sorted by time. Raises DumpError for a label that is no word."""
    if not re.fullmatch(r"[0-9A-Za-z._-]{0,80}", label):
        raise DumpError(f"label {label!r} is no word of letters, digits, dots, hyphens and underscores")
    return f"{database}/{now:%Y-%m-%dT%H%M%SZ}{'-' if label else ''}{label}{SUFFIX}"


def check(path: Path) -> int:
    """Read a dump to its end; the bytes it unpacks to. Raises DumpError when it isn't whole."""
    size, tail = 0, b""
    try:
        with gzip.open(path) as dump:
            while block := dump.read(CHUNK):
                size += len(block)
                tail = (tail + block)[-4096:]
    except (OSError, EOFError) as error:
        raise DumpError(f"the dump can't be unpacked: {error}") from error
    last = tail.rstrip().splitlines()[-1:]
    if not last or not last[0].startswith(TRAILER):
        raise DumpError("the dump isn't whole: its last line is not mysqldump's own")
    return size


@contextmanager
def work_file(settings: Settings) -> Iterator[Path]:
    """A file in the work folder that only root reads, gone afterwards."""
    with tempfile.NamedTemporaryFile(dir=settings.work, suffix=SUFFIX) as file:
        yield Path(file.name)


@contextmanager
def alone(settings: Settings, wait: bool = False) -> Iterator[None]:
    """One run at a time; what a killed one left is deleted.

    wait: for another run to end. Without it, raises DumpError while another runs.
    """
    work = Path(settings.work)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if not wait:
                raise DumpError("another andamio-db is at work") from error
            print("another andamio-db is at work: waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        for stale in work.glob(f"*{SUFFIX}"):
            stale.unlink()
        yield


def make_dump(settings: Settings, place: Store, now: datetime, label: str = "") -> str:
    """Dump, check, sign, put away; the dump's key. Raises DumpError, with nothing put away."""
    key = key_for(settings.database, now, label)
    with work_file(settings) as path:
        with (
            subprocess.Popen([*settings.dump, settings.database], stdout=subprocess.PIPE) as dump,
            gzip.open(path, "wb", compresslevel=6) as packed,
        ):
            shutil.copyfileobj(cast(IO[bytes], dump.stdout), packed, CHUNK)
        if dump.returncode != 0:
            raise DumpError(f"{settings.dump[0]} ended with {dump.returncode}; nothing was put away")
        size = check(path)
        place.put(path, key, signature.sign(settings, path, key))
        print(f"{place.name(key)}: {path.stat().st_size} bytes, {size} unpacked, whole")
    return key
