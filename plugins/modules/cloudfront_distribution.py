#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudfront_distribution
version_added: 0.1.0
short_description: A site behind CloudFront, from a private bucket
description:
  - Makes a CloudFront distribution with all that a static site needs, as one plan with one diff. It has an
    origin access control that signs its requests to a private bucket, a function that sees each request
    first, and a policy with the response headers.
  - The distribution is the one whose tag C(Name) is O(name). The other three have that name too.
  - The bucket lets the distribution in by its policy, with the principal C(cloudfront.amazonaws.com) and the
    condition that C(AWS:SourceArn) is the distribution's ARN; see M(andamio.laravel_aws.s3_bucket).
  - It fills a gap of M(community.aws.cloudfront_distribution), which skips check mode, always reports a
    change and knows no origin access control.
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
    details: Shows the settings, the function's code and the headers, as they are and as they will be.
options:
  name:
    description: The site's name. 64 letters, digits, hyphens and underscores at most.
    type: str
    required: true
  state:
    description:
      - Whether there is such a site. V(absent) switches the distribution off, waits until every edge knows,
        and deletes all four parts, which takes some minutes. A distribution whose tags C(Project),
        C(Environment) and C(ManagedBy) aren't the given O(tags) is left, and so are its parts.
    type: str
    choices: [present, absent]
    default: present
  bucket:
    description: The bucket with the site. Required if O(state=present).
    type: str
  bucket_region:
    description: The bucket's region. By default O(region).
    type: str
  aliases:
    description: The site's names, beside the one CloudFront gives it. They need O(certificate_arn).
    type: list
    elements: str
    default: []
  certificate_arn:
    description:
      - A certificate for O(aliases), in the region V(us-east-1); see M(andamio.laravel_aws.acm_certificate).
    type: str
  minimum_protocol_version:
    description: The oldest TLS that a viewer may speak, as CloudFront's security policies are named.
    type: str
    default: TLSv1.2_2021
  function_code:
    description:
      - The JavaScript (runtime C(cloudfront-js-2.0), 10 KB at most) that sees each request first. It is
        published when it differs. An empty text takes it out of the way.
    type: str
  security_headers:
    description:
      - The headers every answer has, by name, in place of what the origin says. An empty dictionary
        removes them.
    type: dict
  default_root_object:
    description: The object that answers for C(/).
    type: str
    default: index.html
  not_found_page:
    description:
      - The page that answers for what the bucket doesn't have, with status 404, such as V(/404.html). An
        empty text leaves S3's own answer. The bucket's policy must allow C(s3:ListBucket), or S3 answers 403.
    type: str
  price_class:
    description: Where in the world it is served from. V(PriceClass_100) is North America, Europe and Israel.
    type: str
    choices: [PriceClass_100, PriceClass_200, PriceClass_All]
    default: PriceClass_100
  http_version:
    description: The HTTP versions that are offered beside 1.1.
    type: str
    choices: [http1.1, http2, http3, http2and3]
    default: http2and3
  ipv6:
    description: Serve over IPv6 too.
    type: bool
    default: true
  compress:
    description: Compress with gzip and Brotli.
    type: bool
    default: true
  viewer_protocol_policy:
    description: What happens to plain HTTP.
    type: str
    choices: [redirect-to-https, https-only, allow-all]
    default: redirect-to-https
  cache_policy:
    description: One of CloudFront's own cache policies.
    type: str
    choices: [CachingOptimized, CachingDisabled, UseOriginCacheControlHeaders]
    default: CachingOptimized
  wait:
    description: Wait until the last change has reached every edge.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Serve the site
  andamio.laravel_aws.cloudfront_distribution:
    name: academia-production-site
    bucket: academia-production-site-123456789012
    bucket_region: us-east-1
    aliases: [academia.example, www.academia.example]
    certificate_arn: "{{ certificate.resource.arn }}"
    function_code: "{{ lookup('ansible.builtin.file', 'viewer_request.js') }}"
    security_headers:
      Strict-Transport-Security: max-age=31536000; includeSubDomains
      X-Content-Type-Options: nosniff
    tags:
      Project: academia
  register: site

- name: Take it down
  andamio.laravel_aws.cloudfront_distribution:
    name: academia-production-site
    state: absent
"""

RETURN = r"""
resource:
  description: The site, in the words of the options; empty when there is none.
  returned: success
  type: dict
  contains:
    id:
      description: The distribution's identifier.
      type: str
      returned: when it exists
      sample: EDFDVBD6EXAMPLE
    arn:
      description: The distribution's ARN.
      type: str
      returned: when it exists
      sample: arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE
    domain_name:
      description: The name CloudFront gives it.
      type: str
      returned: when it exists
      sample: d111111abcdef8.cloudfront.net
    hosted_zone_id:
      description: The zone of that name, for a Route 53 alias record.
      type: str
      returned: when it exists
      sample: Z2FDTNDATAQYW2
    status:
      description: V(Deployed) once the last change has reached every edge.
      type: str
      returned: when it exists
      sample: InProgress
calls:
  description: The AWS calls that change something, in order; in check mode, those that the real run makes.
  returned: success
  type: list
  elements: str
  sample: [cloudfront.update_function, cloudfront.publish_function]
"""

import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _cloudfront_distribution, _tags
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import (
    Aws,
    argument_spec,
    run,
    together,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._cloudfront_distribution import Parts
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Refused, State

NO_FUNCTION = ("NoSuchFunctionExists",)


def read(aws: Aws, name: str, aliases: list[str], ours: Mapping[str, Any], wait: int) -> State | None:
    """Return the site in its normal form, waiting up to so many seconds until it is deployed.

    Raises Refused when another distribution has one of its names, or it isn't deployed in time.
    """
    state = look(aws, name, aliases, ours)
    waiting = _cloudfront_distribution.deployed(state, wait) if wait else None
    if not waiting:
        return state
    aws.wait(waiting, f"distribution {state['id']}")
    return look(aws, name, aliases, ours)


def look(aws: Aws, name: str, aliases: list[str], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return the site as it is."""
    (distribution, tags), access, function, headers = together(
        lambda: find(aws, name, aliases, ours),
        lambda: read_access(aws, name),
        lambda: read_function(aws, name),
        lambda: read_headers(aws, name),
    )
    parts = Parts(distribution=distribution, tags=tags, access=access, function=function, headers=headers)
    return _cloudfront_distribution.normalise(name, parts)


def find(
    aws: Aws, name: str, aliases: list[str], ours: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, dict[str, str]]:
    """Return the distribution whose tag Name is the name, and its tags; of several, the one with ours.

    Raises Refused when another distribution has one of the aliases.
    """
    found: Mapping[str, Any] | None = None
    found_tags: dict[str, str] = {}
    others: dict[str, str] = {}
    items = list(aws.pages("cloudfront.list_distributions", "DistributionList.Items"))
    asked = (partial(aws.call, "cloudfront.list_tags_for_resource", Resource=item["ARN"]) for item in items)
    for item, answer in zip(items, together(*asked), strict=True):
        tags = _tags.to_dict(answer["Tags"].get("Items"))
        if tags.get("Name") == name and not (found and _tags.has(found_tags, ours)):
            found, found_tags = item, tags
        else:
            others |= dict.fromkeys((item.get("Aliases") or {}).get("Items") or [], item["Id"])
    taken = [f"{alias} ({others[alias]})" for alias in aliases if alias in others]
    if taken:
        raise Refused(f"another distribution of this account serves {', '.join(taken)}.")
    if not found:
        return None, {}
    return aws.call("cloudfront.get_distribution", Id=found["Id"]), found_tags


def read_access(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """Return the origin access control of that name, None if there is none."""
    for item in aws.pages("cloudfront.list_origin_access_controls", "OriginAccessControlList.Items"):
        if item["Name"] == name:
            answer: Mapping[str, Any] = aws.call("cloudfront.get_origin_access_control", Id=item["Id"])
            return answer
    return None


def read_function(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """Return the function of that name with its code, None if there is none."""
    described, code, live = together(
        lambda: aws.call("cloudfront.describe_function", NO_FUNCTION, Name=name, Stage="DEVELOPMENT"),
        *(partial(read_code, aws, name, stage) for stage in ("DEVELOPMENT", "LIVE")),
    )
    if not described:
        return None
    summary = described["FunctionSummary"]
    return {
        "name": name,
        "arn": summary["FunctionMetadata"]["FunctionARN"],
        "etag": described["ETag"],
        "runtime": summary["FunctionConfig"]["Runtime"],
        "code": code,
        "live": live,
    }


def read_code(aws: Aws, name: str, stage: str) -> str | None:
    """Return the function's code in a stage, None if there is none."""
    answer = aws.call("cloudfront.get_function", NO_FUNCTION, Name=name, Stage=stage)
    return answer["FunctionCode"].read().decode() if answer else None


def read_headers(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """Return the response headers policy of that name, None if there is none."""
    for item in response_headers_policies(aws):
        policy = item["ResponseHeadersPolicy"]
        if policy["ResponseHeadersPolicyConfig"]["Name"] == name:
            answer: Mapping[str, Any] = aws.call("cloudfront.get_response_headers_policy", Id=policy["Id"])
            return answer
    return None


def response_headers_policies(aws: Aws) -> Iterator[Mapping[str, Any]]:
    """Yield the account's policies; botocore has no paginator for them."""
    marker: dict[str, str] = {}
    while True:
        answer = aws.call("cloudfront.list_response_headers_policies", Type="custom", **marker)
        page = answer["ResponseHeadersPolicyList"]
        yield from page.get("Items") or []
        if not page.get("NextMarker"):
            return
        marker = {"Marker": page["NextMarker"]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=argument_spec(
            name={"required": True},
            bucket={},
            bucket_region={},
            aliases={"type": "list", "elements": "str", "default": []},
            certificate_arn={},
            minimum_protocol_version={"default": "TLSv1.2_2021"},
            function_code={},
            security_headers={"type": "dict"},
            default_root_object={"default": "index.html"},
            not_found_page={},
            price_class={
                "choices": ["PriceClass_100", "PriceClass_200", "PriceClass_All"],
                "default": "PriceClass_100",
            },
            http_version={"choices": ["http1.1", "http2", "http3", "http2and3"], "default": "http2and3"},
            ipv6={"type": "bool", "default": True},
            compress={"type": "bool", "default": True},
            viewer_protocol_policy={
                "choices": ["redirect-to-https", "https-only", "allow-all"],
                "default": "redirect-to-https",
            },
            cache_policy={
                "choices": list(_cloudfront_distribution.CACHE_POLICIES),
                "default": "CachingOptimized",
            },
            wait={"type": "bool", "default": False},
            wait_timeout={"type": "int", "default": 1800},
        ),
        required_if=[("state", "present", ["bucket"])],
        supports_check_mode=True,
    )
    params = module.params
    name, goes = params["name"], params["state"] == "absent"
    try:
        goal = None if goes else _cloudfront_distribution.desired(params, module.region)
    except Refused as refusal:
        module.fail_json(msg=f"distribution {name}: {refusal}")
    waits = params["wait"] and not goes and not module.check_mode
    run(
        module,
        f"distribution {name}",
        desired=goal,
        read=partial(
            read,
            name=name,
            aliases=goal["aliases"] if goal else [],
            ours=params["tags"] or {},
            wait=params["wait_timeout"] if waits else 0,
        ),
        plan=partial(_cloudfront_distribution.plan, reference=f"{name}-{uuid.uuid4()}"),
        predicted=_cloudfront_distribution.predicted(),
    )


if __name__ == "__main__":
    main()
