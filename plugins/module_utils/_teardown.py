# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a teardown checks before it changes anything: is a last dump possible, and is a zone's rest known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _hosted_zone
from ._ec2_host import own

# A certificate's proof goes with the certificate; ACM makes the value.
_PROOF = ".acm-validations.aws."


def instances(answers: Iterable[dict[str, Any]], tags: Mapping[str, Any]) -> dict[str, str]:
    """Return the state of each instance of ours, by id, out of DescribeInstances' own answers."""
    ours, _theirs = own(answers, "InstanceId", tags)
    return {item["InstanceId"]: item["State"]["Name"] for item in ours}


def host_problems(found: Mapping[str, str], hosts: Iterable[str]) -> list[str]:
    """Return the problem of each instance that no host of the inventory is: its database would be lost.

    found: the state of each instance, by id. hosts: the names and addresses of the inventory's hosts.
    """
    known = set(hosts)
    return [
        f"instance {instance} ({state}) isn't among the inventory's hosts (group laravel), so its database "
        f"can't be dumped before it goes. {_advice(state)}"
        for instance, state in sorted(found.items())
        if instance not in known
    ]


def _advice(state: str) -> str:
    start = "Start it" if state in ("stopped", "stopping") else "See to it that the inventory finds it"
    return f"{start}, or, if its data isn't needed, go on with -e teardown_without_dump=true"


def zone_problems(zone: Mapping[str, Any] | None, tags: Mapping[str, Any]) -> list[str]:
    """Return the problem of a zone of ours, in its normal form, that has records of others."""
    if not zone or not _hosted_zone.is_ours(zone, tags):
        return []
    found = ", ".join(
        record for record in _hosted_zone.others(zone) if not _is_proof(zone["other_records"][record])
    )
    if not found:
        return []
    return [
        f"the zone {zone['name']} has records that aren't Andamio's: {found}. Move them to another zone, or "
        "keep this one with -e teardown_zone=false, or delete it with them by -e route53_force=true"
    ]


def _is_proof(form: Mapping[str, Any]) -> bool:
    values = form.get("values") or []
    return bool(values) and all(value.endswith(_PROOF) for value in values)


def message(problems: list[str]) -> str:
    """Return what a person reads."""
    return "\n".join(["Nothing was changed. What is in the way:", *(f"- {text}." for text in problems)])
