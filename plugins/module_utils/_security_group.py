# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A security group and its rules, each rule by a text that a person reads.

The normal form::

    {
        "name": "web", "vpc_id": "vpc-1", "tags": {...},
        "ingress": {"tcp 80 from 0.0.0.0/0 (Web)": "allowed"},
        "egress": {"all to 0.0.0.0/0": "allowed"},
        "_ingress": {the same texts: Rule}, "_egress": {...},
    }
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from . import _ec2_tags, _tags
from ._converge import AFTER_APPLY, Answer, Change, Refused, State

ALLOWED = "allowed"
INGRESS = "ingress"
EGRESS = "egress"

_CREATE = "ec2.create_security_group"
_NEW = Answer(_CREATE, "GroupId")
_ANY = -1
_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "-1": "all"}
_WITH_PORTS = ("tcp", "udp")
_WITH_TYPES = ("icmp", "icmpv6")
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_GROUP_ID = re.compile(r"sg-[0-9a-f]{8,17}")
# Where IpPermissions has each kind of peer, and the key of the peer in it.
_PEERS = {
    "cidr": ("IpRanges", "CidrIp"),
    "cidr_ipv6": ("Ipv6Ranges", "CidrIpv6"),
    "group": ("UserIdGroupPairs", "GroupId"),
    "prefix_list": ("PrefixListIds", "PrefixListId"),
}


class Rule(NamedTuple):
    """One rule: a protocol, a range of ports (of ICMP: type and code) and one peer."""

    protocol: str
    first: int
    last: int
    kind: str
    peer: str
    description: str = ""

    @property
    def same(self) -> tuple[str, int, int, str, str]:
        """What AWS knows a rule by: another description doesn't make it another rule."""
        return self[:5]


DEFAULT_EGRESS = Rule("all", _ANY, _ANY, "cidr", "0.0.0.0/0")
"""The rule that AWS gives each new group."""


def desired(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form that the module's parameters ask for, groups in rules by name.

    Raises Refused for a rule that can't be one.
    """
    form: dict[str, Any] = {
        "name": params["name"],
        "vpc_id": params["vpc_id"],
        "tags": params["tags"],
        "_description": params["description"] or params["name"],
    }
    for way in (INGRESS, EGRESS):
        if params[way] is not None:
            form |= _told(way, wanted_rules(way, params[way]), {})
    return form


def _told(way: str, rules: Iterable[Rule], names: Mapping[str, str]) -> dict[str, Any]:
    by_text = {text(way, rule, names): rule for rule in sorted(rules)}
    return {way: dict.fromkeys(by_text, ALLOWED), f"_{way}": by_text}


def text(way: str, rule: Rule, names: Mapping[str, str]) -> str:
    """Return a rule as "tcp 80 from 0.0.0.0/0 (Web)". ``names``: of groups, by id."""
    peer = names.get(rule.peer, rule.peer)
    said = [rule.protocol, _range(rule), "from" if way == INGRESS else "to", peer]
    return " ".join(filter(None, said)) + (f" ({rule.description})" if rule.description else "")


def _range(rule: Rule) -> str:
    if rule.first == _ANY:
        return ""
    if rule.protocol in _WITH_TYPES:
        return f"type {rule.first}" if rule.last == _ANY else f"type {rule.first} code {rule.last}"
    return str(rule.first) if rule.first == rule.last else f"{rule.first}-{rule.last}"


def wanted_rules(way: str, items: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """Return the module's rules one peer and one range of ports each. Raises Refused."""
    rules: dict[tuple[str, int, int, str, str], Rule] = {}
    for number, item in enumerate(items, 1):
        where = f"{way}, rule {number}"
        protocol = _protocol(item["protocol"])
        peers = list(_peers(where, item))
        if not peers:
            raise Refused(f"{where}: it names no peer. Give it cidrs, security_groups or prefix_lists.")
        for first, last in _ranges(where, protocol, item["ports"] or []):
            for kind, peer in peers:
                rule = Rule(protocol, first, last, kind, peer, item["description"] or "")
                other = rules.setdefault(rule.same, rule)
                if other != rule:
                    raise Refused(
                        f"{where}: {text(way, rule, {})} is there already as {text(way, other, {})}. "
                        "Leave one of them out."
                    )
    return list(rules.values())


def _protocol(name: str) -> str:
    return _NUMBERS.get(name, name.lower())


def _ranges(where: str, protocol: str, ports: Iterable[str]) -> list[tuple[int, int]]:
    ports = list(ports)
    if protocol not in _WITH_PORTS:
        if ports:
            raise Refused(f"{where}: {protocol} has no ports. Leave 'ports' out.")
        return [(_ANY, _ANY)]
    if not ports:
        raise Refused(f"{where}: {protocol} needs 'ports', such as [80, 443] or [8000-8100].")
    ranges = []
    for port in ports:
        match = _PORTS.fullmatch(str(port).strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= 65535:
            raise Refused(f"{where}: {port!r} is no port and no range of ports, such as 80 or 8000-8100.")
        ranges.append((first, last))
    return ranges


def _peers(where: str, item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for cidr in item["cidrs"] or []:
        try:
            network = ipaddress.ip_network(cidr)
        except ValueError as error:
            raise Refused(f"{where}: {cidr!r} is no network such as 10.0.0.0/16 or ::/0: {error}.") from None
        yield "cidr" if network.version == 4 else "cidr_ipv6", str(network)
    for group in item["security_groups"] or []:
        yield "group", group
    for prefix_list in item["prefix_lists"] or []:
        yield "prefix_list", prefix_list


def named_groups(goal: Mapping[str, Any]) -> list[str]:
    """Return the names of the groups that rules refer to."""
    rules = [rule for way in (INGRESS, EGRESS) for rule in goal.get(f"_{way}", {}).values()]
    return sorted(
        {rule.peer for rule in rules if rule.kind == "group" and not _GROUP_ID.fullmatch(rule.peer)}
    )


def choose(groups: Iterable[Mapping[str, Any]], name: str, vpc_id: str | None) -> Mapping[str, Any] | None:
    """Return the group of a name out of DescribeSecurityGroups, in a VPC if one is given.

    Raises Refused when several have it.
    """
    found = [group for group in groups if group["GroupName"] == name and vpc_id in (None, group.get("VpcId"))]
    if len(found) > 1:
        vpcs = ", ".join(sorted(group["VpcId"] for group in found))
        raise Refused(f"groups of this name are in several VPCs: {vpcs}. Set 'vpc_id' to one of them.")
    return found[0] if found else None


def normalise(
    group: Mapping[str, Any], names: Mapping[str, str], goal: Mapping[str, Any], purge: bool
) -> dict[str, Any]:
    """Return the normal form of one group of DescribeSecurityGroups.

    names: of groups, by id. purge: without it, rules that ``goal`` doesn't have are left out here, since
    they are none of the module's business.
    """
    form: dict[str, Any] = {
        "name": group["GroupName"],
        "group_id": group["GroupId"],
        "vpc_id": group.get("VpcId"),
        "description": group["Description"],
        "tags": _tags.to_dict(group.get("Tags")),
    }
    for way, key in ((INGRESS, "IpPermissions"), (EGRESS, "IpPermissionsEgress")):
        rules = [rule for permission in group.get(key, ()) for rule in _rules(permission)]
        ours = {_identity(rule, names) for rule in goal.get(f"_{way}", {}).values()}
        form |= _told(way, [rule for rule in rules if purge or _identity(rule, names) in ours], names)
    return form


def _identity(rule: Rule, names: Mapping[str, str]) -> tuple[str, int, int, str, str]:
    return rule._replace(peer=names.get(rule.peer, rule.peer)).same


def _rules(permission: Mapping[str, Any]) -> Iterator[Rule]:
    protocol = _protocol(permission["IpProtocol"])
    ranged = protocol in (*_WITH_PORTS, *_WITH_TYPES)
    first, last = permission.get("FromPort", _ANY), permission.get("ToPort", _ANY)
    for kind, (where, key) in _PEERS.items():
        for entry in permission.get(where, ()):
            yield Rule(
                protocol,
                first if ranged else _ANY,
                last if ranged else _ANY,
                kind,
                entry[key],
                entry.get("Description") or "",
            )


def plan(current: State | None, goal: State | None, ids: Mapping[str, str], vpc_id: str) -> list[Change]:
    """Return the calls that turn ``current`` into ``goal``.

    ids: of the groups that rules refer to, by name. vpc_id: where a new group is made.
    """
    if goal is None:
        return _removal(current) if current else []
    if current is None:
        changes = [_create(goal, vpc_id)]
        changes += _rule_changes(INGRESS, _NEW, {}, goal, ids)
        # What AWS lets out of a new group by itself is only known when it is there: an IPv6 VPC adds a rule.
        default = {f"_{EGRESS}": {"": DEFAULT_EGRESS}}
        return changes + _rule_changes(EGRESS, AFTER_APPLY, default, goal, ids)
    group_id = current["group_id"]
    changes = _ec2_tags.changes(group_id, current["tags"], goal.get("tags"))
    for way in (INGRESS, EGRESS):
        changes += _rule_changes(way, group_id, current, goal, ids)
    return changes


def _create(goal: Mapping[str, Any], vpc_id: str) -> Change:
    arguments: dict[str, Any] = {
        "GroupName": goal["name"],
        "Description": goal["_description"],
        "VpcId": vpc_id,
    }
    if goal.get("tags"):
        tags = _tags.to_list(goal["tags"])
        arguments["TagSpecifications"] = [{"ResourceType": "security-group", "Tags": tags}]
    return Change(_CREATE, arguments)


def _removal(current: Mapping[str, Any]) -> list[Change]:
    # A network interface lets go of its group some time after its instance is terminated.
    group = {"GroupId": current["group_id"]}
    return [Change("ec2.delete_security_group", group, retry=("DependencyViolation",))]


def _rule_changes(
    way: str,
    group_id: str | Answer,
    current: Mapping[str, Any],
    goal: Mapping[str, Any],
    ids: Mapping[str, str],
) -> list[Change]:
    """Return what opens, words anew and closes, in this order: nothing allowed is ever cut off between."""
    if f"_{way}" not in goal:
        return []
    known = {**ids, goal["name"]: group_id}
    wanted = [_with_id(rule, known) for rule in goal[f"_{way}"].values()]
    there = {rule.same: rule for rule in current.get(f"_{way}", {}).values()}
    keys = {rule.same for rule in wanted}
    steps = {
        "authorize_security_group_{}": [rule for rule in wanted if rule.same not in there],
        "update_security_group_rule_descriptions_{}": [
            rule for rule in wanted if rule.same in there and there[rule.same].description != rule.description
        ],
        "revoke_security_group_{}": [rule for rule in there.values() if rule.same not in keys],
    }
    return [
        Change(f"ec2.{call.format(way)}", {"GroupId": group_id, "IpPermissions": _permissions(rules)})
        for call, rules in steps.items()
        if rules
    ]


def _with_id(rule: Rule, ids: Mapping[str, Any]) -> Rule:
    if rule.kind != "group" or _GROUP_ID.fullmatch(rule.peer):
        return rule
    return rule._replace(peer=ids.get(rule.peer, AFTER_APPLY))


def _permissions(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Return rules in the form of EC2's calls: those of one protocol and range together."""
    together: dict[tuple[str, int, int], dict[str, Any]] = {}
    for rule in rules:
        permission = together.setdefault(rule[:3], _permission(rule))
        where, key = _PEERS[rule.kind]
        described = {"Description": rule.description} if rule.description else {}
        permission.setdefault(where, []).append({key: rule.peer, **described})
    return list(together.values())


def _permission(rule: Rule) -> dict[str, Any]:
    if rule.protocol == "all":
        return {"IpProtocol": "-1"}
    ranged = rule.protocol in (*_WITH_PORTS, *_WITH_TYPES)
    return {
        "IpProtocol": rule.protocol,
        **({"FromPort": rule.first, "ToPort": rule.last} if ranged else {}),
    }
