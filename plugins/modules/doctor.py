#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: doctor
short_description: Check what stops people, and say how to put each right
version_added: 0.1.0
description:
  - Looks at this machine, the inventory's values, the credentials and the account, and says of each thing
    whether it is well, and if not, what to do about it.
  - If the account has a zone of O(domain), its delegation is checked.
  - It only reads. A read that AWS refuses is a finding, and the rest is looked at all the same.
  - Permissions are asked of IAM's policy simulator. What a policy grants under conditions on tags or on
    single resources can be judged too strictly.
  - M(andamio.laravel_aws.preflight) checks what a run must have, and stops it; this module never fails.
author: The Andamio authors (@andamio)
options:
  host:
    description: The host's Name tag. While there is none, what it takes must be free within the quotas.
    type: str
    required: true
  phases:
    description: The phases whose permissions are simulated.
    type: list
    elements: int
    default: [1]
  resolvers:
    description: DNS servers that are asked about the delegation. Without any, this machine's.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - andamio.laravel_aws.preflight
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Check what stops people
  andamio.laravel_aws.doctor:
    account_id: "123456789012"
    project: academia
    environment: production
    domain: academia.example
    host: academia-production-host
  register: doctor

- name: Say it
  andamio.laravel_aws.findings:
    sections: "{{ doctor.sections }}"
"""

RETURN = r"""
healthy:
  description: Whether nothing is wrong. Warnings, and what couldn't be checked, don't count.
  returned: always
  type: bool
sections:
  description: What was found, in the form that M(andamio.laravel_aws.findings) takes.
  returned: always
  type: list
  elements: dict
  contains:
    title:
      description: What the findings are about.
      type: str
    findings:
      description: What was found.
      type: list
      elements: dict
      contains:
        state:
          description: V(ok), V(wrong), V(warning), V(unknown) (not checked) or V(absent) (not there yet).
          type: str
        subject:
          description: What it is about.
          type: str
        says:
          description: What was found, in a line.
          type: str
        fix:
          description: What to do about it, in a sentence.
          type: str
wrong:
  description: How many findings are V(wrong).
  returned: always
  type: int
"""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.ansible_release import __version__ as ansible_version
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import (
    _account,
    _aws,
    _delegation,
    _doctor,
    _findings,
    _hosted_zone,
    _permissions,
    _preflight,
    _tags,
    _zones,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Refused
from ansible_collections.andamio.laravel_aws.plugins.module_utils._ec2_host import ALIVE, in_states
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed
from ansible_collections.andamio.laravel_aws.plugins.module_utils._findings import WRONG, Finding, Section

with contextlib.suppress(ImportError):  # AnsibleAWSModule says so, with the version that is needed
    import boto3


def said(module: Any, *command: str) -> str | None:
    """Return what a command prints, or None when it isn't there or doesn't end well."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        code, output, _errors = module._module.run_command([program, *command[1:]], handle_exceptions=False)
    except OSError:
        return None
    return str(output) if code == 0 else None


def collections(module: Any) -> dict[str, str]:
    """Return the versions of the collections that Ansible finds: of two, the one it finds first."""
    beside = Path(sys.executable).with_name("ansible-galaxy")
    galaxy = str(beside) if beside.exists() else "ansible-galaxy"
    try:
        paths = json.loads(said(module, galaxy, "collection", "list", "--format", "json") or "{}")
    except ValueError:
        return {}
    versions: dict[str, str] = {}
    for listed in paths.values():
        for name, about in listed.items():
            versions.setdefault(name, about["version"])
    return versions


def tools(module: Any) -> list[Finding]:
    """Return what is to be said of this machine's tools."""
    commands = module.params["commands"]
    found: dict[str, str | None] = {
        "Python": ".".join(map(str, sys.version_info[:3])),
        "ansible-core": ansible_version,
        "boto3": boto3.__version__,
        **collections(module),
    }
    for command in commands:
        text = said(module, command, "--version")
        found[command] = _doctor.version(text) if text is not None else None
    return _doctor.tools(found, commands)


class Account:
    """What AWS is asked, once it knows who we are."""

    def __init__(self, module: Any, who: _account.Identity) -> None:
        self.module = module
        self.params = module.params
        self.who = who
        self.aws = _aws.Aws(module)

    def findings(self, problems: list[Any]) -> Iterator[Finding]:
        """Yield what is found. No failed read ends it."""
        wrong = {problem.check for problem in problems}
        if not {"region", "instance_type"} & wrong:
            yield from self._guarded("region", self._region)
        if "region" not in wrong:
            yield from self._guarded("quotas", self._quotas)
            yield from self._guarded("SES", self._mail)
        if self.params["domain"] and "domain" not in wrong:
            yield from self._guarded("delegation", self._delegation)
        for phase in self.params["phases"]:
            yield from self._guarded(f"phase {phase}", lambda phase=phase: self._permissions(phase))

    def _guarded(self, subject: str, look: Callable[[], list[Finding]]) -> list[Finding]:
        try:
            return look()
        except CallFailed as error:
            return [_doctor.not_checked(subject, error)]
        except Refused as error:
            return [Finding(WRONG, subject, str(error))]

    def _region(self) -> list[Finding]:
        return _doctor.region(_account.regional_problems(self.module), self.params["region"])

    def _quotas(self) -> list[Finding]:
        filters = [in_states(ALIVE)]
        instances = list(
            self.aws.pages("ec2.describe_instances", "Reservations.*.Instances", Filters=filters)
        )
        addresses = self.aws.call("ec2.describe_addresses")["Addresses"]
        host = self.params["host"]
        cores = 0 if any(_name(item) == host for item in instances) else self._cores()
        address = 0 if any(_name(item) == host for item in addresses) else 1
        running = [item for item in instances if item["State"]["Name"] in ("pending", "running")]
        return [
            *self._guarded("vCPUs", lambda: [self._quota(_doctor.VCPUS, _doctor.vcpus(running), cores)]),
            *self._guarded("Elastic IPs", lambda: [self._quota(_doctor.ADDRESSES, len(addresses), address)]),
        ]

    def _cores(self) -> int:
        kind = self.params["instance_type"]
        if not kind:
            return 0
        types = self.aws.call("ec2.describe_instance_types", InstanceTypes=[kind])["InstanceTypes"]
        return int(types[0]["VCpuInfo"]["DefaultVCpus"])

    def _quota(self, code: str, used: int, needed: int) -> Finding:
        asked = {"ServiceCode": "ec2", "QuotaCode": code}
        # A quota that nobody has had raised may have its default only.
        answer = self.aws.call(
            "service-quotas.get_service_quota", missing=("NoSuchResourceException",), **asked
        ) or self.aws.call("service-quotas.get_aws_default_service_quota", **asked)
        return _doctor.quota(code, answer["Quota"]["Value"], used, needed)

    def _mail(self) -> list[Finding]:
        return [_doctor.mail(self.aws.call("sesv2.get_account"))]

    def _delegation(self) -> list[Finding]:
        domain = self.params["domain"]
        zone = _zones.find(self.aws, domain)
        if zone is None:
            return [_doctor.delegation(domain, None, None)]
        servers = _hosted_zone.name_servers(_zones.details(self.aws, zone))
        found = _delegation.delegation(domain, servers, self.params["resolvers"])
        return [_doctor.delegation(domain, servers, found)]

    def _permissions(self, phase: int) -> list[Finding]:
        source = _permissions.principal(self.who.arn, self._role())
        if not source:
            says = "not checked: IAM simulates users and roles, not the root user or a federated one."
            return [Finding(_findings.UNKNOWN, f"phase {phase}", says)]
        words = {
            "name": f"{self.params['project']}-{self.params['environment']}",
            "project": self.params["project"],
            "environment": self.params["environment"],
            "account": self.who.account,
            "region": self.params["region"],
            "partition": self.who.arn.split(":")[1],
        }
        results: list[Any] = []
        for need in _permissions.needs(phase, words):
            results += self.aws.pages(
                "iam.simulate_principal_policy",
                "EvaluationResults",
                PolicySourceArn=source,
                ActionNames=need.actions,
                ResourceArns=[need.resource],
            )
        return _doctor.permissions(phase, results)

    def _role(self) -> str | None:
        """Return the session's role's ARN with its path; None when it can't be read."""
        name = _permissions.session_role(self.who.arn)
        if not name:
            return None
        try:
            return str(self.aws.call("iam.get_role", RoleName=name)["Role"]["Arn"])
        except CallFailed:
            return None


def _name(thing: dict[str, Any]) -> str | None:
    return _tags.to_dict(thing.get("Tags")).get("Name")


def of_account(module: Any, problems: list[Any]) -> list[Finding]:
    """Return what is found of the credentials and, when they are the right ones, of the account."""
    try:
        who = _account.identity(module)
    except _account.Unreachable as error:
        hint = module.params["unreachable_hint"] or "Check this machine's network and proxy."
        return [Finding(WRONG, "AWS", f"{error} Nothing there was checked.", hint)]
    except CallFailed as error:
        date = _account.date_of(getattr(error.error, "response", None) or {})
        clock = [_doctor.clock(date, datetime.now(UTC))] if date else []
        return [
            Finding(WRONG, "credentials", error.message("not usable"), "Nothing of the account was checked."),
            *clock,
        ]
    found = [_doctor.identity(who.arn, who.account), _doctor.clock(who.date, datetime.now(UTC))]
    strangers = _preflight.wrong_account(module.params, who.account)
    found.insert(1, _doctor.account(strangers, who.account))
    if strangers:
        return found  # the rest would be true of another account
    return [*found, *Account(module, who).findings(problems)]


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            **_preflight.ARGUMENTS,
            "host": {"required": True},
            "phases": {"type": "list", "elements": "int", "default": [1]},
            "resolvers": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    params = module.params
    params["region"] = module.region
    unknown = [str(phase) for phase in params["phases"] if phase not in _permissions.PHASES]
    if unknown:
        module.fail_json(msg=f"phases: there is no phase {', '.join(unknown)}.")
    problems = _preflight.local_problems(params)
    sections = [
        Section("This machine", tools(module)),
        Section("Inventory", _doctor.inventory(params, problems)),
        Section("AWS", of_account(module, problems)),
    ]
    wrong = _findings.count(sections, WRONG)
    module.exit_json(
        changed=False, healthy=not wrong, wrong=wrong, sections=[section.as_dict() for section in sections]
    )


if __name__ == "__main__":
    main()
