# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to ask of dpkg and apt, and what their answers mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

LISTS = "/var/lib/apt/lists"
SOURCES = "/etc/apt"
EXTENDED_STATES = "/var/lib/apt/extended_states"
FRONTEND_LOCK = "/var/lib/dpkg/lock-frontend"

UNIT = "andamio-packages.service"
"""The unit that changes packages: no child of its caller, so it ends its work when that is killed."""
TRANSIENT = "/run/systemd/transient"
"""Where systemd keeps the files of transient units (systemd.unit(5))."""
OUTPUT = "/var/log/andamio-packages.log"
"""What the newest command printed."""
SYSTEMD = "/run/systemd/system"
"""Is there where systemd runs the host (sd_booted(3))."""

# Debian Policy 5.6.1. apt takes more (a pattern, `name:arch`, `name=version`, `name-`), dpkg doesn't.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+(?<!-)")

ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",  # answers are read by their words
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "APT_LISTCHANGES_FRONTEND": "none",
}

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")

LOCK_WAIT = 1800
"""Seconds to wait for others that use apt, such as the day's security updates."""
_APT = ("apt-get", "-q", "-o", "Acquire::Retries=5", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT}")
_KEEP = (
    *("-y", "-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-confdef"),
    *("-o", "Dpkg::Options::=--force-confold"),
)
UPDATE = (*_APT, "update")
CONFIGURE = ("dpkg", "--configure", "-a", "--force-confdef", "--force-confold")
FIX = (*_APT, *_KEEP, "--fix-broken", "--no-install-recommends", "install")

# apt's words for a package that its lists don't have, or not from where it may come.
_UNKNOWN = (
    re.compile(r"^E: Unable to locate package (\S+)", re.MULTILINE),
    re.compile(r"^E: Package '?([^\s']+)'? has no installation candidate", re.MULTILINE),
    re.compile(r"^E: Couldn't find any package by (?:glob|regex) '([^']+)'", re.MULTILINE),
)
# Lists that are older than the mirror name files that it has no longer.
_OUTDATED = re.compile(
    r"404 +Not Found|Hash Sum mismatch|Unable to fetch some archives|is invalid for APT::Default-Release"
)
_LOCKED = re.compile(r"^E: (?:Could not get lock|Unable to lock directory) ?/var/lib/apt/lists", re.MULTILINE)
_INTERRUPTED = "dpkg was interrupted"
TAIL = 15


def not_names(names: Iterable[str]) -> list[str]:
    """Return those that are no name of a package."""
    return [name for name in names if not _NAME.fullmatch(name)]


def detached(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the command that has systemd run a command of apt's family in the unit, and waits for its end.

    The unit's output goes to a file: into a pipe it would end with its reader.
    environment: the caller's, of which the proxies are passed on.
    """
    proxies = {name: value for name, value in environment.items() if name.lower() in _PROXIES}
    return [
        *("systemd-run", "--quiet", "--wait", "--collect", f"--unit={UNIT}", "--service-type=exec"),
        *("--description=Package work of andamio", f"--property=StandardOutput=truncate:{OUTPUT}"),
        # What a package's script leaves running stays; a shutdown waits for dpkg, as for apt-daily's.
        *("--property=KillMode=process", "--property=TimeoutStopSec=900"),
        *(f"--setenv={name}={value}" for name, value in (ENVIRONMENT | proxies).items()),
        "--",
        *command,
    ]


QUERY = ("dpkg-query", "-W", "-f", r"${Package} ${db:Status-Status} ${db:Status-Eflag}\n")
"""Asks dpkg for all packages, and what is wrong with them."""


def installed(answer: str) -> set[str]:
    """Return the packages that are unpacked and configured, from dpkg's answer."""
    lines = (line.split() for line in answer.splitlines())
    return {words[0] for words in lines if words[1:] == ["installed", "ok"]}


def broken(answer: str) -> list[str]:
    """Return the packages that dpkg was killed at, or that failed: neither whole nor gone."""
    lines = (line.split() for line in answer.splitlines())
    whole = {"installed", "config-files", "not-installed"}
    return sorted({words[0] for words in lines if words[1] not in whole or words[2:] != ["ok"]})


def reinstall(answer: str) -> list[str]:
    """Return the packages whose files are in no known state (reinst-required)."""
    lines = (line.split() for line in answer.splitlines())
    return sorted({words[0] for words in lines if words[2:] == ["reinstreq"]})


def remove(names: Sequence[str]) -> list[str]:
    """Return the command that drops packages in no known state, whose archive nobody has any more.

    Only their files go: configuration and data stay, and what depends on them has them installed anew.
    """
    return ["dpkg", "--force-remove-reinstreq", "--force-depends", "--remove", *names]


def automatic(states: str, names: Collection[str]) -> list[str]:
    """Return those of the names that apt takes for a mere dependency, which it may remove with the rest.

    states: the text of apt's extended_states.
    """
    found = set()
    for stanza in states.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line)
        if fields.get("Auto-Installed") == "1":
            found.add(fields.get("Package", ""))
    return [name for name in names if name in found]


def stale(now: float, read_at: float | None, sources_at: float, valid: int) -> bool:
    """Return whether apt's lists need to be read: there are none, they are old, or their sources are newer.

    now, read_at, sources_at: seconds since the epoch; valid: seconds.
    """
    return read_at is None or now - read_at > valid or sources_at > read_at


def install(names: Iterable[str], recommends: bool, release: str | None) -> list[str]:
    """Return the command that installs; a configuration file that was edited stays as it is."""
    return [
        *_APT,
        *_KEEP,
        "--install-recommends" if recommends else "--no-install-recommends",
        *(["--target-release", release] if release else []),
        "install",
        *names,
    ]


def unknown(output: str) -> list[str]:
    """Return the packages that apt didn't find."""
    return sorted({name for pattern in _UNKNOWN for name in pattern.findall(output)})


def outdated(output: str) -> bool:
    """Return whether apt failed for its lists, so that newer ones may help."""
    return bool(unknown(output) or _OUTDATED.search(output))


def locked(output: str) -> bool:
    """Return whether another is reading the lists. apt waits for dpkg's lock by itself, for this one not."""
    return bool(_LOCKED.search(output))


def holders(output: str) -> list[str]:
    """Return the processes that apt has waited for, such as ``unattended-upgr (process 7)``."""
    found = re.findall(r"held by process (\d+) \(([^)]*)\)", output)
    return sorted({f"{name} (process {pid})" for pid, name in found})


def interrupted(output: str) -> bool:
    """Return whether an earlier run was killed amid an installation."""
    return _INTERRUPTED in output


def reason(output: str) -> str:
    """Return what apt called an error, and the end of its output."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith(("E: ", "dpkg: error"))]
    said = "; ".join(dict.fromkeys(errors)) or "it said no reason"
    return "\n".join([f"{said}. Its last lines:", *(f"  {line}" for line in lines[-TAIL:])])
