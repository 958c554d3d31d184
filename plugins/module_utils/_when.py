# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments in words: absolute and relative."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_UNITS = (
    (timedelta(days=730), timedelta(days=365), "years"),
    (timedelta(days=2), timedelta(days=1), "days"),
    (timedelta(hours=2), timedelta(hours=1), "h"),
    (timedelta(minutes=2), timedelta(minutes=1), "min"),
)


def parse(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 text names, in UTC where it names no zone; None for any other."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def duration(span: timedelta) -> str:
    """Return a span in its largest sensible unit, cut and not rounded: 47 h, 3 days."""
    for least, unit, name in _UNITS:
        if span >= least:
            return f"{span // unit} {name}"
    return f"{max(int(span.total_seconds()), 0)} s"


def relative(moment: datetime, now: datetime) -> str:
    """Return how far a moment is from now: 3 h ago, in 89 days."""
    return f"in {duration(moment - now)}" if moment > now else f"{duration(now - moment)} ago"


def both(moment: datetime, now: datetime) -> str:
    """Return a moment, absolute and relative: 2026-11-24 18:03 UTC (3 h ago)."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({relative(moment, now)})"
