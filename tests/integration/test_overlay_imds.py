"""The metadata service, as boto3 on an instance finds it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from .conftest import Aws

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    ],
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}],
}


def ask(aws: Aws, path: str, address: str, token: str = "", *, method: str = "GET", ttl: str = "") -> Any:
    """Ask the metadata service as the instance at this address; returns the status and the text."""
    headers = {"X-Forwarded-For": address}
    if token:
        headers["X-aws-ec2-metadata-token"] = token
    if ttl:
        headers["X-aws-ec2-metadata-token-ttl-seconds"] = ttl
    request = urllib.request.Request(f"{aws.endpoint}/latest{path}", headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def make_instance(aws: Aws, trust: dict[str, Any] = TRUST, tokens: str = "required") -> dict[str, Any]:
    iam, ec2 = aws.client("iam"), aws.client("ec2")
    iam.create_role(RoleName="host", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="host", PolicyName="host", PolicyDocument=json.dumps(READ))
    iam.create_instance_profile(InstanceProfileName="host-profile")
    iam.add_role_to_instance_profile(InstanceProfileName="host-profile", RoleName="host")
    name = "/aws/service/debian/release/13/latest/amd64"
    image = aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    made: dict[str, Any] = ec2.run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": "host-profile"},
        MetadataOptions={"HttpTokens": tokens, "InstanceMetadataTags": "enabled"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Project", "Value": "academia"}]}],
        UserData="#!/bin/sh\ntrue\n",
    )["Instances"][0]
    return made


def token_of(aws: Aws, address: str, ttl: str = "60") -> str:
    status, token = ask(aws, "/api/token", address, method="PUT", ttl=ttl)
    assert status == 200
    assert isinstance(token, str)
    return token


def test_what_an_instance_learns_of_itself(fresh_aws: Aws) -> None:
    instance = make_instance(fresh_aws)
    address = instance["PrivateIpAddress"]
    token = token_of(fresh_aws, address)
    expected = {
        "/meta-data/instance-id": instance["InstanceId"],
        "/meta-data/instance-type": "t3.micro",
        "/meta-data/local-ipv4": address,
        "/meta-data/ami-id": instance["ImageId"],
        "/meta-data/placement/region": "us-east-1",
        "/meta-data/placement/availability-zone": instance["Placement"]["AvailabilityZone"],
        "/meta-data/iam/security-credentials/": "host",
        "/meta-data/tags/instance/Project": "academia",
        "/user-data": "#!/bin/sh\ntrue\n",
    }
    assert {path: ask(fresh_aws, path, address, token) for path in expected} == {
        path: (200, value) for path, value in expected.items()
    }
    names = ask(fresh_aws, "/meta-data/", address, token)[1].splitlines()
    assert {"instance-id", "iam/", "placement/"} <= set(names)
    info = json.loads(ask(fresh_aws, "/meta-data/iam/info", address, token)[1])
    assert info["InstanceProfileArn"].endswith(":instance-profile/host-profile")
    document = json.loads(ask(fresh_aws, "/dynamic/instance-identity/document", address, token)[1])
    assert document["instanceId"] == instance["InstanceId"]
    assert document["accountId"] == fresh_aws.account
    assert ask(fresh_aws, "/meta-data/nothing", address, token)[0] == 404


def test_an_elastic_address_finds_its_instance_too(fresh_aws: Aws) -> None:
    instance = make_instance(fresh_aws)
    ec2 = fresh_aws.client("ec2")
    elastic = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=instance["InstanceId"])
    token = token_of(fresh_aws, elastic["PublicIp"])
    for address in (elastic["PublicIp"], instance["PrivateIpAddress"]):
        assert ask(fresh_aws, "/meta-data/public-ipv4", address, token) == (200, elastic["PublicIp"])
    assert ask(fresh_aws, "/meta-data/public-ipv4", "10.97.0.3", token)[0] == 403


def test_version_2_is_required_where_the_instance_says_so(fresh_aws: Aws) -> None:
    instance = make_instance(fresh_aws)
    address = instance["PrivateIpAddress"]
    assert ask(fresh_aws, "/meta-data/instance-id", address)[0] == 401
    assert ask(fresh_aws, "/meta-data/instance-id", address, "made-up")[0] == 401
    assert ask(fresh_aws, "/api/token", address, method="PUT")[0] == 400
    assert ask(fresh_aws, "/api/token", address, method="PUT", ttl="21601")[0] == 400
    assert ask(fresh_aws, "/api/token", address, ttl="60")[0] == 405
    modify = fresh_aws.client("ec2").modify_instance_metadata_options
    modify(InstanceId=instance["InstanceId"], HttpTokens="optional")
    assert ask(fresh_aws, "/meta-data/instance-id", address) == (200, instance["InstanceId"])
    modify(InstanceId=instance["InstanceId"], HttpEndpoint="disabled")
    assert ask(fresh_aws, "/meta-data/instance-id", address)[0] == 403


def test_a_token_is_of_one_instance(fresh_aws: Aws) -> None:
    first = make_instance(fresh_aws)
    image = first["ImageId"]
    second = fresh_aws.client("ec2").run_instances(
        ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1
    )["Instances"][0]
    token = token_of(fresh_aws, first["PrivateIpAddress"])
    assert ask(fresh_aws, "/meta-data/instance-id", second["PrivateIpAddress"], token)[0] == 401
    # An instance without a profile has no folder of credentials.
    own = token_of(fresh_aws, second["PrivateIpAddress"])
    assert ask(fresh_aws, "/meta-data/iam/security-credentials/", second["PrivateIpAddress"], own)[0] == 404


def on_instance(aws: Aws, address: str, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """A session that finds credentials where one on the instance would: nowhere but there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.endpoint)
    # The edge would say whose request it is; here the test's own address has to be the instance's.
    monkeypatch.setattr(
        "botocore.utils.IMDSFetcher._add_user_agent",
        lambda _self, headers: headers.update({"X-Forwarded-For": address}),
    )
    return boto3.Session()


def test_boto3_gets_the_credentials_of_the_role(fresh_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh_aws.client("ssm").put_parameter(Name="/a", Value="v", Type="String")
    instance = make_instance(fresh_aws)
    session = on_instance(fresh_aws, instance["PrivateIpAddress"], monkeypatch)
    identity = session.client("sts").get_caller_identity()
    assert identity["Arn"].endswith(f":assumed-role/host/{instance['InstanceId']}")
    ssm = session.client("ssm")
    assert ssm.get_parameter(Name="/a")["Parameter"]["Value"] == "v"
    with pytest.raises(ClientError) as error:
        ssm.put_parameter(Name="/a", Value="w", Overwrite=True)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    again = on_instance_keys(fresh_aws, instance["PrivateIpAddress"])
    assert again["AccessKeyId"] == session.get_credentials().access_key
    assert again["AccessKeyId"].startswith("ASIA")


def on_instance_keys(aws: Aws, address: str) -> dict[str, str]:
    path = "/meta-data/iam/security-credentials/host"
    keys: dict[str, str] = json.loads(ask(aws, path, address, token_of(aws, address))[1])
    return keys


def test_a_role_that_does_not_trust_ec2_gives_nothing(
    fresh_aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = json.loads(json.dumps(TRUST).replace("ec2.amazonaws.com", "lambda.amazonaws.com"))
    instance = make_instance(fresh_aws, trust=trust)
    assert on_instance_keys(fresh_aws, instance["PrivateIpAddress"])["Code"] == "AssumeRoleUnauthorizedAccess"
    with pytest.raises(NoCredentialsError):
        on_instance(fresh_aws, instance["PrivateIpAddress"], monkeypatch).client("sts").get_caller_identity()
