#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: last_dump
short_description: Put a database's last dump where it stays
version_added: 0.1.0
description:
  - Takes one dump of a bucket, or the newest there is, and keeps it in the bucket where no lifecycle rule
    expires it, or fetches it to this machine, into a folder that only its owner reads.
  - A dump that is fetched is read to its end, so that it is known to be whole.
  - M(amazon.aws.s3_object) can't choose the newest, and writes what others may read.
author: The Andamio authors (@andamio)
options:
  bucket:
    description: The dumps bucket. Where there is none, or no dump is in it, nothing is done.
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
    description: What is put before the key of a dump that is kept.
    type: str
    default: kept/
  folder:
    description:
      - The folder on this machine to fetch the dump to. Without it, the dump is kept in the bucket.
    type: path
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.converges
attributes:
  check_mode:
    details: Tells what the real run does with the dumps that there are now.
  diff_mode:
    details: Shows where the dump is put.
"""

EXAMPLES = r"""
- name: Fetch the newest dump before its bucket is deleted
  andamio.laravel_aws.last_dump:
    bucket: academia-production-dumps-123456789012
    prefix: laravel/
    folder: ./academia-production-last-dump
"""

RETURN = r"""
key:
  description: The dump's key; empty when there is no dump.
  returned: success
  type: str
  sample: laravel/2026-11-24T031004Z-last.sql.gz
place:
  description: Where it is kept, or was fetched to; empty when there is no dump.
  returned: success
  type: str
  sample: s3://academia-production-dumps-123456789012/kept/laravel/2026-11-24T031004Z-last.sql.gz
size:
  description: Its size in bytes.
  returned: success
  type: int
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _last_dump
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import Aws
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Change
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed


def read(aws: Aws, bucket: str, prefixes: set[str]) -> dict[str, int]:
    """Return the bytes of each dump, by key; nothing when there is no bucket."""
    try:
        return {
            item["Key"]: item["Size"]
            for prefix in sorted(prefixes)
            for item in aws.pages("s3.list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)
        }
    except CallFailed as error:
        if error.is_missing:
            return {}
        raise


def fetch(aws: Aws, bucket: str, key: str, target: Path) -> None:
    """Write a dump that is whole to the target. Raises CallFailed, Unusable and OSError."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = aws.call("s3.get_object", Bucket=bucket, Key=key)["Body"]
    descriptor, partial = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=_last_dump.SUFFIX)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for block in body.iter_chunks(_last_dump.CHUNK):
                file.write(block)
        _last_dump.check(Path(partial))
        Path(partial).rename(target)
    finally:
        Path(partial).unlink(missing_ok=True)


def keep(aws: Aws, bucket: str, key: str, kept: str) -> None:
    """Copy a dump to where it is kept. Raises CallFailed."""
    source = {"Bucket": bucket, "Key": key}
    aws.apply(Change("s3.copy_object", {"Bucket": bucket, "Key": kept, "CopySource": source}))


def put(aws: Aws, params: dict[str, Any], sizes: dict[str, int], check: bool) -> dict[str, Any]:
    """Put the dump where it stays; return the module's answer. Raises CallFailed, Unusable and OSError."""
    bucket = params["bucket"]
    key = _last_dump.choose(sizes, params["key"])
    if key is None:
        return {"changed": False, "key": "", "place": "", "size": 0}
    if params["folder"]:
        target = Path(params["folder"]) / _last_dump.name(key)
        place = str(target)
        changed = not target.is_file() or target.stat().st_size != sizes[key]
        if changed and not check:
            fetch(aws, bucket, key, target)
    else:
        kept = _last_dump.kept_key(key, params["kept_prefix"])
        place = f"s3://{bucket}/{kept}"
        changed = sizes.get(kept) != sizes[key]
        if changed and not check:
            keep(aws, bucket, key, kept)
    return {"changed": changed, "key": key, "place": place, "size": sizes[key]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "bucket": {"required": True},
            "key": {"default": "", "no_log": False},
            "prefix": {"required": True},
            "kept_prefix": {"default": "kept/"},
            "folder": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    aws = Aws(module)
    subject = f"last dump in {params['bucket']}"
    try:
        sizes = read(aws, params["bucket"], {params["prefix"], params["kept_prefix"] + params["prefix"]})
        result = put(aws, params, sizes, module.check_mode)
    except CallFailed as error:
        module.fail_json(msg=error.message(subject), call=error.call, error_code=error.code)
    except _last_dump.Unusable as error:
        module.fail_json(msg=f"{subject}: {error}. Nothing was deleted.")
    except OSError as error:
        module.fail_json(msg=f"folder: {error.filename}: {error.strerror}. Nothing was deleted.")
    if module._diff:
        before = "" if result["changed"] else result["place"]
        result["diff"] = {"before_header": subject, "after_header": subject}
        result["diff"] |= {"before": {"place": before}, "after": {"place": result["place"]}}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
