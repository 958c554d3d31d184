# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Route 53 zone and the records we manage in it.

The normal form of a zone::

    {
        "hosted_zone_id": "Z1", "name": "academia.test.", "comment": "", "name_servers": [...], "tags": {...},
        "records": {"api.academia.test. A": {"ttl": 300, "values": ["198.51.100.7"]},
                    "academia.test. A": {"alias": "d1.cloudfront.net.", "zone": "Z2FDTNDATAQYW2"}},
        "other_records": the same, for what isn't ours,
    }

A record that routes by weight, place or the like is in there as {"routed": True}: it is never ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _tags
from ._converge import AFTER_APPLY, Answer, Change, Refused, State, Wait
from ._dns_records import fqdn, in_zone, value

CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"

REFERENCE = "andamio-"
"""How the caller reference of a zone begins that we made: unlike a tag, it is there for good."""

# https://docs.aws.amazon.com/general/latest/gr/s3.html#s3_website_region_endpoints
WEBSITE_ZONES = {
    "us-east-1": ("s3-website-us-east-1.amazonaws.com.", "Z3AQBSTGFYJSTF"),
    "us-east-2": ("s3-website.us-east-2.amazonaws.com.", "Z2O1EMRO9K5GLX"),
    "us-west-1": ("s3-website-us-west-1.amazonaws.com.", "Z2F56UZL2M1ACD"),
    "us-west-2": ("s3-website-us-west-2.amazonaws.com.", "Z3BJ6K6RIION7M"),
    "eu-west-1": ("s3-website-eu-west-1.amazonaws.com.", "Z1BKCTXD74EZPE"),
    "sa-east-1": ("s3-website-sa-east-1.amazonaws.com.", "Z7KQH4QJS55SO"),
}

TYPES = ("A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NS", "PTR", "SRV", "TXT")

# What a target can be an answer to.
TARGET_TYPES = {"elastic_ip": ("A",), "distribution": ("A", "AAAA"), "website": ("A",)}

_APEX_TYPES = ("NS", "SOA")
_NEW_ZONE = Answer("route53.create_hosted_zone", "HostedZone.Id")


def key(name: str, kind: str) -> str:
    """Return what a record set is called in a normal form."""
    return f"{name} {kind}"


def desired(params: Mapping[str, Any], targets: Mapping[tuple[str, str], str | None]) -> dict[str, Any]:
    """Return what the module's parameters ask for; None is no opinion.

    ``targets`` says what a target's kind and name is now: an address or a domain name; None if it isn't
    there yet.

    Raises ValueError listing every record that can't be one.
    """
    return {
        "name": fqdn(params["name"]),
        "comment": params["comment"],
        "tags": params["tags"],
        "records": _records(params, targets),
    }


def _records(
    params: Mapping[str, Any], targets: Mapping[tuple[str, str], str | None]
) -> dict[str, dict[str, Any]]:
    records: dict[str, dict[str, Any]] = {}
    problems = []
    removed = absent_records(params)
    for number, item in enumerate(params["records"]):
        try:
            name = in_zone(item["name"], params["name"])
            record = key(name, item["type"])
            if record in records:
                raise ValueError("it is listed twice")
            if record in removed and params["state"] == "present":
                raise ValueError("absent_records has it too")
            records[record] = _record(item, name, params, targets)
        except ValueError as error:
            problems.append(f"records[{number}] ({item['name'] or '@'} {item['type']}): {error}")
    if problems:
        raise ValueError("; ".join(problems))
    return records


def absent_records(params: Mapping[str, Any]) -> list[str]:
    """Return the records that have to go; with the zone, those that were ours go too."""
    items = list(params["absent_records"])
    if params["state"] == "absent":
        items += params["records"]
    return sorted({key(in_zone(item["name"], params["name"]), item["type"]) for item in items})


def _record(
    item: Mapping[str, Any],
    name: str,
    params: Mapping[str, Any],
    targets: Mapping[tuple[str, str], str | None],
) -> dict[str, Any]:
    if bool(item["values"]) == bool(item["target"]):
        raise ValueError("it needs either values or a target")
    if item["type"] in _APEX_TYPES and name == fqdn(params["name"]):
        raise ValueError("Route 53 keeps these itself at the top of a zone")
    if not item["target"]:
        return {"ttl": item["ttl"], "values": sorted({value(item["type"], text) for text in item["values"]})}
    kind, wanted = target(item["target"])
    if item["type"] not in TARGET_TYPES[kind]:
        raise ValueError(f"a target {kind} answers {' and '.join(TARGET_TYPES[kind])} only")
    if kind == "website":
        return _website(wanted, name, params["region"])
    found = targets.get((kind, wanted)) or AFTER_APPLY
    if kind == "distribution":
        return {"alias": found if found == AFTER_APPLY else fqdn(found), "zone": CLOUDFRONT_ZONE}
    return {"ttl": item["ttl"], "values": [found]}


def target(item: Mapping[str, str | None]) -> tuple[str, str]:
    """Return a target's kind and name. Raises ValueError unless it has exactly one."""
    given = [(kind, name) for kind, name in item.items() if name]
    if len(given) != 1:
        raise ValueError(f"a target is one of {', '.join(TARGET_TYPES)}")
    return given[0][0], str(given[0][1])


def _website(bucket: str, name: str, region: str | None) -> dict[str, Any]:
    if fqdn(bucket) != name:
        raise ValueError(f"S3 serves a website by its name: the bucket must be {name[:-1]}, not {bucket}")
    if region not in WEBSITE_ZONES:
        raise ValueError(
            f"the zone id of S3's website endpoint in {region} isn't known here (only "
            f"{', '.join(sorted(WEBSITE_ZONES))}). Use a distribution, or values"
        )
    endpoint, zone = WEBSITE_ZONES[region]
    return {"alias": endpoint, "zone": zone}


def unresolved(records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the records whose target isn't there yet."""
    return sorted(
        record
        for record, form in records.items()
        if AFTER_APPLY in (form.get("alias"), *form.get("values", ()))
    )


def choose(zones: Iterable[Mapping[str, Any]], name: str, zone_id: str | None) -> Mapping[str, Any] | None:
    """Return the public zone with a name, out of ListHostedZonesByName.

    Raises Refused if there are several.
    """
    public = [
        zone
        for zone in zones
        if fqdn(zone["Name"]) == fqdn(name) and not zone.get("Config", {}).get("PrivateZone")
    ]
    if zone_id:
        public = [zone for zone in public if bare_id(zone["Id"]) == bare_id(zone_id)]
        if not public:
            raise Refused(f"hosted_zone_id: no public zone {fqdn(name)} has the id {bare_id(zone_id)}.")
    if len(public) > 1:
        ids = ", ".join(sorted(bare_id(zone["Id"]) for zone in public))
        raise Refused(
            f"{len(public)} public zones have this name: {ids}. The registrar's name servers tell which "
            "one the world uses: set 'hosted_zone_id' to it, or delete the others."
        )
    return public[0] if public else None


def bare_id(zone_id: str) -> str:
    """Return a zone's id without the path that Route 53 puts before it."""
    return zone_id.rpartition("/")[2]


def normalise(
    zone: Mapping[str, Any],
    records: Iterable[Mapping[str, Any]],
    tags: Iterable[Mapping[str, str]],
    ours: Iterable[str],
) -> dict[str, Any]:
    """Return the normal form out of GetHostedZone, ListResourceRecordSets and ListTagsForResource.

    ``ours`` are the records that the module has an opinion on.
    """
    found = {key(fqdn(item["Name"]), item["Type"]): item for item in records}
    forms = {record: normalise_record(item) for record, item in found.items()}
    mine = set(ours)
    return {
        "hosted_zone_id": bare_id(zone["HostedZone"]["Id"]),
        "name": fqdn(zone["HostedZone"]["Name"]),
        "comment": zone["HostedZone"].get("Config", {}).get("Comment") or "",
        "name_servers": name_servers(zone),
        "tags": _tags.to_dict(tags),
        "_made_here": str(zone["HostedZone"].get("CallerReference", "")).startswith(REFERENCE),
        "_read": found,
        "records": {record: form for record, form in forms.items() if record in mine},
        "other_records": {record: form for record, form in forms.items() if record not in mine},
    }


def name_servers(zone: Mapping[str, Any]) -> list[str]:
    """Return the names of GetHostedZone's answer, without the dot that some end with."""
    return sorted(name.rstrip(".") for name in zone.get("DelegationSet", {}).get("NameServers", ()))


def normalise_record(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form of one record set."""
    if "SetIdentifier" in item:
        return {"routed": True}
    alias = item.get("AliasTarget")
    if alias:
        health = {"health": True} if alias.get("EvaluateTargetHealth") else {}
        return {"alias": fqdn(alias["DNSName"]), "zone": alias["HostedZoneId"].upper(), **health}
    return {
        "ttl": int(item.get("TTL", 0)),
        "values": sorted(_spelled(item["Type"], entry["Value"]) for entry in item.get("ResourceRecords", ())),
    }


def _spelled(kind: str, text: str) -> str:
    """Return a value of Route 53's; one that others wrote and we can't read stays as it is."""
    try:
        return value(kind, text)
    except ValueError:
        return text


def hand_work(zone: Mapping[str, Any]) -> list[str]:
    """Return what is left to do at the registrar; nothing where the delegation is live, or nobody knows."""
    name = zone["name"].rstrip(".")
    if AFTER_APPLY in zone["name_servers"]:
        return [f"Set the name servers that the zone gets for {name} at your registrar."]
    if zone["delegation"]["live"] is False:
        return [f"Set these name servers for {name} at your registrar: {', '.join(zone['name_servers'])}."]
    return []


@dataclass(frozen=True)
class Terms:
    """What a plan also needs to know: the records to remove, and what to do with the zone.

    deletable: whether the zone may go. tags: what a zone of ours has. records: how ours should be, where that
    is known.
    """

    absent: Iterable[str] = ()
    caller_reference: str = ""
    deletable: bool = True
    tags: Mapping[str, Any] | None = None
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    force: bool = False
    wait: int = 0


def plan(current: State | None, goal: State | None, terms: Terms) -> list[Change]:
    """Return the calls that turn ``current`` into ``goal``.

    Raises Refused when a record in the way isn't ours to remove.
    """
    if goal is None:
        return _remove(current, terms) if current else []
    changes = []
    zone_id: str | Answer = current["hosted_zone_id"] if current else _NEW_ZONE
    if not current:
        changes.append(_create(goal, terms))
    elif goal.get("comment") not in (None, current["comment"]):
        changes.append(
            Change("route53.update_hosted_zone_comment", {"Id": zone_id, "Comment": goal["comment"]})
        )
    changes += _set(zone_id, current or {"records": {}, "other_records": {}}, goal["records"], terms)
    # The answer's id has a path before it, which this one call doesn't take.
    tagged = current["hosted_zone_id"] if current else AFTER_APPLY
    return changes + _tag(tagged, (current or {}).get("tags", {}), goal.get("tags"))


def _create(goal: Mapping[str, Any], terms: Terms) -> Change:
    arguments = {"Name": goal["name"], "CallerReference": terms.caller_reference}
    if goal.get("comment"):
        arguments["HostedZoneConfig"] = {"Comment": goal["comment"]}
    return Change("route53.create_hosted_zone", arguments)


def _tag(zone_id: str, current: Mapping[str, str], goal: Mapping[str, str] | None) -> list[Change]:
    if goal is None:
        return []
    put, remove = _tags.differences(current, goal)
    arguments: dict[str, Any] = {"ResourceType": "hostedzone", "ResourceId": zone_id}
    if put:
        arguments["AddTags"] = _tags.to_list(put)
    if remove:
        arguments["RemoveTagKeys"] = remove
    return [Change("route53.change_tags_for_resource", arguments)] if put or remove else []


def _set(
    zone_id: str | Answer, current: Mapping[str, Any], goal: Mapping[str, Any], terms: Terms
) -> list[Change]:
    records = current["records"]
    removed = [record for record in terms.absent if record in records]
    _check(current, goal, removed)
    batch = [_deletion(current, record) for record in removed]
    changed = [record for record in sorted(goal) if goal[record] != records.get(record)]
    batch += [_upsert(record, goal[record]) for record in changed]
    return [_batch(zone_id, batch, terms)] if batch else []


def _check(current: Mapping[str, Any], goal: Mapping[str, Any], removed: Iterable[str]) -> None:
    """Raise Refused when a record that isn't ours is in the way of one that is."""
    stay = {**goal, **current["other_records"]}
    for record in sorted(goal):
        name, kind = record.split()
        if current["records"].get(record) == {"routed": True}:
            raise Refused(_ROUTED.format(record))
        beside = [other for other in stay if other != record and other.split()[0] == name]
        if kind != "CNAME":
            beside = [other for other in beside if other.endswith(" CNAME")]
        if beside:
            raise Refused(
                f"{record} can't be beside {', '.join(sorted(beside))}: a name with a CNAME has no other "
                "record. Put the one that has to go into 'absent_records'."
            )


_ROUTED = "{} routes by a policy (weight, place, …), which this module doesn't manage."


def _deletion(current: Mapping[str, Any], record: str) -> dict[str, Any]:
    """Return what deletes a record: Route 53 takes only the very values that it has, as they were read."""
    item = current["_read"][record]
    if "SetIdentifier" in item:
        raise Refused(_ROUTED.format(record))
    return {"Action": "DELETE", "ResourceRecordSet": item}


def _upsert(record: str, form: Mapping[str, Any]) -> dict[str, Any]:
    name, kind = record.split()
    item: dict[str, Any] = {"Name": name, "Type": kind}
    if "alias" in form:
        item["AliasTarget"] = {
            "DNSName": form["alias"],
            "HostedZoneId": form["zone"],
            "EvaluateTargetHealth": form.get("health", False),
        }
    else:
        item |= {"TTL": form["ttl"], "ResourceRecords": [{"Value": text} for text in form["values"]]}
    return {"Action": "UPSERT", "ResourceRecordSet": item}


def _batch(zone_id: str | Answer, batch: list[dict[str, Any]], terms: Terms) -> Change:
    call = "route53.change_resource_record_sets"
    wait = Wait(
        "route53.get_change",
        {"Id": Answer(call, "ChangeInfo.Id")},
        path="ChangeInfo.Status",
        until=("INSYNC",),
        timeout=terms.wait,
    )
    arguments = {"HostedZoneId": zone_id, "ChangeBatch": {"Changes": batch}}
    return Change(call, arguments, wait=wait if terms.wait else None)


def others(current: Mapping[str, Any]) -> list[str]:
    """Return the records that aren't ours, without those that every zone has."""
    apex = [key(current["name"], kind) for kind in _APEX_TYPES]
    return sorted(record for record in current["other_records"] if record not in apex)


def is_ours(current: Mapping[str, Any], tags: Mapping[str, Any] | None) -> bool:
    """Tell whether we made the zone, for this project and environment."""
    return bool(current["_made_here"]) and _tags.has(current["tags"], tags)


def staying(current: Mapping[str, Any], terms: Terms) -> State | None:
    """Return what stays of a zone that should be absent: None when all of it goes, else the records too.

    A zone goes when we made it and nothing else is left in it. In one of somebody else's, a record that
    has other values than ours is somebody else's too.
    """
    strange = _strange(current, terms)
    if _goes(current, terms, strange):
        return None
    return {**current, "records": {record: current["records"][record] for record in strange}}


def left(current: Mapping[str, Any], terms: Terms) -> list[str]:
    """Return a sentence for each thing that stays although it was to go."""
    strange = _strange(current, terms)
    said = [
        f"{record} points elsewhere: it was left in the zone, which isn't Andamio's." for record in strange
    ]
    if terms.deletable and not is_ours(current, terms.tags):
        said.append(f"The zone {current['name']} wasn't made by Andamio, or has other tags: it was left.")
    elif terms.deletable and not _goes(current, terms, strange):
        found = ", ".join(others(current))
        said.append(f"The zone {current['name']} was left, since it has records that aren't ours: {found}.")
    return said


def _strange(current: Mapping[str, Any], terms: Terms) -> list[str]:
    if is_ours(current, terms.tags):
        return []
    found = current["records"]
    return sorted(record for record, form in found.items() if _differs(form, terms.records.get(record)))


def _differs(form: Mapping[str, Any], ours: Mapping[str, Any] | None) -> bool:
    points = ("alias", "values", "routed")
    if ours is None or unresolved({"": ours}):
        return False
    return any(form.get(point) != ours.get(point) for point in points)


def _goes(current: Mapping[str, Any], terms: Terms, strange: list[str]) -> bool:
    rest = others(current) or strange
    return terms.deletable and is_ours(current, terms.tags) and (terms.force or not rest)


def _remove(current: Mapping[str, Any], terms: Terms) -> list[Change]:
    """Return what removes our records, and the zone when it is ours and nothing else is left in it."""
    stays = staying(current, terms)
    records = dict(current["records"])
    if stays is None:
        records |= {record: current["other_records"][record] for record in others(current)}
    else:
        records = {record: form for record, form in records.items() if record not in stays["records"]}
    zone_id = current["hosted_zone_id"]
    batch = [_deletion(current, record) for record in sorted(records)]
    changes = [_batch(zone_id, batch, terms)] if batch else []
    return changes if stays else [*changes, Change("route53.delete_hosted_zone", {"Id": zone_id})]
