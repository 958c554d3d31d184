# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules that look before a run: C(module_utils/_preflight.py) has their arguments."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
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
    description: What to do when no AWS API answers. That is then all that is told of AWS.
    type: str
  variables:
    description:
      - The variables that the options come from, where they have other names than the roles give them.
    type: dict
    default: {}
"""
