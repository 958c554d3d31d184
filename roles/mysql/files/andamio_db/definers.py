"""Who a view, trigger, routine or event acts as.

A dump says it of each; a user without global rights may name nobody but itself. So the clauses are left
out when a dump is loaded, and what was made is then given to the application's user: whoever a dump names,
nothing in it gets more rights than the application has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BufferedIOBase
from typing import Any

from andamio_db.errors import DumpError
from andamio_db.settings import CHUNK, Settings

# As mysqldump and mariadb-dump write it: at a line's beginning, before what is created. No data begins so.
CLAUSE = re.compile(
    rb"\A(CREATE (?:OR REPLACE )?|/\*!50003 CREATE\*/ |/\*!50106 CREATE\*/ |/\*!50013 )"
    rb"(/\*!50017 |/\*!50117 )?DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*`( ?\*/)?"
)
# Of a line, what is looked at; a row of data may take many MiB.
HEAD = 4096
UTF8 = ("utf8", "utf8mb3", "utf8mb4")


def without(dump: BufferedIOBase) -> Iterator[bytes]:
    """The dump without its definers, in pieces."""
    fresh = True
    while piece := dump.readline(CHUNK):
        if fresh and b"DEFINER=" in piece[:HEAD]:
            piece = CLAUSE.sub(_left, piece, count=1)
        fresh = piece.endswith(b"\n")
        yield piece


def _left(match: re.Match[bytes]) -> bytes:
    """What is left of a clause's line. A comment that only the clause was in goes; one that goes on stays."""
    start, opened, closed = match.groups()
    return start if not opened or closed else start + opened


def give(settings: Settings, database: str, old: str, new: str) -> None:
    """Make ``new`` (user@host) the definer of all in a database whose definer is ``old``. Raises DumpError.

    There is no statement for that: each is made again, from the server's own words. It is done as root, one
    statement at a time, and making a thing runs nothing that is in it.
    """
    pymysql: Any = import_module("pymysql")
    try:
        connection = pymysql.connect(
            unix_socket=settings.socket, user="root", database=database, charset="utf8mb4", autocommit=True
        )
        with connection, connection.cursor() as cursor, _entitled(cursor, settings, database, _account(new)):
            for kind, name in _made(cursor, database, old):
                _make_again(cursor, kind, name, _account(old), _account(new))
    except pymysql.err.MySQLError as error:
        raise DumpError(
            f"its views, triggers, routines and events can't be given to {new}: {error}"
        ) from error


@contextmanager
def _entitled(cursor: Any, settings: Settings, database: str, account: str) -> Iterator[None]:
    """The account may use the database: a view on a view is refused if its definer may not."""
    if database == settings.database:
        yield
        return
    where = f"ON {_quoted(database.replace('_', chr(92) + '_'))}.*"
    cursor.execute(f"GRANT ALL {where} TO {account}")
    try:
        yield
    finally:
        # A copy beside the live database is not the application's.
        cursor.execute(f"REVOKE ALL {where} FROM {account}")


# By kind, where the server lists them; triggers of a table in the order in which they act.
LISTED = {
    "VIEW": "SELECT 'VIEW', table_name FROM information_schema.views"
    " WHERE table_schema = %s AND definer = %s",
    "ROUTINE": "SELECT routine_type, routine_name FROM information_schema.routines"
    " WHERE routine_schema = %s AND definer = %s",
    "EVENT": "SELECT 'EVENT', event_name FROM information_schema.events"
    " WHERE event_schema = %s AND definer = %s",
    "TRIGGER": "SELECT 'TRIGGER', trigger_name FROM information_schema.triggers"
    " WHERE trigger_schema = %s AND definer = %s"
    " ORDER BY event_object_table, action_timing, event_manipulation, action_order",
}


def _made(cursor: Any, database: str, definer: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for sql in LISTED.values():
        cursor.execute(sql, (database, definer))
        found += [(str(kind), str(name)) for kind, name in cursor.fetchall()]
    # A package's body goes and comes with it.
    return [(kind, name) for kind, name in found if kind != "PACKAGE BODY"]


def _make_again(cursor: Any, kind: str, name: str, old: str, new: str) -> None:
    """Drop one and make it again with another definer. Raises DumpError for words that aren't understood."""
    statements = [_said(cursor, kind, name, old, new)]
    if kind == "PACKAGE":
        statements.append(_said(cursor, "PACKAGE BODY", name, old, new))
    cursor.execute(f"DROP {kind} {_quoted(name)}")
    for settings, statement in statements:
        for variable, value in settings.items():
            cursor.execute(f"SET {variable} = %s", (value,))
        cursor.execute(statement)


def _said(cursor: Any, kind: str, name: str, old: str, new: str) -> tuple[dict[str, str], str]:
    """How one was made, with another definer: the session's settings, and the statement."""
    cursor.execute(f"SHOW CREATE {kind} {_quoted(name)}")
    names = [column[0].lower() for column in cursor.description]
    row = dict(zip(names, cursor.fetchone(), strict=True))
    statement = str(row.get(f"create {kind.lower()}") or row.get("sql original statement") or "")
    head, clause, rest = statement.partition(f"DEFINER={old} ")
    if not clause:
        # What was made with ANSI_QUOTES, or is shown after it.
        head, clause, rest = statement.partition(f"DEFINER={old.replace('`', chr(34))} ")
    if not clause or not re.fullmatch(r"CREATE (ALGORITHM=\w+ )?", head):
        raise DumpError(f"{kind.lower()} {name}: the server's {statement[:80]!r} isn't understood")
    settings = {
        variable: str(row[variable])
        for variable in ("sql_mode", "collation_connection", "time_zone")
        if row.get(variable) is not None
    }
    # The words are sent as UTF-8, whatever they were written in.
    if row.get("character_set_client") in UTF8:
        settings["character_set_client"] = str(row["character_set_client"])
    return settings, f"{head}DEFINER={new} {rest}"


def _account(account: str) -> str:
    user, _at, host = account.rpartition("@")
    return f"{_quoted(user)}@{_quoted(host)}"


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
