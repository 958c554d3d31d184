#!/usr/bin/python3
"""Dump the application's database to a safe place, and restore it from there.

    andamio-db dump                          make a dump, check it, put it away
    andamio-db dump --label v1 --limit-mb 500    the same, named; a larger database is skipped
    andamio-db list                          the dumps there are, newest last
    andamio-db restore latest --into check   load a dump into a new database beside the live one
    andamio-db restore KEY --replace         replace the live database (after a dump of what is there)
    andamio-db restore latest --if-empty     load it into the live database, if that has no table yet

Runs as root: MySQL knows root by its socket, so there is no password. A dump's place is a private S3
bucket, reached with the instance's role, or a folder. Settings are in /etc/andamio/db.json.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Protocol, cast

SETTINGS = Path("/etc/andamio/db.json")
TRAILER = b"-- Dump completed"
CHUNK = 1024 * 1024
SUFFIX = ".sql.gz"


class DumpError(Exception):
    """Something a person must know: what failed, and what was left alone."""


@dataclass(frozen=True)
class Settings:
    """What /etc/andamio/db.json says.

    ``dump`` and ``client`` are commands; ``work`` is a folder that only root reads, on a disk;
    ``keep`` counts the dumps in a folder (a bucket has its lifecycle).
    """

    database: str
    dump: list[str]
    client: list[str]
    work: str
    bucket: str = ""
    region: str = ""
    directory: str = ""
    keep: int = 7


class Store(Protocol):
    """Where dumps are put."""

    def put(self, path: Path, key: str) -> None: ...
    def get(self, key: str, path: Path) -> None: ...
    def keys(self, prefix: str) -> list[str]: ...
    def name(self, key: str) -> str: ...


class Folder:
    """Dumps in a folder, the newest ``keep`` of each database."""

    def __init__(self, root: Path, keep: int) -> None:
        self.root = root
        self.keep = keep

    def put(self, path: Path, key: str) -> None:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_name(f".{target.name}")
        shutil.copy(path, partial)
        partial.chmod(0o600)
        partial.rename(target)
        for old in self.keys(f"{target.parent.name}/")[: -self.keep]:
            (self.root / old).unlink()

    def get(self, key: str, path: Path) -> None:
        if not (self.root / key).is_file():
            raise DumpError(f"no dump {self.name(key)}")
        shutil.copy(self.root / key, path)

    def keys(self, prefix: str) -> list[str]:
        found = (self.root / prefix).glob(f"[!.]*{SUFFIX}")
        return sorted(str(path.relative_to(self.root)) for path in found)

    def name(self, key: str) -> str:
        return str(self.root / key)


class Bucket:
    """Dumps in a private S3 bucket. Its lifecycle deletes the old ones: this host can't."""

    def __init__(self, bucket: str, region: str) -> None:
        # Only a bucket needs it, and it takes a second to load.
        boto3: Any = import_module("boto3")
        botocore: Any = import_module("botocore.exceptions")
        self.bucket = bucket
        self.errors = (botocore.BotoCoreError, botocore.ClientError, boto3.exceptions.Boto3Error)
        self.client: Any = boto3.client("s3", region_name=region or None)

    @contextmanager
    def explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except self.errors as error:
            raise DumpError(f"could not {doing}: {error}") from error

    def put(self, path: Path, key: str) -> None:
        with self.explained(f"put {self.name(key)}"):
            self.client.upload_file(str(path), self.bucket, key)

    def get(self, key: str, path: Path) -> None:
        with self.explained(f"get {self.name(key)}"):
            self.client.download_file(self.bucket, key, str(path))

    def keys(self, prefix: str) -> list[str]:
        with self.explained(f"list {self.name(prefix)}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return sorted(key for key in found if key.endswith(SUFFIX))

    def name(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"


def store(settings: Settings) -> Store:
    """The place for dumps. Raises DumpError when the settings name none."""
    if settings.bucket:
        return Bucket(settings.bucket, settings.region)
    if settings.directory:
        return Folder(Path(settings.directory), settings.keep)
    raise DumpError(f"no place for dumps: {SETTINGS} names neither a bucket nor a directory")


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
def alone(settings: Settings) -> Iterator[None]:
    """One run at a time; what a killed one left is deleted. Raises DumpError while another runs."""
    work = Path(settings.work)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DumpError("another andamio-db is at work") from error
        for stale in work.glob(f"*{SUFFIX}"):
            stale.unlink()
        yield


def make_dump(settings: Settings, place: Store, now: datetime, label: str = "") -> str:
    """Dump, check, put away; the dump's key. Raises DumpError, with nothing put away."""
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
        place.put(path, key)
        print(f"{place.name(key)}: {path.stat().st_size} bytes, {size} unpacked, whole")
    return key


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


def restore(settings: Settings, place: Store, key: str, into: str, now: datetime) -> None:
    """Load a dump into ``into``. The live database is dumped, then replaced; any other must be empty.

    Raises DumpError; when the live database is half replaced, it names the dump of what was there.
    """
    if not re.fullmatch(r"[0-9A-Za-z_$]{1,64}", into):
        raise DumpError(f"{into!r} is no name for a database")
    if key == "latest":
        keys = place.keys(f"{settings.database}/")
        if not keys:
            raise DumpError(f"no dump in {place.name(settings.database)}/")
        key = keys[-1]
    create = f"CREATE DATABASE IF NOT EXISTS `{into}` CHARACTER SET utf8mb4"
    with work_file(settings) as path:
        place.get(key, path)
        check(path)
        query(settings, create)
        before = None
        if query(settings, "SHOW TABLES", into):
            if into != settings.database:
                raise DumpError(f"{into} has tables already; restore into a new database")
            before = make_dump(settings, place, now)
            query(settings, f"DROP DATABASE `{into}`; {create}")
        try:
            load(settings, path, into)
        except DumpError as error:
            if before:
                raise DumpError(f"{error}; what was there before is in {place.name(before)}") from error
            raise
    print(f"{place.name(key)} is loaded into {into}")


def restore_if_empty(settings: Settings, place: Store, key: str, now: datetime) -> None:
    """Load a dump into the live database unless it has tables. Raises DumpError as ``restore`` does."""
    if query(settings, "SHOW TABLES", settings.database):
        print(f"{settings.database} has tables already: nothing is restored")
        return
    restore(settings, place, key, settings.database, now)


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="andamio-db", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    dumping = commands.add_parser("dump", help="make a dump, check it, put it away")
    dumping.add_argument("--label", default="", help="a word for the dump's name, such as a release")
    dumping.add_argument("--limit-mb", type=int, default=0, help="skip a database larger than this")
    commands.add_parser("list", help="the dumps there are, newest last")
    restoring = commands.add_parser("restore", help="load a dump")
    restoring.add_argument("key", help="a dump's key as list gives it, or latest")
    target = restoring.add_mutually_exclusive_group(required=True)
    target.add_argument("--into", metavar="DATABASE", help="a new database beside the live one")
    target.add_argument("--replace", action="store_true", help="the live database itself")
    target.add_argument("--if-empty", action="store_true", help="the live database, if it has no table")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    given = arguments(argv)
    os.umask(0o077)
    try:
        settings = Settings(**json.loads(SETTINGS.read_text()))
        place = store(settings)
        now = datetime.now(UTC)
        if given.command == "list":
            print("\n".join(place.keys(f"{settings.database}/")))
            return 0
        with alone(settings):
            if given.command == "dump":
                size = size_mb(settings) if given.limit_mb else 0
                if size > given.limit_mb:
                    print(f"skipped: {settings.database} takes {size} MiB, more than {given.limit_mb}")
                else:
                    make_dump(settings, place, now, given.label)
            elif given.if_empty:
                restore_if_empty(settings, place, given.key, now)
            else:
                restore(settings, place, given.key, given.into or settings.database, now)
    except (DumpError, OSError) as error:
        print(f"andamio-db: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
