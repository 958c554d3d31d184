# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an S3 bucket should be, what it is, and the calls between the two."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import _policy, _tags
from ._converge import Change, Refused, State, Wait

_NAME = re.compile(r"^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
# A bucket that was just made isn't known everywhere at once, and S3 takes its settings one at a time.
_PASSES = ("NoSuchBucket", "OperationAborted")
_KEYS_PER_DELETE = 1000
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

BLOCKS = {
    "block_public_acls": "BlockPublicAcls",
    "ignore_public_acls": "IgnorePublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "restrict_public_buckets": "RestrictPublicBuckets",
}
_CORS = {
    "allowed_origins": "AllowedOrigins",
    "allowed_methods": "AllowedMethods",
    "allowed_headers": "AllowedHeaders",
    "expose_headers": "ExposeHeaders",
}

Setting = tuple[str, dict[str, Any]]
"""The call that sets something on a bucket, and its arguments beside the bucket's name."""


def arn(name: str, region: str) -> str:
    """Return the ARN of a bucket. It doesn't name the region, only the partition that has it."""
    partition = next((word for prefix, word in _PARTITIONS.items() if region.startswith(prefix)), "aws")
    return f"arn:{partition}:s3:::{name}"


def check_name(name: str) -> None:
    """Raise Refused when S3 wouldn't take the name."""
    if not _NAME.match(name):
        raise Refused(
            f"'{name}' can't be a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens, "
            "beginning and ending with a letter or digit."
        )


def desired(params: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return the normal form that the module's arguments ask for."""
    return {
        "name": params["name"],
        "region": region,
        "versioning": params["versioning"],
        "encryption": _encryption(params["kms_key_id"]),
        "public_access_block": dict(params["public_access_block"]),
        "ownership": params["ownership"],
        "policy": _desired_policy(params, arn(params["name"], region)),
        "lifecycle_rules": _sorted_rules(params["lifecycle_rules"], _desired_lifecycle_rule),
        "cors_rules": _sorted_rules(params["cors_rules"], _desired_cors_rule),
        "website": None if params["website"] is None else _without_none(params["website"]),
        "tags": params["tags"],
    }


def _encryption(kms_key_id: str | None) -> dict[str, Any]:
    return {"algorithm": "aws:kms", "kms_key_id": kms_key_id} if kms_key_id else {"algorithm": "AES256"}


def _desired_policy(params: Mapping[str, Any], bucket: str) -> dict[str, Any] | None:
    policy = params["policy"]
    if not params["tls_only"]:
        return None if policy is None else _policy.canonical(policy)
    statements = (policy or {}).get("Statement") or []
    if isinstance(statements, Mapping):
        statements = [statements]
    deny = {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return _policy.canonical({"Version": "2012-10-17", **(policy or {}), "Statement": [*statements, deny]})


def _without_none(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


def _sorted_rules(rules: Iterable[Any] | None, shape: Any) -> list[dict[str, Any]] | None:
    if rules is None:
        return None
    return sorted((shape(rule) for rule in rules), key=lambda rule: json.dumps(rule, sort_keys=True))


def _desired_lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    steps = sorted(map(dict, rule.get("transitions") or []), key=lambda step: step["days"])
    markers = rule.get("expire_delete_markers") or None
    return _without_none({**rule, "transitions": steps or None, "expire_delete_markers": markers})


def _desired_cors_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    shaped: dict[str, Any] = {key: sorted(rule[key]) for key in _CORS if rule.get(key)}
    if rule.get("max_age_seconds") is not None:
        shaped["max_age_seconds"] = rule["max_age_seconds"]
    return shaped


def predicted(name: str, region: str) -> dict[str, Any]:
    """Return what is known of a bucket before it is made."""
    return {"arn": arn(name, region), "domain_name": f"{name}.s3.{region}.amazonaws.com"}


def unasked(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the read calls that needn't be made, by what they would tell: nobody has an opinion on it."""
    calls = {
        "get_bucket_versioning": "versioning",
        "get_bucket_policy": "policy",
        "get_bucket_lifecycle_configuration": "lifecycle_rules",
        "get_bucket_cors": "cors_rules",
        "get_bucket_website": "website",
    }
    if params["state"] == "absent":
        return {}
    return {
        call: key
        for call, key in calls.items()
        if params[key] is None and not (key == "policy" and params["tls_only"])
    }


def normalise(name: str, region: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the answers of the read calls (by call; None where nothing is set) into the normal form."""
    encryption = (answers["get_bucket_encryption"] or {}).get("ServerSideEncryptionConfiguration", {})
    defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in encryption.get("Rules", [])]
    default = defaults[0] if defaults else {}
    ownership = (answers["get_bucket_ownership_controls"] or {}).get("OwnershipControls", {})
    block = (answers["get_public_access_block"] or {}).get("PublicAccessBlockConfiguration", {})
    policy = (answers["get_bucket_policy"] or {}).get("Policy", "{}")
    lifecycle = (answers["get_bucket_lifecycle_configuration"] or {}).get("Rules", [])
    cors = (answers["get_bucket_cors"] or {}).get("CORSRules", [])
    versioning = (answers["get_bucket_versioning"] or {}).get("Status")
    return {
        "name": name,
        "region": region,
        **predicted(name, region),
        # Never enabled is as good as suspended: neither keeps a version of what is written.
        "versioning": "enabled" if versioning == "Enabled" else "suspended",
        "encryption": _without_none(
            {"algorithm": default.get("SSEAlgorithm"), "kms_key_id": default.get("KMSMasterKeyID")}
        ),
        "public_access_block": {ours: block.get(theirs, False) for ours, theirs in BLOCKS.items()},
        "ownership": next((rule["ObjectOwnership"] for rule in ownership.get("Rules", [])), None),
        "policy": _policy.canonical(json.loads(policy)),
        "lifecycle_rules": _sorted_rules(lifecycle, _lifecycle_rule),
        "cors_rules": _sorted_rules(cors, _cors_rule),
        "website": _website(answers["get_bucket_website"] or {}),
        "tags": _tags.to_dict((answers["get_bucket_tagging"] or {}).get("TagSet")),
    }


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule in our form; what our form has no word for stays under "other", and so differs."""
    rest = dict(rule)
    where = rest.pop("Filter", None) or {}
    expiration = dict(rest.pop("Expiration", {}))
    noncurrent = dict(rest.pop("NoncurrentVersionExpiration", {}))
    abort = dict(rest.pop("AbortIncompleteMultipartUpload", {}))
    shaped = {
        "id": rest.pop("ID", ""),
        "enabled": rest.pop("Status") == "Enabled",
        "prefix": where.get("Prefix", rest.pop("Prefix", "")) or "",
        "expire_days": expiration.pop("Days", None),
        "expire_delete_markers": expiration.pop("ExpiredObjectDeleteMarker", None) or None,
        "noncurrent_expire_days": noncurrent.pop("NoncurrentDays", None),
        "abort_uploads_days": abort.pop("DaysAfterInitiation", None),
        "transitions": [
            {"days": step.get("Days"), "storage_class": step.get("StorageClass")}
            for step in sorted(rest.pop("Transitions", []), key=lambda step: step.get("Days", 0))
        ]
        or None,
        "other": {
            key: value
            for key, value in {
                **rest,
                "Filter": {key: value for key, value in where.items() if key != "Prefix"},
                "Expiration": expiration,
                "NoncurrentVersionExpiration": noncurrent,
            }.items()
            if value
        }
        or None,
    }
    return _without_none(shaped)


def _cors_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    shaped: dict[str, Any] = {
        ours: sorted(rule[theirs]) for ours, theirs in _CORS.items() if rule.get(theirs)
    }
    if "MaxAgeSeconds" in rule:
        shaped["max_age_seconds"] = rule["MaxAgeSeconds"]
    return shaped


def _website(answer: Mapping[str, Any]) -> dict[str, Any]:
    return _without_none(
        {
            "index_document": answer.get("IndexDocument", {}).get("Suffix"),
            "error_document": answer.get("ErrorDocument", {}).get("Key"),
            "redirect_all_to": answer.get("RedirectAllRequestsTo", {}).get("HostName"),
            "routing_rules": answer.get("RoutingRules") or None,
        }
    )


def plan(current: State | None, desired: State | None, force: bool = False) -> list[Change]:
    """Return the calls that lead from one to the other, in the order S3 needs them.

    A bucket that goes has its object versions under "_objects"; ``force`` deletes them first.

    Raises Refused when the bucket is somewhere else, or would be deleted with objects in it.
    """
    if desired is None:
        return _deletion(current, force) if current else []
    bucket = {"Bucket": desired["name"]}
    changes = [] if current else [_create(desired)]
    if current and current["region"] != desired["region"]:
        raise Refused(
            f"it is in {current['region']}, and a bucket can't be moved: set region to {current['region']}, "
            f"or choose another name for one in {desired['region']}."
        )
    # The public access block comes before the policy: it decides whether S3 takes a public one.
    setters: dict[str, Callable[[Any], Setting]] = {
        "public_access_block": _set_public_access_block,
        "ownership": _set_ownership,
        "encryption": _set_encryption,
        "versioning": _set_versioning,
        "tags": _set_tags,
        "policy": _set_policy,
        "lifecycle_rules": _set_lifecycle,
        "cors_rules": _set_cors,
        "website": _set_website,
    }
    was = current or {"versioning": "suspended"}
    for key, setter in setters.items():
        value = desired.get(key)
        if value is None or value == was.get(key) or (not value and not was.get(key)):
            continue
        call, arguments = setter(value)
        changes.append(Change(f"s3.{call}", bucket | arguments, retry=_PASSES))
    return changes


def _create(desired: Mapping[str, Any]) -> Change:
    arguments: dict[str, Any] = {"Bucket": desired["name"], "ObjectOwnership": desired["ownership"]}
    if desired["region"] != "us-east-1":  # S3 refuses to be told the region that it takes by default
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": desired["region"]}
    return Change(
        "s3.create_bucket",
        arguments,
        wait=Wait("s3.head_bucket", {"Bucket": desired["name"]}, timeout=120, every=1),
        retry=("OperationAborted",),
    )


def _deletion(current: Mapping[str, Any], force: bool) -> list[Change]:
    name, objects = current["name"], current["_objects"]
    if objects and not force:
        raise Refused("it isn't empty. Set force to delete it with all its objects, in all their versions.")
    batches = [objects[at : at + _KEYS_PER_DELETE] for at in range(0, len(objects), _KEYS_PER_DELETE)]
    return [
        *(
            Change("s3.delete_objects", {"Bucket": name, "Delete": {"Objects": batch, "Quiet": True}})
            for batch in batches
        ),
        Change("s3.delete_bucket", {"Bucket": name}, retry=("BucketNotEmpty", "OperationAborted")),
    ]


def _set_public_access_block(value: Mapping[str, bool]) -> Setting:
    block = {theirs: value[ours] for ours, theirs in BLOCKS.items()}
    return "put_public_access_block", {"PublicAccessBlockConfiguration": block}


def _set_ownership(value: str) -> Setting:
    return "put_bucket_ownership_controls", {"OwnershipControls": {"Rules": [{"ObjectOwnership": value}]}}


def _set_encryption(value: Mapping[str, Any]) -> Setting:
    rule: dict[str, Any] = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": value["algorithm"]}}
    if "kms_key_id" in value:
        rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = value["kms_key_id"]
        rule["BucketKeyEnabled"] = True
    return "put_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def _set_versioning(value: str) -> Setting:
    return "put_bucket_versioning", {"VersioningConfiguration": {"Status": value.capitalize()}}


def _set_tags(value: Mapping[str, str]) -> Setting:
    if not value:
        return "delete_bucket_tagging", {}
    return "put_bucket_tagging", {"Tagging": {"TagSet": _tags.to_list(value)}}


def _set_policy(value: Mapping[str, Any]) -> Setting:
    if not value:
        return "delete_bucket_policy", {}
    return "put_bucket_policy", {"Policy": json.dumps(value)}


def _set_lifecycle(value: list[dict[str, Any]]) -> Setting:
    if not value:
        return "delete_bucket_lifecycle", {}
    rules = [_aws_lifecycle_rule(rule) for rule in value]
    return "put_bucket_lifecycle_configuration", {"LifecycleConfiguration": {"Rules": rules}}


def _aws_lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    parts = {
        "Expiration": {
            "Days": rule.get("expire_days"),
            "ExpiredObjectDeleteMarker": rule.get("expire_delete_markers"),
        },
        "NoncurrentVersionExpiration": {"NoncurrentDays": rule.get("noncurrent_expire_days")},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": rule.get("abort_uploads_days")},
    }
    result: dict[str, Any] = {
        "ID": rule["id"],
        "Status": "Enabled" if rule["enabled"] else "Disabled",
        "Filter": {"Prefix": rule["prefix"]},
    }
    result |= {key: part for key, value in parts.items() if (part := _without_none(value))}
    if rule.get("transitions"):
        result["Transitions"] = [
            {"Days": step["days"], "StorageClass": step["storage_class"]} for step in rule["transitions"]
        ]
    return result


def _set_cors(value: list[dict[str, Any]]) -> Setting:
    if not value:
        return "delete_bucket_cors", {}
    rules = [
        {theirs: rule[ours] for ours, theirs in _CORS.items() if ours in rule}
        | ({"MaxAgeSeconds": rule["max_age_seconds"]} if "max_age_seconds" in rule else {})
        for rule in value
    ]
    return "put_bucket_cors", {"CORSConfiguration": {"CORSRules": rules}}


def _set_website(value: Mapping[str, Any]) -> Setting:
    if not value:
        return "delete_bucket_website", {}
    if "redirect_all_to" in value:
        website: dict[str, Any] = {"RedirectAllRequestsTo": {"HostName": value["redirect_all_to"]}}
    else:
        website = {"IndexDocument": {"Suffix": value["index_document"]}}
        if "error_document" in value:
            website["ErrorDocument"] = {"Key": value["error_document"]}
    return "put_bucket_website", {"WebsiteConfiguration": website}
