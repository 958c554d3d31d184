# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The team's monthly limit: whether an estimate is above it, and which choices would bring it under."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from . import _prices
from ._costs import Estimate, Resource, estimate
from ._instance_types import architecture

_LEAST_TYPE = "t4g.micro"
"""The smallest that all of phase 1 fits on: it needs 1 GiB."""

_LEAST_DISK = 8
"""The images' own size, in GB."""


class Proposal(NamedTuple):
    """A choice that costs less: what to do, and what is then paid a month."""

    words: str
    total: Decimal


def is_above(found: Estimate, limit: Decimal) -> bool:
    """Tell whether an estimate is above the limit (0: there is none), so far as its prices are known."""
    return bool(limit) and found.total > limit


def limit_words(found: Estimate, limit: Decimal) -> list[str]:
    """Return what there is to say of the limit; nothing when the estimate is within it."""
    if not is_above(found, limit):
        return []
    excess = found.total - limit
    told = [f"Above your limit of {limit:.2f} USD a month (budget_monthly_limit) by {excess:.2f} USD."]
    single, least = proposals(found)
    told += [f"  {item.words}: {item.total:.2f}" for item in single]
    enough = [item for item in single if item.total <= limit]
    if enough:
        told.append(f"  Each of these that ends at {limit:.2f} or less is enough.")
    elif least.total <= limit:
        told.append(f"  It takes more than one: all together come to {least.total:.2f}.")
    else:
        told.append(f"  Nothing brings it under {limit:.2f}: the least is {least.total:.2f}.")
    told.append("  A new account's credits aren't counted: while they last, they pay this bill.")
    return told


def proposals(found: Estimate) -> tuple[list[Proposal], Proposal]:
    """Return the choices that cost less, one by one, and what all of them together come to."""
    single: list[Proposal] = []
    together = list(found.resources)
    for index, resource in enumerate(found.resources):
        for words, change in _choices(resource):
            alone = _again(found, _replaced(found.resources, index, change(resource)))
            if alone.total < found.total and alone.unknown == found.unknown:
                single.append(Proposal(words, alone.total))
                together = _replaced(together, index, change(together[index]))
    least = _again(found, together).total
    if found.prices.table == found.prices.region:
        there = estimate(found.resources, _prices.HOME).total
        if there < found.total:
            single.append(Proposal(f"In {_prices.HOME} (andamio_region), if nothing is here yet", there))
            least = min(least, estimate(together, _prices.HOME).total)
    return single, Proposal("all together", least)


def _again(found: Estimate, resources: list[Resource]) -> Estimate:
    """Return the estimate of other resources at the same prices."""
    return estimate(resources, found.prices.region, found.prices.live)


def _replaced(resources: list[Resource], index: int, resource: Resource) -> list[Resource]:
    return [*resources[:index], resource, *resources[index + 1 :]]


_Change = Callable[[Resource], Resource]


def _choices(resource: Resource) -> Iterator[tuple[str, _Change]]:
    """Yield what else could be chosen for a host: words, and the function that makes the change."""
    if resource.kind != "ec2_host" or resource.state is None:
        return
    kind = resource.state.get("instance_type") or ""
    for other in dict.fromkeys((f"t4g.{kind.partition('.')[2]}", _LEAST_TYPE)):
        if kind and other != kind:
            yield _type_words(kind, other), _with(instance_type=other)
    volume = resource.state.get("volume") or {}
    if volume.get("type") == "gp3" and volume["size"] > _LEAST_DISK:
        size = f"{_LEAST_DISK} GB instead of {volume['size']}"
        words = f"A disk of {size} (ec2_host_volume_size; on a new instance, since disks don't shrink)"
        yield words, _with(volume={**volume, "size": _LEAST_DISK})


def _with(**changes: object) -> _Change:
    return lambda resource: resource._replace(state={**(resource.state or {}), **changes})


def _type_words(kind: str, other: str) -> str:
    notes = ["ec2_host_instance_type"]
    if kind.partition(".")[2] != other.partition(".")[2]:
        notes.append("less memory")
    if architecture(kind) != architecture(other):
        notes.append(f"{architecture(other)}, so a new instance")
    return f"{other} instead of {kind} ({'; '.join(notes)})"
