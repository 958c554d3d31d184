"""What calls ask leave for."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.targets import Place, targets

PLACE = Place("us-east-1", "123456789012")
WHERE = "us-east-1:123456789012"
PARAMETER = f"arn:aws:ssm:{WHERE}:parameter"


@pytest.mark.parametrize(
    ("call", "parameters", "expected"),
    [
        ("ssm:GetParameter", {"Name": "/a/b"}, [("ssm:GetParameter", f"{PARAMETER}/a/b")]),
        ("ssm:GetParameter", {"Name": "plain"}, [("ssm:GetParameter", f"{PARAMETER}/plain")]),
        ("ssm:GetParameter", {"Name": "/a:3"}, [("ssm:GetParameter", f"{PARAMETER}/a")]),
        ("ssm:GetParameter", {"Name": f"{PARAMETER}/a"}, [("ssm:GetParameter", f"{PARAMETER}/a")]),
        (
            "ssm:GetParameters",
            {"Names": ["/a", "/b"]},
            [("ssm:GetParameters", f"{PARAMETER}/a"), ("ssm:GetParameters", f"{PARAMETER}/b")],
        ),
        (
            "ssm:GetParametersByPath",
            {"Path": "/a/env/"},
            [
                ("ssm:GetParametersByPath", f"{PARAMETER}/a/env"),
                ("ssm:GetParametersByPath", f"{PARAMETER}/a/env/*"),
            ],
        ),
        ("ssm:DescribeParameters", {}, [("ssm:DescribeParameters", "*")]),
        ("s3:HeadObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
        (
            "s3:GetObject",
            {"Bucket": "b", "Key": "k", "VersionId": "1"},
            [("s3:GetObjectVersion", "arn:aws:s3:::b/k")],
        ),
        ("s3:UploadPart", {"Bucket": "b", "Key": "k"}, [("s3:PutObject", "arn:aws:s3:::b/k")]),
        (
            "s3:CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": "other/from%20here"},
            [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObject", "arn:aws:s3:::other/from here")],
        ),
        (
            "s3:DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "1"}, {"Key": "2"}]}},
            [("s3:DeleteObject", "arn:aws:s3:::b/1"), ("s3:DeleteObject", "arn:aws:s3:::b/2")],
        ),
        ("s3:HeadBucket", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3:ListBuckets", {}, [("s3:ListAllMyBuckets", "*")]),
        (
            "s3:DeleteBucketEncryption",
            {"Bucket": "b"},
            [("s3:PutEncryptionConfiguration", "arn:aws:s3:::b")],
        ),
        ("kms:Decrypt", {"KeyId": "abc"}, [("kms:Decrypt", f"arn:aws:kms:{WHERE}:key/abc")]),
        (
            "logs:PutLogEvents",
            {"logGroupName": "/app", "logStreamName": "s"},
            [("logs:PutLogEvents", f"arn:aws:logs:{WHERE}:log-group:/app:log-stream:s")],
        ),
        (
            "logs:CreateLogGroup",
            {"logGroupName": "/app"},
            [("logs:CreateLogGroup", f"arn:aws:logs:{WHERE}:log-group:/app:log-stream:")],
        ),
        (
            "sqs:SendMessage",
            {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/jobs"},
            [("sqs:SendMessage", f"arn:aws:sqs:{WHERE}:jobs")],
        ),
        ("sqs:ListQueues", {}, [("sqs:ListQueues", "*")]),
        ("cloudwatch:PutMetricData", {"Namespace": "a"}, [("cloudwatch:PutMetricData", "*")]),
        ("sts:GetCallerIdentity", {}, []),
        ("sts:AssumeRole", {"RoleArn": "arn:r"}, [("sts:AssumeRole", "arn:r")]),
        (
            "route53:GetChange",
            {"Id": "/change/C1"},
            [("route53:GetChange", "arn:aws:route53:::change/C1")],
        ),
        (
            "route53:ListResourceRecordSets",
            {"HostedZoneId": "/hostedzone/Z1"},
            [("route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/Z1")],
        ),
        # Of what isn't known, only a policy on * is enough; the prefix is IAM's.
        ("sesv2:SendEmail", {}, [("ses:SendEmail", "*")]),
        ("stepfunctions:StartExecution", {}, [("states:StartExecution", "*")]),
    ],
)
def test_targets(call: str, parameters: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    service, operation = call.split(":")
    found = targets(service, operation, parameters, PLACE)
    assert [(target.action, target.resource) for target in found] == expected


def test_condition_keys() -> None:
    (listing,) = targets("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "a/", "MaxKeys": 5}, PLACE)
    assert listing.context == {"s3:prefix": ("a/",), "s3:max-keys": ("5",)}
    record = {"Name": "WWW.academia.test.", "Type": "A"}
    changes = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    (change,) = targets(
        "route53", "ChangeResourceRecordSets", {"HostedZoneId": "Z1", "ChangeBatch": changes}, PLACE
    )
    assert change.context == {
        "route53:changeresourcerecordsetsactions": ("UPSERT",),
        "route53:changeresourcerecordsetsrecordtypes": ("A",),
        "route53:changeresourcerecordsetsnormalizedrecordnames": ("www.academia.test",),
    }
