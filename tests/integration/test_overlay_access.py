"""Policies hold: a role gets what its policies give, and a bucket policy is obeyed by all."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .conftest import Aws

Client = Callable[[str], Any]
PATH = "/academia/sandbox/env"


@contextmanager
def refused(code: str = "AccessDenied") -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code


def statement(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", **elements}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def as_role(fresh_aws: Aws) -> Callable[..., Client]:
    """Return a function that makes a role with these statements, and clients that act as it."""

    def make(*statements: dict[str, Any]) -> Client:
        iam = fresh_aws.client("iam")
        trust = document(statement(Action="sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"}))
        role = iam.create_role(RoleName="host", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName="host", PolicyName="host", PolicyDocument=document(*statements))
        session = fresh_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        }
        # A presigned URL of boto3's own choice would be of the old Signature Version 2.
        config = Config(signature_version="s3v4")
        return lambda service: fresh_aws.client(
            service, **keys, **({"config": config} if service == "s3" else {})
        )

    return make


def get(url: str, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): v for name, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_role_without_policies_may_only_ask_who_it_is(as_role: Callable[..., Client]) -> None:
    client = as_role()
    assert client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/host/test")
    with refused():
        client("s3").list_buckets()
    with refused("AccessDeniedException"):
        client("ssm").get_parameter(Name="/x")
    with refused("UnauthorizedOperation"):
        client("ec2").describe_instances()
    with refused():
        client("iam").list_roles()


def test_parameters_below_its_path(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    owner = fresh_aws.client("ssm")
    for name in (f"{PATH}/APP_KEY", f"{PATH}/DB_PASSWORD", "/academia/production/env/APP_KEY"):
        owner.put_parameter(Name=name, Value="secret", Type="SecureString")
    arn = f"arn:aws:ssm:{fresh_aws.region}:{fresh_aws.account}:parameter{PATH}"
    ssm = as_role(statement(Action="ssm:GetParameter*", Resource=[arn, f"{arn}/*"]))("ssm")
    found = ssm.get_parameters_by_path(Path=PATH, WithDecryption=True)["Parameters"]
    assert [item["Value"] for item in found] == ["secret", "secret"]
    assert ssm.get_parameter(Name=f"{PATH}/APP_KEY")["Parameter"]["Type"] == "SecureString"
    assert len(ssm.get_parameters(Names=[f"{PATH}/APP_KEY", f"{PATH}/DB_PASSWORD"])["Parameters"]) == 2
    for path in ("/academia/production/env", "/academia/sandbox", "/"):
        with refused("AccessDeniedException"):
            ssm.get_parameters_by_path(Path=path, Recursive=True)
    with refused("AccessDeniedException"):
        ssm.get_parameters(Names=[f"{PATH}/APP_KEY", "/academia/production/env/APP_KEY"])
    with refused("AccessDeniedException"):
        ssm.put_parameter(Name=f"{PATH}/APP_KEY", Value="mine", Overwrite=True)


def test_reading_by_path_takes_leave_for_the_path_and_below(
    as_role: Callable[..., Client], fresh_aws: Aws
) -> None:
    arn = f"arn:aws:ssm:{fresh_aws.region}:{fresh_aws.account}:parameter{PATH}"
    ssm = as_role(statement(Action="ssm:GetParametersByPath", Resource=f"{arn}/*"))("ssm")
    with refused("AccessDeniedException"):
        ssm.get_parameters_by_path(Path=PATH)


def test_a_parameter_with_a_key_of_ones_own_needs_that_key(
    as_role: Callable[..., Client], fresh_aws: Aws
) -> None:
    key = fresh_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    fresh_aws.client("ssm").put_parameter(Name="/a", Value="v", Type="SecureString", KeyId=key)
    client = as_role(statement(Action="ssm:GetParameter", Resource="*"))
    with refused("AccessDeniedException"):
        client("ssm").get_parameter(Name="/a", WithDecryption=True)
    via = {"StringEquals": {"kms:ViaService": f"ssm.{fresh_aws.region}.amazonaws.com"}}
    allowed = document(
        statement(Action="ssm:GetParameter", Resource="*"),
        statement(Action="kms:Decrypt", Resource=key, Condition=via),
    )
    fresh_aws.client("iam").put_role_policy(RoleName="host", PolicyName="host", PolicyDocument=allowed)
    assert client("ssm").get_parameter(Name="/a", WithDecryption=True)["Parameter"]["Value"] == "v"
    # Through Parameter Store only: not by asking KMS itself.
    blob = fresh_aws.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException"):
        client("kms").decrypt(CiphertextBlob=blob)


def test_objects_below_its_prefix(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    owner = fresh_aws.client("s3")
    owner.create_bucket(Bucket="documents")
    owner.put_object(Bucket="documents", Key="receipts/1", Body=b"one")
    owner.put_object(Bucket="documents", Key="invoices/1", Body=b"one")
    s3 = as_role(
        statement(Action=["s3:GetObject", "s3:PutObject"], Resource="arn:aws:s3:::documents/receipts/*")
    )("s3")
    s3.put_object(Bucket="documents", Key="receipts/2", Body=b"two")
    assert s3.get_object(Bucket="documents", Key="receipts/2")["Body"].read() == b"two"
    upload = s3.create_multipart_upload(Bucket="documents", Key="receipts/3")["UploadId"]
    part = s3.upload_part(Bucket="documents", Key="receipts/3", UploadId=upload, PartNumber=1, Body=b"three")
    s3.complete_multipart_upload(
        Bucket="documents",
        Key="receipts/3",
        UploadId=upload,
        MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]},
    )
    with refused():
        s3.get_object(Bucket="documents", Key="invoices/1")
    with refused():
        s3.put_object(Bucket="documents", Key="invoices/2", Body=b"")
    with refused():
        s3.copy_object(Bucket="documents", Key="receipts/4", CopySource="documents/invoices/1")
    with refused():
        s3.delete_object(Bucket="documents", Key="receipts/2")
    with refused():
        s3.delete_objects(Bucket="documents", Delete={"Objects": [{"Key": "receipts/2"}]})
    with refused():
        s3.list_objects_v2(Bucket="documents", Prefix="receipts/")


def test_listing_by_prefix(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    fresh_aws.client("s3").create_bucket(Bucket="documents")
    s3 = as_role(
        statement(
            Action="s3:ListBucket",
            Resource="arn:aws:s3:::documents",
            Condition={"StringLike": {"s3:prefix": "receipts/*"}},
        )
    )("s3")
    assert s3.list_objects_v2(Bucket="documents", Prefix="receipts/2026")["KeyCount"] == 0
    with refused():
        s3.list_objects_v2(Bucket="documents")
    with refused():
        s3.list_objects_v2(Bucket="documents", Prefix="invoices/")


def test_a_missing_object_is_told_to_those_who_may_list(
    as_role: Callable[..., Client], fresh_aws: Aws
) -> None:
    fresh_aws.client("s3").create_bucket(Bucket="documents")
    s3 = as_role(statement(Action="s3:GetObject", Resource="arn:aws:s3:::documents/*"))("s3")
    with refused():
        s3.get_object(Bucket="documents", Key="gone")
    with refused("403"):
        s3.head_object(Bucket="documents", Key="gone")
    with refused("NoSuchKey"):
        fresh_aws.client("s3").get_object(Bucket="documents", Key="gone")


def test_logs_queues_and_metrics(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    fresh_aws.client("logs").create_log_group(logGroupName="/academia/app")
    fresh_aws.client("logs").create_log_group(logGroupName="/other")
    mine = fresh_aws.client("sqs").create_queue(QueueName="mine")["QueueUrl"]
    other = fresh_aws.client("sqs").create_queue(QueueName="other")["QueueUrl"]
    where = f"{fresh_aws.region}:{fresh_aws.account}"
    client = as_role(
        statement(
            Action=["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource=f"arn:aws:logs:{where}:log-group:/academia/app:*",
        ),
        statement(Action="sqs:SendMessage", Resource=f"arn:aws:sqs:{where}:mine"),
        statement(
            Action="cloudwatch:PutMetricData",
            Resource="*",
            Condition={"StringEquals": {"cloudwatch:namespace": "Academia"}},
        ),
    )
    client("logs").create_log_stream(logGroupName="/academia/app", logStreamName="a")
    with refused("AccessDeniedException"):
        client("logs").create_log_stream(logGroupName="/other", logStreamName="a")
    client("sqs").send_message(QueueUrl=mine, MessageBody="hi")
    with refused("AccessDeniedException"):
        client("sqs").send_message(QueueUrl=other, MessageBody="hi")
    data = [{"MetricName": "up", "Value": 1}]
    client("cloudwatch").put_metric_data(Namespace="Academia", MetricData=data)
    with pytest.raises(ClientError):
        client("cloudwatch").put_metric_data(Namespace="Other", MetricData=data)


def test_records_by_name(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    zone = fresh_aws.client("route53").create_hosted_zone(Name="academia.test", CallerReference="1")
    zone_id = zone["HostedZone"]["Id"].rsplit("/", 1)[-1]
    key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    route53 = as_role(
        statement(
            Action="route53:ChangeResourceRecordSets",
            Resource=f"arn:aws:route53:::hostedzone/{zone_id}",
            Condition={"ForAllValues:StringEquals": {key: "_acme-challenge.api.academia.test"}},
        )
    )("route53")

    def change(name: str) -> None:
        record = {"Name": name, "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"x"'}]}
        route53.change_resource_record_sets(
            HostedZoneId=zone_id,
            ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
        )

    change("_acme-challenge.api.academia.test.")
    with refused():
        change("www.academia.test.")


def test_managed_policies_and_boundaries_count(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    client = as_role()
    iam = fresh_aws.client("iam")
    iam.attach_role_policy(RoleName="host", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert client("s3").list_buckets()["Buckets"] == []
    boundary = iam.create_policy(
        PolicyName="narrow", PolicyDocument=document(statement(Action="ssm:*", Resource="*"))
    )["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="host", PermissionsBoundary=boundary)
    with refused():
        client("s3").list_buckets()


def test_keys_are_checked(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    as_role(statement(Action="*", Resource="*"))
    session = fresh_aws.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{fresh_aws.account}:role/host", RoleSessionName="test"
    )["Credentials"]
    keys = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    for service in ("s3", "sts", "route53"):
        wrong = fresh_aws.client(service, **keys | {"aws_secret_access_key": "wrong"})
        call = {"s3": "list_buckets", "sts": "get_caller_identity", "route53": "list_hosted_zones"}[service]
        with refused("SignatureDoesNotMatch"):
            getattr(wrong, call)()
        getattr(fresh_aws.client(service, **keys), call)()
    with refused("InvalidClientTokenId"):
        fresh_aws.client("sts", **keys | {"aws_session_token": "other"}).get_caller_identity()
    with refused("UnrecognizedClientException"):
        fresh_aws.client(
            "ssm", aws_access_key_id="ASIAUNKNOWN", aws_secret_access_key="x"
        ).describe_parameters()
    with refused("InvalidAccessKeyId"):
        fresh_aws.client("s3", aws_access_key_id="ASIAUNKNOWN", aws_secret_access_key="x").list_buckets()


TRUSTED: dict[str, dict[str, Any]] = {
    "the role": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/host"}},
    "the account": {"Principal": {"AWS": "123456789012"}},
    "the account, for that role": {
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/host"}},
    },
    "the account, for another role": {
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/other"}},
    },
    "another role": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/other"}},
    "EC2": {"Principal": {"Service": "ec2.amazonaws.com"}},
    "nobody": {"Principal": {"AWS": "*"}, "Effect": "Deny"},
}
# By whether its own policies let the host assume the role, too: whom it trusts is enough for itself.
ASSUMED = {
    ("the role", True),
    ("the role", False),
    ("the account", True),
    ("the account, for that role", True),
}


@pytest.mark.parametrize("allowed", [True, False], ids=["allowed", "not allowed"])
@pytest.mark.parametrize("trusted", TRUSTED)
def test_a_role_is_assumed_by_whom_it_trusts(
    as_role: Callable[..., Client], fresh_aws: Aws, trusted: str, allowed: bool
) -> None:
    trust = document(statement(Action="sts:AssumeRole", **TRUSTED[trusted]))
    app = fresh_aws.client("iam").create_role(RoleName="app", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    statements = [statement(Action="sts:AssumeRole", Resource=app)] if allowed else []
    sts = as_role(*statements)("sts")
    if (trusted, allowed) in ASSUMED:
        assumed = sts.assume_role(RoleArn=app, RoleSessionName="app")
        assert assumed["AssumedRoleUser"]["Arn"].endswith(":assumed-role/app/app")
    else:
        with refused():
            sts.assume_role(RoleArn=app, RoleSessionName="app")


def test_a_session_gets_another_roles_for_an_hour_at_most(
    as_role: Callable[..., Client], fresh_aws: Aws
) -> None:
    trust = document(statement(Action="sts:AssumeRole", **TRUSTED["the role"]))
    iam = fresh_aws.client("iam")
    app = iam.create_role(RoleName="app", AssumeRolePolicyDocument=trust, MaxSessionDuration=7200)["Role"][
        "Arn"
    ]
    sts = as_role()("sts")
    with refused("ValidationError"):
        sts.assume_role(RoleArn=app, RoleSessionName="app", DurationSeconds=3601)
    sts.assume_role(RoleArn=app, RoleSessionName="app", DurationSeconds=3600)
    with refused():
        sts.assume_role(RoleArn=app + "-gone", RoleSessionName="app")


@pytest.mark.parametrize("key", ["plain.txt", "with space.txt", "sürname+1/ñ.txt", "a//b", "100%25.txt"])
def test_signatures_of_awkward_keys(as_role: Callable[..., Client], fresh_aws: Aws, key: str) -> None:
    fresh_aws.client("s3").create_bucket(Bucket="documents")
    s3 = as_role(statement(Action="s3:*", Resource="*"))("s3")
    s3.put_object(Bucket="documents", Key=key, Body=b"x")
    assert s3.get_object(Bucket="documents", Key=key)["Body"].read() == b"x"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="documents", Prefix=key)["Contents"]] == [key]


def test_presigned_urls(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    fresh_aws.client("s3").create_bucket(Bucket="documents")
    s3 = as_role(
        statement(Action=["s3:GetObject", "s3:PutObject"], Resource="arn:aws:s3:::documents/receipts/*")
    )("s3")

    def url(operation: str, key: str, **more: Any) -> str:
        params = {"Bucket": "documents", "Key": key}
        return s3.generate_presigned_url(operation, Params=params, **more)

    put = urllib.request.Request(url("put_object", "receipts/1"), data=b"scan", method="PUT")
    with urllib.request.urlopen(put, timeout=10) as answer:
        assert answer.status == 200
    assert get(url("get_object", "receipts/1")) == (200, b"scan")
    assert get(url("get_object", "receipts/1").replace("receipts", "invoices"))[0] == 403
    assert get(url("get_object", "invoices/1"))[0] == 403
    status, body = get(url("get_object", "receipts/1", ExpiresIn=-1))
    assert (status, b"Request has expired" in body) == (403, True)


def test_a_deny_without_tls_binds_the_owner_too(fresh_aws: Aws) -> None:
    s3 = fresh_aws.client("s3", config=Config(signature_version="s3v4"))
    s3.create_bucket(Bucket="documents")
    tls_only = statement(
        Action="s3:*",
        Principal="*",
        Resource=["arn:aws:s3:::documents", "arn:aws:s3:::documents/*"],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    ) | {"Effect": "Deny"}
    s3.put_bucket_policy(Bucket="documents", Policy=document(tls_only))
    s3.put_object(Bucket="documents", Key="a", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "documents", "Key": "a"})
    assert get(url, X_Forwarded_Proto="https") == (200, b"x")
    assert get(url, X_Forwarded_Proto="http")[0] == 403


def test_what_is_unsigned_needs_a_policy_that_allows_all(fresh_aws: Aws) -> None:
    s3 = fresh_aws.client("s3")
    s3.create_bucket(Bucket="academia.test")
    s3.put_object(Bucket="academia.test", Key="index.html", Body=b"hi")
    url = f"{fresh_aws.endpoint}/academia.test/index.html"
    assert get(url)[0] == 403
    public = statement(Action="s3:GetObject", Principal="*", Resource="arn:aws:s3:::academia.test/*")
    with refused():
        s3.put_bucket_policy(Bucket="academia.test", Policy=document(public))
    s3.delete_public_access_block(Bucket="academia.test")
    s3.put_bucket_policy(Bucket="academia.test", Policy=document(public))
    assert get(url) == (200, b"hi")
    assert get(f"{fresh_aws.endpoint}/academia.test")[0] == 403
    assert get(f"{fresh_aws.endpoint}/academia.test/gone")[0] == 403
    s3.put_public_access_block(
        Bucket="academia.test",
        PublicAccessBlockConfiguration={"RestrictPublicBuckets": True},
    )
    assert get(url)[0] == 403
    assert get(f"{fresh_aws.endpoint}/?Action=ListUsers&Version=2010-05-08")[0] == 403


def test_cloudfront_reads_by_its_distribution(fresh_aws: Aws) -> None:
    s3 = fresh_aws.client("s3")
    s3.create_bucket(Bucket="site")
    s3.put_object(Bucket="site", Key="index.html", Body=b"hi")
    arn = f"arn:aws:cloudfront::{fresh_aws.account}:distribution/E1"
    oac = statement(
        Action="s3:GetObject",
        Principal={"Service": "cloudfront.amazonaws.com"},
        Resource="arn:aws:s3:::site/*",
        Condition={"StringEquals": {"AWS:SourceArn": arn}},
    )
    s3.put_bucket_policy(Bucket="site", Policy=document(oac))
    url = f"{fresh_aws.endpoint}/site/index.html"
    edge = {"X_Andamio_Principal": "cloudfront.amazonaws.com"}
    assert get(url, **edge, X_Andamio_Source_Arn=arn) == (200, b"hi")
    assert get(url, **edge, X_Andamio_Source_Arn=f"{arn}2")[0] == 403
    assert get(url, **edge)[0] == 403
    assert get(url)[0] == 403
    # Without s3:ListBucket, S3 doesn't say that an object is missing.
    assert get(f"{url}.gone", **edge, X_Andamio_Source_Arn=arn)[0] == 403


def test_boto3_finds_no_other_credentials(aws: Aws) -> None:
    assert boto3.Session().get_credentials().access_key == "sandbox"


def test_a_bucket_in_the_host_name(as_role: Callable[..., Client], fresh_aws: Aws) -> None:
    """As on a host: the bucket is in the name that is asked, and the edge passes that name on."""
    fresh_aws.client("s3").create_bucket(Bucket="documents")
    s3 = as_role(statement(Action="s3:*Object", Resource="arn:aws:s3:::documents/receipts/*"))("s3")
    name = "documents.s3.us-east-1.amazonaws.com"

    def ask_by_name(request: Any, **_: Any) -> None:
        request.url = request.url.replace(f"{fresh_aws.endpoint}/documents", f"http://{name}")

    def reach_the_server(request: Any, **_: Any) -> None:
        request.url = request.url.replace(f"http://{name}", fresh_aws.endpoint)
        request.headers["Host"] = name

    s3.meta.events.register("before-sign.s3", ask_by_name)
    s3.meta.events.register("before-send.s3", reach_the_server)
    s3.put_object(Bucket="documents", Key="receipts/1", Body=b"x")
    assert s3.get_object(Bucket="documents", Key="receipts/1")["Body"].read() == b"x"
    with refused():
        s3.put_object(Bucket="documents", Key="invoices/1", Body=b"x")
