#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hosts_info
short_description: Find the running hosts of an environment
version_added: 0.1.0
description:
  - Finds the running EC2 instances with the tags Project, Environment and ManagedBy=andamio.
  - The inventory plugin P(andamio.laravel_aws.hosts#inventory) asks by this.
author: The Andamio authors (@andamio)
options:
  project:
    description: The value of the tag Project.
    type: str
    required: true
  environment:
    description: The value of the tag Environment.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Find the hosts
  andamio.laravel_aws.hosts_info:
    project: academia
    environment: production
  register: found
"""

RETURN = r"""
hosts:
  description: The hosts, the oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    instance_id:
      description: Its id.
      type: str
      sample: i-0123456789abcdef0
    instance_type:
      description: Its type.
      type: str
      sample: t4g.micro
    image_id:
      description: The image that it was made of.
      type: str
    architecture:
      description: V(arm64) or V(x86_64).
      type: str
    private_ip_address:
      description: Its address in its network.
      type: str
    public_ip_address:
      description: Its Elastic IP, or what it has instead; null if it has none.
      type: str
    availability_zone:
      description: Where it runs.
      type: str
      sample: us-east-1a
    launch_time:
      description: When it was started (ISO 8601).
      type: str
    tags:
      description: Its tags.
      type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _hosts
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import Aws
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={"project": {"required": True}, "environment": {"required": True}},
        supports_check_mode=True,
    )
    filters = _hosts.filters(module.params["project"], module.params["environment"])
    try:
        found = _hosts.described(Aws(module).pages("ec2.describe_instances", "Reservations", Filters=filters))
    except CallFailed as error:
        module.fail_json(msg=error.message("hosts"), call=error.call, error_code=error.code)
    module.exit_json(changed=False, hosts=found)


if __name__ == "__main__":
    main()
