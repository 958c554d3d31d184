"""The API answers who has its secret, by its own names, and no page of another origin."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, ROOT, Aws

EVIL = "https://evil.example"
V4 = Config(signature_version="s3v4")


def ask(
    aws: Aws, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """An HTTP answer: status, headers by lower-case name, body."""
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint).netloc, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def signed(aws: Aws, service: str, body: str = "", secret: str = "", **headers: str) -> AWSRequest:
    """A request to a service's root that the owner has signed."""
    request = AWSRequest(
        "POST" if body else "GET",
        f"{aws.endpoint}/",
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **headers} if body else headers,
        body,
    )
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials("sandbox", secret or aws.secret), service, REGION).add_auth(request)
    return request


INSTANCES = "Action=DescribeInstances&Version=2016-11-15"


@pytest.mark.parametrize("secret", ["any-value-will-do", "sandbox", "0" * 64])
@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ec2", "describe_instances", "AuthFailure"),
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
        ("ssm", "describe_parameters", "InvalidSignatureException"),
        ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
        ("cloudfront", "list_distributions", "SignatureDoesNotMatch"),
    ],
)
def test_the_owners_signature_is_checked(aws: Aws, service: str, call: str, code: str, secret: str) -> None:
    client = aws.client(service, aws_access_key_id="sandbox", aws_secret_access_key=secret)
    with pytest.raises(ClientError) as error:
        getattr(client, call)()
    assert error.value.response["Error"]["Code"] == code


def test_an_owners_url_is_checked(fresh_aws: Aws) -> None:
    fresh_aws.client("s3").create_bucket(Bucket="things")
    fresh_aws.client("s3").put_object(Bucket="things", Key="a", Body=b"x")
    for secret, status in ((fresh_aws.secret, 200), ("other", 403)):
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": secret}
        client = fresh_aws.client("s3", config=V4, **keys)
        url = client.generate_presigned_url("get_object", Params={"Bucket": "things", "Key": "a"})
        assert ask(fresh_aws, "GET", url.removeprefix(fresh_aws.endpoint))[0] == status


@pytest.mark.parametrize("host", ["rebind.evil.example:4567", "127.0.0.1.evil.example", "evilamazonaws.com"])
def test_a_foreign_name_is_misdirected(aws: Aws, host: str) -> None:
    """A page whose name leads here is told so, be the request signed or the route harmless."""
    request = signed(aws, "ec2", INSTANCES, Host=host)
    assert ask(aws, "POST", "/", dict(request.headers), INSTANCES)[0] == 421
    for path in ("/", "/_sandbox/health", "/latest/meta-data/", "/bucket/key"):
        assert ask(aws, "GET", path, {"Host": host})[0] == 421


@pytest.mark.parametrize(
    ("service", "body"),
    [("ec2", INSTANCES), ("sts", "Action=GetCallerIdentity&Version=2011-06-15"), ("s3", "")],
)
def test_no_page_of_another_origin_reads_an_answer(fresh_aws: Aws, service: str, body: str) -> None:
    method = "POST" if body else "GET"
    for headers in (dict(signed(fresh_aws, service, body).headers), {}):
        status, shown, _ = ask(fresh_aws, method, "/", {**headers, "Origin": EVIL}, body or None)
        assert status == 200 if headers else status >= 400
        assert not [name for name in shown if name.startswith("access-control-")]
    preflight = {"Origin": EVIL, "Access-Control-Request-Method": method}
    status, shown, _ = ask(fresh_aws, "OPTIONS", "/", preflight)
    assert status == 403
    assert not [name for name in shown if name.startswith("access-control-")]


def test_a_reset_takes_a_post_and_the_secret(fresh_aws: Aws) -> None:
    s3 = fresh_aws.client("s3")
    s3.create_bucket(Bucket="things")
    allowed = {"Authorization": f"Bearer {fresh_aws.secret}"}
    for method, headers, status in (
        ("GET", {}, 405),
        ("GET", allowed, 405),
        ("POST", {}, 403),
        ("POST", {"Authorization": "Bearer "}, 403),
        ("POST", {"Authorization": "Bearer sandbox"}, 403),
        ("POST", {"Authorization": "Bearer ñ"}, 403),
        ("POST", {"Authorization": fresh_aws.secret}, 403),
    ):
        assert ask(fresh_aws, method, "/_sandbox/reset", headers)[0] == status, (method, headers)
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["things"]
    assert ask(fresh_aws, "POST", "/_sandbox/reset", allowed)[0] == 200
    assert s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/",
        "/moto-api/data.json",
        "/moto-api/reset",
        "/moto-api/reset-auth",
        "/moto-api/seed?a=1",
        "/moto-api/config",
        "/favicon.ico",
        "/latest/meta-data/",
        "/_cognito/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_motos_own_routes_are_closed(fresh_aws: Aws, path: str, method: str) -> None:
    s3 = fresh_aws.client("s3")
    s3.create_bucket(Bucket="things")
    status, _, body = ask(fresh_aws, method, path, body="0" if method == "POST" else None)
    assert status in (403, 404)
    assert b"moto" not in body.lower().replace(b"moto-api", b"")
    assert len(s3.list_buckets()["Buckets"]) == 1


def test_a_signature_is_no_way_to_motos_own_routes(fresh_aws: Aws) -> None:
    """A path of moto's is an S3 key, even for the owner."""
    s3 = fresh_aws.client("s3", config=V4)
    s3.create_bucket(Bucket="things")
    s3.create_bucket(Bucket="moto-api")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="moto-api", Key="reset")
    assert error.value.response["Error"]["Code"] == "NoSuchKey"
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "moto-api", "Key": "reset"})
    assert ask(fresh_aws, "GET", url.removeprefix(fresh_aws.endpoint))[0] == 404
    assert len(s3.list_buckets()["Buckets"]) == 2


def test_who_is_not_signed_is_nobody(aws: Aws) -> None:
    status, _, body = ask(
        aws,
        "POST",
        "/",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "Action=GetCallerIdentity&Version=2011-06-15",
    )
    assert (status, aws.account.encode() in body) == (403, False)


def test_health_says_nothing_but_that(aws: Aws) -> None:
    status, _, body = ask(aws, "GET", "/_sandbox/health", {"Origin": EVIL})
    assert (status, body) == (200, b"ok\n")


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Aws]:
    """An API started with no file of anybody's, and without an edge on this machine."""
    file = tmp_path / "secret"
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.aws", "--port", "0", "--secret-file", str(file)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield Aws(process.stdout.readline().strip(), tmp_path / "sock", Path(os.devnull), file)
    process.terminate()
    process.wait(timeout=20)


def test_it_makes_a_secret_of_its_own_and_believes_nobody_here(alone: Aws, aws: Aws) -> None:
    assert alone.secret_file.stat().st_mode & 0o777 == 0o600
    assert alone.secret != aws.secret
    client = boto3.session.Session("sandbox", alone.secret, region_name=REGION).client(
        "s3", endpoint_url=alone.endpoint
    )
    client.create_bucket(Bucket="site")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::site", "arn:aws:s3:::site/*"],
    }
    client.put_bucket_policy(
        Bucket="site", Policy=f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'.replace("'", '"')
    )
    told = {
        "X-Andamio-Principal": "cloudfront.amazonaws.com",
        "X-Andamio-Source-Arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1",
    }
    assert ask(alone, "GET", "/site", told)[0] == 403
