#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hosted_zone
short_description: A Route 53 zone and its records, as one thing
version_added: 0.1.0
description:
  - Manages a public zone and the records that are ours in it, with one call for all the records together, so
    that all of them change or none.
  - Records that aren't listed are left alone, and private zones are ignored.
  - A record can point at something by its name, an Elastic IP or a CloudFront distribution. In check mode it
    needn't exist yet.
  - The stock modules take one task and one call for each record, and need the addresses first.
author: The Andamio authors (@andamio)
options:
  name:
    description: The zone's domain name.
    type: str
    required: true
  hosted_zone_id:
    description: Which zone, if several public ones have this name.
    type: str
  create:
    description:
      - Make the zone if there is none.
      - With V(false) it must be there, and is never deleted.
    type: bool
    default: true
  comment:
    description: The zone's comment. Without this option it is left alone.
    type: str
  records:
    description: The records that are ours.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - V(@) or an empty text is the zone itself. A name that ends with the zone's is taken as full,
            another one as relative to the zone.
        type: str
        default: ""
      type:
        description: The record's type.
        type: str
        required: true
        choices: [A, AAAA, CAA, CNAME, DS, HTTPS, MX, NS, PTR, SRV, TXT]
      ttl:
        description: How long resolvers may keep it, in seconds. An alias has none.
        type: int
        default: 300
      values:
        description:
          - The values, in any order. A TXT value needs no quotes, and no escapes.
        type: list
        elements: str
      target:
        description: What the record points at, instead of values.
        type: dict
        suboptions:
          elastic_ip:
            description: The tag C(Name) of an Elastic IP.
            type: str
          distribution:
            description: One of the alternate names of a CloudFront distribution; A and AAAA.
            type: str
          website:
            description:
              - The bucket of an S3 website in this region, which must be named as the record.
            type: str
  absent_records:
    description: Records to remove, whatever their values are.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: As in O(records[].name).
        type: str
        default: ""
      type:
        description: The record's type.
        type: str
        required: true
  resolvers:
    description:
      - Resolvers to ask whether the zone's delegation is live, as C(address) or C(address#port). The default
        is those of this machine.
    type: list
    elements: str
    default: []
  wait:
    description: Wait until all of Route 53's name servers have the records.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait for that, in seconds.
    type: int
    default: 300
  state:
    description:
      - V(absent) removes the O(records), and the zone if this module made it, its tags
        C(Project), C(Environment) and C(ManagedBy) are the given O(tags), and nothing else is left in it.
      - In a zone that somebody else made, a record that points elsewhere than ours is left.
    type: str
    choices: [present, absent]
    default: present
  force:
    description: With O(state=absent), remove a zone of ours with everything in it.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.converges
"""

EXAMPLES = r"""
- name: Point the domain at the site, and the API's name at the host
  andamio.laravel_aws.hosted_zone:
    name: academia.example
    records:
      - {type: A, target: {distribution: academia.example}}
      - {type: AAAA, target: {distribution: academia.example}}
      - {name: www, type: A, target: {distribution: academia.example}}
      - {name: api, type: A, target: {elastic_ip: academia-production-host}}
      - {type: CAA, values: ['0 issue "letsencrypt.org"', '0 issue "amazon.com"']}
  register: zone

- name: Say what is left to do at the registrar, where the callback plan doesn't
  ansible.builtin.debug:
    msg: "{{ zone.hand_work }}"
  when: zone.hand_work is defined
"""

RETURN = r"""
resource:
  description: The zone as it is after the run. In check mode an unknown is V((known after apply\)).
  returned: always
  type: dict
  contains:
    hosted_zone_id:
      description: The zone's id.
      type: str
      sample: Z0123456789ABCDEFGHIJ
    name_servers:
      description: The name servers to set at the registrar.
      type: list
      elements: str
      sample: [ns-1.awsdns-01.org, ns-2.awsdns-02.co.uk, ns-3.awsdns-03.com, ns-4.awsdns-04.net]
    delegation:
      description: Whether the world already finds the zone at these name servers.
      type: dict
      contains:
        live:
          description: V(null) if that couldn't be found out.
          type: bool
        found:
          description: The name servers that the resolver finds.
          type: list
          elements: str
        problem:
          description: Why it couldn't be found out.
          type: str
    records:
      description: The records that are ours, by C(name type).
      type: dict
      sample:
        api.academia.example. A: {ttl: 300, values: [198.51.100.7]}
    other_records:
      description: The zone's other records.
      type: dict
hand_work:
  description:
    - What is left for a person to do, a sentence each.
    - While the zone's delegation isn't live, which name servers to set at the registrar.
  returned: when there is any
  type: list
  elements: str
calls:
  description: The AWS calls that were made, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [route53.create_hosted_zone, route53.change_resource_record_sets]
"""

import uuid
from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import (
    _aws,
    _delegation,
    _ec2_host,
    _hosted_zone,
    _zones,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import AFTER_APPLY, Refused, State
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed

UNKNOWN = _delegation.Delegation(None, [], "the zone isn't there yet").as_dict()


def find_target(aws: _aws.Aws, kind: str, name: str) -> str | None:
    """Return the address or domain name a target is now. Raises CallFailed, and Refused if there are two."""
    if kind == "elastic_ip":
        filters = _ec2_host.named(name)
        addresses = aws.call("ec2.describe_addresses", Filters=filters)["Addresses"]
        address = _ec2_host.choose_address(addresses, name)
        return address["PublicIp"] if address else None
    if kind == "distribution":
        for item in aws.pages("cloudfront.list_distributions", "DistributionList.Items"):
            if name.lower() in [alias.lower() for alias in item.get("Aliases", {}).get("Items", ())]:
                return str(item["DomainName"])
    return None


def find_targets(aws: _aws.Aws, records: list[dict[str, Any]]) -> dict[tuple[str, str], str | None]:
    """Return what each target of the records is now. Raises CallFailed, Refused and ValueError."""
    wanted = sorted({_hosted_zone.target(item["target"]) for item in records if item["target"]})
    return dict(zip(wanted, _aws.together(*(partial(find_target, aws, *one) for one in wanted)), strict=True))


class Reader:
    """Reads a zone, and asks the world once where it finds it."""

    def __init__(self, params: dict[str, Any], terms: _hosted_zone.Terms) -> None:
        self.params = params
        self.terms = terms
        self.ours = [*terms.records, *terms.absent]
        self.delegation: dict[str, Any] | None = None

    def read(self, aws: _aws.Aws) -> State | None:
        """Return the zone's normal form. Raises Refused when several have its name."""
        found = _zones.find(aws, self.params["name"], self.params["hosted_zone_id"])
        if found is None:
            if self.params["state"] == "present" and not self.params["create"]:
                raise Refused("there is no public zone of this name. Make it, or set 'create' to true.")
            return None
        tagged = self.params["tags"] is not None or self.params["state"] == "absent"
        zone = _zones.read(aws, found, self.ours, tags=tagged)
        if self.params["state"] == "absent":
            return zone | {"_left": _hosted_zone.left(zone, self.terms)}
        return zone | {"delegation": self._delegation(zone["name_servers"])}

    def _delegation(self, servers: list[str]) -> dict[str, Any]:
        if self.delegation is None:
            name, resolvers = self.params["name"], self.params["resolvers"]
            self.delegation = _delegation.delegation(name, servers, resolvers).as_dict()
        return self.delegation


def wanted(module: Any) -> dict[str, Any]:
    """Return the desired form, or end the module saying what is wrong with the options."""
    subject, params = f"zone {module.params['name']}", module.params
    try:
        targets = find_targets(_aws.Aws(module), params["records"])
        form = _hosted_zone.desired(params | {"region": module.region}, targets)
    except CallFailed as error:
        module.fail_json(msg=error.message(subject), call=error.call, error_code=error.code)
    except (Refused, ValueError) as error:
        module.fail_json(msg=f"{subject}: {error}")
    missing = ", ".join(_hosted_zone.unresolved(form["records"]))
    if missing and params["state"] == "present" and not module.check_mode:
        module.fail_json(
            msg=f"{subject}: what these records point at isn't there yet: {missing}. Make it first."
        )
    return form


def main() -> None:
    target = {kind: {"type": "str"} for kind in _hosted_zone.TARGET_TYPES}
    record = {"name": {"default": ""}, "type": {"required": True}}
    module = AnsibleAWSModule(
        argument_spec=_aws.argument_spec(
            name={"required": True},
            hosted_zone_id={},
            create={"type": "bool", "default": True},
            comment={},
            records={
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"default": ""},
                    "type": {"required": True, "choices": list(_hosted_zone.TYPES)},
                    "ttl": {"type": "int", "default": 300},
                    "values": {"type": "list", "elements": "str"},
                    "target": {"type": "dict", "options": target},
                },
            },
            absent_records={"type": "list", "elements": "dict", "default": [], "options": record},
            resolvers={"type": "list", "elements": "str", "default": []},
            wait={"type": "bool", "default": True},
            wait_timeout={"type": "int", "default": 300},
            force={"type": "bool", "default": False},
        ),
        supports_check_mode=True,
    )
    params = module.params
    form = wanted(module)
    terms = _hosted_zone.Terms(
        absent=_hosted_zone.absent_records(params),
        caller_reference=f"{_hosted_zone.REFERENCE}{uuid.uuid4()}",
        deletable=params["create"],
        tags=params["tags"],
        records=form["records"],
        force=params["force"],
        wait=params["wait_timeout"] if params["wait"] else 0,
    )
    _aws.run(
        module,
        f"zone {params['name']}",
        desired=form,
        read=Reader(params, terms).read,
        plan=lambda current, goal: _hosted_zone.plan(current, goal, terms),
        predicted={"hosted_zone_id": AFTER_APPLY, "name_servers": [AFTER_APPLY], "delegation": UNKNOWN},
        stays=lambda current: _hosted_zone.staying(current, terms),
        hand_work=_hosted_zone.hand_work,
    )


if __name__ == "__main__":
    main()
