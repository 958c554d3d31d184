#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: teardown_check
short_description: Check what would be in a teardown's way before it changes anything
version_added: 0.1.0
description:
  - Finds the instances that a teardown would terminate, and whether the inventory has each of them, so that
    its database can be dumped before.
  - Finds the records of a zone that a teardown would delete with it, although Andamio didn't make them.
  - Lists all problems at once, each with what to do about it. Nothing is ever changed.
  - No stock module tells what a zone has beside given records, and its proofs of certificates.
author: The Andamio authors (@andamio)
options:
  tags:
    description: The tags C(Project), C(Environment) and C(ManagedBy) of what is ours. Others are ignored.
    type: dict
    required: true
  host:
    description: The tag C(Name) of the instances. Without it, instances aren't checked.
    type: str
  hosts:
    description: The names and addresses of the inventory's hosts; an instance is found among them by its id.
    type: list
    elements: str
    default: []
  without_dump:
    description: Let instances go whose database can't be dumped.
    type: bool
    default: false
  zone:
    description: The zone's domain name. Without it, the zone isn't checked.
    type: str
  records:
    description: The records that are ours. What else is said of them is ignored.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: See that a last dump is possible, and that the zone has no records of others
  andamio.laravel_aws.teardown_check:
    tags: {Project: academia, Environment: production, ManagedBy: andamio}
    host: academia-production-host
    hosts: "{{ groups['laravel'] }}"
    zone: academia.example
    records: [{name: "", type: A}, {name: "", type: AAAA}, {name: api, type: A}]
"""

RETURN = r"""
instances:
  description: The ids of the instances that are there, those that are stopped too.
  returned: success
  type: list
  elements: str
  sample: [i-0123456789abcdef0]
problems:
  description: What is in the way.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _hosted_zone, _teardown, _zones
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import Aws
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Refused
from ansible_collections.andamio.laravel_aws.plugins.module_utils._dns_records import fqdn, in_zone
from ansible_collections.andamio.laravel_aws.plugins.module_utils._ec2_host import ALIVE, in_states, named
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed


def read_instances(aws: Aws, params: dict[str, Any]) -> dict[str, str]:
    """Return the state of each instance of ours that has a disk still, by id."""
    filters = [*named(params["host"]), in_states(ALIVE)]
    found = aws.pages("ec2.describe_instances", "Reservations.*.Instances", Filters=filters)
    return _teardown.instances(found, params["tags"])


def read_zone(aws: Aws, params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the zone in its normal form, None if there is none. Raises Refused when there are several."""
    found = _zones.find(aws, params["zone"])
    if found is None:
        return None
    name = fqdn(params["zone"])
    ours = [_hosted_zone.key(in_zone(item.get("name", ""), name), item["type"]) for item in params["records"]]
    return _zones.read(aws, found, ours)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "tags": {"type": "dict", "required": True},
            "host": {},
            "hosts": {"type": "list", "elements": "str", "default": []},
            "without_dump": {"type": "bool", "default": False},
            "zone": {},
            "records": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    params = module.params
    aws = Aws(module)
    instances: dict[str, str] = {}
    problems: list[str] = []
    try:
        if params["host"]:
            instances = read_instances(aws, params)
            problems += [] if params["without_dump"] else _teardown.host_problems(instances, params["hosts"])
        if params["zone"]:
            problems += _teardown.zone_problems(read_zone(aws, params), params["tags"])
    except CallFailed as error:
        module.fail_json(msg=error.message("teardown"), call=error.call, error_code=error.code)
    except Refused as refusal:
        problems.append(f"zone {params['zone']}: {refusal}".rstrip("."))
    if problems:
        module.fail_json(msg=_teardown.message(problems), problems=problems)
    module.exit_json(changed=False, instances=sorted(instances), problems=[])


if __name__ == "__main__":
    main()
