"""CloudFront keeps what it is given, and refuses what AWS refuses; ACM issues what DNS proves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, Aws

OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CODE = b"function handler(event) { return event.request; }"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def config_of(**more: Any) -> dict[str, Any]:
    origin = {
        "Id": "site",
        "DomainName": "site.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    return {
        "CallerReference": "academia",
        "Comment": "academia.test",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": OPTIMIZED,
        },
        **more,
    }


def make_control(aws: Aws) -> dict[str, Any]:
    created: dict[str, Any] = aws.client("cloudfront").create_origin_access_control(
        OriginAccessControlConfig={
            "Name": "academia",
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
    )
    return created


def issue(aws: Aws, *names: str) -> str:
    """Return the ARN of a certificate that has been requested, proven and issued."""
    acm, route53 = aws.client("acm"), aws.client("route53")
    arn = acm.request_certificate(
        DomainName=names[0], SubjectAlternativeNames=list(names), ValidationMethod="DNS"
    )["CertificateArn"]
    zone = route53.create_hosted_zone(Name="academia.test", CallerReference=arn)["HostedZone"]["Id"]
    acm.describe_certificate(CertificateArn=arn)
    options = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    for record in {option["ResourceRecord"]["Name"]: option["ResourceRecord"] for option in options}.values():
        entry = {
            "Name": record["Name"],
            "Type": record["Type"],
            "TTL": 300,
            "ResourceRecords": [{"Value": record["Value"]}],
        }
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": entry}]}
        )
    assert isinstance(arn, str)
    return arn


def test_a_distribution_comes_back_as_it_was_given(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    control = make_control(fresh_aws)["OriginAccessControl"]["Id"]
    asked = config_of(HttpVersion="http2and3", DefaultRootObject="index.html")
    asked["Origins"]["Items"][0]["OriginAccessControlId"] = control
    asked["DefaultCacheBehavior"]["Compress"] = True
    asked["CustomErrorResponses"] = {
        "Quantity": 1,
        "Items": [{"ErrorCode": 403, "ResponsePagePath": "/404.html", "ResponseCode": "404"}],
    }
    created = cloudfront.create_distribution(DistributionConfig=asked)
    assert created["Distribution"]["Status"] == "InProgress"
    got = cloudfront.get_distribution(Id=created["Distribution"]["Id"])
    assert got["Distribution"]["Status"] == "Deployed"
    config = cloudfront.get_distribution_config(Id=created["Distribution"]["Id"])["DistributionConfig"]
    origin = config["Origins"]["Items"][0]
    assert origin["OriginAccessControlId"] == control
    assert origin["S3OriginConfig"]["OriginAccessIdentity"] == ""
    behavior = config["DefaultCacheBehavior"]
    assert behavior["Compress"] is True
    assert behavior["CachePolicyId"] == OPTIMIZED
    assert not {"MinTTL", "DefaultTTL", "MaxTTL", "ForwardedValues"} & set(behavior)
    assert behavior["AllowedMethods"]["CachedMethods"]["Quantity"] == 2
    assert config["CustomErrorResponses"]["Items"][0]["ResponsePagePath"] == "/404.html"
    assert (config["HttpVersion"], config["DefaultRootObject"]) == ("http2and3", "index.html")
    assert config["ViewerCertificate"]["CloudFrontDefaultCertificate"] is True
    # What it gives back can be given to it again, and changes nothing.
    again = cloudfront.update_distribution(
        Id=created["Distribution"]["Id"], IfMatch=got["ETag"], DistributionConfig=config
    )
    assert again["Distribution"]["DistributionConfig"] == config


def test_the_life_of_a_distribution(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    created = cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": config_of(),
            "Tags": {"Items": [{"Key": "Project", "Value": "academia"}]},
        }
    )
    identifier, etag = created["Distribution"]["Id"], created["ETag"]
    arn = created["Distribution"]["ARN"]
    assert cloudfront.create_distribution(DistributionConfig=config_of())["Distribution"]["Id"] == identifier
    with pytest.raises(ClientError) as error:
        cloudfront.create_distribution(DistributionConfig=config_of(Comment="other"))
    assert code_of(error) == "DistributionAlreadyExists"
    (listed,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    assert (listed["Id"], listed["Comment"]) == (identifier, "academia.test")
    for wrong, code in ((None, "InvalidIfMatchVersion"), ("EWRONG", "PreconditionFailed")):
        more = {"IfMatch": wrong} if wrong else {}
        with pytest.raises(ClientError) as error:
            cloudfront.update_distribution(Id=identifier, DistributionConfig=config_of(), **more)
        assert code_of(error) == code
    with pytest.raises(ClientError) as error:
        cloudfront.delete_distribution(Id=identifier, IfMatch=etag)
    assert code_of(error) == "DistributionNotDisabled"
    off = cloudfront.update_distribution(
        Id=identifier, DistributionConfig=config_of(Enabled=False), IfMatch=etag
    )
    assert off["ETag"] != etag
    with pytest.raises(ClientError) as error:
        cloudfront.delete_distribution(Id=identifier, IfMatch=off["ETag"])
    assert code_of(error) == "DistributionNotDisabled"
    cloudfront.get_waiter("distribution_deployed").wait(Id=identifier)
    cloudfront.tag_resource(Resource=arn, Tags={"Items": [{"Key": "Phase", "Value": "1"}]})
    cloudfront.untag_resource(Resource=arn, TagKeys={"Items": ["Project"]})
    assert cloudfront.list_tags_for_resource(Resource=arn)["Tags"]["Items"] == [
        {"Key": "Phase", "Value": "1"}
    ]
    cloudfront.delete_distribution(Id=identifier, IfMatch=off["ETag"])
    with pytest.raises(ClientError) as error:
        cloudfront.get_distribution(Id=identifier)
    assert code_of(error) == "NoSuchDistribution"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("DefaultCacheBehavior", "TargetOriginId"), "other", "NoSuchOrigin"),
        (("DefaultCacheBehavior", "CachePolicyId"), "other", "NoSuchCachePolicy"),
        (("DefaultCacheBehavior", "ResponseHeadersPolicyId"), "other", "NoSuchResponseHeadersPolicy"),
        (("Origins", "Quantity"), 2, "InconsistentQuantities"),
        (("Aliases",), {"Quantity": 1, "Items": ["academia.test"]}, "InvalidViewerCertificate"),
        (
            ("ViewerCertificate",),
            {"ACMCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x"},
            "InvalidViewerCertificate",
        ),
        (
            ("DefaultCacheBehavior", "FunctionAssociations"),
            {
                "Quantity": 1,
                "Items": [
                    {
                        "EventType": "viewer-request",
                        "FunctionARN": f"arn:aws:cloudfront::{ACCOUNT}:function/x",
                    }
                ],
            },
            "InvalidFunctionAssociation",
        ),
    ],
)
def test_what_a_distribution_refuses(fresh_aws: Aws, path: tuple[str, ...], value: Any, code: str) -> None:
    config = copy.deepcopy(config_of())
    holder = config
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    with pytest.raises(ClientError) as error:
        fresh_aws.client("cloudfront").create_distribution(DistributionConfig=config)
    assert code_of(error) == code


def test_aliases_take_a_certificate_that_is_issued_and_covers_them(fresh_aws: Aws) -> None:
    cloudfront, acm = fresh_aws.client("cloudfront"), fresh_aws.client("acm")
    arn = issue(fresh_aws, "academia.test", "www.academia.test")
    config = config_of(
        Aliases={"Quantity": 2, "Items": ["academia.test", "www.academia.test"]},
        ViewerCertificate={
            "ACMCertificateArn": arn,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
    )
    created = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    shown = created["DistributionConfig"]["ViewerCertificate"]
    assert (shown["ACMCertificateArn"], shown["MinimumProtocolVersion"]) == (arn, "TLSv1.2_2021")
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == [created["ARN"]]
    with pytest.raises(ClientError) as error:
        acm.delete_certificate(CertificateArn=arn)
    assert code_of(error) == "ResourceInUseException"
    for aliases, reference, code in (
        (["academia.test"], "2", "CNAMEAlreadyExists"),
        (["api.academia.test"], "3", "InvalidViewerCertificate"),
    ):
        other = {**config, "Aliases": {"Quantity": 1, "Items": aliases}, "CallerReference": reference}
        with pytest.raises(ClientError) as error:
            cloudfront.create_distribution(DistributionConfig=other)
        assert code_of(error) == code


def test_origin_access_controls(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    control = make_control(fresh_aws)
    identifier = control["OriginAccessControl"]["Id"]
    with pytest.raises(ClientError) as error:
        make_control(fresh_aws)
    assert code_of(error) == "OriginAccessControlAlreadyExists"
    (listed,) = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]
    assert (listed["Id"], listed["Name"], listed["SigningBehavior"]) == (identifier, "academia", "always")
    changed = {**control["OriginAccessControl"]["OriginAccessControlConfig"], "Description": "site"}
    updated = cloudfront.update_origin_access_control(
        Id=identifier, IfMatch=control["ETag"], OriginAccessControlConfig=changed
    )
    config = config_of()
    config["Origins"]["Items"][0]["OriginAccessControlId"] = identifier
    cloudfront.create_distribution(DistributionConfig=config)
    with pytest.raises(ClientError) as error:
        cloudfront.delete_origin_access_control(Id=identifier, IfMatch=updated["ETag"])
    assert code_of(error) == "OriginAccessControlInUse"


def test_response_headers_policies(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    config = {
        "Name": "academia",
        "SecurityHeadersConfig": {
            "StrictTransportSecurity": {
                "Override": True,
                "AccessControlMaxAgeSec": 31536000,
                "Preload": False,
            },
            "ContentTypeOptions": {"Override": True},
            "ContentSecurityPolicy": {"Override": True, "ContentSecurityPolicy": "default-src 'self'"},
        },
        "CustomHeadersConfig": {
            "Quantity": 1,
            "Items": [{"Header": "Permissions-Policy", "Value": "camera=()", "Override": True}],
        },
    }
    created = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=config)
    identifier = created["ResponseHeadersPolicy"]["Id"]
    got = cloudfront.get_response_headers_policy(Id=identifier)
    assert got["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"] == config
    listed = cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]["Items"]
    assert [item["ResponseHeadersPolicy"]["Id"] for item in listed] == [identifier]
    changed = {**config, "Comment": "changed"}
    updated = cloudfront.update_response_headers_policy(
        Id=identifier, IfMatch=created["ETag"], ResponseHeadersPolicyConfig=changed
    )
    assert updated["ETag"] != created["ETag"]
    cloudfront.delete_response_headers_policy(Id=identifier, IfMatch=updated["ETag"])
    with pytest.raises(ClientError) as error:
        cloudfront.get_response_headers_policy_config(Id=identifier)
    assert code_of(error) == "NoSuchResponseHeadersPolicy"


def test_managed_cache_policies(aws: Aws) -> None:
    cloudfront = aws.client("cloudfront")
    names = {
        item["CachePolicy"]["Id"]: item["CachePolicy"]["CachePolicyConfig"]["Name"]
        for item in cloudfront.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
    }
    assert names[OPTIMIZED] == "Managed-CachingOptimized"
    assert names["4135ea2d-6df8-44a3-9df3-4b5a84be39ad"] == "Managed-CachingDisabled"


def test_the_life_of_a_function(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    settings = {"Comment": "routes", "Runtime": "cloudfront-js-2.0"}
    created = cloudfront.create_function(Name="routes", FunctionConfig=settings, FunctionCode=CODE)
    assert created["FunctionSummary"]["Status"] == "UNPUBLISHED"
    with pytest.raises(ClientError) as error:
        cloudfront.describe_function(Name="routes", Stage="LIVE")
    assert code_of(error) == "NoSuchFunctionExists"
    cloudfront.publish_function(Name="routes", IfMatch=created["ETag"])
    live = cloudfront.describe_function(Name="routes", Stage="LIVE")
    arn = live["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    assert cloudfront.get_function(Name="routes", Stage="LIVE")["FunctionCode"].read() == CODE
    updated = cloudfront.update_function(
        Name="routes", IfMatch=created["ETag"], FunctionConfig=settings, FunctionCode=CODE + b"//"
    )
    assert updated["FunctionSummary"]["Status"] == "UNPUBLISHED"
    assert cloudfront.get_function(Name="routes", Stage="LIVE")["FunctionCode"].read() == CODE
    with pytest.raises(ClientError) as error:
        cloudfront.publish_function(Name="routes", IfMatch=created["ETag"])
    assert code_of(error) == "PreconditionFailed"
    cloudfront.publish_function(Name="routes", IfMatch=updated["ETag"])
    assert cloudfront.get_function(Name="routes", Stage="LIVE")["FunctionCode"].read() == CODE + b"//"
    config = config_of()
    config["DefaultCacheBehavior"]["FunctionAssociations"] = {
        "Quantity": 1,
        "Items": [{"EventType": "viewer-request", "FunctionARN": arn}],
    }
    shown = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["DistributionConfig"]
    association = shown["DefaultCacheBehavior"]["FunctionAssociations"]
    assert association["Items"] == [{"EventType": "viewer-request", "FunctionARN": arn}]
    with pytest.raises(ClientError) as error:
        cloudfront.delete_function(Name="routes", IfMatch=updated["ETag"])
    assert code_of(error) == "FunctionInUse"
    assert len(cloudfront.list_functions(Stage="LIVE")["FunctionList"]["Items"]) == 1


def test_what_a_distribution_uses_moves_its_etag(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    settings = {"Comment": "routes", "Runtime": "cloudfront-js-2.0"}
    function = cloudfront.create_function(Name="routes", FunctionConfig=settings, FunctionCode=CODE)
    cloudfront.publish_function(Name="routes", IfMatch=function["ETag"])
    control = make_control(fresh_aws)
    policy = cloudfront.create_response_headers_policy(
        ResponseHeadersPolicyConfig={
            "Name": "a",
            "SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}},
        }
    )
    config = config_of()
    behavior, origin = config["DefaultCacheBehavior"], config["Origins"]["Items"][0]
    arn = function["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    behavior["FunctionAssociations"] = {
        "Quantity": 1,
        "Items": [{"EventType": "viewer-request", "FunctionARN": arn}],
    }
    behavior["ResponseHeadersPolicyId"] = policy["ResponseHeadersPolicy"]["Id"]
    origin["OriginAccessControlId"] = control["OriginAccessControl"]["Id"]
    using = cloudfront.create_distribution(DistributionConfig=config)
    other = cloudfront.create_distribution(DistributionConfig=config_of(CallerReference="other"))
    changes: list[Callable[[], Any]] = [
        lambda: cloudfront.publish_function(Name="routes", IfMatch=function["ETag"]),
        lambda: cloudfront.update_response_headers_policy(
            Id=policy["ResponseHeadersPolicy"]["Id"],
            IfMatch=policy["ETag"],
            ResponseHeadersPolicyConfig=policy["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"],
        ),
        lambda: cloudfront.update_origin_access_control(
            Id=control["OriginAccessControl"]["Id"],
            IfMatch=control["ETag"],
            OriginAccessControlConfig=control["OriginAccessControl"]["OriginAccessControlConfig"],
        ),
    ]
    seen = [using["ETag"]]
    for change in changes:
        change()
        seen.append(cloudfront.get_distribution_config(Id=using["Distribution"]["Id"])["ETag"])
    assert len(set(seen)) == len(seen)
    assert cloudfront.get_distribution(Id=other["Distribution"]["Id"])["ETag"] == other["ETag"]
    with pytest.raises(ClientError) as error:
        cloudfront.update_distribution(
            Id=using["Distribution"]["Id"], IfMatch=using["ETag"], DistributionConfig=config
        )
    assert code_of(error) == "PreconditionFailed"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_invalidations(fresh_aws: Aws) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    identifier = cloudfront.create_distribution(DistributionConfig=config_of())["Distribution"]["Id"]
    batch = {"Paths": {"Quantity": 1, "Items": ["/index.html"]}, "CallerReference": "1"}
    made = cloudfront.create_invalidation(DistributionId=identifier, InvalidationBatch=batch)["Invalidation"]
    assert made["Status"] == "InProgress"
    cloudfront.get_waiter("invalidation_completed").wait(DistributionId=identifier, Id=made["Id"])
    assert len(cloudfront.list_invalidations(DistributionId=identifier)["InvalidationList"]["Items"]) == 1
    with pytest.raises(ClientError) as error:
        cloudfront.create_invalidation(
            DistributionId=identifier,
            InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["index.html"]}, "CallerReference": "2"},
        )
    assert code_of(error) == "InvalidArgument"


def test_a_certificate_waits_for_its_records(fresh_aws: Aws) -> None:
    acm = fresh_aws.client("acm")
    arn = acm.request_certificate(
        DomainName="academia.test",
        SubjectAlternativeNames=["academia.test", "www.academia.test", "*.academia.test"],
        ValidationMethod="DNS",
        KeyAlgorithm="EC_prime256v1",
        Tags=[{"Key": "Project", "Value": "academia"}],
    )["CertificateArn"]
    first = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert first["Status"] == "PENDING_VALIDATION"
    assert "ResourceRecord" not in first["DomainValidationOptions"][0]
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert found["SubjectAlternativeNames"] == ["academia.test", "www.academia.test", "*.academia.test"]
    assert found["KeyAlgorithm"] == "EC_prime256v1"
    assert "NotAfter" not in found
    records = [option["ResourceRecord"] for option in found["DomainValidationOptions"]]
    assert [record["Type"] for record in records] == ["CNAME"] * 3
    # A wildcard is proven by the record of its domain.
    assert records[0] == records[2]
    assert records[1]["Name"].endswith(".www.academia.test.")
    assert records[0]["Name"] != records[1]["Name"]
    listed = acm.list_certificates(CertificateStatuses=["PENDING_VALIDATION"])["CertificateSummaryList"]
    assert [item["CertificateArn"] for item in listed] == [arn]


def test_a_certificate_is_issued_when_its_records_stand(fresh_aws: Aws) -> None:
    acm = fresh_aws.client("acm")
    arn = issue(fresh_aws, "academia.test", "www.academia.test")
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn)
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert found["Status"] == "ISSUED"
    assert {option["ValidationStatus"] for option in found["DomainValidationOptions"]} == {"SUCCESS"}
    assert "NotAfter" in found
    listed = acm.list_certificates(CertificateStatuses=["ISSUED"])["CertificateSummaryList"]
    assert [item["CertificateArn"] for item in listed] == [arn]
