#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: security_group
short_description: A security group with its rules
version_added: 0.1.0
description:
  - Manages a security group and its rules, each told as a person reads it, V(tcp 443 from 0.0.0.0/0 (Web\)).
  - M(amazon.aws.ec2_security_group) doesn't say in check mode what it changes, and its diff shows all that
    EC2 answers. This one tells the plan each rule that comes or goes, and asks EC2 once when nothing changes.
  - New rules are opened before old ones are closed, so that what stays allowed is allowed all the time.
author: The Andamio authors (@andamio)
options:
  name:
    description: Name of the group.
    type: str
    required: true
  description:
    description:
      - What AWS shows beside the name. AWS can't change it, so it is only given to a new group.
      - By default the name.
    type: str
  vpc_id:
    description:
      - The VPC that the group is in.
      - By default the one that has a group of this name; a new group is made in the region's default VPC.
    type: str
  ingress:
    description:
      - Who may reach what has the group. All rules, an empty list closes everything.
      - Without it, the rules are left as they are.
    type: list
    elements: dict
    suboptions: &rule
      protocol:
        description: V(tcp), V(udp), V(icmp), V(icmpv6), V(all), or a protocol's number.
        type: str
        default: tcp
      ports:
        description: Ports and ranges of ports, such as V(443) and V(8000-8100). For TCP and UDP only.
        type: list
        elements: str
      cidrs:
        description: Networks, IPv4 and IPv6, such as V(10.0.0.0/16) and V(::/0).
        type: list
        elements: str
      security_groups:
        description: Groups of the same VPC by name (this one too), or groups by id.
        type: list
        elements: str
      prefix_lists:
        description: Prefix lists by id.
        type: list
        elements: str
      description:
        description: What the rule is for.
        type: str
  egress:
    description:
      - What may be reached from what has the group. All rules, an empty list closes everything.
      - Without it, the rules are left as they are. AWS gives a new group one that allows all.
    type: list
    elements: dict
    suboptions: *rule
  purge_rules:
    description: Close what O(ingress) and O(egress) don't name.
    type: bool
    default: true
  state:
    description:
      - Whether the group should be there.
      - V(absent) leaves a group that lacks one of the given O(tags). It waits a minute for what still has the
        group to let go of it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.converges
"""

EXAMPLES = r"""
- name: Open ports 80 and 443, and no other
  andamio.laravel_aws.security_group:
    name: academia-production-host
    description: Web traffic
    ingress:
      - ports: [80, 443]
        cidrs: [0.0.0.0/0, "::/0"]
        description: Web
    egress:
      - protocol: all
        cidrs: [0.0.0.0/0, "::/0"]
    tags:
      Project: academia

- name: Let the host alone reach the database
  andamio.laravel_aws.security_group:
    name: academia-production-database
    ingress:
      - ports: [3306]
        security_groups: [academia-production-host]
    egress: []
"""

RETURN = r"""
resource:
  description: The group as it is after the run. In check mode an unknown is V((known after apply\)).
  returned: always
  type: dict
  contains:
    group_id:
      description: The group's id.
      type: str
      sample: sg-0123456789abcdef0
    vpc_id:
      description: The VPC it is in.
      type: str
    ingress:
      description: Its rules, a dict of the rule in words to V(allowed).
      type: dict
      sample: {"tcp 443 from 0.0.0.0/0 (Web)": "allowed"}
    egress:
      description: The same for what goes out.
      type: dict
calls:
  description: The AWS calls that were made, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [ec2.create_security_group, ec2.authorize_security_group_ingress]
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _aws, _security_group
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import (
    AFTER_APPLY,
    Change,
    Refused,
    State,
)

RULE = {
    "protocol": {"default": "tcp"},
    "ports": {"type": "list", "elements": "str"},
    "cidrs": {"type": "list", "elements": "str"},
    "security_groups": {"type": "list", "elements": "str"},
    "prefix_lists": {"type": "list", "elements": "str"},
    "description": {},
}


class Reader:
    """Reads a group, and the ids of those that its rules name, with one call."""

    def __init__(self, params: dict[str, Any], goal: State, check_mode: bool) -> None:
        self.params = params
        self.goal = goal
        self.check_mode = check_mode
        self.ids: dict[str, str] = {}
        self.vpc_id = params["vpc_id"] or ""

    def read(self, aws: _aws.Aws) -> State | None:
        """Return the group's normal form. Raises Refused when several have its name."""
        name = self.params["name"]
        present = self.params["state"] == "present"
        others = [other for other in _security_group.named_groups(self.goal) if other != name]
        filters = [{"Name": "group-name", "Values": [name, *(others if present else [])]}]
        groups = list(aws.pages("ec2.describe_security_groups", "SecurityGroups", Filters=filters))
        group = _security_group.choose(groups, name, self.params["vpc_id"])
        if group:
            self.vpc_id = group["VpcId"]
        elif not present:
            return None
        elif not self.vpc_id:
            self.vpc_id = self._default_vpc(aws)
        found = {item["GroupName"]: item["GroupId"] for item in groups if item["VpcId"] == self.vpc_id}
        self.ids = {other: found[other] for other in others if other in found}
        missing = ", ".join(sorted(set(others) - set(found)))
        if missing and present and not self.check_mode:
            raise Refused(f"security_groups: {self.vpc_id} has no group named {missing}. Make it first.")
        if group is None:
            return None
        names = {group_id: other for other, group_id in found.items() if other in (name, *others)}
        return _security_group.normalise(group, names, self.goal, self.params["purge_rules"])

    def plan(self, current: State | None, goal: State | None) -> list[Change]:
        return _security_group.plan(current, goal, self.ids, self.vpc_id)

    def _default_vpc(self, aws: _aws.Aws) -> str:
        filters = [{"Name": "is-default", "Values": ["true"]}]
        vpcs = list(aws.pages("ec2.describe_vpcs", "Vpcs", Filters=filters))
        if not vpcs:
            raise Refused(
                "this region has no default VPC. Set 'vpc_id', or have AWS make one: "
                "aws ec2 create-default-vpc"
            )
        return str(vpcs[0]["VpcId"])


def main() -> None:
    rules = {"type": "list", "elements": "dict", "options": RULE}
    module = AnsibleAWSModule(
        argument_spec=_aws.argument_spec(
            name={"required": True},
            description={},
            vpc_id={},
            ingress=rules,
            egress=rules,
            purge_rules={"type": "bool", "default": True},
        ),
        supports_check_mode=True,
    )
    subject = f"security group {module.params['name']}"
    try:
        goal = _security_group.desired(module.params)
    except Refused as error:
        module.fail_json(msg=f"{subject}: {error}")
    reader = Reader(module.params, goal, module.check_mode)
    _aws.run(
        module,
        subject,
        desired=goal,
        read=reader.read,
        plan=reader.plan,
        predicted={"group_id": AFTER_APPLY, "vpc_id": AFTER_APPLY},
    )


if __name__ == "__main__":
    main()
