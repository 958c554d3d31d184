# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading hosted zones: what ``_hosted_zone`` plans with, and other modules look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _hosted_zone
from ._aws import Aws, together
from ._dns_records import fqdn


def find(aws: Aws, name: str, zone_id: str | None = None) -> Mapping[str, Any] | None:
    """Return the public zone with a name (and an id, if given) as ListHostedZonesByName has it, None if none.

    Raises CallFailed, and Refused if there are several.
    """
    name = fqdn(name)
    answer = aws.call("route53.list_hosted_zones_by_name", DNSName=name)
    return _hosted_zone.choose(answer["HostedZones"], name, zone_id)


def details(aws: Aws, zone: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return GetHostedZone's answer, which has the name servers. Raises CallFailed."""
    answer: Mapping[str, Any] = aws.call("route53.get_hosted_zone", Id=_hosted_zone.bare_id(zone["Id"]))
    return answer


def read(aws: Aws, zone: Mapping[str, Any], ours: Iterable[str], *, tags: bool = True) -> dict[str, Any]:
    """Return a found zone in its normal form. Raises CallFailed.

    ours: the keys of the records that are ours.
    tags: whether its tags matter; else it has none.
    """
    zone_id = _hosted_zone.bare_id(zone["Id"])

    def records() -> list[Any]:
        return list(
            aws.pages("route53.list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone_id)
        )

    def found_tags() -> list[dict[str, str]]:
        asked = {"ResourceType": "hostedzone", "ResourceId": zone_id}
        answer = aws.call("route53.list_tags_for_resource", **asked) if tags else None
        return answer["ResourceTagSet"]["Tags"] if answer else []

    answer, sets, having = together(lambda: details(aws, zone), records, found_tags)
    return _hosted_zone.normalise(answer, sets, having, ours)
