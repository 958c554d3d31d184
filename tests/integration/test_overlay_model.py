"""Requests that AWS's models don't allow are refused, in each protocol, before anything is done."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .conftest import Aws
from .test_overlay_cloudfront import config_of

# Sent as they are: botocore itself would refuse some of them.
UNCHECKED = Config(parameter_validation=False)
TRUST = '{"Version": "2012-10-17", "Statement": []}'
ROLE = {"RoleName": "host", "AssumeRolePolicyDocument": TRUST}
PARAMETER = {"Name": "/a/b", "Value": "v", "Type": "String"}
RECORD = {"Name": "a.academia.test.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
ALARM = {
    "AlarmName": "a",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "MetricName": "m",
    "Namespace": "n",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 1.0,
}
MUST = "failed to satisfy constraint: Member must"
XML = "The XML you provided was not well-formed or did not validate against our published schema"


def without(parameters: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if key != name}


def distribution(**changed: Any) -> dict[str, Any]:
    config = copy.deepcopy(config_of())
    config["DefaultCacheBehavior"].update(changed)
    return {"DistributionConfig": config}


def change(**changed: Any) -> dict[str, Any]:
    changes = [{"Action": "UPSERT", "ResourceRecordSet": RECORD | changed}]
    return {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": changes}}


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "message"),
    [
        # JSON
        (
            "ssm.put_parameter",
            without(PARAMETER, "Name"),
            "ValidationException",
            f"null at 'name' {MUST} not",
        ),
        (
            "ssm.put_parameter",
            PARAMETER | {"Type": "Secret"},
            "ValidationException",
            f"{MUST} satisfy enum",
        ),
        (
            "ssm.put_parameter",
            PARAMETER | {"Name": "/" * 2049},
            "ValidationException",
            "less than or equal",
        ),
        ("ssm.put_parameter", PARAMETER | {"Name": 7}, "SerializationException", "of type string"),
        (
            "ssm.describe_parameters",
            {"MaxResults": 51},
            "ValidationException",
            "value less than or equal to 50",
        ),
        (
            "ssm.describe_parameters",
            {"MaxResults": 0},
            "ValidationException",
            "value greater than or equal to 1",
        ),
        ("ssm.get_parameters", {"Names": []}, "ValidationException", "length greater than or equal to 1"),
        (
            "ssm.put_parameter",
            PARAMETER | {"Tags": [{"Key": "a", "Value": "b"}, {"Key": "a" * 129, "Value": "b"}]},
            "ValidationException",
            f"at 'tags.2.member.key' {MUST} have length less than or equal to 128",
        ),
        (
            "acm.request_certificate",
            {"DomainName": "not a name"},
            "ValidationException",
            f"Value 'not a name' at 'domainName' {MUST} satisfy regular expression pattern",
        ),
        (
            "logs.create_log_group",
            {"logGroupName": "a b"},
            "InvalidParameterException",
            "regular expression",
        ),
        # REST with JSON
        (
            "lambda.update_function_configuration",
            {"FunctionName": "f", "Environment": {"Variables": {"1": "x"}}},
            "ValidationException",
            "at 'environment.variables.1.key'",
        ),
        (
            "sesv2.create_email_identity",
            {},
            "BadRequestException",
            f"null at 'emailIdentity' {MUST} not be null",
        ),
        # query
        ("iam.create_role", ROLE | {"RoleName": "a b"}, "ValidationError", "pattern: [\\w+=,.@-]+"),
        (
            "iam.create_role",
            ROLE | {"RoleName": "r" * 65},
            "ValidationError",
            "length less than or equal to 64",
        ),
        ("iam.create_role", ROLE | {"MaxSessionDuration": 60}, "ValidationError", "or equal to 3600"),
        ("iam.create_role", without(ROLE, "AssumeRolePolicyDocument"), "ValidationError", "not be null"),
        (
            "iam.create_role",
            ROLE | {"RoleName": "a b" * 30},
            "ValidationError",
            "2 validation errors detected: ",
        ),
        (
            "iam.create_role",
            ROLE | {"Tags": [{"Key": "a;b", "Value": "c"}]},
            "ValidationError",
            f"Value 'a;b' at 'tags.1.member.key' {MUST} satisfy regular expression pattern",
        ),
        # CBOR
        (
            "cloudwatch.put_metric_alarm",
            ALARM | {"ComparisonOperator": "More"},
            "ValidationError",
            f"Value 'More' at 'comparisonOperator' {MUST} satisfy enum value set: [",
        ),
        # EC2
        (
            "ec2.run_instances",
            {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "InstanceType": "t9.micro"},
            "InvalidParameterValue",
            "Value (t9.micro) for parameter InstanceType is invalid",
        ),
        (
            "ec2.authorize_security_group_ingress",
            {"GroupId": "sg-1", "TagSpecifications": [{"ResourceType": "moon", "Tags": []}]},
            "InvalidParameterValue",
            "Value (moon) for parameter TagSpecifications.1.ResourceType is invalid",
        ),
        ("ec2.run_instances", {"MinCount": 1}, "MissingParameter", "must contain the parameter MaxCount"),
        # REST with XML
        ("s3.put_bucket_versioning", {"VersioningConfiguration": {"Status": "On"}}, "MalformedXML", XML),
        ("s3.put_bucket_tagging", {"Tagging": {"TagSet": [{"Value": "x"}]}}, "MalformedXML", XML),
        (
            "s3.create_bucket",
            {"ACL": "open"},
            "InvalidArgument",
            f"Value 'open' at 'aCL' {MUST} satisfy enum",
        ),
        ("route53.change_resource_record_sets", change(Type="B"), "InvalidInput", f"{MUST} satisfy enum"),
        (
            "route53.change_resource_record_sets",
            change(TTL=-1),
            "InvalidInput",
            "at 'changeBatch.changes.1.member.resourceRecordSet.tTL' failed to satisfy constraint: "
            "Member must have value greater than or equal to 0",
        ),
        (
            "cloudfront.create_distribution",
            {"DistributionConfig": without(config_of(), "Comment")},
            "MalformedXML",
            f"1 validation error detected: Value null at 'distributionConfig.comment' {MUST} not be null",
        ),
        (
            "cloudfront.create_distribution",
            distribution(ViewerProtocolPolicy="tls"),
            "MalformedXML",
            f"Value 'tls' at 'distributionConfig.defaultCacheBehavior.viewerProtocolPolicy' {MUST} satisfy",
        ),
    ],
)
def test_what_the_model_does_not_allow(
    fresh_aws: Aws, operation: str, parameters: dict[str, Any], code: str, message: str
) -> None:
    service, _, call = operation.partition(".")
    if service == "s3":
        parameters = {"Bucket": "things", **parameters}
    with pytest.raises(ClientError) as error:
        getattr(fresh_aws.client(service, config=UNCHECKED), call)(**parameters)
    told = error.value.response["Error"]
    assert told["Code"] == code
    assert message in told["Message"]
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_secret_is_not_told(fresh_aws: Aws) -> None:
    secret = "s3cr3t" * 2000
    with pytest.raises(ClientError) as error:
        fresh_aws.client("secretsmanager", config=UNCHECKED).create_secret(Name="a", SecretString=secret * 10)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert "at 'secretString'" in error.value.response["Error"]["Message"]
    assert "s3cr3t" not in error.value.response["Error"]["Message"]


def test_who_is_not_known_learns_nothing_of_the_model(fresh_aws: Aws) -> None:
    client = fresh_aws.client(
        "ssm", config=UNCHECKED, aws_access_key_id="sandbox", aws_secret_access_key="wrong"
    )
    with pytest.raises(ClientError) as error:
        client.put_parameter()
    assert error.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_what_aws_takes_is_taken(fresh_aws: Aws) -> None:
    """Forms that a parser or a pattern could stumble over."""
    s3 = fresh_aws.client("s3", config=UNCHECKED)
    s3.create_bucket(Bucket="things", ObjectOwnership="ObjectWriter")
    owner = s3.get_bucket_acl(Bucket="things")["Owner"]
    grantee = {"Type": "CanonicalUser", "ID": owner["ID"]}
    s3.put_bucket_acl(
        Bucket="things",
        AccessControlPolicy={"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]},
    )
    s3.put_object(Bucket="things", Key="ñ/a b", Body=b"", Metadata={"x": ""}, ChecksumAlgorithm="SHA256")
    s3.copy_object(Bucket="things", Key="b", CopySource={"Bucket": "things", "Key": "ñ/a b"})
    s3.delete_objects(Bucket="things", Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    s3.put_bucket_notification_configuration(Bucket="things", NotificationConfiguration={})
    ssm = fresh_aws.client("ssm")
    tags = [
        {
            "Key": "Project",
            "Value": "Escuela de Música: núm. 1 +1 = @",
        }
    ]
    ssm.put_parameter(**PARAMETER, Description="", Tags=tags)
    iam = fresh_aws.client("iam")
    iam.create_role(**ROLE, Description="", Tags=[{"Key": "a", "Value": ""}])
    iam.create_instance_profile(InstanceProfileName="host")
    fresh_aws.client("cloudwatch").put_metric_alarm(**ALARM)
    fresh_aws.client("sqs").create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "30"})
    fresh_aws.client("ec2").create_security_group(GroupName="a", Description="b")
    zone = fresh_aws.client("route53").create_hosted_zone(Name="academia.test", CallerReference="1")
    fresh_aws.client("route53").list_resource_record_sets(HostedZoneId=zone["HostedZone"]["Id"])
