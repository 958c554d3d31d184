# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the status makes of a host, and of the pages that were asked for from there. Pure."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from ._findings import ABSENT, OK, UNKNOWN, WARNING, WRONG, Finding
from ._when import both, duration, parse

CERTIFICATE_WARNING_DAYS, CERTIFICATE_LIMIT_DAYS = 21, 7
"""certbot renews 30 days before the end, so that 21 mean that it hasn't."""

DISK_WARNING, DISK_LIMIT = 0.80, 0.92
MEMORY_WARNING = 0.90
SWAP_WARNING = 0.50

_REMEDIES = {
    "site": "If zone and CloudFront are well below, put it right: ansible-playbook site.yml -t s3_site",
    "API": "See why: make logs. If it came with a deploy, undo that: make rollback",
}


_INSIDE = {"nginx": "nginx", "php": "PHP-FPM", "release": "Laravel", "mysql": "MySQL"}


@dataclass(frozen=True)
class Part:
    """One part of the architecture, as the drawing shows it."""

    title: str
    state: str
    lines: Sequence[str] = ()


class Seen:
    """What was seen of one host."""

    def __init__(self, name: str, given: Mapping[str, Any]) -> None:
        self.name = name
        self.reached = bool(given.get("reached"))
        self.why = str(given.get("why") or "").removeprefix("Task failed: ")
        self.host: Mapping[str, Any] = given.get("host") or {}
        self.probes: Sequence[tuple[Mapping[str, Any], int]] = given.get("probes") or ()
        self.runs: Sequence[Mapping[str, Any]] = given.get("runs") or ()
        release = given.get("release") or {}
        self.release: Mapping[str, Any] = release.get("status") or {}
        self.release_why = str(release.get("msg") or "")
        self._certificate: Mapping[str, Any] = given.get("certificate") or {}

    @property
    def live(self) -> Mapping[str, Any]:
        """The live release's record; empty when there is none."""
        name = self.release.get("live")
        return next((item for item in self.release.get("releases", ()) if item["id"] == name), {})

    @property
    def certificate(self) -> tuple[datetime | None, str]:
        """When the API's certificate ends, and who issued it; openssl's own form of a date."""
        try:
            end = ssl.cert_time_to_seconds(str(self._certificate.get("not_after", "")))
        except ValueError:
            return None, ""
        issuer = str(self._certificate.get("issuer", ""))
        return datetime.fromtimestamp(end, UTC), issuer.rpartition("CN")[2].lstrip(" =")


def size(number: float) -> str:
    """Return bytes in words."""
    value, units = float(number), iter(("bytes", "KiB", "MiB", "GiB"))
    unit = next(units)
    for larger in units:
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"


def pages(probes: Iterable[tuple[Mapping[str, Any], int]], api: str) -> list[Finding]:
    """Return a finding for the pages that answer as they should, and one for those that don't: site and API.

    A probe comes with the status it got, -1 for no answer. ``api`` is the API's name.
    """
    found: dict[tuple[str, bool], list[tuple[Mapping[str, Any], int]]] = {}
    for probe, got in probes:
        subject = "API" if urlsplit(probe["url"]).hostname == api else "site"
        found.setdefault((subject, got == probe["status"]), []).append((probe, got))
    bad = [_unwell(subject, given) for (subject, good), given in found.items() if not good]
    well = [
        Finding(OK, subject, "; ".join(probe["says"] for probe, _got in given))
        for (subject, good), given in found.items()
        if good
    ]
    return [*bad, *well]


def _unwell(subject: str, given: Sequence[tuple[Mapping[str, Any], int]]) -> Finding:
    silent = [probe["url"] for probe, got in given if got < 0]
    if len(silent) == len(given) > 1:
        says = f"no answer from any of {len(silent)} pages, such as {silent[0]}"
    else:
        says = "; ".join(
            f"{f'status {got}' if got > 0 else 'no answer'} instead of {probe['status']} from {probe['url']}"
            f" ({probe['says']})"
            for probe, got in given
        )
    return Finding(WRONG, subject, says, _REMEDIES[subject])


def certificate(name: str, expires: datetime | None, issuer: str, now: datetime) -> Finding:
    """Say how long a certificate is good for."""
    if expires is None:
        return Finding(UNKNOWN, "certificate", f"{name}: none could be read on the host")
    says = f"{name}: until {both(expires, now)}" + (f", by {issuer}" if issuer else "")
    left = expires - now
    fix = "Renew it on the host (certbot renew), and see why its timer didn't: systemctl status certbot.timer"
    if left < timedelta(days=CERTIFICATE_LIMIT_DAYS):
        return Finding(WRONG, "certificate", says, fix)
    if left < timedelta(days=CERTIFICATE_WARNING_DAYS):
        return Finding(WARNING, "certificate", says, fix)
    return Finding(OK, "certificate", says)


def findings(seen: Seen, now: datetime) -> list[Finding]:
    """Return what there is to say of a host."""
    if not seen.reached:
        fix = "Is the instance running, and its SSM agent? See: aws ssm describe-instance-information"
        return [Finding(WRONG, "host", f"can't be reached: {seen.why or 'no answer'}", fix)]
    found = [*_machine(seen.host)] if seen.host else [Finding(UNKNOWN, "machine", seen.why)]
    return [*found, *_release(seen, now)]


def _machine(host: Mapping[str, Any]) -> list[Finding]:
    return [
        _disk(host["disk"]),
        _memory(host["memory"], host["swap"]),
        _load(host["load"], host["cpus"]),
        _units(host),
        _uptime(host),
    ]


def _disk(disk: Mapping[str, int]) -> Finding:
    usable = disk["used"] + disk["available"]
    part = disk["used"] / usable if usable else 1.0
    says = f"{size(disk['used'])} of {size(usable)} used ({part:.0%})"
    state = OK if part < DISK_WARNING else WARNING if part < DISK_LIMIT else WRONG
    fix = "See what is large: du -xh / | sort -h | tail; or set a larger ec2_host_volume_size."
    return Finding(state, "disk", says, "" if state == OK else fix)


def _memory(memory: Mapping[str, int], swap: Mapping[str, int]) -> Finding:
    part = memory["used_mb"] / memory["total_mb"] if memory["total_mb"] else 0.0
    says = f"{memory['used_mb']} of {memory['total_mb']} MiB used ({part:.0%})"
    if swap["total_mb"]:
        says += f", swap {swap['used_mb']} of {swap['total_mb']} MiB"
    swapping = bool(swap["total_mb"]) and swap["used_mb"] / swap["total_mb"] > SWAP_WARNING
    if part > MEMORY_WARNING or swapping:
        return Finding(WARNING, "memory", says, "If it stays so, take a larger ec2_host_instance_type.")
    return Finding(OK, "memory", says)


def _load(load: Sequence[float], cpus: int) -> Finding:
    words = ", ".join(f"{value:.2f}" for value in load)
    says = f"{words} over 1, 5 and 15 minutes on {cpus} {'CPU' if cpus == 1 else 'CPUs'}"
    if load[-1] > 2 * cpus:
        return Finding(WARNING, "load", says, "See what is busy: top")
    return Finding(OK, "load", says)


def _units(host: Mapping[str, Any]) -> Finding:
    down = [unit for unit, state in host["units"].items() if state not in ("active", "reloading")]
    wrong = list(dict.fromkeys(unit.removesuffix(".service") for unit in [*host["failed_units"], *down]))
    if not host["units"] and not wrong:
        return Finding(UNKNOWN, "services", "not known: systemd gave no answer")
    if not wrong:
        return Finding(OK, "services", f"{', '.join(host['units'])} are up; no unit has failed")
    says = f"failed or down: {', '.join(wrong)}"
    return Finding(WRONG, "services", says, f"See why: systemctl status {' '.join(wrong)}")


def _uptime(host: Mapping[str, Any]) -> Finding:
    says = f"up for {duration(timedelta(seconds=host['uptime']))}"
    if host["restart_required"]:
        fix = "Updates wait for a restart: it comes by itself at night, or: systemctl reboot"
        return Finding(WARNING, "uptime", f"{says}, restart required", fix)
    return Finding(OK, "uptime", says)


def _release(seen: Seen, now: datetime) -> list[Finding]:
    status = seen.release
    if not status:
        return [Finding(ABSENT, "release", seen.release_why or "none deployed yet")]
    if not status.get("live"):
        return [Finding(ABSENT, "release", "none deployed yet: make deploy")]
    created = parse(str(seen.live.get("created", "")))
    says = str(status["live"])
    if created:
        says += f", built {both(created, now)}"
    if seen.live.get("owner"):
        says += f" by {seen.live['owner']}"
    if not seen.live.get("php_fpm", True):
        found = [
            Finding(
                WRONG, "release", f"{says}; its PHP-FPM doesn't run", "On the host: andamio-release settle"
            )
        ]
    elif status.get("maintenance"):
        found = [Finding(WARNING, "release", f"{says}, down for maintenance")]
    else:
        found = [Finding(OK, "release", says)]
    bad = {unit: state for unit, state in status.get("workers", {}).items() if state not in ("ok", "held")}
    found += [
        Finding(WRONG, "workers", f"{unit}: {state}", "On the host: andamio-release settle")
        for unit, state in bad.items()
    ]
    if status.get("under_way"):
        under = status["under_way"]
        found.append(Finding(OK, "under way", f"{under['action']} by {under['owner']}"))
    return found + [_run(run, now) for run in seen.runs[:1]]


def _run(run: Mapping[str, Any], now: datetime) -> Finding:
    time = parse(str(run.get("time", "")))
    when = f", {both(time, now)}" if time else ""
    says = f"{run['action']} of {run['release']}: {run['outcome']} after {run['seconds']:.1f} s{when}"
    state = {"live": OK, "unchanged": OK, "checked": OK, "stuck": WRONG}.get(run["outcome"], WARNING)
    return Finding(state, "last run", says, "" if state == OK else f"It says: {run.get('message', '')}")


def parts(hosts: Sequence[Seen], exists: bool, found: Mapping[str, str], now: datetime) -> dict[str, Part]:
    """Return what runs on the host, for the drawing. ``found`` has the findings' states by subject."""
    seen = next((one for one in hosts if one.reached and one.host), None)
    if seen is None:
        state = UNKNOWN if exists else ABSENT
        return {name: Part(title, state) for name, title in _INSIDE.items()}
    expires, _issuer = seen.certificate
    lines = {
        "nginx": [f"TLS for {duration(expires - now)}" if expires else "no certificate"],
        "php": ["of the live release"] if seen.live else [],
        "mysql": [seen.host["units"].get("mysql", "")],
        "release": [str(seen.release["live"])] if seen.release.get("live") else ["none yet"],
    }
    states = {
        "nginx": _unit(seen.host, "nginx"),
        "php": ABSENT if not seen.live else OK if seen.live.get("php_fpm", True) else WRONG,
        "mysql": _unit(seen.host, "mysql"),
        "release": found.get("release", UNKNOWN),
    }
    return {name: Part(title, states[name], lines[name]) for name, title in _INSIDE.items()}


def _unit(host: Mapping[str, Any], name: str) -> str:
    state = host["units"].get(name)
    return UNKNOWN if state is None else OK if state in ("active", "reloading") else WRONG
