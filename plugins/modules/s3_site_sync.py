#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_site_sync
short_description: Upload a built site to S3, safely for those who have it open
version_added: 0.1.0
description:
  - Compares by content, so a rebuilt site with the same bytes uploads nothing. Each changed file is put once,
    with its cache policy and media type in the same request.
  - Uploads what pages refer to before the pages, and service workers last. So nobody gets a page whose assets
    aren't there yet, and whoever has an older page open still finds its assets for O(prune_after).
  - M(community.aws.s3_sync) makes a request for each file it compares, has no check mode, knows no order, and
    uploads one file at a time.
  - A record of what it put, the object C(.andamio/site.json), is read once and written at most twice. What is
    not in the record was put there by others and is never touched. It also makes a killed run harmless, the
    next one goes on from there. It names all files, so have the bucket's policy deny it to visitors, as the
    role P(andamio.laravel_aws.s3_site#role) does.
  - "Requests: one for each 1000 objects in the bucket, one for the record, one for each changed file."
  - Large files are uploaded in parallel parts. Long uploads show their progress when run on the controller.
author: The Andamio authors (@andamio)
options:
  bucket:
    description: Name of the bucket.
    type: str
    required: true
  state:
    description: V(absent) removes all that this module put there, and its record.
    type: str
    choices: [present, absent]
    default: present
  path:
    description:
      - The folder of the built site. Required unless O(state=absent).
      - Names that begin with a dot are left out, but for C(.well-known). Links out of the folder, and to
        folders, are errors.
    type: path
    aliases: [src]
  prefix:
    description: What all keys begin with, such as V(beta/).
    type: str
    default: ""
  index_document:
    description: A file that must be in O(path), so that a failed build isn't uploaded. Empty for none.
    type: str
    default: index.html
  exclude:
    description:
      - Files to leave out, as shell patterns of their path below O(path), or of their name or a folder's.
    type: list
    elements: str
    default: [Thumbs.db]
  rules:
    description:
      - Your own rules of how files are served, in front of the default ones. The first whose pattern is found
        in the file's path counts.
      - "The default ones: names with a content hash, as Vite, webpack, Next.js, Angular and others give, are
        kept for a year (immutable) and uploaded first. Pages, web app manifests, C(robots.txt), sitemaps,
        C(version.json) and C(.well-known) are asked for anew each time (no-cache), uploaded last and
        refreshed on CloudFront. So are service workers, after those. All else is kept for an hour."
    type: list
    elements: dict
    default: []
    suboptions:
      pattern:
        description: A Python regular expression, searched for in the path below O(path).
        type: str
        required: true
      cache_control:
        description: The C(Cache-Control) header.
        type: str
        required: true
      upload:
        description: When to upload it, V(first) as hashed assets or V(last) as pages are.
        type: str
        choices: [first, middle, last]
        default: middle
      invalidate:
        description: Whether CloudFront is told when it changed.
        type: bool
        default: false
  content_types:
    description: Media types by extension with its dot, or by file name, in front of the built-in table.
    type: dict
    default: {}
  prune_after:
    description:
      - How long a file that is no longer part of the site stays, so that an open tab goes on working.
      - Seconds, or a number with a unit, such as V(30m), V(12h), V(7d) or V(1w).
    type: str
    default: 7d
  adopt:
    description:
      - Whether to take over objects that the site's files would overwrite and that this module didn't put
        there. Without it they are an error.
    type: bool
    default: false
  distribution_id:
    description: CloudFront distribution on which changed entry documents are invalidated, in one batch.
    type: str
  distribution_alias:
    description: A domain name of that distribution, instead of its id.
    type: str
  concurrency:
    description: How many files are read or uploaded at the same time.
    type: int
    default: 32
  progress_file:
    description: A file to which lines about the progress are written. Ansible sets and shows it by itself.
    type: path
attributes:
  diff_mode:
    details: Shows each key that something happens to, with its ETag, cache policy and media type.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.converges
"""

EXAMPLES = r"""
- name: Upload the site
  andamio.laravel_aws.s3_site_sync:
    bucket: academia-production-site-123456789012
    path: "{{ playbook_dir }}/dist"
    distribution_alias: academia.example

- name: Keep photos for a day, and old assets for two weeks
  andamio.laravel_aws.s3_site_sync:
    bucket: academia.example
    path: "{{ playbook_dir }}/dist"
    prune_after: 2w
    rules:
      - pattern: ^photos/
        cache_control: public, max-age=86400
"""

RETURN = r"""
resource:
  description: The site in the bucket.
  returned: success
  type: dict
  contains:
    bucket:
      description: Name of the bucket.
      type: str
    files:
      description: How many files the site has.
      type: int
    bytes:
      description: Their size.
      type: int
    retiring:
      description: How many objects are no longer part of the site and wait for their removal.
      type: int
uploaded:
  description: Keys that were (or in check mode, would be) uploaded, in the order of their phases.
  returned: success
  type: list
  elements: str
removed:
  description: Keys that were removed.
  returned: success
  type: list
  elements: str
invalidated:
  description: Paths that were invalidated on CloudFront.
  returned: success
  type: list
  elements: str
  sample: [/index.html]
calls:
  description: The AWS calls that changed something, in order of phases.
  returned: success
  type: list
  elements: str
  sample: [s3.put_object, cloudfront.create_invalidation]
"""

import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

try:
    import boto3
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so, with the version that is needed

from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils import _site_files, _site_plan, _site_upload
from ..module_utils._aws import Aws
from ..module_utils._converge import Change
from ..module_utils._errors import CallFailed
from ..module_utils._planned import planned
from ..module_utils._s3_put import Credentials, Putter
from ..module_utils._site_files import File, Rule, Unusable
from ..module_utils._site_plan import RECORD, Plan, Record

UPLOAD = {"first": _site_files.FIRST, "middle": _site_files.MIDDLE, "last": _site_files.LAST}
EVERYTHING_FROM = 1000
"""So many paths a month are free; beyond, all of the site is one path."""


class Bucket:
    """The bucket as it is: our record, and what S3 lists."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.name: str = module.params["bucket"]
        self.prefix: str = module.params["prefix"]
        self.session, options = connection(module)
        config = Config(
            max_pool_connections=module.params["concurrency"],
            request_checksum_calculation="when_required",
            retries={"mode": "standard", "max_attempts": 8},
        )
        config = config.merge(options.pop("config") or Config())
        self.client = self.session.client("s3", config=config, **options)
        self.verify: bool | str | None = options["verify"]
        self.record_etag: str | None = None
        self.exists = True

    def record(self) -> Record:
        """Return what we put there. Raises CallFailed, UnknownRecord."""
        try:
            answer = self.client.get_object(Bucket=self.name, Key=self.prefix + RECORD)
            text = answer["Body"].read()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            self.exists = code != "NoSuchBucket"
            if code in {"NoSuchKey", "NoSuchBucket"}:
                return {}
            raise CallFailed("s3.get_object", error) from error
        except BotoCoreError as error:
            raise CallFailed("s3.get_object", error) from error
        self.record_etag = answer["ETag"].strip('"')
        return _site_plan.load(text)

    def listed(self, *names: Any) -> dict[str, str]:
        """Return the ETags of all objects, by key without prefix. Raises CallFailed.

        names: collections of keys that matter. The record itself isn't listed, so that a site of 1000 files
        takes one request, unless a name sorts before it.
        """
        start = self.prefix + RECORD if all(key > RECORD for keys in names for key in keys) else self.prefix
        try:
            return {
                item["Key"].removeprefix(self.prefix): item["ETag"].strip('"')
                for page in self.client.get_paginator("list_objects_v2").paginate(
                    Bucket=self.name, Prefix=self.prefix, StartAfter=start
                )
                for item in page.get("Contents", [])
            }
        except (ClientError, BotoCoreError) as error:
            raise CallFailed("s3.list_objects_v2", error) from error


def connection(module: AnsibleAWSModule) -> tuple[Any, dict[str, Any]]:
    """Return a boto3 session and its clients' options, as all AWS modules' arguments and environment say."""
    region, endpoint, given = get_aws_connection_info(module)
    base = botocore.session.Session()
    # Understanding the time of each object takes longer than all else about a listing. Nobody asks for it.
    base.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    names = ("profile_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    session = boto3.session.Session(
        botocore_session=base, region_name=region, **{name: given.get(name) for name in names}
    )
    options = {"endpoint_url": endpoint, "verify": given.get("verify"), "config": given.get("aws_config")}
    return session, options


def putter(module: AnsibleAWSModule, bucket: Bucket) -> Putter:
    found = bucket.session.get_credentials()

    def credentials() -> Credentials:
        return Credentials(*found.get_frozen_credentials()[:3])

    # boto3 knows how the bucket is addressed: by host name or by path, at AWS or at another endpoint.
    url = bucket.client.generate_presigned_url("get_object", {"Bucket": bucket.name, "Key": "x"})
    return Putter(
        url.partition("?")[0].removesuffix("/x"),
        bucket.client.meta.region_name,
        credentials,
        connections=module.params["concurrency"],
        verify=bucket.verify,
    )


def options(module: AnsibleAWSModule) -> tuple[list[Rule], int]:
    """Return the rules and the grace period. Fails when one can't be understood."""
    rules, problems = [], []
    for rule in module.params["rules"]:
        try:
            re.compile(rule["pattern"])
        except re.error as error:
            problems.append(f"rules: {rule['pattern']!r} is no regular expression: {error}")
        phase = UPLOAD[rule["upload"]]
        rules.append(Rule(rule["pattern"], rule["cache_control"], phase, rule["invalidate"]))
    grace = 0
    try:
        grace = _site_plan.seconds(module.params["prune_after"])
    except ValueError as error:
        problems.append(f"prune_after: {error}")
    if module.params["concurrency"] < 1:
        problems.append("concurrency: at least 1 is needed")
    if problems:
        refuse(module, problems)
    return rules, grace


def refuse(module: AnsibleAWSModule, problems: list[str]) -> NoReturn:
    module.fail_json(msg="\n- ".join(["Nothing was uploaded. What is wrong:", *problems]), problems=problems)


def foreign(plan: Plan, bucket: str) -> str:
    some = ", ".join(plan.foreign[:5]) + (", …" if len(plan.foreign) > 5 else "")
    return (
        f"bucket {bucket} has {len(plan.foreign)} objects under names of the site's files that were not put "
        f"there by this module: {some}. Set adopt to true to take them over"
    )


def distribution(module: AnsibleAWSModule, aws: Aws) -> str | None:
    """Return the id of the distribution to refresh, None if there is none (yet, in check mode)."""
    alias: str | None = module.params["distribution_alias"]
    if not alias or module.params["distribution_id"]:
        return module.params["distribution_id"]
    for item in aws.pages("cloudfront.list_distributions", "DistributionList.Items"):
        if alias in item.get("Aliases", {}).get("Items", []):
            return str(item["Id"])
    if not module.check_mode:
        refuse(
            module, [f"distribution_alias: no CloudFront distribution of this account has the alias {alias}"]
        )
    return None


def invalidation(plan: Plan, prefix: str) -> list[str]:
    paths = [f"/{quote(prefix + key, safe='/~')}" for key in plan.invalidate]
    return paths if len(paths) < EVERYTHING_FROM else ["/*"]


def teller(file: str | None) -> Callable[[str], None]:
    def say(line: str) -> None:
        if file:
            with Path(file).open("a") as out:
                out.write(f"{line}\n")

    return say


def look(
    module: AnsibleAWSModule, bucket: Bucket, executor: ThreadPoolExecutor
) -> tuple[dict[str, File], Plan, dict[str, Any]]:
    """Read the folder and, at the same time, the bucket; return the site, the plan and its diff."""
    params = module.params
    present = params["state"] == "present"
    rules, grace = options(module)
    found = []
    if present:
        found = _site_files.find(Path(params["path"]), params["index_document"], params["exclude"])
    digests = _site_files.digests(found, executor)
    record = bucket.record()
    if not bucket.exists and present and not module.check_mode:
        refuse(module, [f"bucket {bucket.name} doesn't exist: make it first, as the role s3_site does"])
    listed = bucket.listed((path for path, *rest in found), record) if bucket.exists else {}
    files = _site_files.describe(found, digests, rules, params["content_types"])
    if present:
        plan = _site_plan.plan(files, record, listed, now=int(time.time()), prune_after=grace)
    else:
        plan = _site_plan.removal(record, listed) if bucket.record_etag else Plan({})
    if plan.foreign and not params["adopt"]:
        refuse(module, [foreign(plan, bucket.name)])
    before, after = _site_plan.shown(plan, record, listed)
    header = f"s3://{bucket.name}/{bucket.prefix}"
    diff = {"before_header": header, "after_header": header, "before": before, "after": after}
    return files, plan, diff


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "bucket": {"required": True},
            "state": {"choices": ["present", "absent"], "default": "present"},
            "path": {"type": "path", "aliases": ["src"]},
            "prefix": {"default": ""},
            "index_document": {"default": "index.html"},
            "exclude": {"type": "list", "elements": "str", "default": ["Thumbs.db"]},
            "rules": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "pattern": {"required": True},
                    "cache_control": {"required": True},
                    "upload": {"choices": list(UPLOAD), "default": "middle"},
                    "invalidate": {"type": "bool", "default": False},
                },
            },
            "content_types": {"type": "dict", "default": {}},
            "prune_after": {"default": "7d"},
            "adopt": {"type": "bool", "default": False},
            "distribution_id": {},
            "distribution_alias": {},
            "concurrency": {"type": "int", "default": 32},
            "progress_file": {"type": "path"},
        },
        required_if=[("state", "present", ("path",))],
        mutually_exclusive=[("distribution_id", "distribution_alias")],
        supports_check_mode=True,
    )
    subject = f"site in bucket {module.params['bucket']}"
    try:
        run(module)
    except Unusable as error:
        refuse(module, error.problems)
    except OSError as error:
        refuse(module, [f"{error.filename} can't be read: {error.strerror}"])
    except _site_plan.UnknownRecord as error:
        refuse(module, [f"s3://{module.params['bucket']}/{module.params['prefix']}{RECORD}: {error}"])
    except _site_upload.Changed as error:
        module.fail_json(msg=f"{subject}: {error}.")
    except CallFailed as error:
        module.fail_json(msg=error.message(subject), call=error.call, error_code=error.code)


def run(module: AnsibleAWSModule) -> NoReturn:
    aws, bucket = Aws(module), Bucket(module)
    with ThreadPoolExecutor(max(module.params["concurrency"], 1)) as executor:
        files, plan, diff = look(module, bucket, executor)
        calls = _site_upload.calls(plan)
        paths: list[str] = []
        target = None
        if plan.invalidate and (module.params["distribution_id"] or module.params["distribution_alias"]):
            target = distribution(module, aws)
            paths = invalidation(plan, bucket.prefix)
            calls.append("cloudfront.create_invalidation")
        if calls and not module.check_mode:
            uploader = _site_upload.Uploader(
                client=bucket.client,
                putter=putter(module, bucket),
                bucket=bucket.name,
                prefix=bucket.prefix,
                record_etag=bucket.record_etag,
                executor=executor,
            )
            progress = _site_upload.Progress(plan, teller(module.params["progress_file"]))
            uploader.carry_out(plan, progress)
    if paths and not module.check_mode:
        batch = {
            "Paths": {"Quantity": len(paths), "Items": paths},
            "CallerReference": f"andamio-{time.time_ns()}-{os.getpid()}",
        }
        arguments = {"DistributionId": target, "InvalidationBatch": batch}
        retry = ("TooManyInvalidationsInProgress", "Throttling")
        aws.apply(Change("cloudfront.create_invalidation", arguments, retry=retry))

    retiring = {key for key, item in plan.record.items() if item.gone is not None} - set(plan.delete)
    result: dict[str, Any] = {
        "changed": bool(calls),
        "calls": calls,
        "uploaded": [key for phase in plan.phases for key in phase],
        "removed": plan.delete,
        "invalidated": paths,
        "resource": {
            "bucket": bucket.name,
            "files": len(files),
            "bytes": sum(file.size for file in files.values()),
            "retiring": len(retiring),
        },
    }
    # A site that was never uploaded has no record; its bucket may be there, and other things in it.
    result["planned"] = planned(
        diff["after_header"],
        {"objects": diff["before"]} if bucket.record_etag else None,
        {"objects": diff["after"]} if module.params["state"] == "present" else None,
        changed=bool(calls),
    )
    if module._diff:
        result["diff"] = diff
    module.exit_json(**result)


if __name__ == "__main__":
    main()
