"""Dump the application's database to a safe place, and restore it from there.

    andamio-db dump                          make a dump, check it, sign it, put it away
    andamio-db dump --label v1 --limit-mb 500    the same, named; a larger database is skipped
    andamio-db list                          the dumps there are, newest last
    andamio-db restore latest --into check   load a dump into a new database beside the live one
    andamio-db restore KEY --replace         replace the live database (after a dump of what is there)
    andamio-db restore latest --if-empty     load it into the live database, if that has no table yet

Runs as root: MySQL knows root by its socket, so there is no password. A dump's place is a private S3
bucket, into which the instance's role may write, or a folder. Settings are in /etc/andamio/db.json.

The host may not read dumps in a bucket: playbooks/restore.yml, on the control machine, makes a URL for one
dump and hands it over on standard input (--url-from-stdin), so that no process list has it.

Exit codes: 0 done; 1 failed, and nothing was changed; 3 failed, and the database is half restored.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime

from andamio_db import settings as host
from andamio_db.dump import alone, make_dump
from andamio_db.errors import DumpError, HalfRestoredError
from andamio_db.restore import insist_on_whole, restore, restore_if_empty
from andamio_db.server import size_mb
from andamio_db.settings import Settings
from andamio_db.stores import Store, store

DONE, FAILED, HALF_RESTORED = 0, 1, 3


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="andamio-db", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    dumping = commands.add_parser("dump", help="make a dump, check it, sign it, put it away")
    dumping.add_argument("--label", default="", help="a word for the dump's name, such as a release")
    dumping.add_argument("--limit-mb", type=int, default=0, help="skip a database larger than this")
    commands.add_parser("list", help="the dumps there are, newest last")
    restoring = commands.add_parser("restore", help="load a dump")
    restoring.add_argument("key", help="a dump's key as list gives it, or latest")
    target = restoring.add_mutually_exclusive_group(required=True)
    target.add_argument("--into", metavar="DATABASE", help="a new database beside the live one")
    target.add_argument("--replace", action="store_true", help="the live database itself")
    target.add_argument("--if-empty", action="store_true", help="the live database, if it has no table")
    restoring.add_argument(
        "--url-from-stdin", action="store_true", help="the first line of standard input is the dump's URL"
    )
    restoring.add_argument(
        "--unsigned", action="store_true", help="also take a dump that this environment has not signed"
    )
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    given = arguments(argv)
    os.umask(0o077)
    try:
        settings = host.read(host.SETTINGS)
        place = store(settings)
        if given.command == "list":
            print("\n".join(place.keys(f"{settings.database}/")))
            return DONE
        # Read before anything is waited for: who has sent it may be gone then.
        url = sys.stdin.readline().strip() if getattr(given, "url_from_stdin", False) else ""
        with alone(settings, wait=given.command == "restore"):
            do(given, settings, place, url)
    except HalfRestoredError as error:
        print(f"andamio-db: {error}", file=sys.stderr)
        return HALF_RESTORED
    except (DumpError, OSError) as error:
        print(f"andamio-db: {error}", file=sys.stderr)
        return FAILED
    return DONE


def do(given: argparse.Namespace, settings: Settings, place: Store, url: str) -> None:
    """Make a dump or restore one. Raises DumpError and OSError."""
    now = datetime.now(UTC)
    if given.command == "dump":
        insist_on_whole(settings)
        size = size_mb(settings) if given.limit_mb else 0
        if size > given.limit_mb:
            print(f"skipped: {settings.database} takes {size} MiB, more than {given.limit_mb}")
        else:
            make_dump(settings, place, now, given.label)
    elif given.if_empty:
        restore_if_empty(settings, place, given.key, now, url=url, unsigned=given.unsigned)
    else:
        # By the word that is asked about before, and by no other.
        if given.into == settings.database:
            raise DumpError(
                f"--into {given.into}: that is the live database. Nothing was changed."
                " To replace it: --replace (playbooks/restore.yml: -e replace=true)"
            )
        into = settings.database if given.replace else given.into
        restore(settings, place, given.key, into, now, url=url, unsigned=given.unsigned)
