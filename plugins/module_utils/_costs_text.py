# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says of money: the bill as it is, as it will be, and the limit, as data and as plain lines.

The action ``monthly_cost`` prices what is declared, before anything exists, and its result has ``costs``:
what ``declared`` returns. The callback ``plan`` gives that and what the run saw to ``money`` at its end.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ._costs import Estimate, Line, Resource, estimate
from ._costs_limit import is_above, limit_words

_WIDTH = 96
_TITLE_WIDTH = 66
_COLUMN = 10
_ALL = "In all"


def declared(
    resources: Iterable[Resource], region: str, limit: Decimal, live: Mapping[str, Any], note: str
) -> dict[str, Any]:
    """Return what the action says: all that ``money`` needs, as JSON can hold it."""
    found = estimate(resources, region, live)
    return {
        "region": region,
        "limit": float(limit),
        "above_limit": is_above(found, limit),
        "live_prices": dict(live),
        "note": note,
        "declared": [resource._asdict() for resource in found.resources],
        "estimate": found.as_dict(),
    }


def refusal(costs: Mapping[str, Any]) -> str | None:
    """Return why a limit that is enforced stops the run, None when it doesn't."""
    limit = Decimal(str(costs["limit"]))
    found = _declared(costs)
    if not limit:
        return "enforce_budget needs a limit: set budget_monthly_limit, in USD a month. Nothing was changed."
    if is_above(found, limit):
        words = limit_words(found, limit)
    elif found.unknown:
        words = [f"What this costs a month can't be told: {'; '.join(found.unknown)}."]
    else:
        return None
    return "\n".join(
        [
            f"enforce_budget: {words[0]} Nothing was changed.",
            *words[1:],
            *(f"  {line.resource.name}: {line.what}: {line.usd:.2f}" for line in found.lines),
            "Choose what costs less, or raise budget_monthly_limit, or run without enforce_budget.",
        ]
    )


def money(
    costs: Mapping[str, Any],
    before: Iterable[Resource],
    after: Iterable[Resource],
    *,
    plan: bool = True,
    failed: bool = False,
) -> dict[str, Any]:
    """Return what a run's summary says of money; its ``text`` are the lines for a person.

    costs: what the action said. Where nothing was declared, as for a teardown, there is no other estimate.
    before, after: what the run looked at, as it was and as it will be (or is now).
    plan: whether it is a check run, which only says what will be.
    failed: whether the run ended early: what it didn't get to isn't known then.
    """
    region, live, limit = costs["region"], costs["live_prices"], Decimal(str(costs["limit"]))
    was, will = estimate(before, region, live), estimate(after, region, live)
    whole = _whole(costs, will)
    said = whole or will
    scope = _scope(failed=failed, part=whole is not None or not costs["declared"])
    declared_total = [f"All that is declared: {whole.total:.2f} USD a month."] if whole else []
    quiet = not plan and _same(was, will)
    text = (
        [*_brief(will, scope, costs["note"]), *declared_total, *limit_words(said, limit)[:1]]
        if quiet
        else [
            *(_table(was, will, plan, scope) if was.lines or will.lines or not whole else []),
            *declared_total,
            *_listed("Not counted, since its price isn't known", said.unknown),
            *_listed("Not counted, since it depends on use (USD)", will.usage),
            *_listed("Free each month", will.free),
            *_listed("Prices", [said.source(), *([costs["note"]] if costs["note"] else [])]),
            *limit_words(said, limit),
        ]
    )
    return {
        "before": float(was.total),
        "after": float(will.total),
        "difference": float(will.total - was.total),
        "limit": costs["limit"],
        "above_limit": is_above(said, limit),
        "partial": scope != _ALL,
        "phases": {
            phase: {"before": float(low), "after": float(high)} for phase, low, high in _phases(was, will)
        },
        "estimate": said.as_dict(),
        "text": text,
    }


def _scope(*, failed: bool, part: bool) -> str:
    """Return what a total is the total of."""
    if failed:
        return "What this run got to before it failed:"
    return "What this run looked at:" if part else _ALL


def _brief(found: Estimate, scope: str, note: str) -> list[str]:
    """Return what a run says that has changed nothing about the bill; a plan has the rest."""
    least = "at least " if found.unknown else ""
    total = f"{least}{found.total:.2f} USD a month, as before, without tax and what depends on use."
    return [total if scope == _ALL else f"{scope} {total}", *([note] if note else [])]


def _same(was: Estimate, will: Estimate) -> bool:
    return [(line.part, line.what, line.usd) for line in was.lines] == [
        (line.part, line.what, line.usd) for line in will.lines
    ]


def _declared(costs: Mapping[str, Any]) -> Estimate:
    resources = [Resource(**item) for item in costs["declared"]]
    return estimate(resources, costs["region"], costs["live_prices"])


def _whole(costs: Mapping[str, Any], seen: Estimate) -> Estimate | None:
    """Return the estimate of all that is declared, where the run looked at a part of it only."""
    whole = _declared(costs)
    kinds = {resource.kind for resource in seen.resources}
    return whole if any(line.resource.kind not in kinds for line in whole.lines) else None


def _phases(was: Estimate, will: Estimate) -> list[tuple[str, Decimal, Decimal]]:
    before, after = was.by_phase(), will.by_phase()
    return [
        (phase, before.get(phase, Decimal(0)), after.get(phase, Decimal(0)))
        for phase in sorted({*before, *after})
    ]


def _table(was: Estimate, will: Estimate, plan: bool, scope: str) -> list[str]:
    """Return the bill: one column where nothing changes, else how it is and how it will be."""
    change = will.total - was.total
    same = _same(was, will)
    columns = ["USD a month"] if same else ["now", "then"] if plan else ["before", "now"]
    told = [_row("", columns)] if will.lines or was.lines else []
    for phase, low, high in _phases(was, will):
        if low or high:
            told.append(_row(_phase_title(phase), _amounts(low, high, same)))
            told += [
                _row(f"  {title}", _amounts(old, new, same)) for title, old, new in _pairs(was, will, phase)
            ]
    word = "more" if change > 0 else "less"
    tail = f", {abs(change):.2f} {word} than {'now' if plan else 'before'}" if change else ""
    least = "at least " if will.unknown else ""
    return [*told, f"{scope} {least}{will.total:.2f} USD a month{tail}, without tax and what depends on use."]


def _pairs(was: Estimate, will: Estimate, phase: str) -> list[tuple[str, Decimal, Decimal]]:
    """Return each line of a phase, with what it costs before and after."""
    pairs: dict[tuple[str, str, str], tuple[Line | None, Line | None]] = {}
    for line in was.lines:
        if line.resource.phase == phase:
            pairs[_key(line)] = (line, None)
    for line in will.lines:
        if line.resource.phase == phase:
            pairs[_key(line)] = (pairs.get(_key(line), (None, None))[0], line)
    return [
        (_title(old, new), old.usd if old else Decimal(0), new.usd if new else Decimal(0))
        for old, new in pairs.values()
    ]


def _key(line: Line) -> tuple[str, str, str]:
    return line.resource.kind, line.resource.name, line.part


def _title(old: Line | None, new: Line | None) -> str:
    whats = list(dict.fromkeys(line.what for line in (old, new) if line))
    line = new or old
    name = line.resource.name if line else ""
    return f"{name}: {' → '.join(whats)}"


def _row(title: str, columns: list[str]) -> str:
    return (title.ljust(_TITLE_WIDTH) + "".join(f" {column:>{_COLUMN}}" for column in columns)).rstrip()


def _amounts(low: Decimal, high: Decimal, same: bool) -> list[str]:
    return [f"{amount:.2f}" for amount in ([high] if same else [low, high])]


def _phase_title(phase: str) -> str:
    number = phase.removeprefix("phase")
    return f"Phase {number}" if number.isdigit() else phase or "Outside of the phases"


def _listed(title: str, texts: list[str]) -> list[str]:
    """Return texts as one paragraph under a title."""
    if not texts:
        return []
    return textwrap.wrap(
        f"{title}: {'; '.join(texts)}.", _WIDTH, subsequent_indent="  ", break_on_hyphens=False
    )
