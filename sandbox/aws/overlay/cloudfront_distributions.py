"""Distributions, their invalidations and tags."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay import acm_certificates
from sandbox.aws.overlay.cloudfront_config import completed
from sandbox.aws.overlay.cloudfront_functions import is_live
from sandbox.aws.overlay.cloudfront_policies import KINDS, find, references
from sandbox.aws.overlay.cloudfront_state import (
    BASE,
    Distribution,
    check_match,
    new_id,
    now,
    page,
    state,
)
from sandbox.aws.overlay.operations import Context, Parameters, answers


def arn(distribution: Distribution, context: Context) -> str:
    return f"arn:aws:cloudfront::{context.account}:distribution/{distribution.id}"


def _find(identifier: str, context: Context) -> Distribution:
    distribution = state(context).distributions.get(identifier)
    if distribution is None:
        raise AwsError("NoSuchDistribution", "The specified distribution does not exist.")
    return distribution


def _shown(distribution: Distribution, context: Context) -> dict[str, Any]:
    return {
        "Id": distribution.id,
        "ARN": arn(distribution, context),
        "Status": "Deployed" if distribution.deployed else "InProgress",
        "LastModifiedTime": distribution.modified,
        "InProgressInvalidationBatches": 0,
        "DomainName": distribution.domain,
        "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
        "ActiveTrustedKeyGroups": {"Enabled": False, "Quantity": 0},
        "DistributionConfig": distribution.config,
        "AliasICPRecordals": [
            {"CNAME": name, "ICPRecordalStatus": "APPROVED"}
            for name in distribution.config["Aliases"].get("Items", [])
        ],
    }


# What CloudFront refuses


def _check(config: dict[str, Any], context: Context, own: str = "") -> None:
    _check_quantities(config)
    origins = {origin["Id"] for origin in config["Origins"]["Items"]}
    behaviors = [config["DefaultCacheBehavior"], *config["CacheBehaviors"].get("Items", [])]
    for behavior in behaviors:
        if behavior["TargetOriginId"] not in origins:
            raise AwsError("NoSuchOrigin", "One or more of your origins or origin groups do not exist.")
        if ("CachePolicyId" in behavior) == ("ForwardedValues" in behavior):
            raise AwsError(
                "InvalidArgument", "A cache behavior takes either a CachePolicyId or ForwardedValues."
            )
        for item in behavior["FunctionAssociations"].get("Items", []):
            if not is_live(item["FunctionARN"], context):
                raise AwsError(
                    "InvalidFunctionAssociation", "The function is not published: " + item["FunctionARN"]
                )
    for kind in KINDS:
        for identifier in references(kind, config):
            find(kind.name, identifier, context)
    _check_names(config, context, own)


def _check_quantities(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _check_quantities(item)
    elif isinstance(value, dict):
        if "Quantity" in value and value["Quantity"] != len(value.get("Items", [])):
            raise AwsError(
                "InconsistentQuantities", "The value of Quantity and the size of Items don't match."
            )
        for item in value.values():
            _check_quantities(item)


def _check_names(config: dict[str, Any], context: Context, own: str) -> None:
    names = config["Aliases"].get("Items", [])
    for other in state(context).distributions.values():
        if other.id != own and set(names) & set(other.config["Aliases"].get("Items", [])):
            raise AwsError(
                "CNAMEAlreadyExists",
                "One or more of the CNAMEs you provided are already associated with a different resource.",
            )
    certificate = config["ViewerCertificate"].get("ACMCertificateArn")
    if names and not certificate:
        raise AwsError(
            "InvalidViewerCertificate",
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted "
            "certificate that validates your authorization to use the domain name.",
        )
    if not certificate:
        return
    if not acm_certificates.usable(certificate, context.account):
        raise AwsError(
            "InvalidViewerCertificate",
            "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't "
            "include a valid certificate chain.",
        )
    if not all(acm_certificates.covers(certificate, name, context.account) for name in names):
        raise AwsError(
            "InvalidViewerCertificate",
            "The certificate that is attached to your distribution doesn't cover the alternate domain name.",
        )


# Operations


@answers("cloudfront:CreateDistribution")
def create(parameters: Parameters, context: Context) -> dict[str, Any]:
    return _create(parameters["DistributionConfig"], {}, context)


@answers("cloudfront:CreateDistributionWithTags")
def create_with_tags(parameters: Parameters, context: Context) -> dict[str, Any]:
    wanted = parameters["DistributionConfigWithTags"]
    tags = {tag["Key"]: tag.get("Value", "") for tag in wanted["Tags"].get("Items", [])}
    return _create(wanted["DistributionConfig"], tags, context)


def _create(asked: dict[str, Any], tags: dict[str, str], context: Context) -> dict[str, Any]:
    config = completed(asked)
    for other in state(context).distributions.values():
        if other.config["CallerReference"] == config["CallerReference"]:
            if other.config == config:
                return _created(other, context)
            raise AwsError(
                "DistributionAlreadyExists",
                "The caller reference that you are using to create a distribution is associated with "
                f"another distribution. Already exists: {other.id}",
            )
    _check(config, context)
    distribution = Distribution(new_id(), config)
    state(context).distributions[distribution.id] = distribution
    state(context).tags[arn(distribution, context)] = tags
    return _created(distribution, context)


def _created(distribution: Distribution, context: Context) -> dict[str, Any]:
    return {
        "Distribution": _shown(distribution, context),
        "Location": f"{BASE}/distribution/{distribution.id}",
        "ETag": distribution.etag,
    }


@answers("cloudfront:GetDistribution")
def get(parameters: Parameters, context: Context) -> dict[str, Any]:
    distribution = _find(parameters["Id"], context)
    distribution.deployed = True
    return {"Distribution": _shown(distribution, context), "ETag": distribution.etag}


@answers("cloudfront:GetDistributionConfig")
def get_config(parameters: Parameters, context: Context) -> dict[str, Any]:
    distribution = _find(parameters["Id"], context)
    return {"DistributionConfig": distribution.config, "ETag": distribution.etag}


@answers("cloudfront:UpdateDistribution")
def update(parameters: Parameters, context: Context) -> dict[str, Any]:
    distribution = _find(parameters["Id"], context)
    check_match(distribution.etag, parameters)
    config = completed(parameters["DistributionConfig"])
    if config["CallerReference"] != distribution.config["CallerReference"]:
        raise AwsError("IllegalUpdate", "The caller reference can't be changed.")
    _check(config, context, own=distribution.id)
    distribution.change(config)
    distribution.deployed = False
    return {"Distribution": _shown(distribution, context), "ETag": distribution.etag}


@answers("cloudfront:DeleteDistribution")
def delete(parameters: Parameters, context: Context) -> dict[str, Any]:
    distribution = _find(parameters["Id"], context)
    check_match(distribution.etag, parameters)
    if distribution.config["Enabled"] or not distribution.deployed:
        raise AwsError(
            "DistributionNotDisabled",
            "The distribution you are trying to delete has not been disabled, or is still being deployed.",
        )
    del state(context).distributions[distribution.id]
    state(context).tags.pop(arn(distribution, context), None)
    return {}


@answers("cloudfront:ListDistributions")
def list_all(parameters: Parameters, context: Context) -> dict[str, Any]:
    listing = page(list(state(context).distributions.values()), parameters, lambda item: item.id)
    listing["Items"] = [_listed(item, context) for item in listing["Items"]]
    return {"DistributionList": listing}


def _listed(distribution: Distribution, context: Context) -> dict[str, Any]:
    distribution.deployed = True
    shown = _shown(distribution, context)
    config = copy.deepcopy(shown.pop("DistributionConfig"))
    for name in ("CallerReference", "DefaultRootObject", "Logging", "ContinuousDeploymentPolicyId"):
        config.pop(name, None)
    for name in ("InProgressInvalidationBatches", "ActiveTrustedSigners", "ActiveTrustedKeyGroups"):
        del shown[name]
    return {**config, **shown, "ETag": distribution.etag}


# Invalidations


@answers("cloudfront:CreateInvalidation")
def invalidate(parameters: Parameters, context: Context) -> dict[str, Any]:
    distribution = _find(parameters["DistributionId"], context)
    batch = parameters["InvalidationBatch"]
    _check_quantities(batch)
    for path in batch["Paths"].get("Items", []):
        if not path.startswith("/"):
            raise AwsError("InvalidArgument", "Your request contains one or more invalid invalidation paths.")
    identifier = next(
        (key for key, item in distribution.invalidations.items() if item["InvalidationBatch"] == batch),
        f"I{new_id()[1:]}",
    )
    invalidation = {"Id": identifier, "CreateTime": now(), "InvalidationBatch": batch}
    distribution.invalidations[identifier] = invalidation
    location = f"{BASE}/distribution/{distribution.id}/invalidation/{identifier}"
    return {"Location": location, "Invalidation": {**invalidation, "Status": "InProgress"}}


@answers("cloudfront:GetInvalidation")
def get_invalidation(parameters: Parameters, context: Context) -> dict[str, Any]:
    found = _find(parameters["DistributionId"], context).invalidations.get(parameters["Id"])
    if found is None:
        raise AwsError("NoSuchInvalidation", "The specified invalidation does not exist.")
    return {"Invalidation": {**found, "Status": "Completed"}}


@answers("cloudfront:ListInvalidations")
def list_invalidations(parameters: Parameters, context: Context) -> dict[str, Any]:
    found = list(_find(parameters["DistributionId"], context).invalidations.values())
    listing = page(found[::-1], parameters, lambda item: item["Id"])
    listing["Items"] = [
        {"Id": item["Id"], "CreateTime": item["CreateTime"], "Status": "Completed"}
        for item in listing["Items"]
    ]
    return {"InvalidationList": listing}


# Tags


def _tags(parameters: Parameters, context: Context) -> dict[str, str]:
    tags = state(context).tags.get(parameters["Resource"])
    if tags is None:
        raise AwsError("NoSuchResource", f"The specified resource does not exist: {parameters['Resource']}")
    return tags


@answers("cloudfront:TagResource")
def tag(parameters: Parameters, context: Context) -> dict[str, Any]:
    wanted = parameters["Tags"].get("Items", [])
    _tags(parameters, context).update({item["Key"]: item.get("Value", "") for item in wanted})
    return {}


@answers("cloudfront:UntagResource")
def untag(parameters: Parameters, context: Context) -> dict[str, Any]:
    tags = _tags(parameters, context)
    for key in parameters["TagKeys"].get("Items", []):
        tags.pop(key, None)
    return {}


@answers("cloudfront:ListTagsForResource")
def list_tags(parameters: Parameters, context: Context) -> dict[str, Any]:
    tags = _tags(parameters, context)
    return {"Tags": {"Items": [{"Key": key, "Value": value} for key, value in tags.items()]}}
