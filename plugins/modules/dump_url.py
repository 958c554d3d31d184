#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dump_url
short_description: A URL that gives one dump of a database for a while
version_added: 0.1.0
description:
  - Finds one dump of a bucket, or the newest there is, and signs a URL with the caller's credentials that
    gives it to whoever has the URL, until it expires. So a host restores a dump without a right to read any.
  - The URL is a secret while it lasts. Set C(no_log) on the task, and hand it over where no process list
    shows it, as C(andamio-db restore --url-from-stdin) takes it.
  - The URL has AWS's own address of the bucket, whatever endpoint the caller uses, since it is for another
    machine.
  - M(amazon.aws.s3_object) can't choose the newest, and signs for the caller's endpoint.
author: The Andamio authors (@andamio)
options:
  bucket:
    description: The dumps bucket.
    type: str
    required: true
  key:
    description: The dump's key. By default, that of the newest below O(prefix) and O(kept_prefix).
    type: str
    default: ""
  prefix:
    description: What the keys of the dumps begin with, such as V(laravel/).
    type: str
    required: true
  kept_prefix:
    description: What is before the key of a dump that is kept for good.
    type: str
    default: kept/
  expires:
    description: How long the URL is good, in seconds. Temporary credentials may end sooner, and it with them.
    type: int
    default: 3600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Make a URL of the newest dump
  andamio.laravel_aws.dump_url:
    bucket: academia-production-dumps-123456789012
    prefix: laravel/
  no_log: true
  register: dump

- name: Restore it on the host
  ansible.builtin.command:
    argv: [andamio-db, restore, "{{ dump.key }}", --into, check, --url-from-stdin]
    stdin: "{{ dump.url }}"
  become: true
  no_log: true
"""

RETURN = r"""
key:
  description: The dump's key.
  returned: success
  type: str
  sample: laravel/2026-11-24T031004Z.sql.gz
url:
  description: The URL. A secret.
  returned: success
  type: str
  sample: https://academia-production-dumps-123456789012.s3.us-east-1.amazonaws.com/laravel/…?X-Amz-Signature=…
size:
  description: The dump's size in bytes.
  returned: success
  type: int
"""

import contextlib

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _last_dump
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import Aws
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed

# AnsibleAWSModule says so where there is none, with the version that is needed.
with contextlib.suppress(ImportError):
    from botocore.config import Config


def sizes(aws: Aws, bucket: str, prefixes: set[str]) -> dict[str, int]:
    """Return the bytes of each object, by key; nothing when there is no bucket. Raises CallFailed."""
    return {
        item["Key"]: item["Size"]
        for prefix in sorted(prefixes)
        for item in aws.pages(
            "s3.list_objects_v2", "Contents", missing=("NoSuchBucket",), Bucket=bucket, Prefix=prefix
        )
    }


def sign(module: AnsibleAWSModule, bucket: str, key: str, expires: int) -> str:
    """Return a URL that gives the object for some seconds, at AWS's own address."""
    config = Config(ignore_configured_endpoint_urls=True, signature_version="s3v4")
    client = module.client("s3", config=config, endpoint=None)
    url: str = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=expires
    )
    return url


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "bucket": {"required": True},
            "key": {"default": "", "no_log": False},
            "prefix": {"required": True},
            "kept_prefix": {"default": "kept/", "no_log": False},
            "expires": {"type": "int", "default": 3600},
        },
        supports_check_mode=True,
    )
    params = module.params
    bucket, prefix = params["bucket"], params["prefix"]
    wanted = "" if params["key"] == "latest" else params["key"]
    subject = f"dumps in {bucket}"
    try:
        found = sizes(Aws(module), bucket, {prefix, params["kept_prefix"] + prefix})
        key = _last_dump.choose(found, wanted)
    except CallFailed as error:
        module.fail_json(msg=error.message(subject), call=error.call, error_code=error.code)
    except _last_dump.Unusable as error:
        module.fail_json(msg=f"{subject}: {error}. {listing(found)} Nothing was changed.")
    if key is None:
        module.fail_json(msg=f"{subject}: there is none below {prefix}. Nothing was changed.")
    module.exit_json(
        changed=False, key=key, url=sign(module, bucket, key, params["expires"]), size=found[key]
    )


def listing(found: dict[str, int]) -> str:
    """Return the newest dumps there are, as a sentence."""
    newest = sorted((key for key in found if key.endswith(_last_dump.SUFFIX)), key=_last_dump.name)[-3:]
    return f"The newest are {', '.join(newest)}." if newest else "There is none."


if __name__ == "__main__":
    main()
