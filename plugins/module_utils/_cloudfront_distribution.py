# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a site's CloudFront distribution should be, what it is, and the calls between the two.

A site is four things that only make sense together, all named alike: the distribution, the origin access
control that signs its requests to the private bucket, the function that sees each request first, and the
policy with the response headers. A run that was killed between them finds what is there and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import _cloudfront_headers, _tags
from ._converge import AFTER_APPLY, Answer, Change, Refused, State, Wait
from ._s3_bucket import check_name

HOSTED_ZONE_ID = "Z2FDTNDATAQYW2"
"""The Route 53 zone of every distribution, for alias records."""

CACHE_POLICIES = {
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
    "CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    "CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
    "UseOriginCacheControlHeaders": "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
}
FUNCTION_RUNTIME = "cloudfront-js-2.0"
FUNCTION_LIMIT = 10 * 1024
"""The most that a function's code may be, in bytes."""

_ORIGIN = "bucket"
_DEPLOY_SECONDS = 1800
# CloudFront learns of what was just made (or let go) some seconds after.
_NOT_YET = (
    "InvalidFunctionAssociation",
    "InvalidOriginAccessControl",
    "InvalidViewerCertificate",
    "NoSuchResponseHeadersPolicy",
)
_NOT_YET_FREE = (
    "DistributionNotDisabled",
    "FunctionInUse",
    "OriginAccessControlInUse",
    "ResponseHeadersPolicyInUse",
)


def bucket_domain(bucket: str, region: str) -> str:
    """Return the name a distribution fetches from: the region's own, since the global one redirects."""
    return f"{bucket}.s3.{region}.amazonaws.com"


def desired(params: Mapping[str, Any], region: str | None) -> dict[str, Any]:
    """Return the normal form that the module's arguments ask for. Raises Refused."""
    name, tags, headers = params["name"], params["tags"], params["security_headers"]
    bucket_region = params["bucket_region"] or region
    if not bucket_region:
        raise Refused("no region. Set bucket_region, region, or AWS_DEFAULT_REGION.")
    check_name(params["bucket"] or "")
    return {
        "name": name,
        "enabled": True,
        "aliases": sorted({alias.lower() for alias in params["aliases"]}),
        "origin": bucket_domain(params["bucket"], bucket_region),
        "origin_access": "signed",
        "certificate_arn": params["certificate_arn"] or "",
        "minimum_protocol_version": params["minimum_protocol_version"]
        if params["certificate_arn"]
        else "TLSv1",
        "default_root_object": params["default_root_object"],
        "not_found_page": params["not_found_page"],
        "price_class": params["price_class"],
        "http_version": params["http_version"],
        "ipv6": params["ipv6"],
        "compress": params["compress"],
        "viewer_protocol_policy": params["viewer_protocol_policy"],
        "cache_policy": params["cache_policy"],
        "function_code": params["function_code"],
        "security_headers": None if headers is None else _cloudfront_headers.canonical(headers),
        "tags": None if tags is None else {"Name": name, **tags},
    }


def predicted() -> dict[str, Any]:
    """Return what is known of a distribution before it is made."""
    unknown = dict.fromkeys(("id", "arn", "domain_name", "status"), AFTER_APPLY)
    return {**unknown, "hosted_zone_id": HOSTED_ZONE_ID}


@dataclass(frozen=True)
class Parts:
    """What was read of a site's four parts: AWS's answers, None for what isn't there.

    function: {"name", "arn", "etag", "runtime", "code", "live"}; ``code`` is what is being developed,
    ``live`` what is published, None if nothing is.
    """

    distribution: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    access: Mapping[str, Any] | None = None
    function: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] | None = None


def normalise(name: str, parts: Parts) -> dict[str, Any]:
    """Turn what was read into the normal form."""
    state: dict[str, Any] = {
        "_access": parts.access,
        "_function": parts.function,
        "_headers": parts.headers,
    }
    if not parts.distribution:
        return state
    found = parts.distribution["Distribution"]
    config = found["DistributionConfig"]
    behaviour = config["DefaultCacheBehavior"]
    origin = config["Origins"]["Items"][0]
    certificate = config.get("ViewerCertificate") or {}
    policies = {policy_id: policy for policy, policy_id in CACHE_POLICIES.items()}
    policy_id = behaviour.get("CachePolicyId", "")
    return state | {
        "name": name,
        "id": found["Id"],
        "arn": found["ARN"],
        "domain_name": found["DomainName"],
        "hosted_zone_id": HOSTED_ZONE_ID,
        "status": found["Status"],
        "enabled": config["Enabled"],
        "aliases": sorted((config.get("Aliases") or {}).get("Items") or []),
        "origin": origin["DomainName"],
        "origin_access": "signed" if _signs(origin, parts.access) else "not signed",
        "certificate_arn": certificate.get("ACMCertificateArn") or "",
        "minimum_protocol_version": certificate.get("MinimumProtocolVersion") or "TLSv1",
        "default_root_object": config.get("DefaultRootObject") or "",
        "not_found_page": _not_found_page(config),
        "price_class": config.get("PriceClass"),
        "http_version": (config.get("HttpVersion") or "").lower(),
        "ipv6": config.get("IsIPV6Enabled"),
        "compress": behaviour.get("Compress", False),
        "viewer_protocol_policy": behaviour["ViewerProtocolPolicy"],
        "cache_policy": policies.get(policy_id, policy_id),
        "function_code": _live_code(behaviour, parts.function),
        "security_headers": _answered(behaviour, parts.headers),
        "tags": dict(parts.tags),
        "_config": config,
        "_etag": parts.distribution["ETag"],
    }


def _not_found_page(config: Mapping[str, Any]) -> str:
    items = (config.get("CustomErrorResponses") or {}).get("Items") or []
    pages = [item.get("ResponsePagePath") or "" for item in items if item["ErrorCode"] == 404]
    return pages[0] if pages else ""


def _signs(origin: Mapping[str, Any], access: Mapping[str, Any] | None) -> bool:
    if not access or origin.get("OriginAccessControlId") != access["OriginAccessControl"]["Id"]:
        return False
    config = access["OriginAccessControl"]["OriginAccessControlConfig"]
    return _covers(config, _access_config(config["Name"]))


def _live_code(behaviour: Mapping[str, Any], function: Mapping[str, Any] | None) -> str:
    items = (behaviour.get("FunctionAssociations") or {}).get("Items") or []
    if not function or not any(item["FunctionARN"] == function["arn"] for item in items):
        return ""
    return function["live"] or ""


def _answered(behaviour: Mapping[str, Any], headers: Mapping[str, Any] | None) -> dict[str, str]:
    if not headers or behaviour.get("ResponseHeadersPolicyId") != headers["ResponseHeadersPolicy"]["Id"]:
        return {}
    return _cloudfront_headers.headers(headers["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"])


def plan(current: State | None, desired: State | None, reference: str = "") -> list[Change]:
    """Return the calls that lead from one to the other.

    ``reference`` is what CloudFront knows a create by: one that is sent twice makes one distribution.

    Raises Refused when CloudFront couldn't take it.
    """
    current = current or {"_access": None, "_function": None, "_headers": None}
    if desired is None:
        return _deletion(current)
    _check(desired)
    access, access_id = _plan_access(current, desired)
    function, function_arn = _plan_function(current, desired)
    headers, policy_id = _plan_headers(current, desired)
    ours = _config(desired, access_id, function_arn, policy_id)
    parts = [*access, *function, *headers]
    if "id" not in current:
        return [*parts, _create(desired, ours, reference)]
    # A part that changes moves the ETag of the distribution that uses it.
    etag = AFTER_APPLY if parts else current["_etag"]
    return [*parts, *_update(current, ours, etag), *_tagging(current, desired)]


def _check(desired: Mapping[str, Any]) -> None:
    if desired["aliases"] and not desired["certificate_arn"]:
        raise Refused("aliases need a certificate_arn: a certificate in us-east-1 that has these names.")
    size = len((desired.get("function_code") or "").encode())
    if size > FUNCTION_LIMIT:
        raise Refused(f"function_code has {size} bytes; CloudFront takes {FUNCTION_LIMIT} at most.")


def _access_config(name: str) -> dict[str, Any]:
    return {
        "Name": name,
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }


class Planned(NamedTuple):
    """The changes to a part, and the part's identifier; None if nothing is said about the part."""

    changes: list[Change]
    identifier: str | Answer | None


def _plan_access(current: Mapping[str, Any], desired: Mapping[str, Any]) -> Planned:
    config = {"OriginAccessControlConfig": _access_config(desired["name"])}
    found = current["_access"]
    if not found:
        call = "cloudfront.create_origin_access_control"
        return Planned([Change(call, config)], Answer(call, "OriginAccessControl.Id"))
    identifier = found["OriginAccessControl"]["Id"]
    if _covers(found["OriginAccessControl"], config):
        return Planned([], identifier)
    arguments = {"Id": identifier, "IfMatch": found["ETag"], **config}
    return Planned([Change("cloudfront.update_origin_access_control", arguments)], identifier)


def _plan_function(current: Mapping[str, Any], desired: Mapping[str, Any]) -> Planned:
    code = desired.get("function_code")
    if not code:
        return Planned([], code)
    name = desired["name"]
    body = {
        "Name": name,
        "FunctionConfig": {"Comment": f"Sees each request of {name} first", "Runtime": FUNCTION_RUNTIME},
        "FunctionCode": code.encode(),
    }
    found = current["_function"]
    if not found:
        create = "cloudfront.create_function"
        publish = {"Name": name, "IfMatch": Answer(create, "ETag")}
        changes = [Change(create, body), Change("cloudfront.publish_function", publish)]
        return Planned(changes, Answer(create, "FunctionSummary.FunctionMetadata.FunctionARN"))
    if found["live"] == code and found["runtime"] == FUNCTION_RUNTIME:
        return Planned([], found["arn"])
    if found["code"] == code and found["runtime"] == FUNCTION_RUNTIME:
        publish = {"Name": name, "IfMatch": found["etag"]}
        return Planned([Change("cloudfront.publish_function", publish)], found["arn"])
    update = "cloudfront.update_function"
    publish = {"Name": name, "IfMatch": Answer(update, "ETag")}
    changes = [
        Change(update, body | {"IfMatch": found["etag"]}),
        Change("cloudfront.publish_function", publish),
    ]
    return Planned(changes, found["arn"])


def _plan_headers(current: Mapping[str, Any], desired: Mapping[str, Any]) -> Planned:
    wanted = desired.get("security_headers")
    if not wanted:
        return Planned([], None if wanted is None else "")
    config = {"ResponseHeadersPolicyConfig": _cloudfront_headers.policy_config(desired["name"], wanted)}
    found = current["_headers"]
    if not found:
        call = "cloudfront.create_response_headers_policy"
        return Planned([Change(call, config)], Answer(call, "ResponseHeadersPolicy.Id"))
    policy = found["ResponseHeadersPolicy"]
    if _cloudfront_headers.headers(policy["ResponseHeadersPolicyConfig"]) == wanted:
        return Planned([], policy["Id"])
    arguments = {"Id": policy["Id"], "IfMatch": found["ETag"], **config}
    return Planned([Change("cloudfront.update_response_headers_policy", arguments)], policy["Id"])


def _config(
    desired: Mapping[str, Any],
    access: str | Answer | None,
    function: str | Answer | None,
    policy: str | Answer | None,
) -> dict[str, Any]:
    """Return the part of a distribution's configuration that we have an opinion on."""
    behaviour: dict[str, Any] = {
        "TargetOriginId": _ORIGIN,
        "ViewerProtocolPolicy": desired["viewer_protocol_policy"],
        "AllowedMethods": {**_items(["GET", "HEAD"]), "CachedMethods": _items(["GET", "HEAD"])},
        "Compress": desired["compress"],
        "CachePolicyId": CACHE_POLICIES[desired["cache_policy"]],
    }
    if function is not None:
        events = [{"FunctionARN": function, "EventType": "viewer-request"}] if function else []
        behaviour["FunctionAssociations"] = _items(events)
    if policy is not None:
        behaviour["ResponseHeadersPolicyId"] = policy
    origin = {
        "Id": _ORIGIN,
        "DomainName": desired["origin"],
        "OriginPath": "",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": access,
    }
    page = desired.get("not_found_page")
    return {
        **({} if page is None else {"CustomErrorResponses": _items([_not_found(page)] if page else [])}),
        "Comment": desired["name"],
        "Enabled": desired["enabled"],
        "Aliases": _items(desired["aliases"]),
        "DefaultRootObject": desired["default_root_object"],
        "Origins": _items([origin]),
        "DefaultCacheBehavior": behaviour,
        "PriceClass": desired["price_class"],
        "HttpVersion": desired["http_version"],
        "IsIPV6Enabled": desired["ipv6"],
        "ViewerCertificate": _viewer_certificate(desired),
    }


def _not_found(page: str) -> dict[str, Any]:
    return {"ErrorCode": 404, "ResponsePagePath": page, "ResponseCode": "404", "ErrorCachingMinTTL": 10}


def _items(items: list[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items}


def _viewer_certificate(desired: Mapping[str, Any]) -> dict[str, Any]:
    if not desired["certificate_arn"]:
        return {"CloudFrontDefaultCertificate": True}
    return {
        "ACMCertificateArn": desired["certificate_arn"],
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": desired["minimum_protocol_version"],
    }


def _create(desired: Mapping[str, Any], ours: Mapping[str, Any], reference: str) -> Change:
    tags = {"Name": desired["name"], **(desired.get("tags") or {})}
    arguments = {
        "DistributionConfigWithTags": {
            "DistributionConfig": {"CallerReference": reference, **_merged({}, ours)},
            "Tags": {"Items": _tags.to_list(tags)},
        }
    }
    return Change("cloudfront.create_distribution_with_tags", arguments, retry=_NOT_YET)


def _update(current: Mapping[str, Any], ours: Mapping[str, Any], etag: str) -> list[Change]:
    if _covers(current["_config"], ours):
        return []
    arguments = {
        "Id": current["id"],
        "IfMatch": etag,
        "DistributionConfig": _merged(current["_config"], ours),
    }
    return [Change("cloudfront.update_distribution", arguments, retry=_NOT_YET)]


def _tagging(current: Mapping[str, Any], desired: Mapping[str, Any]) -> list[Change]:
    if "tags" not in desired:
        return []
    put, remove = _tags.differences(current["tags"], desired["tags"])
    changes = []
    if put:
        tags = {"Items": _tags.to_list(put)}
        changes.append(Change("cloudfront.tag_resource", {"Resource": current["arn"], "Tags": tags}))
    if remove:
        keys = {"Items": remove}
        changes.append(Change("cloudfront.untag_resource", {"Resource": current["arn"], "TagKeys": keys}))
    return changes


def _covers(current: Any, ours: Any) -> bool:
    """Tell whether what is has all that we ask for; nothing at all is as good as empty."""
    if isinstance(ours, Mapping):
        found = current or {}
        return all(_covers(found.get(key), value) for key, value in ours.items())
    if isinstance(ours, list):
        found = current or []
        if len(found) != len(ours):
            return False
        if all(isinstance(item, str) for item in ours):
            return sorted(found) == sorted(ours)
        return all(_covers(*pair) for pair in zip(found, ours, strict=True))
    return bool(current == ours or (not current and not ours))


def _merged(current: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration to send: an update takes all of it, so what isn't ours is sent as it is."""
    merged: dict[str, Any] = _overlaid(current, ours)
    # ViewerCertificate has the same said in an older way, and ours would contradict it.
    merged["ViewerCertificate"] = dict(ours["ViewerCertificate"])
    behaviour = merged["DefaultCacheBehavior"]
    # A cache policy excludes what it replaced.
    for legacy in ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL"):
        behaviour.pop(legacy, None)
    if not behaviour.get("ResponseHeadersPolicyId"):
        behaviour.pop("ResponseHeadersPolicyId", None)
    return merged


def _overlaid(current: Any, ours: Any) -> Any:
    if isinstance(ours, Mapping) and isinstance(current, Mapping):
        return {**current, **{key: _overlaid(current.get(key), value) for key, value in ours.items()}}
    if isinstance(ours, list) and isinstance(current, list) and len(ours) == len(current):
        return [_overlaid(*pair) for pair in zip(current, ours, strict=True)]
    return ours


def _deletion(current: Mapping[str, Any]) -> list[Change]:
    """Return the calls that delete all four; CloudFront deletes a distribution only once it is off."""
    changes = []
    if "id" in current:
        identifier = {"Id": current["id"]}
        etag: str | Answer = current["_etag"]
        if current["enabled"]:
            off = {"DistributionConfig": {**current["_config"], "Enabled": False}, "IfMatch": etag}
            changes.append(
                Change("cloudfront.update_distribution", identifier | off, wait=_deployed(current["id"]))
            )
            etag = Answer("cloudfront.update_distribution", "ETag")
        changes.append(
            Change("cloudfront.delete_distribution", identifier | {"IfMatch": etag}, retry=_NOT_YET_FREE)
        )
    for key, call, identifier in _parts(current):
        arguments = {**identifier, "IfMatch": current[key].get("ETag") or current[key]["etag"]}
        changes.append(Change(call, arguments, retry=_NOT_YET_FREE))
    return changes


def _parts(current: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    parts = []
    if current["_access"]:
        identifier = {"Id": current["_access"]["OriginAccessControl"]["Id"]}
        parts.append(("_access", "cloudfront.delete_origin_access_control", identifier))
    if current["_function"]:
        parts.append(("_function", "cloudfront.delete_function", {"Name": current["_function"]["name"]}))
    if current["_headers"]:
        identifier = {"Id": current["_headers"]["ResponseHeadersPolicy"]["Id"]}
        parts.append(("_headers", "cloudfront.delete_response_headers_policy", identifier))
    return parts


def _deployed(identifier: str, timeout: int = _DEPLOY_SECONDS) -> Wait:
    return Wait(
        "cloudfront.get_distribution",
        {"Id": identifier},
        path="Distribution.Status",
        until=("Deployed",),
        timeout=timeout,
        every=10,
        hint="CloudFront is still telling its edges. Run it again later; it goes on from here.",
    )


def deployed(current: Mapping[str, Any], timeout: int) -> Wait | None:
    """Return the wait for a distribution whose last change hasn't reached every edge yet."""
    if current.get("status") != "InProgress":
        return None
    return _deployed(current["id"], timeout)
