"""What there is and what has been, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from andamio_release import decide, lock, maintenance
from andamio_release.host import Host
from andamio_release.records import Records
from andamio_release.settings import Settings


def status(settings: Settings, host: Host, records: Records) -> dict[str, Any]:
    """What is live, what else is here, and whether a run is under way."""
    live, known, entries = host.live(), records.all(), records.entries()
    running = set(host.running_fpm())
    held = maintenance.is_ours(settings)
    return {
        "live": live,
        "last_good": decide.last_good(known, entries, live),
        "maintenance": held or maintenance.is_down(settings),
        "under_way": asdict(under)
        if (under := records.under()) and lock.is_locked(records.state / "lock")
        else None,
        "workers": {
            unit: "held" if held else host.worker(unit, live)[1] or "ok" for unit in settings.workers
        },
        "releases": [
            {
                "id": record.id,
                "state": "live" if record.id == live else record.state,
                "created": record.created,
                "commit": record.commit,
                "owner": record.owner,
                "php_fpm": record.id in running,
                "why_bad": record.why_bad,
            }
            for record in reversed(known.values())
        ],
    }


def history(records: Records, last: int = 30) -> list[dict[str, Any]]:
    """The newest runs, newest first."""
    return [asdict(entry) for entry in reversed(records.entries()[-last:])]


def status_table(found: dict[str, Any]) -> str:
    """The status as a table."""
    rows = [
        (entry["state"], entry["id"], entry["created"], entry["commit"][:12], entry["owner"])
        for entry in found["releases"]
    ]
    lines = [table(("state", "release", "created", "commit", "by"), rows)]
    for unit, state in found["workers"].items():
        lines.append(f"{unit}: {state}")
    if found["maintenance"]:
        lines.append("The application is down for maintenance.")
    if found["under_way"]:
        lines.append(f"Under way: {found['under_way']['action']} by {found['under_way']['owner']}.")
    return "\n".join(lines)


def history_table(found: list[dict[str, Any]]) -> str:
    """The journal as a table."""
    rows = [
        (
            entry["time"],
            entry["action"],
            entry["outcome"] + (f" at {entry['failed_step']}" if entry["failed_step"] else ""),
            entry["release"],
            f"{entry['seconds']:.1f} s",
            entry["owner"],
        )
        for entry in found
    ]
    return table(("time", "what", "outcome", "release", "took", "by"), rows)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as they have to be."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def answer_text(found: dict[str, Any]) -> str:
    """A run's answer for a person at the host."""
    lines = [f"{found['outcome']}: {found['message']}"]
    if found["failed_step"]:
        lines.append(f"It failed at the step {found['failed_step']}; the log: {found['log']}")
    if found["dump"]:
        lines.append(f"The dump from before the migrations: {found['dump']}")
    return "\n".join(lines)


def dumps(found: Any) -> str:
    return json.dumps(found, ensure_ascii=True)
