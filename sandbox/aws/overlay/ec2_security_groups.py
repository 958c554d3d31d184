"""EC2 keeps a security group that something has, and closes IPv6 rules in every VPC; moto doesn't."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend
from moto.ec2.models.security_groups import SecurityGroupBackend

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.operations import Context, Parameters, guards

_revoke_egress = SecurityGroupBackend.revoke_security_group_egress


@guards("ec2:DeleteSecurityGroup")
def check_unused(parameters: Parameters, context: Context) -> None:
    backend = get_backend("ec2")[context.account][context.region]
    group_id = parameters.get("GroupId")
    alive = [item for item in backend.all_instances() if item.state != "terminated"]
    if any(group.id == group_id for instance in alive for group in instance.security_groups):
        raise AwsError("DependencyViolation", f"resource {group_id} has a dependent object")


def _revoke(backend: Any, **rule: Any) -> None:
    protocol, ports = rule["ip_protocol"], (rule["from_port"], rule["to_port"])
    closed = [item["CidrIpv6"] for item in rule["ip_ranges"] if "CidrIpv6" in item]
    _revoke_egress(backend, **rule)
    group = backend.get_security_group_by_name_or_id(rule["group_name_or_id"], rule.get("vpc_id"))
    group.egress_rules = [
        item
        for item in group.egress_rules
        if item.ip_protocol != protocol
        or (protocol != "-1" and (item.from_port, item.to_port) != ports)
        or (item.ip_range or {}).get("CidrIpv6") not in closed
    ]


SecurityGroupBackend.revoke_security_group_egress = _revoke
