#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket
version_added: 0.1.0
short_description: An S3 bucket with all its settings
description:
  - Makes a bucket and its settings, or brings them back to what is asked for, as one plan with one diff.
  - It fills a gap of M(amazon.aws.s3_bucket), M(community.aws.s3_lifecycle), M(community.aws.s3_website) and
    M(community.aws.s3_cors), which skip check mode, so that a bucket can't be planned with them.
  - A setting whose option isn't given is left as it is.
author:
  - The Andamio authors (@andamio)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.converges
options:
  name:
    description: The bucket's name, unique in all of AWS.
    type: str
    required: true
  state:
    description:
      - Whether there is such a bucket. V(absent) refuses a bucket that isn't empty, unless O(force=true).
      - With V(absent), a bucket whose tags C(Project), C(Environment) and C(ManagedBy) aren't the given
        O(tags) is left.
    type: str
    choices: [present, absent]
    default: present
  force:
    description: With O(state=absent), delete all objects in all their versions first.
    type: bool
    default: false
  versioning:
    description:
      - Whether S3 keeps the former versions of its objects.
      - A bucket that never had versioning counts as V(suspended).
    type: str
    choices: [enabled, suspended]
  kms_key_id:
    description:
      - The KMS key (its ARN) that encrypts objects by default, with a bucket key so that KMS is asked seldom.
      - Without it, S3 encrypts with keys of its own (SSE-S3).
    type: str
  public_access_block:
    description: What S3 refuses, so that nothing gets public by mistake. All of it by default.
    type: dict
    default: {}
    suboptions:
      block_public_acls:
        description: Refuse access lists that make something public.
        type: bool
        default: true
      ignore_public_acls:
        description: Ignore access lists that make something public.
        type: bool
        default: true
      block_public_policy:
        description: Refuse a bucket policy that makes something public.
        type: bool
        default: true
      restrict_public_buckets:
        description: Let only AWS services and this account use a bucket whose policy is public.
        type: bool
        default: true
  ownership:
    description: Who owns what others upload. V(BucketOwnerEnforced) is without access lists.
    type: str
    choices: [BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter]
    default: BucketOwnerEnforced
  policy:
    description:
      - The bucket's policy, as a dictionary. An empty one removes it.
      - It is compared by meaning. One value is the same as a list of one, and order doesn't count.
    type: dict
  tls_only:
    description: Add a statement to O(policy) that denies every request that doesn't come over TLS.
    type: bool
    default: false
  lifecycle_rules:
    description: What S3 does with objects as they age; all of the bucket's rules. An empty list removes them.
    type: list
    elements: dict
    suboptions:
      id:
        description: The rule's name.
        type: str
        required: true
      enabled:
        description: Whether the rule is in force.
        type: bool
        default: true
      prefix:
        description: The objects it is about, by the beginning of their keys. All of them by default.
        type: str
        default: ""
      expire_days:
        description: Delete objects this many days after they were written.
        type: int
      expire_delete_markers:
        description: Remove the delete markers that have no version left.
        type: bool
      noncurrent_expire_days:
        description: Delete former versions this many days after they were replaced.
        type: int
      abort_uploads_days:
        description: Abort multipart uploads that weren't completed within this many days.
        type: int
      transitions:
        description: Move objects to a colder storage class as they age.
        type: list
        elements: dict
        suboptions:
          days:
            description: Days after the object was written.
            type: int
            required: true
          storage_class:
            description: The storage class it moves to.
            type: str
            required: true
            choices: [STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER, DEEP_ARCHIVE]
  cors_rules:
    description: Which other origins' pages may use the bucket; all of its rules. An empty list removes them.
    type: list
    elements: dict
    suboptions:
      allowed_origins:
        description: Origins, such as V(https://example.com).
        type: list
        elements: str
        required: true
      allowed_methods:
        description: HTTP methods.
        type: list
        elements: str
        required: true
        choices: [GET, HEAD, PUT, POST, DELETE]
      allowed_headers:
        description: Request headers a page may send.
        type: list
        elements: str
      expose_headers:
        description: Answer headers a page may read.
        type: list
        elements: str
      max_age_seconds:
        description: How long a browser may remember the answer, in seconds.
        type: int
  website:
    description:
      - Serve the bucket as a website, over HTTP only. An empty dictionary turns that off.
    type: dict
    suboptions:
      index_document:
        description: The object that answers for a folder, such as V(index.html).
        type: str
      error_document:
        description: The object that answers when there is none.
        type: str
      redirect_all_to:
        description: Redirect every request to this host name, instead of serving objects.
        type: str
"""

EXAMPLES = r"""
- name: Keep documents privately, with their former versions for 90 days
  andamio.laravel_aws.s3_bucket:
    name: academia-production-documents-123456789012
    region: us-east-1
    versioning: enabled
    tls_only: true
    lifecycle_rules:
      - id: former-versions
        noncurrent_expire_days: 90
        abort_uploads_days: 7
    cors_rules:
      - allowed_origins: ["https://academia.example"]
        allowed_methods: [PUT, GET]
        allowed_headers: ["*"]
    tags:
      Project: academia

- name: Delete a bucket and everything in it
  andamio.laravel_aws.s3_bucket:
    name: academia-sandbox-documents-123456789012
    state: absent
    force: true
"""

RETURN = r"""
resource:
  description:
    - The bucket with its settings, in the words of the options; empty when there is none.
    - Without the settings that no option was given for.
  returned: success
  type: dict
  contains:
    name:
      description: The bucket's name.
      type: str
      returned: when it exists
    arn:
      description: The bucket's ARN.
      type: str
      returned: when it exists
      sample: arn:aws:s3:::academia-production-documents-123456789012
    domain_name:
      description: The name its region serves it by.
      type: str
      returned: when it exists
      sample: academia-production-documents-123456789012.s3.us-east-1.amazonaws.com
calls:
  description: The AWS calls that change something, in order; in check mode, those that the real run makes.
  returned: success
  type: list
  elements: str
  sample: [s3.create_bucket, s3.put_public_access_block]
"""

from collections.abc import Mapping
from functools import partial
from itertools import islice

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _s3_bucket
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import (
    Aws,
    argument_spec,
    run,
    together,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Refused, State
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed

# The calls that read a bucket's settings, each with the error codes that say "not set".
SETTINGS = {
    "get_bucket_versioning": (),
    "get_bucket_encryption": ("ServerSideEncryptionConfigurationNotFoundError",),
    "get_public_access_block": ("NoSuchPublicAccessBlockConfiguration",),
    "get_bucket_ownership_controls": ("OwnershipControlsNotFoundError",),
    "get_bucket_policy": ("NoSuchBucketPolicy",),
    "get_bucket_lifecycle_configuration": ("NoSuchLifecycleConfiguration",),
    "get_bucket_cors": ("NoSuchCORSConfiguration",),
    "get_bucket_website": ("NoSuchWebsiteConfiguration",),
    "get_bucket_tagging": ("NoSuchTagSet",),
}

LIFECYCLE_RULES = {
    "type": "list",
    "elements": "dict",
    "options": {
        "id": {"required": True},
        "enabled": {"type": "bool", "default": True},
        "prefix": {"default": ""},
        "expire_days": {"type": "int"},
        "expire_delete_markers": {"type": "bool"},
        "noncurrent_expire_days": {"type": "int"},
        "abort_uploads_days": {"type": "int"},
        "transitions": {
            "type": "list",
            "elements": "dict",
            "options": {
                "days": {"type": "int", "required": True},
                "storage_class": {
                    "required": True,
                    "choices": [
                        "STANDARD_IA",
                        "ONEZONE_IA",
                        "INTELLIGENT_TIERING",
                        "GLACIER_IR",
                        "GLACIER",
                        "DEEP_ARCHIVE",
                    ],
                },
            },
        },
    },
}
CORS_RULES = {
    "type": "list",
    "elements": "dict",
    "options": {
        "allowed_origins": {"type": "list", "elements": "str", "required": True},
        "allowed_methods": {
            "type": "list",
            "elements": "str",
            "required": True,
            "choices": ["GET", "HEAD", "PUT", "POST", "DELETE"],
        },
        "allowed_headers": {"type": "list", "elements": "str"},
        "expose_headers": {"type": "list", "elements": "str"},
        "max_age_seconds": {"type": "int"},
    },
}


def read(aws: Aws, name: str, unasked: Mapping[str, str]) -> State | None:
    """Return the bucket in its normal form, without what isn't asked; None if there is none.

    Raises Refused when another account has a bucket of that name.
    """
    _s3_bucket.check_name(name)
    ours = {bucket["Name"]: bucket for bucket in aws.pages("s3.list_buckets", "Buckets", Prefix=name)}
    if name not in ours:
        if is_free(aws, name):
            return None
        raise Refused("another AWS account has a bucket of that name, which is unique in all of AWS.")
    region = ours[name].get("BucketRegion") or location(aws, name)
    calls = [call for call in SETTINGS if call not in unasked]
    answers = together(*(partial(aws.call, f"s3.{call}", SETTINGS[call], Bucket=name) for call in calls))
    found = dict.fromkeys(SETTINGS) | dict(zip(calls, answers, strict=True))
    state = _s3_bucket.normalise(name, region, found)
    return {key: value for key, value in state.items() if key not in unasked.values()}


def location(aws: Aws, name: str) -> str:
    """Return a bucket's region; us-east-1 is the one that S3 has no word for."""
    return aws.call("s3.get_bucket_location", Bucket=name).get("LocationConstraint") or "us-east-1"


def is_free(aws: Aws, name: str) -> bool:
    """Tell whether nobody has a bucket of that name."""
    try:
        return aws.call("s3.head_bucket", ("404", "NoSuchBucket"), Bucket=name) is None
    except CallFailed as error:
        if error.code in {"301", "403"}:
            return False
        raise


def read_with_objects(aws: Aws, name: str, most: int | None) -> State | None:
    """Return the bucket with at most so many of its object versions, which have to go before it does."""
    state = read(aws, name, {})
    if state:
        versions = (
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for key in ("Versions", "DeleteMarkers")
            for version in aws.pages("s3.list_object_versions", key, Bucket=name)
        )
        state["_objects"] = list(islice(versions, most))
    return state


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=argument_spec(
            name={"required": True},
            force={"type": "bool", "default": False},
            versioning={"choices": ["enabled", "suspended"]},
            kms_key_id={"no_log": False},
            public_access_block={
                "type": "dict",
                "default": {},
                "options": {block: {"type": "bool", "default": True} for block in _s3_bucket.BLOCKS},
            },
            ownership={
                "choices": ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"],
                "default": "BucketOwnerEnforced",
            },
            policy={"type": "dict"},
            tls_only={"type": "bool", "default": False},
            lifecycle_rules=LIFECYCLE_RULES,
            cors_rules=CORS_RULES,
            website={
                "type": "dict",
                "options": {"index_document": {}, "error_document": {}, "redirect_all_to": {}},
                "mutually_exclusive": [("index_document", "redirect_all_to")],
                "required_by": {"error_document": ["index_document"]},
            },
        ),
        supports_check_mode=True,
    )
    params = module.params
    if not module.region:
        module.fail_json(msg="No region. Set region, or AWS_DEFAULT_REGION.")
    name, force = params["name"], params["force"]
    goes = params["state"] == "absent"
    run(
        module,
        f"bucket {name}",
        desired=_s3_bucket.desired(params, module.region),
        read=partial(read_with_objects, name=name, most=None if force else 1)
        if goes
        else partial(read, name=name, unasked=_s3_bucket.unasked(params)),
        plan=partial(_s3_bucket.plan, force=force),
        predicted=_s3_bucket.predicted(name, module.region),
    )


if __name__ == "__main__":
    main()
