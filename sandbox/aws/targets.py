"""What a call asks leave for: its IAM actions, the ARNs they touch and the condition keys it brings. Pure.

From the Service Authorization Reference. A service that isn't here asks for its action on ``*``, which
only a policy on ``*`` allows: too strict at times, never too lax.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Parameters = Mapping[str, Any]

_IAM_PREFIXES = {
    "cloudwatch": "cloudwatch",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
    "sesv2": "ses",
    "stepfunctions": "states",
}


@dataclass(frozen=True)
class Target:
    """One action on one resource."""

    action: str
    resource: str = "*"
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where ARNs are made."""

    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def targets(service: str, operation: str, parameters: Parameters, place: Place) -> list[Target]:
    """Return what a call needs leave for; all of it is needed."""
    action = f"{_IAM_PREFIXES.get(service, service)}:{operation}"
    find = _SERVICES.get(service)
    return find(action, parameters, place) if find else [Target(action)]


# Systems Manager


def parameter_arn(name: str, place: Place) -> str:
    """Return a parameter's ARN; the name may be one, and may carry a version or label."""
    if name.startswith("arn:"):
        return name
    return place.arn("ssm", "parameter/" + name.split(":", maxsplit=1)[0].lstrip("/"))


def _ssm(action: str, parameters: Parameters, place: Place) -> list[Target]:
    if path := parameters.get("Path"):
        # AWS asks for the path itself and for what is below it.
        arn = parameter_arn(path.rstrip("/"), place)
        return [Target(action, arn), Target(action, f"{arn}/*")]
    names = parameters.get("Names") or [parameters.get("Name") or parameters.get("ResourceId")]
    if "Parameter" in action and names[0]:
        return [Target(action, parameter_arn(name, place)) for name in names]
    return [Target(action)]


# S3

_S3_ACTIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
_S3_VERSIONED = ("GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging")
_S3_CONDITIONS = {
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "VersionId": "s3:versionid",
    "ACL": "s3:x-amz-acl",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "StorageClass": "s3:x-amz-storage-class",
}


def _s3(action: str, parameters: Parameters, _place: Place) -> list[Target]:
    name = action.removeprefix("s3:")
    name = _S3_ACTIONS.get(name, name)
    if parameters.get("VersionId") and name in _S3_VERSIONED:
        name = f"{name.removesuffix('Tagging')}Version{'Tagging' if name.endswith('Tagging') else ''}"
    context = {
        key: (str(parameters[member]),) for member, key in _S3_CONDITIONS.items() if member in parameters
    }
    bucket = parameters.get("Bucket")
    if not bucket:
        return [Target(f"s3:{name}", context=context)]
    if "Delete" in parameters:
        keys = [item["Key"] for item in parameters["Delete"].get("Objects", [])]
    else:
        keys = [parameters["Key"]] if "Key" in parameters else []
    asked = [Target(f"s3:{name}", f"arn:aws:s3:::{bucket}/{key}", context) for key in keys]
    if source := parameters.get("CopySource"):
        path, _, version = unquote(source).lstrip("/").partition("?versionId=")
        asked.append(Target("s3:GetObjectVersion" if version else "s3:GetObject", f"arn:aws:s3:::{path}"))
    return asked or [Target(f"s3:{name}", f"arn:aws:s3:::{bucket}", context)]


# Others


def _kms(action: str, parameters: Parameters, place: Place) -> list[Target]:
    key = parameters.get("KeyId") or parameters.get("TargetKeyId")
    if not key:
        return [Target(action)]
    if not key.startswith("arn:"):
        key = place.arn("kms", key if key.startswith("alias/") else f"key/{key}")
    context = {
        f"kms:encryptioncontext:{name.lower()}": (value,)
        for name, value in (parameters.get("EncryptionContext") or {}).items()
    }
    return [Target(action, key, context)]


def _logs(action: str, parameters: Parameters, place: Place) -> list[Target]:
    group = parameters.get("logGroupName") or parameters.get("logGroupIdentifier") or ""
    if group.startswith("arn:"):
        group = group.split(":log-group:", 1)[1].removesuffix(":*")
    stream = parameters.get("logStreamName") or ""
    return [Target(action, place.arn("logs", f"log-group:{group}:log-stream:{stream}"))]


def _sqs(action: str, parameters: Parameters, place: Place) -> list[Target]:
    name = parameters.get("QueueName") or parameters.get("QueueUrl", "").rstrip("/").rsplit("/", 1)[-1]
    return [Target(action, place.arn("sqs", name) if name else "*")]


def _sns(action: str, parameters: Parameters, _place: Place) -> list[Target]:
    return [Target(action, parameters.get("TopicArn") or parameters.get("TargetArn") or "*")]


def _cloudwatch(action: str, parameters: Parameters, _place: Place) -> list[Target]:
    namespace = parameters.get("Namespace")
    return [Target(action, context={"cloudwatch:namespace": (namespace,)} if namespace else {})]


def _sts(action: str, parameters: Parameters, _place: Place) -> list[Target]:
    if action == "sts:GetCallerIdentity":
        return []  # "No permissions are required to perform this operation."
    return [Target(action, parameters.get("RoleArn") or "*")]


def _route53(action: str, parameters: Parameters, _place: Place) -> list[Target]:
    if zone := parameters.get("HostedZoneId"):
        return [Target(action, f"arn:aws:route53:::hostedzone/{_last(zone)}", _record_context(parameters))]
    if identifier := parameters.get("Id"):
        kind = "change" if action == "route53:GetChange" else "hostedzone"
        return [Target(action, f"arn:aws:route53:::{kind}/{_last(identifier)}")]
    return [Target(action)]


def _record_context(parameters: Parameters) -> dict[str, tuple[str, ...]]:
    changes = (parameters.get("ChangeBatch") or {}).get("Changes", [])
    if not changes:
        return {}
    records = [change["ResourceRecordSet"] for change in changes]
    prefix = "route53:changeresourcerecordsets"
    return {
        f"{prefix}actions": tuple(change["Action"] for change in changes),
        f"{prefix}recordtypes": tuple(record["Type"] for record in records),
        f"{prefix}normalizedrecordnames": tuple(record["Name"].rstrip(".").lower() for record in records),
    }


def _last(identifier: str) -> str:
    return identifier.rsplit("/", 1)[-1]


_SERVICES: dict[str, Callable[[str, Parameters, Place], list[Target]]] = {
    "cloudwatch": _cloudwatch,
    "kms": _kms,
    "logs": _logs,
    "route53": _route53,
    "s3": _s3,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _sts,
}
