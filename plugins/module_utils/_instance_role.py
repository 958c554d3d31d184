# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance may do: an IAM role, its inline policies and the instance profile that carries it.

A role that other roles assume has no profile. The normal form::

    {
        "trust": {...}, "policies": {"env": {...}}, "managed_policies": [arn, ...],
        "profile": [names of the roles in the profile] or None, "tags": {...},
    }
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import _tags
from ._converge import Change, State

ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def trust_of_roles(arns: Sequence[str]) -> dict[str, Any]:
    """Return a trust policy for roles of one account, by their ARNs.

    As a principal, a role would have to be there already, and one that is made anew would be another.
    """
    account = ":".join(arns[0].split(":", 5)[:5])
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"{account}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"ArnEquals": {"aws:PrincipalArn": sorted(arns)}},
            }
        ],
    }


def desired(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form that the module's parameters ask for."""
    roles = params["assumed_by"]
    return {
        "name": params["name"],
        "trust": trust_of_roles(roles) if roles else TRUST,
        "policies": params["policies"],
        "managed_policies": sorted(set(params["managed_policies"])),
        "profile": None if roles else [params["name"]],
        "tags": params["tags"],
    }


def normalise(
    role: Mapping[str, Any] | None,
    policies: Mapping[str, Any],
    managed_policies: list[str],
    profile: Mapping[str, Any] | None,
) -> State | None:
    """Return the normal form of IAM's answers; None when there is neither a role nor a profile."""
    if role is None and profile is None:
        return None
    name = role["RoleName"] if role else profile["InstanceProfileName"] if profile else ""
    found: dict[str, Any] = {
        "name": name,
        "policies": dict(policies),
        "managed_policies": sorted(managed_policies),
        "profile": [entry["RoleName"] for entry in profile["Roles"]] if profile else None,
        "tags": {},
    }
    if role:
        found |= {
            "trust": role["AssumeRolePolicyDocument"],
            "tags": _tags.to_dict(role.get("Tags")),
            "arn": role["Arn"],
        }
    return found


def plan(current: State | None, desired: State | None) -> list[Change]:
    """Return the changes from one to the other, in an order IAM accepts."""
    if desired is None:
        return _removal(current) if current else []
    current = current or {}
    return [
        *_role_changes(current, desired),
        *_policy_changes(current, desired),
        *_profile_changes(current, desired),
    ]


def _role_changes(current: Mapping[str, Any], desired: Mapping[str, Any]) -> list[Change]:
    role = {"RoleName": desired["name"]}
    trust = json.dumps(desired["trust"], sort_keys=True)
    if "trust" not in current:
        tags = {"Tags": _tags.to_list(desired["tags"])} if desired.get("tags") else {}
        return [Change("iam.create_role", {**role, "AssumeRolePolicyDocument": trust, **tags})]
    changes = []
    if current["trust"] != desired["trust"]:
        changes.append(Change("iam.update_assume_role_policy", {**role, "PolicyDocument": trust}))
    put, remove = _tags.differences(current["tags"], desired.get("tags", current["tags"]))
    if put:
        changes.append(Change("iam.tag_role", {**role, "Tags": _tags.to_list(put)}))
    if remove:
        changes.append(Change("iam.untag_role", {**role, "TagKeys": remove}))
    return changes


def _policy_changes(current: Mapping[str, Any], desired: Mapping[str, Any]) -> list[Change]:
    role = {"RoleName": desired["name"]}
    inline, attached = current.get("policies", {}), current.get("managed_policies", [])
    return [
        *(
            Change(
                "iam.put_role_policy",
                {**role, "PolicyName": name, "PolicyDocument": json.dumps(document, sort_keys=True)},
            )
            for name, document in sorted(desired["policies"].items())
            if inline.get(name) != document
        ),
        *(
            Change("iam.delete_role_policy", {**role, "PolicyName": name})
            for name in sorted(set(inline) - set(desired["policies"]))
        ),
        *(
            Change("iam.attach_role_policy", {**role, "PolicyArn": arn})
            for arn in sorted(set(desired["managed_policies"]) - set(attached))
        ),
        *(
            Change("iam.detach_role_policy", {**role, "PolicyArn": arn})
            for arn in sorted(set(attached) - set(desired["managed_policies"]))
        ),
    ]


def _profile_changes(current: Mapping[str, Any], desired: Mapping[str, Any]) -> list[Change]:
    if desired.get("profile") is None:
        return _profile_removal(current)
    profile = {"InstanceProfileName": desired["name"]}
    roles = current.get("profile")
    changes = [] if roles is not None else [Change("iam.create_instance_profile", profile)]
    # A profile holds one role at most: another one has to leave first.
    changes += [
        Change("iam.remove_role_from_instance_profile", {**profile, "RoleName": role})
        for role in roles or []
        if role != desired["name"]
    ]
    if desired["name"] not in (roles or []):
        changes.append(Change("iam.add_role_to_instance_profile", {**profile, "RoleName": desired["name"]}))
    return changes


def _profile_removal(current: Mapping[str, Any]) -> list[Change]:
    if current.get("profile") is None:
        return []
    profile = {"InstanceProfileName": current["name"]}
    return [
        *(
            Change("iam.remove_role_from_instance_profile", {**profile, "RoleName": name})
            for name in current["profile"]
        ),
        Change("iam.delete_instance_profile", profile),
    ]


def _removal(current: Mapping[str, Any]) -> list[Change]:
    role = {"RoleName": current["name"]}
    changes = _profile_removal(current)
    if "trust" in current:
        changes += [
            *(
                Change("iam.delete_role_policy", {**role, "PolicyName": name})
                for name in sorted(current["policies"])
            ),
            *(
                Change("iam.detach_role_policy", {**role, "PolicyArn": arn})
                for arn in current["managed_policies"]
            ),
            Change("iam.delete_role", role),
        ]
    return changes
