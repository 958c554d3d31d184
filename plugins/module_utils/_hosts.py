# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts that Andamio has made: which they are, and what an inventory says of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _tags

_VARIABLES = {
    "instance_id": "InstanceId",
    "instance_type": "InstanceType",
    "image_id": "ImageId",
    "architecture": "Architecture",
    "private_ip_address": "PrivateIpAddress",
    "public_ip_address": "PublicIpAddress",
}


def filters(project: str, environment: str) -> list[dict[str, Any]]:
    """Return EC2's filter for the running hosts of one environment."""
    wanted = {
        "tag:ManagedBy": "andamio",
        "tag:Project": project,
        "tag:Environment": environment,
        "instance-state-name": "running",
    }
    return [{"Name": name, "Values": [value]} for name, value in wanted.items()]


def described(reservations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what is said of each host, from EC2's answer; what one lacks is None."""
    return sorted(
        (
            {
                **{name: instance.get(key) for name, key in _VARIABLES.items()},
                "availability_zone": instance.get("Placement", {}).get("AvailabilityZone"),
                "launch_time": str(instance["LaunchTime"].isoformat()),
                "tags": _tags.to_dict(instance.get("Tags")),
            }
            for reservation in reservations
            for instance in reservation["Instances"]
        ),
        key=lambda host: (host["launch_time"], host["instance_id"]),
    )
