"""A distribution's configuration as CloudFront gives it back: what wasn't said has its default. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]

_NONE = {"Quantity": 0}
_NO_TRUST = {"Enabled": False, "Quantity": 0}


def completed(config: Config) -> dict[str, Any]:
    """Return the whole configuration."""
    return {
        "Aliases": _NONE,
        "DefaultRootObject": "",
        "OriginGroups": _NONE,
        "CustomErrorResponses": _NONE,
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "PriceClass": "PriceClass_All",
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": True,
        "ContinuousDeploymentPolicyId": "",
        "Staging": False,
        **config,
        "Origins": _each(config["Origins"], _origin),
        "DefaultCacheBehavior": _behavior(config["DefaultCacheBehavior"]),
        "CacheBehaviors": _each(config.get("CacheBehaviors", _NONE), _behavior),
        "ViewerCertificate": _certificate(config.get("ViewerCertificate", {})),
    }


def _each(listing: Config, complete: Any) -> dict[str, Any]:
    if "Items" not in listing:
        return dict(listing)
    return {**listing, "Items": [complete(item) for item in listing["Items"]]}


def _origin(origin: Config) -> dict[str, Any]:
    whole = {
        "OriginPath": "",
        "CustomHeaders": _NONE,
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": "",
        **origin,
    }
    if "CustomOriginConfig" in origin:
        whole["CustomOriginConfig"] = {
            "OriginReadTimeout": 30,
            "OriginKeepaliveTimeout": 5,
            "OriginSslProtocols": {"Quantity": 3, "Items": ["TLSv1", "TLSv1.1", "TLSv1.2"]},
            **origin["CustomOriginConfig"],
        }
    return whole


def _behavior(behavior: Config) -> dict[str, Any]:
    methods = {"Quantity": 2, "Items": ["HEAD", "GET"], **behavior.get("AllowedMethods", {})}
    methods.setdefault("CachedMethods", {"Quantity": 2, "Items": ["HEAD", "GET"]})
    whole = {
        "TrustedSigners": _NO_TRUST,
        "TrustedKeyGroups": _NO_TRUST,
        "SmoothStreaming": False,
        "Compress": False,
        "LambdaFunctionAssociations": _NONE,
        "FunctionAssociations": _NONE,
        "FieldLevelEncryptionId": "",
        "GrpcConfig": {"Enabled": False},
        **behavior,
        "AllowedMethods": methods,
    }
    if "ForwardedValues" in behavior:
        # Times of its own only a behaviour without a cache policy has.
        whole = {"MinTTL": 0, "DefaultTTL": 86400, "MaxTTL": 31536000, **whole}
    return whole


def _certificate(certificate: Config) -> dict[str, Any]:
    if arn := certificate.get("ACMCertificateArn"):
        return {
            "CloudFrontDefaultCertificate": False,
            "MinimumProtocolVersion": "TLSv1",
            **certificate,
            "Certificate": arn,
            "CertificateSource": "acm",
        }
    return {
        "CloudFrontDefaultCertificate": True,
        "SSLSupportMethod": "vip",
        "MinimumProtocolVersion": "TLSv1",
        "CertificateSource": "cloudfront",
        **certificate,
    }
