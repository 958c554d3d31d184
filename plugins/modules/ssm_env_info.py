#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_env_info
short_description: Read an application's .env from Parameter Store
version_added: 0.1.0
description:
  - Reads the variables that M(andamio.laravel_aws.ssm_env) keeps under a path, ten a request.
  - The answer holds secrets. Set C(no_log) on the task, unless O(with_values) is false.
author: The Andamio authors (@andamio)
options:
  path:
    description: Path of the parameters, such as V(/academia/production/env/).
    type: str
    required: true
  with_values:
    description: Whether to decrypt and return the values.
    type: bool
    default: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Read the API's environment
  andamio.laravel_aws.ssm_env_info:
    path: /academia/production/env/
  register: env
  no_log: true

- name: List the names only
  andamio.laravel_aws.ssm_env_info:
    path: /academia/production/env/
    with_values: false
"""

RETURN = r"""
variables:
  description: Each variable's value, as the application reads it.
  returned: when O(with_values)
  type: dict
names:
  description: All variables, sorted.
  returned: success
  type: list
  elements: str
secrets:
  description: Those that are stored encrypted.
  returned: success
  type: list
  elements: str
versions:
  description: Each variable's version in Parameter Store, which counts its changes.
  returned: success
  type: dict
  sample: {APP_ENV: 1, MAIL_PASSWORD: 3}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import Aws
from ..module_utils._errors import CallFailed
from ..module_utils._ssm_env import normalise


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={"path": {"required": True}, "with_values": {"type": "bool", "default": True}},
        supports_check_mode=True,
    )
    path, with_values = module.params["path"].rstrip("/"), module.params["with_values"]
    try:
        parameters = list(
            Aws(module).pages(
                "ssm.get_parameters_by_path", "Parameters", Path=path, WithDecryption=with_values
            )
        )
    except CallFailed as error:
        module.fail_json(msg=error.message(f"environment {path}"), call=error.call, error_code=error.code)

    variables = dict(sorted(normalise(path, parameters).items()))
    result = {
        "changed": False,
        "names": list(variables),
        "secrets": [name for name, value in variables.items() if value.secure],
        "versions": {item["Name"][len(path) + 1 :]: item["Version"] for item in parameters},
    }
    if with_values:
        result["variables"] = {name: value.text for name, value in variables.items()}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
