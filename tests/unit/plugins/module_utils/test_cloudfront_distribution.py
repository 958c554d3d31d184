"""A site behind CloudFront: the plan from nothing, from each part, from drift, and to nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _cloudfront_distribution as site
from ansible_collections.andamio.laravel_aws.plugins.module_utils._cloudfront_distribution import Parts
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import (
    AFTER_APPLY,
    Answer,
    Change,
    Refused,
    Wait,
)

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
FUNCTION = "arn:aws:cloudfront::123456789012:function/site"
PARAMS: dict[str, Any] = {
    "name": "site",
    "bucket": "academia-site",
    "bucket_region": None,
    "aliases": ["www.academia.test", "Academia.test"],
    "certificate_arn": CERTIFICATE,
    "minimum_protocol_version": "TLSv1.2_2021",
    "function_code": "code",
    "security_headers": {"X-Frame-Options": "DENY"},
    "default_root_object": "index.html",
    "not_found_page": None,
    "price_class": "PriceClass_100",
    "http_version": "http2and3",
    "ipv6": True,
    "compress": True,
    "viewer_protocol_policy": "redirect-to-https",
    "cache_policy": "CachingOptimized",
    "tags": {"Project": "academia"},
}
GOAL = {key: value for key, value in site.desired(PARAMS, "us-east-1").items() if value is not None}
ACCESS_CONFIG = {
    "Name": "site",
    "SigningProtocol": "sigv4",
    "SigningBehavior": "always",
    "OriginAccessControlOriginType": "s3",
}
ACCESS = {
    "OriginAccessControl": {"Id": "A1", "OriginAccessControlConfig": {**ACCESS_CONFIG, "Description": ""}},
    "ETag": "a",
}
LIVE = {
    "name": "site",
    "arn": FUNCTION,
    "etag": "f",
    "runtime": "cloudfront-js-2.0",
    "code": "code",
    "live": "code",
}
POLICY_CONFIG = {
    "Name": "site",
    "Comment": "",
    "SecurityHeadersConfig": {"FrameOptions": {"FrameOption": "DENY", "Override": True}},
    "CustomHeadersConfig": {"Quantity": 0, "Items": []},
}
HEADERS = {
    "ResponseHeadersPolicy": {"Id": "H1", "ResponseHeadersPolicyConfig": POLICY_CONFIG},
    "ETag": "h",
}
TAGS = {"Name": "site", "Project": "academia"}


def config(access: Any = "A1", function: Any = FUNCTION, policy: Any = "H1") -> dict[str, Any]:
    """What we send."""
    return {
        "Comment": "site",
        "Enabled": True,
        "Aliases": {"Quantity": 2, "Items": ["academia.test", "www.academia.test"]},
        "DefaultRootObject": "index.html",
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "bucket",
                    "DomainName": "academia-site.s3.us-east-1.amazonaws.com",
                    "OriginPath": "",
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                    "OriginAccessControlId": access,
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "bucket",
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": {
                "Quantity": 2,
                "Items": ["GET", "HEAD"],
                "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
            },
            "Compress": True,
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "FunctionAssociations": {
                "Quantity": 1,
                "Items": [{"FunctionARN": function, "EventType": "viewer-request"}],
            },
            "ResponseHeadersPolicyId": policy,
        },
        "PriceClass": "PriceClass_100",
        "HttpVersion": "http2and3",
        "IsIPV6Enabled": True,
        "ViewerCertificate": {
            "ACMCertificateArn": CERTIFICATE,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
    }


def read_back() -> dict[str, Any]:
    """The same as CloudFront gives it back: more keys, other orders, an older way of saying things."""
    found = copy.deepcopy(config()) | {"CallerReference": "r", "WebACLId": "acl", "Staging": False}
    found["Aliases"]["Items"].reverse()
    found["Origins"]["Items"][0] |= {"ConnectionAttempts": 3, "CustomHeaders": {"Quantity": 0}}
    behaviour = found["DefaultCacheBehavior"]
    behaviour["AllowedMethods"]["Items"] = ["HEAD", "GET"]
    behaviour |= {"SmoothStreaming": False, "LambdaFunctionAssociations": {"Quantity": 0}}
    found["ViewerCertificate"] |= {"Certificate": CERTIFICATE, "CertificateSource": "acm"}
    return found


def distribution(found: dict[str, Any]) -> dict[str, Any]:
    described = {
        "Id": "E1",
        "ARN": "arn:aws:cloudfront::123456789012:distribution/E1",
        "DomainName": "d1.cloudfront.net",
        "Status": "Deployed",
        "DistributionConfig": found,
    }
    return {"Distribution": described, "ETag": "d"}


def state(found: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    """The whole site as it should be, but for what is given."""
    there = {"distribution": distribution(found or read_back()), "tags": TAGS, "access": ACCESS}
    return site.normalise("site", Parts(**(there | {"function": LIVE, "headers": HEADERS} | parts)))


CREATE_PARTS = [
    Change("cloudfront.create_origin_access_control", {"OriginAccessControlConfig": ACCESS_CONFIG}),
    Change(
        "cloudfront.create_function",
        {
            "Name": "site",
            "FunctionConfig": {
                "Comment": "Sees each request of site first",
                "Runtime": "cloudfront-js-2.0",
            },
            "FunctionCode": b"code",
        },
    ),
    Change(
        "cloudfront.publish_function",
        {"Name": "site", "IfMatch": Answer("cloudfront.create_function", "ETag")},
    ),
    Change("cloudfront.create_response_headers_policy", {"ResponseHeadersPolicyConfig": POLICY_CONFIG}),
]


def test_plan_from_nothing() -> None:
    parts = config(
        Answer("cloudfront.create_origin_access_control", "OriginAccessControl.Id"),
        Answer("cloudfront.create_function", "FunctionSummary.FunctionMetadata.FunctionARN"),
        Answer("cloudfront.create_response_headers_policy", "ResponseHeadersPolicy.Id"),
    )
    *made, create = site.plan(site.normalise("site", Parts()), GOAL, reference="site-1")
    assert made == CREATE_PARTS
    assert create.call == "cloudfront.create_distribution_with_tags"
    assert create.arguments == {
        "DistributionConfigWithTags": {
            "DistributionConfig": {"CallerReference": "site-1", **parts},
            "Tags": {"Items": [{"Key": "Name", "Value": "site"}, {"Key": "Project", "Value": "academia"}]},
        }
    }


def test_a_killed_run_goes_on_from_what_is_there() -> None:
    current = site.normalise("site", Parts(access=ACCESS, function=LIVE | {"live": None}, headers=HEADERS))
    publish, create = site.plan(current, GOAL, reference="site-1")
    assert publish == Change("cloudfront.publish_function", {"Name": "site", "IfMatch": "f"})
    sent = create.arguments["DistributionConfigWithTags"]["DistributionConfig"]
    assert sent == {"CallerReference": "site-1", **config()}


def test_as_it_should_be() -> None:
    current = state()
    assert site.plan(current, GOAL) == []
    assert {key: current[key] for key in GOAL} == GOAL


def test_other_code_is_updated_and_published_and_leaves_the_distribution() -> None:
    current = state(function=LIVE | {"code": "old", "live": "old"})
    assert site.plan(current, GOAL) == [
        Change(
            "cloudfront.update_function",
            {
                "Name": "site",
                "FunctionConfig": {
                    "Comment": "Sees each request of site first",
                    "Runtime": "cloudfront-js-2.0",
                },
                "FunctionCode": b"code",
                "IfMatch": "f",
            },
        ),
        Change(
            "cloudfront.publish_function",
            {"Name": "site", "IfMatch": Answer("cloudfront.update_function", "ETag")},
        ),
    ]
    assert current["function_code"] == "old"


def test_a_part_that_changes_moves_the_etag_of_the_distribution() -> None:
    found = drifted("PriceClass", "PriceClass_All")
    odd = copy.deepcopy(ACCESS)
    odd["OriginAccessControl"]["OriginAccessControlConfig"]["SigningBehavior"] = "never"  # type: ignore[index]
    for part in (
        {"function": LIVE | {"code": "old", "live": "old"}},
        {"function": LIVE | {"live": "old"}},
        {"access": odd},
        {"headers": HEADERS | {"ResponseHeadersPolicy": {"Id": "H1", "ResponseHeadersPolicyConfig": {}}}},
    ):
        *parts, last = site.plan(state(found, **part), GOAL)
        assert parts
        assert last.call == "cloudfront.update_distribution"
        assert (last.arguments["Id"], last.arguments["IfMatch"]) == ("E1", AFTER_APPLY)


def test_code_that_is_being_developed_is_none_of_our_business() -> None:
    assert site.plan(state(function=LIVE | {"code": "experiment"}), GOAL) == []


def test_other_headers() -> None:
    goal = GOAL | {"security_headers": {"X-Frame-Options": "SAMEORIGIN"}}
    (change,) = site.plan(state(), goal)
    assert change.call == "cloudfront.update_response_headers_policy"
    assert (change.arguments["Id"], change.arguments["IfMatch"]) == ("H1", "h")


def test_an_origin_access_control_that_signs_otherwise() -> None:
    odd = copy.deepcopy(ACCESS)
    odd["OriginAccessControl"]["OriginAccessControlConfig"]["SigningBehavior"] = "never"  # type: ignore[index]
    current = state(access=odd)
    assert current["origin_access"] == "not signed"
    assert site.plan(current, GOAL) == [
        Change(
            "cloudfront.update_origin_access_control",
            {"Id": "A1", "IfMatch": "a", "OriginAccessControlConfig": ACCESS_CONFIG},
        )
    ]


def drifted(path: str, value: Any) -> dict[str, Any]:
    found = read_back()
    *parents, last = path.split(".")
    branch: Any = found
    for step in parents:
        branch = branch[int(step) if step.isdigit() else step]
    branch[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ("Enabled", False, "enabled"),
        ("Aliases", {"Quantity": 1, "Items": ["academia.test"]}, "aliases"),
        ("Origins.Items.0.DomainName", "other.s3.us-east-1.amazonaws.com", "origin"),
        ("Origins.Items.0.OriginAccessControlId", "", "origin_access"),
        ("ViewerCertificate", {"CloudFrontDefaultCertificate": True}, "certificate_arn"),
        ("ViewerCertificate.MinimumProtocolVersion", "TLSv1", "minimum_protocol_version"),
        ("DefaultRootObject", "", "default_root_object"),
        ("PriceClass", "PriceClass_All", "price_class"),
        ("HttpVersion", "http1.1", "http_version"),
        ("IsIPV6Enabled", False, "ipv6"),
        ("DefaultCacheBehavior.Compress", False, "compress"),
        ("DefaultCacheBehavior.ViewerProtocolPolicy", "allow-all", "viewer_protocol_policy"),
        ("DefaultCacheBehavior.CachePolicyId", "other", "cache_policy"),
        ("DefaultCacheBehavior.FunctionAssociations", {"Quantity": 0}, "function_code"),
        ("DefaultCacheBehavior.ResponseHeadersPolicyId", "H2", "security_headers"),
    ],
)
def test_each_drift_is_shown_and_repaired_and_the_rest_is_kept(path: str, value: Any, key: str) -> None:
    current = state(drifted(path, value))
    assert current[key] != GOAL[key]
    (change,) = site.plan(current, GOAL)
    assert change.call == "cloudfront.update_distribution"
    assert (change.arguments["Id"], change.arguments["IfMatch"]) == ("E1", "d")
    sent = change.arguments["DistributionConfig"]
    assert (sent["WebACLId"], sent["CallerReference"]) == ("acl", "r")
    assert sent["ViewerCertificate"] == config()["ViewerCertificate"]
    repaired = state(sent)
    assert repaired[key] == GOAL[key]
    assert site.plan(repaired, GOAL) == []


def test_a_second_origin_goes() -> None:
    found = read_back()
    found["Origins"]["Items"].append({"Id": "other", "DomainName": "x.example"})
    (change,) = site.plan(state(found), GOAL)
    assert change.arguments["DistributionConfig"]["Origins"] == config()["Origins"]


def test_what_a_cache_policy_replaces_goes() -> None:
    found = drifted("DefaultCacheBehavior.CachePolicyId", "")
    found["DefaultCacheBehavior"] |= {"ForwardedValues": {}, "MinTTL": 0, "DefaultTTL": 60, "MaxTTL": 60}
    (change,) = site.plan(state(found), GOAL)
    sent = change.arguments["DistributionConfig"]["DefaultCacheBehavior"]
    assert {"ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL"}.isdisjoint(sent)


def test_a_page_for_what_is_missing() -> None:
    (change,) = site.plan(state(), GOAL | {"not_found_page": "/404.html"})
    sent = change.arguments["DistributionConfig"]
    page = {
        "ErrorCode": 404,
        "ResponsePagePath": "/404.html",
        "ResponseCode": "404",
        "ErrorCachingMinTTL": 10,
    }
    assert sent["CustomErrorResponses"] == {"Quantity": 1, "Items": [page]}
    assert state(sent)["not_found_page"] == "/404.html"
    assert site.plan(state(sent), GOAL | {"not_found_page": "/404.html"}) == []
    assert site.plan(state(sent), GOAL) == []
    (change,) = site.plan(state(sent), GOAL | {"not_found_page": ""})
    assert change.arguments["DistributionConfig"]["CustomErrorResponses"] == {"Quantity": 0, "Items": []}


def test_no_function_and_no_headers() -> None:
    goal = GOAL | {"function_code": "", "security_headers": {}}
    (change,) = site.plan(state(), goal)
    behaviour = change.arguments["DistributionConfig"]["DefaultCacheBehavior"]
    assert behaviour["FunctionAssociations"] == {"Quantity": 0, "Items": []}
    assert "ResponseHeadersPolicyId" not in behaviour


def test_no_opinion_on_function_and_headers_leaves_them() -> None:
    goal = {key: value for key, value in GOAL.items() if key not in ("function_code", "security_headers")}
    assert site.plan(state(), goal) == []
    created = site.plan(None, goal, "r")
    assert [change.call for change in created] == [
        "cloudfront.create_origin_access_control",
        "cloudfront.create_distribution_with_tags",
    ]


def test_tags() -> None:
    arn = "arn:aws:cloudfront::123456789012:distribution/E1"
    assert site.plan(state(tags={"Name": "site", "Stray": "1"}), GOAL) == [
        Change(
            "cloudfront.tag_resource",
            {"Resource": arn, "Tags": {"Items": [{"Key": "Project", "Value": "academia"}]}},
        ),
        Change("cloudfront.untag_resource", {"Resource": arn, "TagKeys": {"Items": ["Stray"]}}),
    ]


def test_without_aliases_it_has_cloudfronts_certificate() -> None:
    goal = site.desired(PARAMS | {"aliases": [], "certificate_arn": None}, "us-east-1")
    create = site.plan(None, goal, "r")[-1]
    sent = create.arguments["DistributionConfigWithTags"]["DistributionConfig"]
    assert sent["ViewerCertificate"] == {"CloudFrontDefaultCertificate": True}
    current = state(sent | {"CallerReference": "r"})
    assert current["certificate_arn"] == goal["certificate_arn"]
    assert current["minimum_protocol_version"] == goal["minimum_protocol_version"]


def test_deletion_switches_it_off_first() -> None:
    changes = site.plan(state(), None)
    assert [change.call for change in changes] == [
        "cloudfront.update_distribution",
        "cloudfront.delete_distribution",
        "cloudfront.delete_origin_access_control",
        "cloudfront.delete_function",
        "cloudfront.delete_response_headers_policy",
    ]
    off, gone, *parts = changes
    assert off.arguments["DistributionConfig"] == read_back() | {"Enabled": False}
    assert off.wait is not None
    assert off.wait.until == ("Deployed",)
    assert gone.arguments == {"Id": "E1", "IfMatch": Answer("cloudfront.update_distribution", "ETag")}
    assert [change.arguments for change in parts] == [
        {"Id": "A1", "IfMatch": "a"},
        {"Name": "site", "IfMatch": "f"},
        {"Id": "H1", "IfMatch": "h"},
    ]


def test_deletion_goes_on_from_what_is_left() -> None:
    assert site.plan(site.normalise("site", Parts()), None) == []
    (change,) = site.plan(site.normalise("site", Parts(function=LIVE)), None)
    assert change.call == "cloudfront.delete_function"
    switched_off = state(drifted("Enabled", False), access=None, function=None, headers=None)
    (change,) = site.plan(switched_off, None)
    assert change.arguments == {"Id": "E1", "IfMatch": "d"}


def test_names_need_a_certificate() -> None:
    with pytest.raises(Refused, match="aliases need a certificate_arn"):
        site.plan(None, GOAL | {"certificate_arn": ""})


def test_a_certificate_that_is_planned_is_one() -> None:
    assert site.plan(None, GOAL | {"certificate_arn": AFTER_APPLY}, "r")


def test_a_function_that_is_too_large() -> None:
    with pytest.raises(Refused, match="function_code has 10241 bytes"):
        site.plan(None, GOAL | {"function_code": "x" * 10241})


def test_no_region_at_all() -> None:
    with pytest.raises(Refused, match="bucket_region"):
        site.desired(PARAMS, None)


def test_waiting_only_while_it_is_in_progress() -> None:
    current = state()
    assert site.deployed(current, 60) is None
    waiting = site.deployed(current | {"status": "InProgress"}, 60)
    assert isinstance(waiting, Wait)
    assert (waiting.arguments, waiting.timeout) == ({"Id": "E1"}, 60)
