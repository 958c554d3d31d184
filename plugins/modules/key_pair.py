#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: key_pair
short_description: A public SSH key that new EC2 instances let in
version_added: 0.1.0
description:
  - Imports a public key into EC2 under a name. The private key stays where it is.
  - M(amazon.aws.ec2_key) says in check mode that it changes a key, whatever the key is, and doesn't tell the
    plan whether it makes or replaces one.
  - EC2 can't change a key pair. Another key under the same name replaces it. Instances that run keep the key
    that they were made with.
author: The Andamio authors (@andamio)
options:
  name:
    description: Name of the key pair.
    type: str
    required: true
  public_key:
    description:
      - The public key, of type V(ssh-ed25519) or V(ssh-rsa), as in a C(.pub) file. Its comment isn't kept.
      - Required unless O(state=absent).
    type: str
  state:
    description:
      - Whether the key pair should be there.
      - V(absent) leaves a key pair that lacks one of the given O(tags).
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
- name: Import the public SSH key
  andamio.laravel_aws.key_pair:
    name: academia-production-host
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
    tags:
      Project: academia
"""

RETURN = r"""
resource:
  description: The key pair as it is after the run. In check mode an unknown is V((known after apply\)).
  returned: always
  type: dict
  contains:
    key_pair_id:
      description: The key pair's id.
      type: str
      sample: key-0123456789abcdef0
    public_key:
      description: The public key, without its comment.
      type: str
    fingerprint:
      description: The fingerprint that EC2 shows.
      type: str
calls:
  description: The AWS calls that were made, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [ec2.import_key_pair]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _aws, _key_pair
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import AFTER_APPLY, Refused, State


def read(aws: _aws.Aws, name: str) -> State | None:
    """Return the key pair's normal form."""
    filters = [{"Name": "key-name", "Values": [name]}]
    found = aws.call("ec2.describe_key_pairs", Filters=filters, IncludePublicKey=True)["KeyPairs"]
    return _key_pair.normalise(found[0]) if found else None


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=_aws.argument_spec(name={"required": True}, public_key={"no_log": False}),
        required_if=[("state", "present", ["public_key"])],
        supports_check_mode=True,
    )
    name = module.params["name"]
    subject = f"key pair {name}"
    try:
        goal = _key_pair.desired(module.params) if module.params["state"] == "present" else None
    except Refused as error:
        module.fail_json(msg=f"{subject}: {error}")
    _aws.run(
        module,
        subject,
        desired=goal,
        read=lambda aws: read(aws, name),
        plan=_key_pair.plan,
        predicted={"key_pair_id": AFTER_APPLY, "fingerprint": AFTER_APPLY},
        maker="ec2.import_key_pair",
    )


if __name__ == "__main__":
    main()
