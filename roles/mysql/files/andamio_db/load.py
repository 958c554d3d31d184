"""Load a dump into a database as what it is: data.

The client that reads it runs as a user of its own without rights, in a root folder with nothing but its
libraries and the server's socket, without network; it is told to know no commands that reach beyond the
server. It logs in as a database user that is made for this restore, and that may do nothing outside this one
database.
"""

from __future__ import annotations

import gzip
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from andamio_db import definers
from andamio_db.errors import DumpError
from andamio_db.server import query
from andamio_db.settings import Settings

USER = "andamio_restore"
UNIT = "andamio-restore.service"
# The client's root folder, of empty places for what it may see.
ROOT = Path("/run/andamio-restore")
# In the work folder, which only root enters: the client sees it by a mount of its own.
OPTIONS = "client.cnf"
SEEN = "/run/client.cnf"

# What a client is told where it knows the option; by version and maker, they differ. --binary-mode leaves of
# its own commands only delimiter and charset, where it isn't at a terminal: no system, source, tee, pager.
HARMLESS = {
    "--binary-mode": "--binary-mode",
    "--sandbox": "--sandbox",
    "--system-command": "--skip-system-command",
    "--commands": "--skip-commands",
    "--local-infile": "--skip-local-infile",
}
CONFINED = (
    *("DynamicUser=yes", f"RootDirectory={ROOT}", "MountAPIVFS=yes", "UMask=0077"),
    *("PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX", "PrivateDevices=yes", "PrivateTmp=yes"),
    *("CapabilityBoundingSet=", "NoNewPrivileges=yes", "RestrictSUIDSGID=yes", "RestrictNamespaces=yes"),
    *("ProtectProc=invisible", "ProcSubset=pid", "ProtectKernelTunables=yes", "ProtectKernelModules=yes"),
    *("ProtectControlGroups=yes", "ProtectClock=yes", "ProtectHostname=yes", "LockPersonality=yes"),
    *("SystemCallFilter=@system-service", "SystemCallArchitectures=native", "MemoryDenyWriteExecute=yes"),
    # No file and no core of any size, and hardly a process beside it.
    *("LimitFSIZE=0", "LimitCORE=0", "TasksMax=8"),
    # Visitors come first.
    *("Nice=10", "IOSchedulingClass=idle"),
)


def load(settings: Settings, path: Path, database: str) -> None:
    """Load a dump into a database that is there. Raises DumpError when the client fails.

    What has a definer (views, triggers, routines, events) gets the application's user as such.
    """
    tidy(settings)
    with database_user(settings, database):
        with (
            gzip.open(path) as packed,
            subprocess.Popen(command(settings, database), stdin=subprocess.PIPE) as client,
            suppress(BrokenPipeError),  # a client that fails closes its end, and then says why
            cast(IO[bytes], client.stdin) as pipe,
        ):
            for piece in definers.without(packed):
                pipe.write(piece)
        if client.returncode != 0:
            raise DumpError(
                f"{settings.client[0]} ended with {client.returncode} while loading into {database}"
            )
        definers.give(settings, database, f"{USER}@localhost", f"{settings.user}@localhost")


def tidy(settings: Settings) -> None:
    """Take away what a killed restore has left: its client, its user. Raises DumpError."""
    subprocess.run(["systemctl", "stop", UNIT], check=False, capture_output=True)
    (Path(settings.work) / OPTIONS).unlink(missing_ok=True)
    sessions = query(settings, f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'")  # noqa: S608
    for session in sessions.split():
        with suppress(DumpError):  # it may have ended by itself
            query(settings, f"KILL {int(session)}")
    query(settings, f"DROP USER IF EXISTS '{USER}'@'localhost'")


@contextmanager
def database_user(settings: Settings, database: str) -> Iterator[None]:
    """A database user with rights on this database alone, gone afterwards. Raises DumpError."""
    # Of all kinds of characters, for servers that ask for them.
    password = f"{secrets.token_hex(32)}-Aa1"
    # In a grant, an underscore stands for any character.
    pattern = database.replace("_", r"\_")
    query(
        settings,
        f"CREATE USER '{USER}'@'localhost' IDENTIFIED BY '{password}';"
        f" GRANT ALL ON `{pattern}`.* TO '{USER}'@'localhost'",
    )
    options = Path(settings.work) / OPTIONS
    try:
        options.write_text(
            f"[client]\nuser={USER}\npassword={password}\nsocket={settings.socket}\nprotocol=socket\n"
            "default-character-set=utf8mb4\n"
        )
        options.chmod(0o644)
        yield
    finally:
        options.unlink(missing_ok=True)
        query(settings, f"DROP USER IF EXISTS '{USER}'@'localhost'")


def command(settings: Settings, database: str) -> list[str]:
    """The client's command line, confined. Raises DumpError when there is no client."""
    client = shutil.which(settings.client[0])
    if not client:
        raise DumpError(f"there is no {settings.client[0]} on this host")
    client = os.path.realpath(client)
    ROOT.mkdir(mode=0o755, exist_ok=True)
    ROOT.chmod(0o755)
    seen = [
        *(f"-{place}" for place in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/mysql")),
        *(client, str(Path(settings.socket).parent), f"{Path(settings.work) / OPTIONS}:{SEEN}"),
    ]
    properties = [*CONFINED, *(f"BindReadOnlyPaths={place}" for place in seen)]
    return [
        *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={UNIT}"),
        *(f"--property={each}" for each in properties),
        *(client, f"--defaults-file={SEEN}", "--batch", *harmless(client), database),
    ]


def harmless(client: str) -> list[str]:
    """The options that keep a client from acting by itself, of those it knows. Raises DumpError."""
    help_text = subprocess.run(
        [client, "--no-defaults", "--help"], capture_output=True, text=True, check=False
    ).stdout
    known = set(re.findall(r"^\s+(?:-\w, )?(--[a-z-]+)", help_text, re.MULTILINE))
    if "--binary-mode" not in known:
        raise DumpError(f"{client} has no --binary-mode: a dump could have it run commands")
    return [option for name, option in HARMLESS.items() if name in known]
