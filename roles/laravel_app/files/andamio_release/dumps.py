"""Dumps of the database, by andamio-db, which the role mysql installs."""

from __future__ import annotations

import json
from pathlib import Path

from andamio_release.commands import Commands, EndedError
from andamio_release.errors import ReleaseError

PROGRAM = Path("/usr/local/sbin/andamio-db")
SETTINGS = Path("/etc/andamio/db.json")
# andamio-db's exit code for a restore that has changed nothing.
UNTOUCHED = 1


class UntouchedError(ReleaseError):
    """A restore was refused or failed before it changed anything."""


def why_not() -> str:
    """Why no dump can be made here; '' when one can."""
    if not (PROGRAM.exists() and SETTINGS.exists()):
        return f"there is no {SETTINGS}: the database isn't this host's"
    settings = json.loads(SETTINGS.read_text())
    if not (settings.get("bucket") or settings.get("directory")):
        return f"{SETTINGS} names no place for dumps (mysql_dump_bucket, mysql_dump_directory)"
    return ""


def make(commands: Commands, release: str, limit_mb: int) -> tuple[str, str]:
    """Dump the database, named after a release. Gives the dump's key, or '' and why there is none.

    Raises ReleaseError when a dump was to be made and failed: no migration runs without it then.
    """
    if reason := why_not():
        return "", reason
    output = commands.root(
        str(PROGRAM), "dump", "--label", release, "--limit-mb", str(limit_mb), seconds=3600
    )
    last = output.strip().splitlines()[-1] if output.strip() else ""
    if last.startswith("skipped: "):
        return "", last.removeprefix("skipped: ")
    key = last.partition(": ")[0]
    if not key:
        raise ReleaseError("andamio-db did not say where it has put the dump")
    return key, ""


def is_remote(dump: str) -> bool:
    """Whether a dump is in a bucket, where this host may not read it."""
    return dump.startswith("s3://")


def restore(commands: Commands, dump: str, url: str) -> None:
    """Replace the live database by a dump; what is there is dumped first.

    url: a presigned URL of the dump, where it is in a bucket. It is in no argument and no log.
    Raises UntouchedError with the database as it was, or another ReleaseError: it may be half restored.
    """
    # A dump's place is a bucket or a folder, the key is its last two parts.
    command = [str(PROGRAM), "restore", "/".join(dump.split("/")[-2:]), "--replace"]
    try:
        commands.root(*command, *(["--url-from-stdin"] if url else []), seconds=3600, given=url)
    except EndedError as error:
        if error.code == UNTOUCHED:
            raise UntouchedError(str(error)) from error
        raise
