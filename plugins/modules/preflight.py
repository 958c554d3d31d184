#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check all that a run needs before it changes anything
version_added: 0.1.0
description:
  - Checks credentials and account, region, names, files, and whether the instance type and operating system
    are known and fit each other.
  - Lists all problems at once, each with the variable it comes from and what to do about it.
  - An option that is empty isn't checked. Nothing is ever changed.
author: The Andamio authors (@andamio)
options:
  roles:
    description:
      - Roles of this collection whose variables are held against what the roles take.
      - An action plugin of the same name does that on the controller.
    type: list
    elements: str
    default: []
  env:
    description:
      - Whether to look at the application's environment as it will be in force, from the variables of role
        ssm_env, where that is among O(roles). What is wrong for production (debug output, mail that goes to a
        log, a database that isn't there) is a problem. The same action plugin does it.
    type: bool
    default: true
  env_accept:
    description: Variables of the application's environment that are meant as they are.
    type: list
    elements: str
    default: []
  problems:
    description: Problems that are known already. They are told with the others.
    type: list
    elements: dict
    default: []
    suboptions:
      check:
        description: What found it.
        type: str
        required: true
      variable:
        description: The variable it comes from.
        type: str
        required: true
      problem:
        description: What is wrong.
        type: str
        required: true
      fix:
        description: What to do about it.
        type: str
        required: true
extends_documentation_fragment:
  - andamio.laravel_aws.preflight
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Check everything before anything is changed
  andamio.laravel_aws.preflight:
    account_id: "123456789012"
    project: academia
    environment: production
    domain: academia.example
    site_dir: ../academia-site/dist
  register: checked
"""

RETURN = r"""
account_id:
  description: The account of the credentials.
  returned: success
  type: str
  sample: "123456789012"
arn:
  description: Who the credentials belong to.
  returned: success
  type: str
  sample: arn:aws:iam::123456789012:user/andamio
region:
  description: The region.
  returned: success
  type: str
  sample: us-east-1
problems:
  description: All that is wrong.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: The option.
      type: str
    variable:
      description: The variable it comes from.
      type: str
    problem:
      description: What is wrong.
      type: str
    fix:
      description: What to do about it.
      type: str
"""

from dataclasses import fields
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _account, _aws, _preflight
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed
from ansible_collections.andamio.laravel_aws.plugins.module_utils._preflight import ARGUMENTS, Problem

PROBLEM = {field.name: {"required": True} for field in fields(Problem)}


def regional_problems(module: Any) -> list[Problem]:
    """Return what is wrong with the region, or why that can't be told."""
    try:
        return _account.regional_problems(module)
    except CallFailed as error:
        if error.code == "UnauthorizedOperation":
            return []  # whoever may not look may still be allowed all that the run does
        return [Problem("credentials", "", error.message("credentials"), "")]


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **ARGUMENTS,
            "roles": {"type": "list", "elements": "str", "default": []},
            "env": {"type": "bool", "default": True},
            "env_accept": {"type": "list", "elements": "str", "default": []},
            "problems": {"type": "list", "elements": "dict", "default": [], "options": PROBLEM},
        },
        supports_check_mode=True,
    )
    params = module.params
    params["region"] = module.region
    problems = [*_preflight.local_problems(params), *(Problem(**known) for known in params["problems"])]
    wrong = {problem.check for problem in problems}
    who = None
    try:
        looks = not {"region", "instance_type"} & wrong
        who, regional = _aws.together(
            lambda: _account.identity(module), lambda: regional_problems(module) if looks else []
        )
        problems += _preflight.wrong_account(params, who.account) if "account_id" not in wrong else []
        problems += regional
    except _account.Unreachable as error:
        message = f"{error} {params['unreachable_hint'] or ''}".strip()
        problems = [Problem("credentials", "", message, "")]
        module.fail_json(msg=message, problems=[problem.as_dict() for problem in problems])
    except CallFailed as error:
        problems.append(Problem("credentials", "", error.message("credentials"), ""))
    listed = [problem.as_dict() for problem in problems]
    if problems:
        module.fail_json(msg=_preflight.message(problems), problems=listed)
    module.exit_json(changed=False, account_id=who.account, arn=who.arn, region=params["region"], problems=[])


if __name__ == "__main__":
    main()
