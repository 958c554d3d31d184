#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_certificate
version_added: 0.1.0
short_description: A certificate of Amazon's, validated by DNS
description:
  - Requests a certificate from AWS Certificate Manager, writes the records that prove who owns its names into
    a Route 53 hosted zone, and waits until Amazon has issued it. Amazon renews it as long as they are there.
  - A certificate that has exactly these names, and whose tags C(Project), C(Environment) and C(ManagedBy) are
    those of O(tags), is used instead of another one. A certificate's names can't be changed, so other names
    make another certificate.
  - It fills a gap of M(community.aws.acm_certificate), which only imports certificates.
author:
  - The Andamio authors (@andamio)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.converges
attributes:
  check_mode:
    details: Tells the calls that a real run makes, makes none, and doesn't wait.
  diff_mode:
    details: Shows the names, the zone that has the proof, and the tags.
options:
  name:
    description: The first name of the certificate, such as V(academia.example) or V(*.academia.example).
    type: str
    required: true
  alternative_names:
    description: Its other names. They don't have an order.
    type: list
    elements: str
    default: []
  hosted_zone:
    description:
      - The public Route 53 zone, by its name, that has all these names. Required if O(state=present).
    type: str
  state:
    description:
      - Whether there is such a certificate. V(absent) also removes the records that prove it; another
        certificate of the same name needs the same records, and its next run writes them again.
    type: str
    choices: [present, absent]
    default: present
  timeout:
    description: How long to wait for Amazon to issue it, in seconds. V(0) doesn't wait.
    type: int
    default: 900
notes:
  - For CloudFront, the certificate must be in the region V(us-east-1).
"""

EXAMPLES = r"""
- name: Have a certificate for the site
  andamio.laravel_aws.acm_certificate:
    name: academia.example
    alternative_names: [www.academia.example]
    hosted_zone: academia.example
    region: us-east-1
    tags:
      Project: academia
      Environment: production
  register: certificate

- name: Delete it
  andamio.laravel_aws.acm_certificate:
    name: academia.example
    alternative_names: [www.academia.example]
    hosted_zone: academia.example
    region: us-east-1
    tags:
      Project: academia
      Environment: production
    state: absent
"""

RETURN = r"""
resource:
  description: The certificate, in the words of the options; empty when there is none.
  returned: success
  type: dict
  contains:
    arn:
      description: Its ARN.
      type: str
      returned: when it exists
      sample: arn:aws:acm:us-east-1:123456789012:certificate/6b8e1f0e-6d2c-4a52-9a1c-3f0f4a0f6d11
    status:
      description: Where it stands, as ACM says.
      type: str
      returned: when it exists
      sample: ISSUED
    not_after:
      description: When it expires; Amazon renews it before.
      type: str
      returned: when it is issued
      sample: "2027-12-23 23:59:59+00:00"
calls:
  description: The AWS calls that change something, in order; in check mode, those that the real run makes.
  returned: success
  type: list
  elements: str
  sample: [acm.request_certificate, route53.change_resource_record_sets]
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import (
    _acm_certificate,
    _hosted_zone,
    _tags,
    _zones,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import (
    Aws,
    argument_spec,
    run,
    together,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import State

LIVE = ["PENDING_VALIDATION", "ISSUED"]
# What goes with state absent, although it is of no use any more.
DEAD = ["INACTIVE", "EXPIRED", "VALIDATION_TIMED_OUT", "REVOKED", "FAILED"]


def read(aws: Aws, goal: Mapping[str, Any], statuses: list[str], timeout: int) -> State | None:
    """Return the certificate in its normal form, once Amazon has issued it if it can.

    Raises Refused when it doesn't within ``timeout`` seconds.
    """
    state = look(aws, goal, statuses)
    waiting = _acm_certificate.issued(state, timeout) if timeout else None
    if not waiting:
        return state
    aws.wait(waiting, "acm.request_certificate")
    return look(aws, goal, statuses)


def look(aws: Aws, goal: Mapping[str, Any], statuses: list[str]) -> dict[str, Any]:
    """Return the certificate and its zone as they are."""
    found, there = together(
        lambda: find(aws, goal, statuses),
        lambda: _zones.find(aws, goal["hosted_zone"]) if goal["hosted_zone"] else None,
    )
    waits = bool(found) and found["Status"] == "PENDING_VALIDATION"
    zone = read_zone(aws, there, goal["hosted_zone"], servers=waits) if there else None
    records = (_acm_certificate.validation_records(found) if found else None) or []
    sets = together(*(partial(records_at, aws, zone["id"], wanted) for wanted in records if zone))
    in_zone = [record for each in sets for record in each]
    return _acm_certificate.normalise(found, found["_tags"] if found else {}, zone, in_zone)


def find(aws: Aws, goal: Mapping[str, Any], statuses: list[str]) -> Mapping[str, Any] | None:
    """Return our certificate as ACM describes it, with its tags; None if there is none."""
    found = []
    for item in aws.pages("acm.list_certificates", "CertificateSummaryList", CertificateStatuses=statuses):
        if item["DomainName"] != goal["name"]:
            continue
        calls = ("acm.describe_certificate", "acm.list_tags_for_certificate")
        asked = (partial(aws.call, call, CertificateArn=item["CertificateArn"]) for call in calls)
        described, tagged = together(*asked)
        certificate, tags = described["Certificate"], _tags.to_dict(tagged["Tags"])
        has_names = _acm_certificate.has_names(certificate, goal["name"], goal["alternative_names"])
        if has_names and _acm_certificate.is_ours(tags, goal["tags"]):
            found.append({**certificate, "_tags": tags})
    return _acm_certificate.best(found)


def read_zone(aws: Aws, zone: Mapping[str, Any], name: str, *, servers: bool) -> dict[str, Any]:
    """Return the id, the name and, if asked, the name servers of a public zone that was found."""
    known = {"id": _hosted_zone.bare_id(zone["Id"]), "name": name}
    if not servers:
        return known
    return known | {"name_servers": _hosted_zone.name_servers(_zones.details(aws, zone))}


def records_at(aws: Aws, zone_id: str, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the record set that the zone has under a record's name and type, if any."""
    answer = aws.call(
        "route53.list_resource_record_sets",
        HostedZoneId=zone_id,
        StartRecordName=record["Name"],
        StartRecordType=record["Type"],
        MaxItems="1",
    )
    return list(answer["ResourceRecordSets"])


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=argument_spec(
            name={"required": True},
            alternative_names={"type": "list", "elements": "str", "default": []},
            hosted_zone={},
            timeout={"type": "int", "default": 900},
        ),
        required_if=[("state", "present", ["hosted_zone"])],
        supports_check_mode=True,
    )
    params = module.params
    goal = _acm_certificate.desired(params)
    present = params["state"] == "present"
    run(
        module,
        f"certificate {goal['name']}",
        desired=goal,
        read=partial(
            read,
            goal=goal,
            statuses=LIVE if present else LIVE + DEAD,
            timeout=params["timeout"] if present and not module.check_mode else 0,
        ),
        plan=partial(_acm_certificate.plan, zone_may_come=module.check_mode),
        predicted=_acm_certificate.predicted(),
        maker="acm.request_certificate",
    )


if __name__ == "__main__":
    main()
