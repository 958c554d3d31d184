# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: hosts
short_description: The hosts of an environment, found by their tags
version_added: 0.1.0
description:
  - Asks EC2 for the running instances of a project and environment that Andamio has made. Their names are
    their ids; what M(andamio.laravel_aws.hosts_info) returns of one are its variables, with C(ec2_) before.
  - It takes project, environment and region from the inventory's own variables, so that they are written
    down once.
  - P(amazon.aws.aws_ec2#inventory) finds more, and by any filter, but imports boto3 and EC2's description
    in each run. This asks the preloaded interpreter where that runs, which takes a tenth of the time.
author: The Andamio authors (@andamio)
options:
  plugin:
    description: C(andamio.laravel_aws.hosts).
    required: true
  variables:
    description:
      - The file with C(andamio_project), C(andamio_environment) and C(andamio_region), relative to the
        inventory source's folder.
    default: group_vars/all/main.yml
  group:
    description: The group that the hosts are in.
    default: laravel
  profile:
    description: The profile in AWS's configuration. Without it, boto3 finds credentials as it always does.
    env:
      - name: AWS_PROFILE
      - name: AWS_DEFAULT_PROFILE
  endpoint_url:
    description: Where EC2 answers, if not at AWS.
  access_key:
    description: The key's id.
  secret_key_file:
    description: The file with the key's secret, relative to the inventory source's folder.
"""

EXAMPLES = r"""
plugin: andamio.laravel_aws.hosts
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _hosts

from ..plugin_utils import _preloaded

MODULE = "ansible_collections.andamio.laravel_aws.plugins.modules.hosts_info"
ACCESS = ("profile", "endpoint_url", "access_key")


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """Named so for Ansible."""

    NAME = "andamio.laravel_aws.hosts"

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        values = self._values(Path(path).parent / self.get_option("variables"))
        access = {name: self.get_option(name) for name in ACCESS if self.get_option(name)}
        if secret := self.get_option("secret_key_file"):
            access["secret_key"] = self._secret(Path(path).parent / secret)
        found = preloaded(values, access)
        hosts = asked(values, access) if found is None else found
        group = self.inventory.add_group(self.get_option("group"))
        for host in hosts:
            name = self.inventory.add_host(host["instance_id"], group=group)
            for key, value in host.items():
                self.inventory.set_variable(name, f"ec2_{key}", value)

    def _secret(self, file: Path) -> str:
        """Return a key's secret. Raises AnsibleParserError where it can't be read."""
        try:
            return file.read_text().strip()
        except OSError as error:
            raise AnsibleParserError(f"secret_key_file: {file}: {error.strerror}") from error

    def _values(self, file: Path) -> dict[str, str]:
        """Return project, environment and region. Raises AnsibleParserError where one isn't said."""
        # Not by the cache: the variables of this file are templates for who reads it next, and not for this.
        known = self.loader.load_from_file(str(file), cache="none") if file.is_file() else {}
        values = {}
        for name in ("project", "environment", "region"):
            value = known.get(f"andamio_{name}")
            if not isinstance(value, str) or not value or "{{" in value:
                raise AnsibleParserError(
                    f"{file}: andamio_{name} has to be a plain text here; hosts are found by it."
                )
            values[name] = value
        return values


def preloaded(values: dict[str, str], access: dict[str, str]) -> list[dict[str, Any]] | None:
    """Return the hosts from the preloaded interpreter; None where it isn't there.

    Raises AnsibleParserError where AWS doesn't answer.
    """
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**values, **access}})
    words, program = _preloaded.taken_apart(_preloaded.in_memory(MODULE, arguments))
    done = _preloaded.run(_preloaded.OWN, sys.executable, program, os.environ, ".", words=words)
    if done is None:
        return None
    try:
        answer = json.loads(done[1])
    except ValueError:
        return None  # it ended in the middle
    if answer.get("failed"):
        raise AnsibleParserError(answer["msg"])
    found: list[dict[str, Any]] = answer["hosts"]
    return found


def asked(values: dict[str, str], access: dict[str, str]) -> list[dict[str, Any]]:
    """Return the hosts from AWS itself. Raises AnsibleParserError where it doesn't answer."""
    try:
        import boto3  # noqa: PLC0415 - it takes a while, and is seldom needed
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError as error:
        raise AnsibleParserError("boto3 is missing where Ansible runs: pip install boto3") from error
    try:
        session = boto3.session.Session(
            access.get("access_key"), access.get("secret_key"), profile_name=access.get("profile")
        )
        client = session.client("ec2", values["region"], endpoint_url=access.get("endpoint_url"))
        pages = client.get_paginator("describe_instances").paginate(
            Filters=_hosts.filters(values["project"], values["environment"])
        )
        return _hosts.described(one for page in pages for one in page["Reservations"])
    except (BotoCoreError, ClientError) as error:
        raise AnsibleParserError(f"hosts: {error}") from error
