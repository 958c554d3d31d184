#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_role
short_description: What an EC2 instance may do in AWS, as one thing
version_added: 0.1.0
description:
  - Manages an IAM role for EC2 together with its inline policies and the instance profile of the same name.
  - The stock modules need one task for the role, one for each inline policy and one for the profile, and
    in check mode they fail for a role that doesn't exist yet. Here it is one task, one plan and one diff.
  - A role that other roles assume, for what has fewer rights on the instance, is made without a profile.
author: The Andamio authors (@andamio)
options:
  name:
    description: Name of the role and of its instance profile, 64 characters at most.
    type: str
    required: true
  policies:
    description:
      - Inline policies, a dict of name to policy document.
      - A policy of the role that isn't named here is removed.
    type: dict
    default: {}
  managed_policies:
    description: ARNs of managed policies to attach; others are detached.
    type: list
    elements: str
    default: []
  assumed_by:
    description:
      - ARNs of the roles, of one account, that may assume this one. EC2 may not then, and there is no
        instance profile.
      - They need leave by their own policies, too.
    type: list
    elements: str
    default: []
  state:
    description:
      - Whether the role and its profile should be there. With V(absent), a role whose tags C(Project),
        C(Environment) and C(ManagedBy) aren't the given O(tags) is left with its profile.
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
- name: Let the host read its own parameters, and nothing else
  andamio.laravel_aws.instance_role:
    name: academia-production-host
    policies:
      env:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: ssm:GetParametersByPath
            Resource: arn:aws:ssm:us-east-1:123456789012:parameter/academia/production/env/*

- name: Give the application on that host less than the host has
  andamio.laravel_aws.instance_role:
    name: academia-production-app
    assumed_by: ["arn:aws:iam::123456789012:role/academia-production-host"]
    policies:
      documents:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: [s3:GetObject, s3:PutObject]
            Resource: arn:aws:s3:::academia-production-documents-123456789012/receipts/*
"""

RETURN = r"""
resource:
  description: The role as it is after the run.
  returned: always
  type: dict
  contains:
    arn:
      description: The role's ARN.
      type: str
      sample: arn:aws:iam::123456789012:role/academia-production-host
    policies:
      description: Inline policies, a dict of name to policy document.
      type: dict
calls:
  description: The AWS calls that were made, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [iam.create_role, iam.put_role_policy]
"""

from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _aws, _instance_role
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import AFTER_APPLY, State


def read(aws: _aws.Aws, name: str) -> State | None:
    """Return the role and its profile in normal form."""
    none, role_name = ("NoSuchEntity",), {"RoleName": name}

    def listed(call: str, key: str) -> list[Any]:
        return list(aws.pages(call, key, missing=none, **role_name))

    role, profile, policies, managed = _aws.together(
        lambda: aws.call("iam.get_role", none, **role_name),
        lambda: aws.call("iam.get_instance_profile", none, InstanceProfileName=name),
        lambda: listed("iam.list_role_policies", "PolicyNames"),
        lambda: listed("iam.list_attached_role_policies", "AttachedPolicies"),
    )
    found = _aws.together(
        *(partial(aws.call, "iam.get_role_policy", PolicyName=policy, **role_name) for policy in policies)
    )
    return _instance_role.normalise(
        role and role["Role"],
        {policy: answer["PolicyDocument"] for policy, answer in zip(policies, found, strict=True)},
        [policy["PolicyArn"] for policy in managed],
        profile and profile["InstanceProfile"],
    )


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=_aws.argument_spec(
            name={"required": True},
            policies={"type": "dict", "default": {}},
            managed_policies={"type": "list", "elements": "str", "default": []},
            assumed_by={"type": "list", "elements": "str", "default": []},
        ),
        supports_check_mode=True,
    )
    name, roles = module.params["name"], module.params["assumed_by"]
    if len(name) > 64:
        module.fail_json(msg=f"name: {name!r} has {len(name)} characters; IAM allows 64. Shorten it.")
    wrong = [arn for arn in roles if not _instance_role.ROLE.fullmatch(arn)]
    if wrong or len({arn.split(":")[4] for arn in roles}) > 1:
        module.fail_json(msg=f"assumed_by: {wrong or roles} must be ARNs of roles of one account.")
    _aws.run(
        module,
        f"role {name}" if roles else f"instance role {name}",
        desired=_instance_role.desired(module.params),
        read=lambda aws: read(aws, name),
        plan=_instance_role.plan,
        predicted={"arn": AFTER_APPLY},
    )


if __name__ == "__main__":
    main()
