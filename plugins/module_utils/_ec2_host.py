# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One EC2 host as one thing: its instance, its root volume and its Elastic IP.

The normal form is flat: the instance's settings by the module's own names, and beside them what only the
plan needs: ``volume_id``, ``address`` (the Elastic IP) and ``replaced`` (the instance that
is being replaced, while it lives). With no instance there is no ``instance_id`` in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _tags
from ._converge import AFTER_APPLY, Refused, State
from ._instance_types import SYSTEMS, architecture, is_burstable

_INSTANCE_ID = re.compile(r"i-[0-9a-f]{8,17}")
_MONITORING_ON = ("enabled", "pending")

ALIVE = ("pending", "running", "stopping", "stopped")
"""The states of an instance that isn't on its way out: it has its disk."""


def named(name: str) -> list[dict[str, Any]]:
    """Return EC2's filter for things with this Name tag."""
    return [{"Name": "tag:Name", "Values": [name]}]


def in_states(states: Iterable[str]) -> dict[str, Any]:
    """Return EC2's filter for instances in one of the states."""
    return {"Name": "instance-state-name", "Values": list(states)}


@dataclass(frozen=True)
class References:
    """What a new instance refers to, found by name; an id that doesn't exist yet is AFTER_APPLY."""

    image_id: str = AFTER_APPLY
    root_device: str = "/dev/xvda"
    groups: Mapping[str, str] = field(default_factory=dict)
    subnet_id: str | None = None


@dataclass(frozen=True)
class Terms:
    """What a plan also needs to know: the arguments of a launch, and what a person allows."""

    launch: dict[str, Any]
    groups: Mapping[str, str]
    tags: dict[str, str]
    allow_stop: bool
    force: bool
    release_address: bool
    delete_snapshots: bool
    snapshot_replaced: bool
    timeout: int


def terms(params: Mapping[str, Any], references: References) -> Terms:
    """Return a plan's terms out of the module's parameters."""
    return Terms(
        launch=_launch(params, references),
        groups=references.groups,
        tags=tags(params),
        allow_stop=params["allow_stop"],
        force=params["force"],
        release_address=params["release_address"],
        delete_snapshots=params["delete_snapshots"],
        snapshot_replaced=params["snapshot_replaced"],
        timeout=params["wait_timeout"],
    )


def tags(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of the instance, its volume and its address: the given ones and the name."""
    given = {key: str(value) for key, value in (params["tags"] or {}).items()}
    return given | {"Name": params["name"]}


def desired(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module's parameters ask for; None is no opinion."""
    kept = None if not params["release_address"] else False
    return {
        "name": params["name"],
        "state": "stopped" if params["state"] == "stopped" else "running",
        "instance_type": params["instance_type"],
        "security_groups": _sorted(params["security_groups"]),
        "instance_profile": params["instance_profile"],
        "cpu_credits": params["cpu_credits"] if is_burstable(params["instance_type"]) else None,
        "metadata": {"endpoint": "enabled", "tokens": "required", "hop_limit": params["metadata_hop_limit"]},
        "monitoring": params["monitoring"],
        "termination_protection": params["termination_protection"],
        "volume": {"size": params["volume_size"], "type": params["volume_type"]},
        "elastic_ip": True if params["elastic_ip"] else kept,
        "tags": tags(params),
        "volume_tags": tags(params),
        "address_tags": tags(params) if params["elastic_ip"] else None,
    }


def _sorted(names: list[str] | None) -> list[str] | None:
    return None if names is None else sorted(set(names))


def replacement(text: str | None) -> str | None:
    """Return the instance to replace: an id, "true" for whichever there is, or None for none.

    Raises ValueError when the text is none of these.
    """
    if text is None or text.lower() in ("", "false", "no"):
        return None
    if text.lower() in ("true", "yes"):
        return "true"
    if not _INSTANCE_ID.fullmatch(text):
        raise ValueError(f"replace: {text!r} is neither true nor an instance id such as i-0123456789abcdef0")
    return text


def predicted(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a host that isn't there yet answers in check mode."""
    return {
        "instance_id": AFTER_APPLY,
        "private_ip_address": AFTER_APPLY,
        "public_ip_address": AFTER_APPLY,
        "allocation_id": AFTER_APPLY if params["elastic_ip"] else None,
        "architecture": architecture(params["instance_type"]),
        "image_id": params["image_id"] or AFTER_APPLY,
        "key_name": params["key_name"],
        "user": SYSTEMS[params["os"]].user,
    }


def _launch(params: Mapping[str, Any], references: References) -> dict[str, Any]:
    """Return the arguments of RunInstances: everything at once, so that nothing needs a repair after."""
    all_tags = _tags.to_list(tags(params))
    arguments: dict[str, Any] = {
        "ImageId": references.image_id,
        "InstanceType": params["instance_type"],
        "MinCount": 1,
        "MaxCount": 1,
        "BlockDeviceMappings": [
            {
                "DeviceName": references.root_device,
                "Ebs": {
                    "VolumeSize": params["volume_size"],
                    "VolumeType": params["volume_type"],
                    "Encrypted": params["volume_encrypted"],
                    "DeleteOnTermination": True,
                },
            }
        ],
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": params["metadata_hop_limit"],
        },
        "DisableApiTermination": params["termination_protection"],
        "Monitoring": {"Enabled": params["monitoring"]},
        "TagSpecifications": [{"ResourceType": kind, "Tags": all_tags} for kind in ("instance", "volume")],
    }
    if is_burstable(params["instance_type"]):
        arguments["CreditSpecification"] = {"CpuCredits": params["cpu_credits"]}
    if params["security_groups"] is not None:
        arguments["SecurityGroupIds"] = group_ids(params["security_groups"], references.groups)
    if params["instance_profile"] is not None:
        arguments["IamInstanceProfile"] = {"Name": params["instance_profile"]}
    optional = {
        "SubnetId": references.subnet_id,
        "KeyName": params["key_name"],
        "UserData": params["user_data"],
    }
    return arguments | {key: value for key, value in optional.items() if value is not None}


def group_ids(names: Iterable[str], known: Mapping[str, str]) -> list[str]:
    """Return the ids of security groups by name, AFTER_APPLY where there is none yet."""
    return [known.get(name, AFTER_APPLY) for name in sorted(set(names))]


def choose(
    instances: list[dict[str, Any]], replace: str | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the host's instance and the one being replaced, out of DescribeInstances' own answers.

    Raises Refused when two instances have the host's name and neither is the one to be replaced.
    """
    old = next((item for item in instances if item["InstanceId"] == replace), None)
    others = [item for item in instances if item is not old]
    if len(others) > 1:
        ids = ", ".join(sorted(item["InstanceId"] for item in others))
        raise Refused(
            f"{len(others)} instances have this name: {ids}. Set 'replace' to the id of the one to get "
            "rid of, or rename or terminate it yourself."
        )
    return (others[0] if others else None), old


def choose_address(addresses: Iterable[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """Return the Elastic IP with a name. Raises Refused when several have it."""
    named = [item for item in addresses if _tags.to_dict(item.get("Tags")).get("Name") == name]
    if len(named) > 1:
        found = ", ".join(sorted(f"{item['PublicIp']} ({item['AllocationId']})" for item in named))
        raise Refused(f"{len(named)} Elastic IPs are named {name}: {found}. Release or rename all but one.")
    return named[0] if named else None


def own(
    things: Iterable[dict[str, Any]], identifier: str, tags: Mapping[str, Any] | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the things that have the tags, and the identifiers of those that don't."""
    ours, theirs = [], []
    for thing in things:
        if _tags.has(_tags.to_dict(thing.get("Tags")), tags):
            ours.append(thing)
        else:
            theirs.append(str(thing[identifier]))
    return ours, sorted(theirs)


def normalise(
    answer: Mapping[str, Any],
    volume: Mapping[str, Any] | None,
    protected: bool,
    credits: str | None,
) -> dict[str, Any]:
    """Return the normal form of an instance.

    ``answer`` is an instance of DescribeInstances, ``volume`` its root volume of DescribeVolumes (with the
    target of a modification under way in it), ``protected`` its DisableApiTermination, ``credits`` its
    CpuCredits (None when it isn't burstable).
    """
    metadata = answer.get("MetadataOptions", {})
    profile = answer.get("IamInstanceProfile", {}).get("Arn")
    form: dict[str, Any] = {
        "instance_id": answer["InstanceId"],
        "state": answer["State"]["Name"],
        "instance_type": answer["InstanceType"],
        "architecture": answer.get("Architecture"),
        "image_id": answer.get("ImageId"),
        "key_name": answer.get("KeyName"),
        "availability_zone": answer.get("Placement", {}).get("AvailabilityZone"),
        "vpc_id": answer.get("VpcId"),
        "subnet_id": answer.get("SubnetId"),
        "private_ip_address": answer.get("PrivateIpAddress"),
        "public_ip_address": answer.get("PublicIpAddress"),
        "security_groups": sorted(group["GroupName"] for group in answer.get("SecurityGroups", ())),
        "instance_profile": profile.rpartition("/")[2] if profile else None,
        "cpu_credits": credits,
        "metadata": {
            "endpoint": metadata.get("HttpEndpoint"),
            "tokens": metadata.get("HttpTokens"),
            "hop_limit": metadata.get("HttpPutResponseHopLimit"),
        },
        "monitoring": answer.get("Monitoring", {}).get("State") in _MONITORING_ON,
        "termination_protection": protected,
        "tags": _tags.to_dict(answer.get("Tags")),
    }
    if volume:
        form |= {
            "volume": {"size": volume["Size"], "type": volume["VolumeType"]},
            "volume_id": volume["VolumeId"],
            "volume_encrypted": volume.get("Encrypted", False),
            "volume_tags": _tags.to_dict(volume.get("Tags")),
        }
    return form


def normalise_address(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form of an address of DescribeAddresses."""
    return {
        "allocation_id": answer["AllocationId"],
        "public_ip": answer["PublicIp"],
        "association_id": answer.get("AssociationId") or None,
        "instance_id": answer.get("InstanceId") or None,
        "tags": _tags.to_dict(answer.get("Tags")),
    }


def assemble(
    instance: Mapping[str, Any] | None,
    address: Mapping[str, Any] | None,
    replaced: Mapping[str, Any] | None,
    snapshots: Iterable[str] = (),
) -> State | None:
    """Return a host's normal form out of the parts that were found; None when there is none."""
    if instance is None and address is None and replaced is None and not snapshots:
        return None
    form = dict(instance or {})
    if address:
        form["address"] = address
        form["allocation_id"] = address["allocation_id"]
        form["public_ip_address"] = address["public_ip"]
        form["address_tags"] = address["tags"]
    if instance:
        form["elastic_ip"] = bool(address) and (address or {})["instance_id"] == instance["instance_id"]
    if replaced:
        mine = bool(address) and (address or {})["instance_id"] == replaced["instance_id"]
        form["replaced"] = {**replaced, "elastic_ip": mine}
    if snapshots:
        form["snapshots"] = sorted(snapshots)
    return form


def told(form: State) -> State:
    """Return a host's form as a plan tells it: the replaced instance, until the new one is there.

    Nothing where only an address is left: a host is made then.
    """
    found = {**form.get("replaced", {}), **form}
    return found if "instance_id" in found else {}


def paid(form: State, goal: State | None) -> State:
    """Return what else is paid for each month: an address that nothing has, or that nobody asked about."""
    return {"address": True} if form.get("address") and "elastic_ip" not in (goal or {}) else {}
