"""The server itself: health, reset, what it tells the world, and what it doesn't know."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from .conftest import Aws


@pytest.fixture
def world(fresh_aws: Aws) -> Iterator[socket.socket]:
    """A socket that hears what the world would hear."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(fresh_aws.world_socket))
        listener.setblocking(False)
        yield listener
    fresh_aws.world_socket.unlink()


def heard(listener: socket.socket) -> list[str]:
    words = []
    while True:
        try:
            words.append(listener.recv(1024).decode())
        except BlockingIOError:
            return words


def test_health(aws: Aws) -> None:
    with urllib.request.urlopen(f"{aws.endpoint}/_sandbox/health", timeout=10) as answer:
        assert answer.read() == b"ok\n"


def test_the_owner(aws: Aws) -> None:
    identity = aws.client("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (aws.account, f"arn:aws:iam::{aws.account}:user/sandbox")


def test_reset_empties_the_account(fresh_aws: Aws) -> None:
    s3, iam, cloudfront = (fresh_aws.client(name) for name in ("s3", "iam", "cloudfront"))
    s3.create_bucket(Bucket="things")
    iam.create_user(UserName="ana")
    settings = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    cloudfront.create_function(Name="routes", FunctionConfig=settings, FunctionCode=b"x")
    fresh_aws.reset()
    assert s3.list_buckets()["Buckets"] == []
    assert iam.list_users()["Users"] == []
    assert cloudfront.list_functions()["FunctionList"]["Quantity"] == 0
    s3.create_bucket(Bucket="things")


def test_the_world_hears_of_changes(fresh_aws: Aws, world: socket.socket) -> None:
    s3 = fresh_aws.client("s3")
    s3.create_bucket(Bucket="things")
    s3.list_buckets()
    s3.put_object(Bucket="things", Key="a", Body=b"")
    fresh_aws.client("ec2").allocate_address(Domain="vpc")
    fresh_aws.client("ec2").describe_addresses()
    with pytest.raises(ClientError):
        s3.delete_bucket(Bucket="others")
    fresh_aws.reset()
    assert heard(world) == ["s3:CreateBucket", "ec2:AllocateAddress", "reset"]


@pytest.mark.parametrize(
    ("service", "call"), [("codeconnections", "list_connections"), ("backup", "list_backup_jobs")]
)
def test_what_it_does_not_know_it_says(aws: Aws, service: str, call: str) -> None:
    with pytest.raises(ClientError) as error:
        getattr(aws.client(service), call)()
    assert error.value.response["Error"]["Code"] == "NotImplemented"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
