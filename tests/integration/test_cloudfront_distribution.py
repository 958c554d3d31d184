"""andamio.laravel_aws.cloudfront_distribution against the sandbox's AWS API."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from .conftest import Aws
from .modules import applied_as_planned, run_module
from .test_overlay_cloudfront import config_of as a_config

NAME = "academia-sandbox-site"
SITE: dict[str, Any] = {
    "name": NAME,
    "bucket": "academia-sandbox-site-123456789012",
    "bucket_region": "us-east-1",
    "function_code": "function handler(event) { return event.request; }",
    "security_headers": {
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=()",
    },
    "tags": {"Project": "academia", "Environment": "sandbox"},
}
CREATE = [
    "cloudfront.create_origin_access_control",
    "cloudfront.create_function",
    "cloudfront.publish_function",
    "cloudfront.create_response_headers_policy",
    "cloudfront.create_distribution_with_tags",
]


NAMES = ["academia.test", "www.academia.test"]


@pytest.fixture(scope="module")
def certificate() -> dict[str, bytes]:
    """A certificate for the site's names that can be imported, and so is valid at once."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"Certificate": signed.public_bytes(Encoding.PEM), "PrivateKey": key.private_bytes(*form)}


@pytest.fixture
def named(fresh_aws: Aws, certificate: dict[str, bytes]) -> dict[str, Any]:
    """A site with names and a certificate for them."""
    arn = fresh_aws.client("acm").import_certificate(**certificate)["CertificateArn"]
    return SITE | {"aliases": NAMES, "certificate_arn": arn}


def config_of(aws: Aws, identifier: str) -> dict[str, Any]:
    found = aws.client("cloudfront").get_distribution_config(Id=identifier)
    return dict(found["DistributionConfig"])


def test_from_nothing_as_planned(fresh_aws: Aws, named: dict[str, Any]) -> None:
    done = applied_as_planned("cloudfront_distribution", **named)
    assert done["calls"] == CREATE
    site = done["resource"]
    assert site["domain_name"].endswith(".cloudfront.net")
    assert site["arn"].endswith(f":distribution/{site['id']}")
    assert site["hosted_zone_id"] == "Z2FDTNDATAQYW2"
    assert site["security_headers"] == named["security_headers"]
    assert site["tags"] == {"Name": NAME, **named["tags"]}
    config = config_of(fresh_aws, site["id"])
    assert config["Origins"]["Items"][0]["OriginAccessControlId"]
    assert config["ViewerCertificate"]["ACMCertificateArn"] == named["certificate_arn"]
    live = fresh_aws.client("cloudfront").get_function(Name=NAME, Stage="LIVE")
    assert live["FunctionCode"].read().decode() == named["function_code"]


def test_a_plan_from_nothing_has_placeholders(fresh_aws: Aws) -> None:
    arguments = SITE | {"aliases": ["academia.test"], "certificate_arn": "(known after apply)"}
    plan = run_module("cloudfront_distribution", check=True, **arguments)
    assert plan["calls"] == CREATE
    assert plan["resource"]["arn"] == plan["resource"]["domain_name"] == "(known after apply)"
    assert not fresh_aws.client("cloudfront").list_distributions()["DistributionList"].get("Items")


def test_without_function_headers_and_names(fresh_aws: Aws) -> None:
    bare = {"name": NAME, "bucket": SITE["bucket"]}
    done = applied_as_planned("cloudfront_distribution", **bare)
    assert done["calls"] == [CREATE[0], CREATE[-1]]


def test_a_killed_run_is_completed(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    cloudfront.create_function(
        Name=NAME,
        FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=SITE["function_code"].encode(),
    )
    done = applied_as_planned("cloudfront_distribution", **SITE)
    assert done["calls"] == [CREATE[0], CREATE[2], CREATE[3], CREATE[4]]


OPTIONS: dict[str, Any] = {
    "default_root_object": "home.html",
    "not_found_page": "/404.html",
    "price_class": "PriceClass_All",
    "http_version": "http2",
    "ipv6": False,
    "compress": False,
    "viewer_protocol_policy": "https-only",
    "cache_policy": "CachingDisabled",
    "bucket": "another-bucket",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_is_shown_and_changed(fresh_aws: Aws, option: str) -> None:
    run_module("cloudfront_distribution", **SITE)
    done = applied_as_planned("cloudfront_distribution", **SITE | {option: OPTIONS[option]})
    assert done["calls"] == ["cloudfront.update_distribution"]
    before, after = done["diff"]["before"], done["diff"]["after"]
    assert [key for key in after if before[key] != after[key]] == ["origin" if option == "bucket" else option]


def _off(config: dict[str, Any]) -> None:
    config["Enabled"] = False


def _unsigned(config: dict[str, Any]) -> None:
    config["Origins"]["Items"][0]["OriginAccessControlId"] = ""


def _no_function(config: dict[str, Any]) -> None:
    config["DefaultCacheBehavior"]["FunctionAssociations"] = {"Quantity": 0}


def _no_headers(config: dict[str, Any]) -> None:
    config["DefaultCacheBehavior"].pop("ResponseHeadersPolicyId")


def _no_names(config: dict[str, Any]) -> None:
    config["Aliases"] = {"Quantity": 0}


def _default_certificate(config: dict[str, Any]) -> None:
    _no_names(config)
    config["ViewerCertificate"] = {"CloudFrontDefaultCertificate": True}


@pytest.mark.parametrize(
    "spoil", [_off, _unsigned, _no_function, _no_headers, _no_names, _default_certificate]
)
def test_drift_of_the_distribution_is_repaired(
    fresh_aws: Aws, named: dict[str, Any], spoil: Callable[[dict[str, Any]], None]
) -> None:
    site = run_module("cloudfront_distribution", **named)["resource"]
    cloudfront = fresh_aws.client("cloudfront")
    found = cloudfront.get_distribution_config(Id=site["id"])
    config = copy.deepcopy(found["DistributionConfig"])
    spoil(config)
    cloudfront.update_distribution(Id=site["id"], IfMatch=found["ETag"], DistributionConfig=config)
    done = applied_as_planned("cloudfront_distribution", **named)
    assert done["calls"] == ["cloudfront.update_distribution"]
    assert {key: value for key, value in done["resource"].items() if key != "status"} == {
        key: value for key, value in site.items() if key != "status"
    }


def test_new_code_is_published_and_nothing_else(fresh_aws: Aws) -> None:
    run_module("cloudfront_distribution", **SITE)
    code = "function handler(event) { return {statusCode: 404}; }"
    done = applied_as_planned("cloudfront_distribution", **SITE | {"function_code": code})
    assert done["calls"] == ["cloudfront.update_function", "cloudfront.publish_function"]
    live = fresh_aws.client("cloudfront").get_function(Name=NAME, Stage="LIVE")
    assert live["FunctionCode"].read().decode() == code


def test_new_headers(fresh_aws: Aws) -> None:
    run_module("cloudfront_distribution", **SITE)
    done = applied_as_planned(
        "cloudfront_distribution", **SITE | {"security_headers": {"X-Frame-Options": "DENY"}}
    )
    assert done["calls"] == ["cloudfront.update_response_headers_policy"]
    assert done["resource"]["security_headers"] == {"X-Frame-Options": "DENY"}


ACCESS = ["cloudfront.update_origin_access_control"]
FUNCTION = ["cloudfront.update_function", "cloudfront.publish_function"]
HEADERS = ["cloudfront.update_response_headers_policy"]


@pytest.mark.parametrize(
    ("parts", "calls"),
    [
        ({"function_code": "function handler(event) { return {statusCode: 404}; }"}, FUNCTION),
        ({"security_headers": {"X-Frame-Options": "DENY"}}, HEADERS),
        ({"security_headers": {"X-Frame-Options": "DENY"}, "function_code": "// other"}, FUNCTION + HEADERS),
    ],
)
def test_a_part_and_the_distribution_change_in_one_run(
    fresh_aws: Aws, parts: dict[str, Any], calls: list[str]
) -> None:
    run_module("cloudfront_distribution", **SITE)
    done = applied_as_planned("cloudfront_distribution", **SITE | parts | {"price_class": "PriceClass_All"})
    assert done["calls"] == [*calls, "cloudfront.update_distribution"]
    assert done["resource"]["price_class"] == "PriceClass_All"


def test_how_requests_are_signed_changes_with_the_distribution(fresh_aws: Aws) -> None:
    run_module("cloudfront_distribution", **SITE)
    cloudfront = fresh_aws.client("cloudfront")
    (item,) = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]
    found = cloudfront.get_origin_access_control(Id=item["Id"])
    config = found["OriginAccessControl"]["OriginAccessControlConfig"] | {"SigningBehavior": "never"}
    cloudfront.update_origin_access_control(
        Id=item["Id"], IfMatch=found["ETag"], OriginAccessControlConfig=config
    )
    done = applied_as_planned("cloudfront_distribution", **SITE | {"price_class": "PriceClass_All"})
    assert done["calls"] == [*ACCESS, "cloudfront.update_distribution"]


def test_function_and_headers_can_be_taken_away(fresh_aws: Aws) -> None:
    run_module("cloudfront_distribution", **SITE)
    bare = SITE | {"function_code": "", "security_headers": {}}
    done = applied_as_planned("cloudfront_distribution", **bare)
    assert done["calls"] == ["cloudfront.update_distribution"]
    assert (done["resource"]["function_code"], done["resource"]["security_headers"]) == ("", {})


def test_tags_are_repaired(fresh_aws: Aws) -> None:
    site = run_module("cloudfront_distribution", **SITE)["resource"]
    stray = {"Items": [{"Key": "Stray", "Value": "1"}]}
    fresh_aws.client("cloudfront").tag_resource(Resource=site["arn"], Tags=stray)
    done = applied_as_planned("cloudfront_distribution", **SITE | {"tags": {"Project": "other"}})
    assert done["calls"] == ["cloudfront.tag_resource", "cloudfront.untag_resource"]
    assert done["resource"]["tags"] == {"Name": NAME, "Project": "other"}


def test_waiting_until_it_is_deployed(fresh_aws: Aws) -> None:
    done = run_module("cloudfront_distribution", **SITE, wait=True, wait_timeout=60)
    assert done["resource"]["status"] == "Deployed"


def test_two_sites_live_side_by_side(fresh_aws: Aws) -> None:
    first = run_module("cloudfront_distribution", **SITE)["resource"]
    second = run_module("cloudfront_distribution", **SITE | {"name": "academia-production-site"})["resource"]
    assert first["id"] != second["id"]
    run_module("cloudfront_distribution", name="academia-production-site", state="absent")
    assert run_module("cloudfront_distribution", **SITE)["changed"] is False


def test_deletion_leaves_what_has_other_tags(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    run_module("cloudfront_distribution", **SITE)
    goes = {"name": NAME, "state": "absent"}
    left = run_module("cloudfront_distribution", **goes, tags={"Project": "other"})
    assert (left["changed"], len(left["hand_work"])) == (False, 1)
    named = {"Items": [{"Key": "Name", "Value": NAME}]}
    other = cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": a_config(), "Tags": named}
    )["Distribution"]
    gone = applied_as_planned("cloudfront_distribution", **goes, tags=SITE["tags"])
    assert gone["planned"]["action"] == "delete"
    items = cloudfront.list_distributions()["DistributionList"]["Items"]
    assert [item["Id"] for item in items] == [other["Id"]]


def test_deletion(fresh_aws: Aws) -> None:
    run_module("cloudfront_distribution", **SITE)
    done = applied_as_planned("cloudfront_distribution", name=NAME, state="absent")
    assert done["calls"] == [
        "cloudfront.update_distribution",
        "cloudfront.delete_distribution",
        "cloudfront.delete_origin_access_control",
        "cloudfront.delete_function",
        "cloudfront.delete_response_headers_policy",
    ]
    cloudfront = fresh_aws.client("cloudfront")
    assert not cloudfront.list_distributions()["DistributionList"].get("Items")
    assert not cloudfront.list_origin_access_controls()["OriginAccessControlList"].get("Items")


def test_a_name_of_another_distribution_is_refused(fresh_aws: Aws, named: dict[str, Any]) -> None:
    other = run_module("cloudfront_distribution", **named | {"name": "other-site"})["resource"]
    refused = run_module("cloudfront_distribution", fails=True, **named)
    assert f"another distribution of this account serves academia.test ({other['id']})" in refused["msg"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"aliases": ["academia.test"]}, "aliases need a certificate_arn"),
        ({"function_code": "x" * 10241}, "CloudFront takes 10240 at most"),
        ({"security_headers": {"X-Frame-Options": "ALLOWALL"}}, "X-Frame-Options can't be 'ALLOWALL'"),
        ({"price_class": "PriceClass_1"}, "value of price_class must be one of"),
        ({"bucket": None}, "can't be a bucket's name"),
        ({"bucket": "Academia"}, "'Academia' can't be a bucket's name"),
    ],
)
def test_wrong_inputs_change_nothing(fresh_aws: Aws, wrong: dict[str, Any], message: str) -> None:
    failed = run_module("cloudfront_distribution", fails=True, **SITE | wrong)
    assert message in failed["msg"]
    listed = fresh_aws.client("cloudfront").list_origin_access_controls()["OriginAccessControlList"]
    assert not listed.get("Items")
