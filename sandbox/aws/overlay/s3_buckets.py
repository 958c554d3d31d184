"""Buckets as AWS makes them since 2023: private, owner enforced, encrypted; and their policies and rules."""

from __future__ import annotations

import copy
import json
import secrets
from typing import Any

from moto.backends import get_backend
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.operations import Context, Parameters, answers, guards
from sandbox.aws.policy import is_public, listed

_SSE_S3 = {
    "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}
}

_create_bucket = S3Backend.create_bucket


def bucket_of(parameters: Parameters, context: Context) -> Any:
    """Return moto's bucket. Raises `AwsError` if there is none."""
    bucket = get_backend("s3")[context.account]["aws"].buckets.get(parameters["Bucket"])
    if bucket is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
    return bucket


def _create(backend: Any, *args: Any, **kwargs: Any) -> Any:
    bucket = _create_bucket(backend, *args, **kwargs)
    bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
    bucket.ownership_rule = "BucketOwnerEnforced"
    bucket.encryption = copy.deepcopy(_SSE_S3)
    return bucket


def _delete_encryption(backend: Any, bucket_name: str) -> None:
    backend.get_bucket(bucket_name).encryption = copy.deepcopy(_SSE_S3)


S3Backend.create_bucket = _create
S3Backend.delete_bucket_encryption = _delete_encryption
# Access was decided before moto is asked, by conditions that it doesn't know.
FakeBucket.get_permission = lambda *_: PermissionResult.PERMITTED


@answers("s3:ListBuckets")
def list_buckets(parameters: Parameters, context: Context) -> dict[str, Any]:
    """Say each bucket's region too, as AWS does where anything is asked for; moto never does."""
    prefix, region = parameters.get("Prefix", ""), parameters.get("BucketRegion")
    start, most = parameters.get("ContinuationToken", ""), parameters.get("MaxBuckets", 10_000)
    found = sorted(
        (
            bucket
            for bucket in get_backend("s3")[context.account]["aws"].buckets.values()
            if bucket.name.startswith(prefix) and bucket.name > start
            if region in (None, bucket.region_name)
        ),
        key=lambda bucket: str(bucket.name),
    )
    told = [
        {"Name": bucket.name, "CreationDate": bucket.creation_date}
        | ({"BucketRegion": bucket.region_name} if parameters else {})
        for bucket in found[:most]
    ]
    answer: dict[str, Any] = {"Buckets": told, "Owner": {"ID": "bcaf1ffd86f41161ca5fb16fd081034f"}}
    answer |= {"Prefix": prefix} if prefix else {}
    return answer | ({"ContinuationToken": found[most - 1].name} if len(found) > most else {})


@guards("s3:PutBucketPolicy")
def check_policy(parameters: Parameters, context: Context) -> None:
    bucket = bucket_of(parameters, context)
    try:
        policy = json.loads(parameters["Policy"])
    except ValueError as error:
        raise AwsError("MalformedPolicy", "This policy contains invalid Json") from error
    arn = f"arn:aws:s3:::{bucket.name}"
    for statement in listed(policy.get("Statement")):
        for resource in listed(statement.get("Resource")) + listed(statement.get("NotResource")):
            if resource != arn and not resource.startswith(f"{arn}/"):
                raise AwsError("MalformedPolicy", "Policy has invalid resource")
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise AwsError("MalformedPolicy", "Missing required field Principal")
    block = bucket.public_access_block
    if block and block.block_public_policy and is_public(policy):
        raise AwsError(
            "AccessDenied",
            "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
            403,
        )


@guards("s3:PutBucketAcl", "s3:PutObjectAcl", "s3:PutObject", "s3:CopyObject", "s3:CreateMultipartUpload")
def check_acl(parameters: Parameters, context: Context) -> None:
    grants = any(name.startswith("Grant") for name in parameters) or "AccessControlPolicy" in parameters
    acl = parameters.get("ACL", "private")
    if acl in ("private", "bucket-owner-full-control") and not grants:
        return
    bucket = bucket_of(parameters, context)
    if bucket.ownership_rule == "BucketOwnerEnforced":
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs")
    block = bucket.public_access_block
    if block and block.block_public_acls and acl.startswith("public"):
        raise AwsError("AccessDenied", "Access Denied", 403)


@answers("s3:GetBucketPolicyStatus")
def get_bucket_policy_status(parameters: Parameters, context: Context) -> dict[str, Any]:
    bucket = bucket_of(parameters, context)
    if not bucket.policy:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return {"PolicyStatus": {"IsPublic": is_public(json.loads(bucket.policy))}}


# Lifecycle rules and CORS are kept as they came: moto drops parts of them.


@answers("s3:PutBucketLifecycleConfiguration")
def put_lifecycle(parameters: Parameters, context: Context) -> dict[str, Any]:
    rules = parameters.get("LifecycleConfiguration", {}).get("Rules", [])
    if not rules:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed")
    for rule in rules:
        if "Filter" not in rule and "Prefix" not in rule:
            raise AwsError("MalformedXML", "The XML you provided was not well-formed")
        rule.setdefault("ID", secrets.token_urlsafe(36)[:48])
    size = parameters.get("TransitionDefaultMinimumObjectSize", "all_storage_classes_128K")
    bucket_of(parameters, context).lifecycle = {"Rules": rules, "TransitionDefaultMinimumObjectSize": size}
    return {"TransitionDefaultMinimumObjectSize": size}


@answers("s3:GetBucketLifecycleConfiguration")
def get_lifecycle(parameters: Parameters, context: Context) -> dict[str, Any]:
    found: dict[str, Any] | None = getattr(bucket_of(parameters, context), "lifecycle", None)
    if found is None:
        raise AwsError("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", 404)
    return found


@answers("s3:DeleteBucketLifecycle")
def delete_lifecycle(parameters: Parameters, context: Context) -> dict[str, Any]:
    bucket_of(parameters, context).lifecycle = None
    return {}


@answers("s3:PutBucketCors")
def put_cors(parameters: Parameters, context: Context) -> dict[str, Any]:
    rules = parameters["CORSConfiguration"]["CORSRules"]
    for rule in rules:
        for method in rule["AllowedMethods"]:
            if method not in ("GET", "PUT", "POST", "DELETE", "HEAD"):
                raise AwsError("InvalidRequest", f"Found unsupported HTTP method in CORS config: {method}")
    bucket_of(parameters, context).cors_rules = rules
    return {}


@answers("s3:GetBucketCors")
def get_cors(parameters: Parameters, context: Context) -> dict[str, Any]:
    rules = getattr(bucket_of(parameters, context), "cors_rules", None)
    if not rules:
        raise AwsError("NoSuchCORSConfiguration", "The CORS configuration does not exist", 404)
    return {"CORSRules": rules}


@answers("s3:DeleteBucketCors")
def delete_cors(parameters: Parameters, context: Context) -> dict[str, Any]:
    bucket_of(parameters, context).cors_rules = []
    return {}
