# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS answers about one project and environment, in the few words that the status needs.

Pure. ``status_info`` reads, these functions normalise. None stands for what isn't there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from . import _hosted_zone, _tags
from ._delegation import Delegation
from ._when import iso

Facts = dict[str, Any]


def buckets(names: Mapping[str, str], answers: Iterable[Mapping[str, Any]]) -> dict[str, Facts | None]:
    """Return each bucket by its use; ``names`` are their names by their uses."""
    there = {item["Name"]: item for item in answers}
    return {
        use: {"name": name, "created": iso(there[name]["CreationDate"])} if name in there else None
        for use, name in names.items()
    }


def dump(objects: Iterable[Mapping[str, Any]]) -> Facts | None:
    """Return the newest object of a listing."""
    newest = max(objects, key=lambda item: item["LastModified"], default=None)
    if newest is None:
        return None
    return {"key": newest["Key"], "size": newest["Size"], "time": iso(newest["LastModified"])}


def host(instances: Iterable[Mapping[str, Any]], name: str) -> Facts | None:
    """Return the host: of instances of the same name the running one, else the newest."""
    named = [item for item in instances if _is_named(item, name)]
    if not named:
        return None
    best = max(named, key=lambda item: (item["State"]["Name"] == "running", item["LaunchTime"]))
    return {
        "instance_id": best["InstanceId"],
        "instance_type": best["InstanceType"],
        "state": best["State"]["Name"],
        "zone": best.get("Placement", {}).get("AvailabilityZone", ""),
        "launched": iso(best["LaunchTime"]),
    }


def checks(statuses: Iterable[Mapping[str, Any]]) -> str | None:
    """Return how EC2's own checks of an instance and its system are: the worse of the two."""
    for status in statuses:
        words = {status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]}
        bad = words - {"ok"}
        return sorted(bad)[0] if bad else "ok"
    return None


def address(answers: Iterable[Mapping[str, Any]], name: str) -> Facts | None:
    for item in answers:
        if _is_named(item, name):
            return {"ip": item["PublicIp"], "instance_id": item.get("InstanceId") or ""}
    return None


def volume(answers: Iterable[Mapping[str, Any]]) -> Facts | None:
    """Return the one volume that a host has."""
    for item in answers:
        return {"size": item["Size"], "type": item["VolumeType"]}
    return None


def zone(answer: Mapping[str, Any], delegation: Delegation) -> Facts:
    return {
        "id": answer["HostedZone"]["Id"].rsplit("/", 1)[-1],
        "records": answer["HostedZone"].get("ResourceRecordSetCount", 0),
        "servers": _hosted_zone.name_servers(answer),
        "delegation": delegation.as_dict(),
    }


def distribution(answers: Iterable[Mapping[str, Any]], alias: str) -> Facts | None:
    for item in answers:
        if alias in item.get("Aliases", {}).get("Items", ()):
            certificate = item.get("ViewerCertificate", {}).get("ACMCertificateArn", "")
            return {
                "id": item["Id"],
                "enabled": item["Enabled"],
                "status": item["Status"],
                "certificate": certificate,
            }
    return None


def certificate(answer: Mapping[str, Any]) -> Facts:
    expires = answer.get("NotAfter")
    return {
        "status": answer["Status"],
        "expires": iso(expires) if expires else "",
        "renewal": answer.get("RenewalSummary", {}).get("RenewalStatus", ""),
    }


def alarms(
    answers: Iterable[Mapping[str, Any]], tags: Mapping[str, Mapping[str, str]], wanted: Mapping[str, str]
) -> list[Facts]:
    """Return the alarms that carry the tags ``wanted``; ``tags`` are each alarm's by its ARN."""
    return [
        {"name": item["AlarmName"], "state": item["StateValue"], "reason": item.get("StateReason", "")}
        for item in answers
        if wanted.items() <= tags.get(item["AlarmArn"], {}).items()
    ]


def month(today: date) -> dict[str, str]:
    """Return Cost Explorer's time period for this month until today; its end isn't counted in."""
    return {"Start": f"{today:%Y-%m}-01", "End": f"{today + timedelta(days=1)}"}


def spent(answer: Mapping[str, Any], since: str) -> Facts | None:
    """Return what was spent; None when there are no figures."""
    totals = [
        result["Total"]["UnblendedCost"] for result in answer.get("ResultsByTime", ()) if result["Total"]
    ]
    if not totals:
        return None
    return {
        "amount": round(sum(float(total["Amount"]) for total in totals), 2),
        "unit": totals[0]["Unit"],
        "since": since,
    }


def _is_named(thing: Mapping[str, Any], name: str) -> bool:
    return _tags.to_dict(thing.get("Tags")).get("Name") == name
