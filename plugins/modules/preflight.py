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
  account_id:
    description: The twelve digits of the account that the credentials must belong to.
    type: str
  project:
    description: The project's name, the first part of every name.
    type: str
  environment:
    description: The environment's name, the second part of every name.
    type: str
  domain:
    description: The site's domain name.
    type: str
  email:
    description: The address that Let's Encrypt and alarms write to.
    type: str
  site_dir:
    description: The built site's folder, with an C(index.html).
    type: path
  artifact:
    description: The API's artifact, a file.
    type: path
  env_file:
    description: The C(.env) file. Each line must be readable, and no value larger than a parameter may be.
    type: path
  ssh_public_key:
    description: The public half of the SSH key, RSA or Ed25519.
    type: path
  instance_type:
    description: The host's instance type. The region must have it.
    type: str
  architecture:
    description: What the artifact is built for, if it matters. The instance type must be of it.
    type: str
    choices: [arm64, x86_64]
  os:
    description: The host's operating system.
    type: str
  commands:
    description: Commands that this machine must have, such as what SSH through an SSM session takes.
    type: list
    elements: str
    default: []
  unreachable_hint:
    description:
      - What to say when no AWS API answers. That is then the only problem that is told.
    type: str
  variables:
    description:
      - The variables that the options come from, where they have other names than the roles give them.
    type: dict
    default: {}
extends_documentation_fragment:
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

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _preflight
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed
from ansible_collections.andamio.laravel_aws.plugins.module_utils._preflight import Problem

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError
    from botocore.exceptions import ConnectionError as NoConnection
except ImportError:
    pass  # AnsibleAWSModule says so, with the version that is needed

HOME_REGION = "us-east-1"


class Unreachable(Exception):
    """No AWS API answers."""


def client(module: Any, service: str) -> Any:
    """Return a client that gives up at once: a person waits for it.

    A region that botocore doesn't know has no address to ask, so another is asked about it.
    """
    session = boto3.session.Session()
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("ec2", partition_name=partition)
    ]
    region = module.region if module.region in known else HOME_REGION
    config = Config(connect_timeout=2, read_timeout=30, retries={"total_max_attempts": 1})
    return module.client(service, region=region, config=config)


def identity(module: Any) -> dict[str, Any]:
    """Return who we are. Raises Unreachable, and CallFailed when AWS doesn't take the credentials."""
    sts = client(module, "sts")
    endpoint = sts.meta.endpoint_url
    try:
        return dict(sts.get_caller_identity())
    except SSLError as error:
        raise CallFailed("sts.get_caller_identity", error) from error
    except (NoConnection, HTTPClientError) as error:
        raise Unreachable(f"AWS can't be reached: nothing answers at {endpoint}.") from error
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500:
            raise Unreachable(f"AWS can't be reached: {endpoint} answers with status {status}.") from error
        raise CallFailed("sts.get_caller_identity", error) from error
    except BotoCoreError as error:
        raise CallFailed("sts.get_caller_identity", error) from error


def regional_problems(module: Any) -> list[Problem]:
    """Return what is wrong with the region, and with the instance type in it."""
    params = module.params
    ec2 = client(module, "ec2")
    try:
        filters = [{"Name": "region-name", "Values": [params["region"]]}]
        regions = ec2.describe_regions(AllRegions=True, Filters=filters)["Regions"]
        status = next(
            (item["OptInStatus"] for item in regions if item["RegionName"] == params["region"]), None
        )
        problems = _preflight.region_problems(params, status)
        if problems or not params["instance_type"]:
            return problems
        filters = [{"Name": "instance-type", "Values": [params["instance_type"]]}]
        offered = ec2.describe_instance_type_offerings(LocationType="region", Filters=filters)
        return _preflight.type_problems(params, bool(offered["InstanceTypeOfferings"]))
    except ClientError as error:
        if error.response["Error"]["Code"] == "UnauthorizedOperation":
            return []  # whoever may not look may still be allowed all that the run does
        raise CallFailed("ec2.describe_regions", error) from error
    except BotoCoreError as error:
        raise CallFailed("ec2.describe_regions", error) from error


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "account_id": {},
            "project": {},
            "environment": {},
            "domain": {},
            "email": {},
            "site_dir": {"type": "path"},
            "artifact": {"type": "path"},
            "env_file": {"type": "path"},
            "ssh_public_key": {"type": "path", "no_log": False},
            "instance_type": {},
            "architecture": {"choices": ["arm64", "x86_64"]},
            "os": {},
            "commands": {"type": "list", "elements": "str", "default": []},
            "unreachable_hint": {},
            "variables": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    params = module.params
    params["region"] = module.region
    problems = _preflight.local_problems(params)
    wrong = {problem.check for problem in problems}
    who: dict[str, Any] = {}
    try:
        who = identity(module)
        problems += _preflight.wrong_account(params, who["Account"]) if "account_id" not in wrong else []
        problems += regional_problems(module) if not {"region", "instance_type"} & wrong else []
    except Unreachable as error:
        message = f"{error} {params['unreachable_hint'] or ''}".strip()
        problems = [Problem("credentials", "", message, "")]
        module.fail_json(msg=message, problems=[problem.as_dict() for problem in problems])
    except CallFailed as error:
        problems.append(Problem("credentials", "", error.message("credentials"), ""))
    listed = [problem.as_dict() for problem in problems]
    if problems:
        module.fail_json(msg=_preflight.message(problems), problems=listed)
    module.exit_json(
        changed=False, account_id=who["Account"], arn=who["Arn"], region=params["region"], problems=[]
    )


if __name__ == "__main__":
    main()
