#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: status_report
version_added: 0.1.0
short_description: Judge what was read of an environment, and draw it
description:
  - Makes findings of what M(andamio.laravel_aws.status_info) and M(andamio.laravel_aws.host_status) have
    read, and writes a page with the architecture as it is now. The page is one file that needs no other.
  - It asks nobody anything.
author: The Andamio authors (@andamio)
options:
  project:
    description: The project's name.
    type: str
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
  region:
    description: The region, for the prices.
    type: str
    required: true
  domain:
    description: The site's domain.
    type: str
    required: true
  api_domain:
    description: The API's full name.
    type: str
    required: true
  delivery:
    description: How the site is delivered.
    type: str
    choices: [cloudfront, website, ""]
    default: cloudfront
  aws:
    description: What M(andamio.laravel_aws.status_info) has returned.
    type: dict
    required: true
  hosts:
    description: What was seen of each host, by its name.
    type: dict
    default: {}
  plan_file:
    description:
      - The JSON that the callback P(andamio.laravel_aws.plan#callback) has written of a check run.
      - Where there is none, nothing is said of drift.
    type: path
  page:
    description: Where the page goes. Empty, and none is written. The folder is made.
    type: path
  monthly_limit:
    description: What the team would like to pay a month, in USD.
    type: float
    default: 0
  command:
    description: The command that converges this environment, for what to do about findings.
    type: str
    default: ansible-playbook site.yml
attributes:
  check_mode:
    details: The page is written in both modes. It is the output of the run, and no change is reported for it.
extends_documentation_fragment:
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Judge and draw
  andamio.laravel_aws.status_report:
    project: academia
    environment: production
    region: us-east-1
    domain: academia.example
    api_domain: api.academia.example
    aws: "{{ aws }}"
    page: .cache/status/status.html
  register: status
"""

RETURN = r"""
healthy:
  description: Whether nothing is wrong. Warnings, and what couldn't be looked at, don't count.
  returned: always
  type: bool
headline:
  description: All of it in a few words.
  returned: always
  type: str
  sample: All is well
sections:
  description: What was found, in the form that M(andamio.laravel_aws.findings) takes.
  returned: always
  type: list
  elements: dict
page:
  description: Where the page is.
  returned: when one was written
  type: str
"""

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _status, _status_page


def plan(path: str | None) -> dict[str, Any] | None:
    """Return what a check run has written; None when it has written nothing that can be read."""
    if not path:
        return None
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write(path: Path, text: str) -> None:
    """Put the page in place whole, so that a browser that reloads never gets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    os.replace(file.name, path)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "project": {"required": True},
            "environment": {"required": True},
            "region": {"required": True},
            "domain": {"required": True},
            "api_domain": {"required": True},
            "delivery": {"choices": ["cloudfront", "website", ""], "default": "cloudfront"},
            "aws": {"type": "dict", "required": True},
            "hosts": {"type": "dict", "default": {}},
            "plan_file": {"type": "path"},
            "page": {"type": "path"},
            "monthly_limit": {"type": "float", "default": 0},
            "command": {"default": "ansible-playbook site.yml"},
        },
        supports_check_mode=True,
    )
    params = module.params
    context = _status.Context(
        project=params["project"],
        environment=params["environment"],
        region=params["region"],
        domain=params["domain"],
        api_domain=params["api_domain"],
        delivery=params["delivery"],
        now=datetime.now(UTC),
        limit=params["monthly_limit"],
        command=params["command"],
    )
    status = _status.judge(context, params["aws"], params["hosts"], plan(params["plan_file"]))
    result: dict[str, Any] = {
        "changed": False,
        "healthy": status.healthy,
        "headline": status.headline(),
        "sections": [section.as_dict() for section in status.sections],
    }
    if params["page"]:
        path = Path(params["page"]).absolute()
        try:
            write(path, _status_page.page(status))
        except OSError as error:
            module.fail_json(msg=f"page: {path} can't be written: {error.strerror}.")
        result["page"] = str(path)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
