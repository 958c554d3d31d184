"""Restore a dump: fetched, whole and signed before anything is changed, and loaded without root's rights."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from andamio_db import signature
from andamio_db.dump import check, make_dump, work_file
from andamio_db.errors import DumpError, HalfRestoredError
from andamio_db.load import load
from andamio_db.server import query
from andamio_db.settings import Settings
from andamio_db.stores import Store

# A file of root's while a dump is loaded into a database: one that still has it is half restored.
# In the database itself, the application could have said so.
MARK = "restoring-"


def restore(
    settings: Settings,
    place: Store,
    key: str,
    into: str,
    now: datetime,
    *,
    url: str = "",
    unsigned: bool = False,
) -> None:
    """Load a dump into ``into``. The live database is dumped, then replaced; any other must be empty.

    url: a presigned URL of the dump, where this host may not read it.
    unsigned: also take a dump that this environment has not signed.
    Raises DumpError with nothing changed, or HalfRestoredError that names the dump of what was there.
    """
    if not re.fullmatch(r"[0-9A-Za-z_$]{1,64}", into):
        raise DumpError(f"{into!r} is no name for a database")
    if key == "latest":
        keys = place.keys(f"{settings.database}/")
        if not keys:
            raise DumpError(f"no dump in {place.name(settings.database)}/")
        key = keys[-1]
    with work_file(settings) as path:
        signed = place.get(key, path, url)
        if not unsigned:
            signature.verify(settings, path, key, signed)
        check(path)
        before = make_room(settings, place, into, now)
        try:
            query(
                settings,
                f"DROP DATABASE IF EXISTS `{into}`; CREATE DATABASE `{into}` CHARACTER SET utf8mb4",
            )
            begin(mark(settings, into))
            load(settings, path, into)
            mark(settings, into).unlink()
        except DumpError as error:
            way_back = f"; what was there before is in {place.name(before)}" if before else ""
            raise HalfRestoredError(f"{error}; {into} is half restored{way_back}") from error
    print(f"{place.name(key)} is loaded into {into}")


def mark(settings: Settings, database: str) -> Path:
    """Where it is noted that a database is half restored."""
    return Path(settings.work) / f"{MARK}{database}"


def begin(note: Path) -> None:
    """Make a note that a power cut leaves."""
    for path, flags in ((note, os.O_WRONLY | os.O_CREAT), (note.parent, os.O_RDONLY)):
        descriptor = os.open(path, flags, 0o600)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_room(settings: Settings, place: Store, into: str, now: datetime) -> str:
    """See that a database may be replaced: the key of the dump of what is in it, '' if nothing is.

    Raises DumpError for one with tables that isn't the live one.
    """
    if not has_data(settings, into):
        return ""
    if into != settings.database:
        raise DumpError(f"{into} has tables already; restore into a new database")
    return make_dump(settings, place, now)


def tables(settings: Settings, database: str) -> list[str]:
    """The tables and views of a database; none where there is no such database."""
    # The name was checked: it has no quote and no backslash.
    sql = "SELECT table_name FROM information_schema.tables WHERE table_schema ="
    return query(settings, f"{sql} '{database}'").splitlines()


def has_data(settings: Settings, database: str) -> bool:
    """Whether a database has tables that no cut-off restore has left."""
    return bool(tables(settings, database)) and not mark(settings, database).exists()


def insist_on_whole(settings: Settings) -> None:
    """Raise DumpError when the live database is half restored: its dump would be taken for the newest."""
    note = mark(settings, settings.database)
    if note.exists():
        raise DumpError(
            f"{settings.database} is half restored: it isn't dumped. Restore it again, with --replace"
            f" (or, if you know that it is whole, remove {note})"
        )


def restore_if_empty(
    settings: Settings, place: Store, key: str, now: datetime, *, url: str = "", unsigned: bool = False
) -> None:
    """Load a dump into the live database unless it has tables. Raises as ``restore`` does."""
    if has_data(settings, settings.database):
        print(f"{settings.database} has tables already: nothing is restored")
        return
    restore(settings, place, key, settings.database, now, url=url, unsigned=unsigned)
