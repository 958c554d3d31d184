#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: status_info
short_description: What one project and environment have on AWS right now
version_added: 0.1.0
description:
  - Reads, in some fifteen requests, what there is of an environment and how it is.
  - What can't be read is noted with the reason, and the rest is read all the same.
author: The Andamio authors (@andamio)
options:
  account_id:
    description: The account that it must be. Of another nothing is read.
    type: str
  host:
    description: The Name tag of the host and of its Elastic IP.
    type: str
    required: true
  domain:
    description: The site's domain, the zone's and the distribution's name.
    type: str
    required: true
  buckets:
    description: The buckets' names by what they are for.
    type: dict
    default: {}
  dumps_prefix:
    description: What the keys of the dumps begin with, in the bucket that is for V(dumps).
    type: str
    default: ""
  env_path:
    description: The path of the application's parameters. Their values aren't read.
    type: str
    required: true
  alarm_prefix:
    description: What the alarms' names begin with.
    type: str
    required: true
  tags:
    description: The tags that make an alarm one of ours.
    type: dict
    default: {}
  resolvers:
    description: DNS servers that are asked about the delegation. Without any, this machine's.
    type: list
    elements: str
    default: []
  spent:
    description:
      - Whether Cost Explorer is asked for what this month has cost, of the whole account.
      - AWS charges 0.01 USD for each such request.
    type: bool
    default: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Read what there is
  andamio.laravel_aws.status_info:
    host: academia-production-host
    domain: academia.example
    buckets:
      dumps: academia-production-dumps-123456789012
    env_path: /academia/production/env
    alarm_prefix: academia-production-
  register: aws
"""

RETURN = r"""
facts:
  description: What was read. Null stands for what isn't there, or couldn't be read.
  returned: always
  type: dict
  contains:
    account:
      description: The account.
      type: str
    buckets:
      description: Each bucket's name and creation, by what it is for.
      type: dict
    dump:
      description: The newest dump's key, size in bytes, and time.
      type: dict
    parameters:
      description: How many parameters there are.
      type: int
    host:
      description: The instance's id, type, state, availability zone and launch, and EC2's own checks of it.
      type: dict
    volume:
      description: The host's disk, its size in GiB and its type.
      type: dict
    address:
      description: The Elastic IP, and the instance it is at.
      type: dict
    zone:
      description: The hosted zone, its name servers, and whether the world finds it there.
      type: dict
    distribution:
      description: The CloudFront distribution.
      type: dict
    certificate:
      description: Its certificate in ACM.
      type: dict
    alarms:
      description: The alarms and their states.
      type: list
      elements: dict
    spent:
      description: What the account has cost this month.
      type: dict
problems:
  description: Why something couldn't be read, by its name in RV(facts).
  returned: always
  type: dict
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import (
    _account,
    _delegation,
    _hosted_zone,
    _status_read,
    _tags,
    _zones,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import Aws
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Refused
from ansible_collections.andamio.laravel_aws.plugins.module_utils._ec2_host import ALIVE, in_states, named
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed

# The one region of CloudFront's certificates, and of the bill.
GLOBAL_REGION = "us-east-1"


class Reader:
    """Reads one thing after the other; a read that fails leaves a note."""

    def __init__(self, module: Any) -> None:
        self.params = module.params
        self.aws = Aws(module)
        self.facts: dict[str, Any] = {}
        self.problems: dict[str, str] = {}

    def read(self) -> None:
        self._note("buckets", self._buckets)
        self._note("dump", self._dump)
        self._note("parameters", self._parameters)
        self._note("host", self._host)
        self._note("volume", self._volume)
        self._note("address", self._address)
        self._note("zone", self._zone)
        self._note("distribution", self._distribution)
        self._note("certificate", self._certificate)
        self._note("alarms", self._alarms)
        if self.params["spent"]:
            self._note("spent", self._spent)

    def _note(self, name: str, read: Callable[[], Any]) -> None:
        self.facts[name] = None
        try:
            self.facts[name] = read()
        except CallFailed as error:
            self.problems[name] = error.message("not known")
        except Refused as error:
            self.problems[name] = str(error)

    def _buckets(self) -> Any:
        return _status_read.buckets(self.params["buckets"], self.aws.call("s3.list_buckets")["Buckets"])

    def _dump(self) -> Any:
        bucket = self.params["buckets"].get("dumps")
        # Where the buckets couldn't be listed, this one may still be readable.
        if not bucket or (self.facts["buckets"] and not self.facts["buckets"]["dumps"]):
            return None
        prefix = self.params["dumps_prefix"]
        return _status_read.dump(
            self.aws.pages("s3.list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)
        )

    def _parameters(self) -> int:
        path = self.params["env_path"].rstrip("/")
        return sum(1 for _item in self.aws.pages("ssm.get_parameters_by_path", "Parameters", Path=path))

    def _host(self) -> Any:
        filters = [*named(self.params["host"]), in_states(ALIVE)]
        found = self.aws.pages("ec2.describe_instances", "Reservations.*.Instances", Filters=filters)
        host = _status_read.host(found, self.params["host"])
        if host is None:
            return None
        statuses = self.aws.call("ec2.describe_instance_status", InstanceIds=[host["instance_id"]])
        return host | {"checks": _status_read.checks(statuses["InstanceStatuses"])}

    def _volume(self) -> Any:
        if not self.facts["host"]:
            return None
        filters = [{"Name": "attachment.instance-id", "Values": [self.facts["host"]["instance_id"]]}]
        return _status_read.volume(self.aws.call("ec2.describe_volumes", Filters=filters)["Volumes"])

    def _address(self) -> Any:
        name = self.params["host"]
        answer = self.aws.call("ec2.describe_addresses", Filters=named(name))
        return _status_read.address(answer["Addresses"], name)

    def _zone(self) -> Any:
        domain = self.params["domain"]
        found = _zones.find(self.aws, domain)
        if found is None:
            return None
        answer = _zones.details(self.aws, found)
        servers = _hosted_zone.name_servers(answer)
        return _status_read.zone(answer, _delegation.delegation(domain, servers, self.params["resolvers"]))

    def _distribution(self) -> Any:
        found = self.aws.pages("cloudfront.list_distributions", "DistributionList.Items")
        return _status_read.distribution(found, self.params["domain"])

    def _certificate(self) -> Any:
        arn = (self.facts["distribution"] or {}).get("certificate")
        if not arn:
            return None
        answer = self.aws.call("acm.describe_certificate", region=GLOBAL_REGION, CertificateArn=arn)
        return _status_read.certificate(answer["Certificate"])

    def _alarms(self) -> Any:
        prefix = self.params["alarm_prefix"]
        found = list(self.aws.pages("cloudwatch.describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix))
        # Another environment's name may begin with ours.
        tags = {
            item["AlarmArn"]: _tags.to_dict(
                self.aws.call("cloudwatch.list_tags_for_resource", ResourceARN=item["AlarmArn"])["Tags"]
            )
            for item in found
        }
        return _status_read.alarms(found, tags, self.params["tags"])

    def _spent(self) -> Any:
        period = _status_read.month(datetime.now(UTC).date())
        answer = self.aws.call(
            "ce.get_cost_and_usage",
            region=GLOBAL_REGION,
            TimePeriod=period,
            Granularity="MONTHLY",
            Metrics=["UnblendedCost"],
        )
        return _status_read.spent(answer, period["Start"])


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "account_id": {},
            "host": {"required": True},
            "domain": {"required": True},
            "buckets": {"type": "dict", "default": {}},
            "dumps_prefix": {"default": ""},
            "env_path": {"required": True},
            "alarm_prefix": {"required": True},
            "tags": {"type": "dict", "default": {}},
            "resolvers": {"type": "list", "elements": "str", "default": []},
            "spent": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params["account_id"]
    try:
        who = _account.identity(module)
    except _account.Unreachable as error:
        module.fail_json(msg=str(error))
    except CallFailed as error:
        module.fail_json(msg=error.message("credentials"))
    if wanted and who.account != wanted:
        module.fail_json(
            msg=f"account_id: it is {wanted}, but these credentials are of account {who.account}."
            " Choose the other profile (AWS_PROFILE), or correct it."
        )
    reader = Reader(module)
    reader.read()
    module.exit_json(changed=False, facts={"account": who.account, **reader.facts}, problems=reader.problems)


if __name__ == "__main__":
    main()
