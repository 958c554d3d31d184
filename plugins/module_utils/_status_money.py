# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the status says of money: what was spent, and what the parts there are cost a month. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ._costs import Resource, estimate
from ._costs_limit import is_above, limit_words
from ._findings import ABSENT, OK, UNKNOWN, WARNING, Finding


def findings(
    region: str, facts: Mapping[str, Any], problems: Mapping[str, str], limit: float
) -> list[Finding]:
    """Return what was spent this month, and the estimate of what is there."""
    return [_spent(facts, problems), _estimate(region, facts, problems, limit)]


def _spent(facts: Mapping[str, Any], problems: Mapping[str, str]) -> Finding:
    subject = "this month"
    if "spent" in problems:
        return Finding(UNKNOWN, subject, problems["spent"])
    if "spent" not in facts:
        return Finding(UNKNOWN, subject, "not asked (status_spent)")
    spent = facts["spent"]
    if spent is None:
        return Finding(UNKNOWN, subject, "not known: Cost Explorer has no figures for this account yet.")
    says = f"{spent['amount']:.2f} {spent['unit']} since {spent['since']}, the whole account"
    return Finding(OK, subject, says)


def _estimate(region: str, facts: Mapping[str, Any], problems: Mapping[str, str], limit: float) -> Finding:
    subject = "estimate"
    found = estimate(resources(facts), region)
    least = "at least " if found.unknown or {"host", "volume", "address", "zone"} & set(problems) else ""
    if not found.lines:
        return Finding(ABSENT, subject, "0.00 USD a month: there is nothing that costs by the month")
    parts = "; ".join(f"{line.usd} {line.what}" for line in found.lines)
    says = f"{least}{found.total:.2f} USD a month before traffic and tax: {parts}"
    if is_above(found, Decimal(str(limit))):
        says += f"; above your limit of {limit:.2f}"
        return Finding(WARNING, subject, says, _choices(limit_words(found, Decimal(str(limit)))))
    return Finding(OK, subject, says)


def _choices(words: list[str]) -> str:
    """Return what would bring it under the limit; that it is above is said already."""
    return ". ".join(text.strip().rstrip(".") for text in words[1:]) + "."


def resources(facts: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield what there is as the estimate takes it: with the same words as the modules' normal forms."""
    host, address, volume = facts.get("host"), facts.get("address"), facts.get("volume")
    if host or address:
        state = {
            "instance_type": (host or {}).get("instance_type"),
            "state": (host or {}).get("state", ""),
            "volume": volume,
            "address": (address or {}).get("ip"),
        }
        yield Resource("phase1", "ec2_host", "ec2_host", "host", state)
    if facts.get("zone"):
        yield Resource("phase1", "route53", "hosted_zone", "zone", {})
