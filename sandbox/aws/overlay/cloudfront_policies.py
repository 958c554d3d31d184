"""Origin access controls and CloudFront's three kinds of policies: they differ in little but their names."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.cloudfront_state import (
    BASE,
    Item,
    check_match,
    new_id,
    now,
    page,
    state,
    touch_users,
)
from sandbox.aws.overlay.operations import Context, Operation, Parameters, answers


@dataclass(frozen=True)
class Kind:
    """What a kind is called, alone, in numbers, and in a distribution's configuration."""

    name: str
    plural: str
    path: str
    reference: str

    @property
    def is_policy(self) -> bool:
        return self.name.endswith("Policy")


KINDS = (
    Kind("OriginAccessControl", "OriginAccessControls", "origin-access-control", "OriginAccessControlId"),
    Kind("CachePolicy", "CachePolicies", "cache-policy", "CachePolicyId"),
    Kind("OriginRequestPolicy", "OriginRequestPolicies", "origin-request-policy", "OriginRequestPolicyId"),
    Kind(
        "ResponseHeadersPolicy",
        "ResponseHeadersPolicies",
        "response-headers-policy",
        "ResponseHeadersPolicyId",
    ),
)

_ALL = {"HeaderBehavior": "none"}
_NO_COOKIES = {"CookieBehavior": "none"}
_NO_QUERY = {"QueryStringBehavior": "none"}


def _cache(name: str, minimum: int, default: int, maximum: int, compress: bool) -> dict[str, Any]:
    return {
        "Name": name,
        "MinTTL": minimum,
        "DefaultTTL": default,
        "MaxTTL": maximum,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": compress,
            "EnableAcceptEncodingBrotli": compress,
            "HeadersConfig": _ALL,
            "CookiesConfig": _NO_COOKIES,
            "QueryStringsConfig": _NO_QUERY,
        },
    }


# AWS's own, by the ids they have in every account (CloudFront developer guide, "Use managed … policies").
_MANAGED: dict[str, dict[str, dict[str, Any]]] = {
    "CachePolicy": {
        "658327ea-f89d-4fab-a63d-7e88639e58f6": _cache("Managed-CachingOptimized", 1, 86400, 31536000, True),
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": _cache("Managed-CachingDisabled", 0, 0, 0, False),
    },
    "OriginRequestPolicy": {
        "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": {
            "Name": "Managed-CORS-S3Origin",
            "HeadersConfig": {
                "HeaderBehavior": "whitelist",
                "Headers": {
                    "Quantity": 3,
                    "Items": ["origin", "access-control-request-headers", "access-control-request-method"],
                },
            },
            "CookiesConfig": _NO_COOKIES,
            "QueryStringsConfig": _NO_QUERY,
        },
    },
    "ResponseHeadersPolicy": {
        "67f7725c-6f97-4210-82d7-5512b31e9d03": {
            "Name": "Managed-SecurityHeadersPolicy",
            "SecurityHeadersConfig": {
                "XSSProtection": {"Override": False, "Protection": True, "ModeBlock": True},
                "FrameOptions": {"Override": False, "FrameOption": "SAMEORIGIN"},
                "ReferrerPolicy": {"Override": False, "ReferrerPolicy": "strict-origin-when-cross-origin"},
                "ContentTypeOptions": {"Override": True},
                "StrictTransportSecurity": {"Override": False, "AccessControlMaxAgeSec": 31536000},
            },
        },
    },
}


def items(kind: str, context: Context) -> dict[str, Item]:
    """Return a kind's resources, AWS's own among them."""
    managed = _MANAGED.get(kind, {})
    return state(context).items.setdefault(
        kind, {identifier: Item(identifier, config, managed=True) for identifier, config in managed.items()}
    )


def find(kind: str, identifier: str, context: Context) -> Item:
    item = items(kind, context).get(identifier)
    if item is None:
        raise AwsError(f"NoSuch{kind}", f"The {kind} does not exist: {identifier}")
    return item


def _shown(kind: Kind, item: Item) -> dict[str, Any]:
    shown = {"Id": item.id, f"{kind.name}Config": item.config}
    return {**shown, "LastModifiedTime": item.modified} if kind.is_policy else shown


def _create(kind: Kind, parameters: Parameters, context: Context) -> dict[str, Any]:
    config = parameters[f"{kind.name}Config"]
    if any(item.config["Name"] == config["Name"] for item in items(kind.name, context).values()):
        raise AwsError(f"{kind.name}AlreadyExists", f"A {kind.name} of this name already exists.")
    item = Item(str(uuid.uuid4()) if kind.is_policy else new_id(), dict(config))
    items(kind.name, context)[item.id] = item
    return {kind.name: _shown(kind, item), "Location": f"{BASE}/{kind.path}/{item.id}", "ETag": item.etag}


def _get(kind: Kind, parameters: Parameters, context: Context) -> dict[str, Any]:
    item = find(kind.name, parameters["Id"], context)
    return {kind.name: _shown(kind, item), "ETag": item.etag}


def _get_config(kind: Kind, parameters: Parameters, context: Context) -> dict[str, Any]:
    item = find(kind.name, parameters["Id"], context)
    return {f"{kind.name}Config": item.config, "ETag": item.etag}


def _update(kind: Kind, parameters: Parameters, context: Context) -> dict[str, Any]:
    item = _changeable(kind, parameters, context)
    item.change(parameters[f"{kind.name}Config"])
    touch_users(context, lambda config: item.id in references(kind, config))
    return {kind.name: _shown(kind, item), "ETag": item.etag}


def _delete(kind: Kind, parameters: Parameters, context: Context) -> dict[str, Any]:
    item = _changeable(kind, parameters, context)
    if any(item.id in references(kind, held.config) for held in state(context).distributions.values()):
        raise AwsError(f"{kind.name}InUse", f"The {kind.name} is used by one or more distributions.")
    del items(kind.name, context)[item.id]
    return {}


def _changeable(kind: Kind, parameters: Parameters, context: Context) -> Item:
    item = find(kind.name, parameters["Id"], context)
    if item.managed:
        raise AwsError("IllegalUpdate", "A managed policy can't be changed.")
    check_match(item.etag, parameters)
    item.modified = now()
    return item


def _list(kind: Kind, parameters: Parameters, context: Context) -> dict[str, Any]:
    wanted = parameters.get("Type")
    found = [
        item
        for item in items(kind.name, context).values()
        if wanted is None or item.managed == (wanted == "managed")
    ]
    listing = page(found, parameters, lambda item: item.id)
    if kind.is_policy:
        listing["Items"] = [
            {"Type": "managed" if item.managed else "custom", kind.name: _shown(kind, item)}
            for item in listing["Items"]
        ]
        del listing["Marker"], listing["IsTruncated"]
    else:
        listing["Items"] = [{"Description": "", **item.config, "Id": item.id} for item in listing["Items"]]
    return {f"{kind.name}List": listing}


def references(kind: Kind, config: Mapping[str, Any]) -> set[str]:
    """Return the ids of a kind that a distribution's configuration names."""
    behaviors = [config["DefaultCacheBehavior"], *config["CacheBehaviors"].get("Items", [])]
    holders = [*behaviors, *config["Origins"]["Items"]]
    return {holder[kind.reference] for holder in holders if holder.get(kind.reference)}


_OPERATIONS: dict[str, Callable[[Kind, Parameters, Context], dict[str, Any]]] = {
    "Create{name}": _create,
    "Get{name}": _get,
    "Get{name}Config": _get_config,
    "Update{name}": _update,
    "Delete{name}": _delete,
    "List{plural}": _list,
}

for _kind in KINDS:
    for _name, _operation in _OPERATIONS.items():
        _bound: Operation = partial(_operation, _kind)
        answers("cloudfront:" + _name.format(name=_kind.name, plural=_kind.plural))(_bound)
