# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it takes to turn one EC2 host into what it should be; ``_ec2_host`` has the normal form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _ec2_tags, _tags
from ._converge import Answer, Change, Refused, State, Wait
from ._ec2_host import Terms, group_ids
from ._instance_types import architecture

_NEW = Answer("ec2.run_instances", "Instances.0.InstanceId")
_NEW_ADDRESS = Answer("ec2.allocate_address", "AllocationId")
_GONE = ("shutting-down", "terminated")

# A new instance profile reaches EC2 some seconds after IAM has it.
_PROFILE_ON_ITS_WAY = ("InvalidParameterValue",)
# An instance that was found pending or stopping is neither for long.
_IN_BETWEEN = ("IncorrectInstanceState", "InvalidInstanceID")


def plan(current: State | None, goal: State | None, terms: Terms) -> list[Change]:
    """Return the calls that turn ``current`` into ``goal``.

    Raises Refused when that takes something nobody allowed: a stop, lifting the termination protection, a
    smaller disk.
    """
    current = current or {}
    if goal is None:
        return _remove(current, terms)
    address = current.get("address")
    changes = [_allocate(terms)] if goal.get("elastic_ip") and not address else []
    if "instance_id" not in current:
        changes.append(_run(terms))
        if goal["state"] == "stopped":
            changes.append(_stop(_NEW, terms))
    else:
        changes += _repair(current, goal, terms)
    if goal.get("elastic_ip"):
        changes += _associate(current, address)
        if address:
            changes += _ec2_tags.changes(address["allocation_id"], address["tags"], goal["address_tags"])
    elif address and goal.get("elastic_ip") is False:
        changes += [*_disassociate(address), _release(address)]
    if current.get("replaced"):
        changes += [*_snapshot(current["replaced"], terms), *_terminate(current["replaced"], terms)]
    return changes


def _allocate(terms: Terms) -> Change:
    specification = [{"ResourceType": "elastic-ip", "Tags": _tags.to_list(terms.tags)}]
    return Change("ec2.allocate_address", {"Domain": "vpc", "TagSpecifications": specification})


def _until(state: str, instance_id: str | Answer, terms: Terms, failed: tuple[str, ...] = ()) -> Wait:
    return Wait(
        "ec2.describe_instances",
        {"InstanceIds": [instance_id]},
        path="Reservations.*.Instances.*.State.Name",
        until=(state,),
        failed=failed,
        timeout=terms.timeout,
        every=3,
        hint="aws ec2 describe-instances says why (StateReason).",
    )


def _run(terms: Terms) -> Change:
    return Change(
        "ec2.run_instances",
        terms.launch,
        wait=_until("running", _NEW, terms, failed=(*_GONE, "stopped")),
        retry=_PROFILE_ON_ITS_WAY if "IamInstanceProfile" in terms.launch else (),
    )


def _start(instance_id: str, terms: Terms) -> Change:
    wait = _until("running", instance_id, terms, failed=_GONE)
    return Change("ec2.start_instances", {"InstanceIds": [instance_id]}, wait=wait, retry=_IN_BETWEEN)


def _stop(instance_id: str | Answer, terms: Terms) -> Change:
    wait = _until("stopped", instance_id, terms, failed=_GONE)
    return Change("ec2.stop_instances", {"InstanceIds": [instance_id]}, wait=wait)


def _associate(current: Mapping[str, Any], address: Mapping[str, Any] | None) -> list[Change]:
    if current.get("elastic_ip"):
        return []
    arguments = {
        "AllocationId": address["allocation_id"]
        if address
        else Answer("ec2.allocate_address", "AllocationId"),
        "InstanceId": current.get("instance_id", _NEW),
        "AllowReassociation": True,
    }
    return [Change("ec2.associate_address", arguments, retry=_IN_BETWEEN)]


def _disassociate(address: Mapping[str, Any]) -> list[Change]:
    if not address["association_id"]:
        return []
    return [Change("ec2.disassociate_address", {"AssociationId": address["association_id"]})]


def _release(address: Mapping[str, Any]) -> Change:
    return Change("ec2.release_address", {"AllocationId": address["allocation_id"]})


def _protect(instance_id: str, protected: bool) -> Change:
    arguments = {"InstanceId": instance_id, "DisableApiTermination": {"Value": protected}}
    return Change("ec2.modify_instance_attribute", arguments)


def _snapshot(instance: Mapping[str, Any], terms: Terms) -> list[Change]:
    if not terms.snapshot_replaced or "volume_id" not in instance:
        return []
    arguments = {
        "VolumeId": instance["volume_id"],
        "Description": f"The disk of {instance['instance_id']}, which was replaced",
        "TagSpecifications": [{"ResourceType": "snapshot", "Tags": _tags.to_list(terms.tags)}],
    }
    return [Change("ec2.create_snapshot", arguments)]


def _terminate(instance: Mapping[str, Any], terms: Terms) -> list[Change]:
    instance_id = instance["instance_id"]
    wait = _until("terminated", instance_id, terms)
    terminate = Change("ec2.terminate_instances", {"InstanceIds": [instance_id]}, wait=wait)
    return [_protect(instance_id, False), terminate] if instance["termination_protection"] else [terminate]


def _remove(current: Mapping[str, Any], terms: Terms) -> list[Change]:
    changes: list[Change] = []
    address = current.get("address") if terms.release_address else None
    if address:
        changes += _disassociate(address)
    instance = current if "instance_id" in current else None
    for each in (instance, current.get("replaced")):
        if each is None:
            continue
        if each["termination_protection"] and not terms.force:
            raise Refused(
                f"instance {each['instance_id']} is protected against termination, and its disk goes with "
                "it. Set 'force' to true to terminate it nevertheless."
            )
        changes += _terminate(each, terms)
    if address:
        changes.append(_release(address))
    snapshots = current.get("snapshots", ()) if terms.delete_snapshots else ()
    return [*changes, *(Change("ec2.delete_snapshot", {"SnapshotId": each}) for each in snapshots)]


def _repair(current: Mapping[str, Any], goal: Mapping[str, Any], terms: Terms) -> list[Change]:
    instance_id = current["instance_id"]
    changes = _ec2_tags.changes(instance_id, current["tags"], goal["tags"])
    if "volume_id" in current:
        changes += _ec2_tags.changes(current["volume_id"], current["volume_tags"], goal["volume_tags"])
        changes += _resize_volume(current, goal["volume"])
    changes += _access(instance_id, current, goal, terms)
    changes += _behaviour(instance_id, current, goal)
    return changes + _power(current, goal, terms)


def _resize_volume(current: Mapping[str, Any], goal: Mapping[str, Any]) -> list[Change]:
    volume_id, volume = current["volume_id"], current["volume"]
    if goal["size"] < volume["size"]:
        raise Refused(
            f"volume {volume_id} has {volume['size']} GiB and can't shrink to {goal['size']} GiB. "
            "Set 'volume_size' to what it has, or replace the instance."
        )
    names = {"size": "Size", "type": "VolumeType"}
    arguments = {names[key]: value for key, value in goal.items() if value != volume[key]}
    return [Change("ec2.modify_volume", {"VolumeId": volume_id, **arguments})] if arguments else []


def _access(
    instance_id: str, current: Mapping[str, Any], goal: Mapping[str, Any], terms: Terms
) -> list[Change]:
    """Return what repairs who may reach the instance, and what it may reach."""
    changes = []
    groups = goal.get("security_groups")
    if groups is not None and groups != current["security_groups"]:
        arguments = {"InstanceId": instance_id, "Groups": group_ids(groups, terms.groups)}
        changes.append(Change("ec2.modify_instance_attribute", arguments))
    profile = goal.get("instance_profile")
    if profile is not None and profile != current["instance_profile"]:
        changes.append(_profile(instance_id, profile, current.get("profile_association_id")))
    if goal["metadata"] != current["metadata"]:
        options = {
            "HttpEndpoint": goal["metadata"]["endpoint"],
            "HttpTokens": goal["metadata"]["tokens"],
            "HttpPutResponseHopLimit": goal["metadata"]["hop_limit"],
        }
        changes.append(Change("ec2.modify_instance_metadata_options", {"InstanceId": instance_id, **options}))
    return changes


def _profile(instance_id: str, name: str, association_id: str | None) -> Change:
    profile = {"Name": name}
    if association_id:
        arguments = {"AssociationId": association_id, "IamInstanceProfile": profile}
        return Change("ec2.replace_iam_instance_profile_association", arguments, retry=_PROFILE_ON_ITS_WAY)
    arguments = {"InstanceId": instance_id, "IamInstanceProfile": profile}
    return Change("ec2.associate_iam_instance_profile", arguments, retry=_PROFILE_ON_ITS_WAY)


def _behaviour(instance_id: str, current: Mapping[str, Any], goal: Mapping[str, Any]) -> list[Change]:
    """Return what repairs credits, protection and monitoring."""
    changes = []
    if "cpu_credits" in goal and current["cpu_credits"] not in (None, goal["cpu_credits"]):
        specification = [{"InstanceId": instance_id, "CpuCredits": goal["cpu_credits"]}]
        arguments = {"InstanceCreditSpecifications": specification}
        changes.append(Change("ec2.modify_instance_credit_specification", arguments))
    if goal["termination_protection"] != current["termination_protection"]:
        changes.append(_protect(instance_id, goal["termination_protection"]))
    if goal["monitoring"] != current["monitoring"]:
        call = "ec2.monitor_instances" if goal["monitoring"] else "ec2.unmonitor_instances"
        changes.append(Change(call, {"InstanceIds": [instance_id]}))
    return changes


def _power(current: Mapping[str, Any], goal: Mapping[str, Any], terms: Terms) -> list[Change]:
    """Return what stops, resizes and starts the instance."""
    instance_id = current["instance_id"]
    up = current["state"] in ("running", "pending")
    changes = []
    if goal["instance_type"] != current["instance_type"]:
        _check_resize(current, goal["instance_type"], up, terms)
        if up:
            changes.append(_stop(instance_id, terms))
            up = False
        arguments = {"InstanceId": instance_id, "InstanceType": {"Value": goal["instance_type"]}}
        changes.append(Change("ec2.modify_instance_attribute", arguments))
    if goal["state"] == "running" and not up:
        changes.append(_start(instance_id, terms))
    elif goal["state"] == "stopped" and up:
        changes.append(_stop(instance_id, terms))
    return changes


def _check_resize(current: Mapping[str, Any], wanted: str, up: bool, terms: Terms) -> None:
    change = f"instance {current['instance_id']} is a {current['instance_type']}, wanted is a {wanted}"
    if current["architecture"] not in (None, architecture(wanted)):
        raise Refused(
            f"{change}: its disk is for {current['architecture']}, that type is {architecture(wanted)}. "
            f"Only a new instance can be that: set 'replace' to {current['instance_id']}."
        )
    if up and not terms.allow_stop:
        raise Refused(
            f"{change}: this stops it for a minute or two. Set 'allow_stop' to true to let it happen."
        )
