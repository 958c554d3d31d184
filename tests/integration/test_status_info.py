"""status_info against the AWS API: an account with everything, an empty one, and one that shows little."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Aws
from .modules import run_module

HOST, DOMAIN = "academia-test-host", "academia.test"
BUCKETS = {use: f"academia-test-{use}-123456789012" for use in ("site", "documents", "dumps")}
TAGS = {"Project": "academia", "Environment": "test", "ManagedBy": "andamio"}
ASKED: dict[str, Any] = {
    "account_id": "123456789012",
    "host": HOST,
    "domain": DOMAIN,
    "buckets": BUCKETS,
    "dumps_prefix": "laravel/",
    "env_path": "/academia/test/env/",
    "alarm_prefix": "academia-test-",
    "tags": TAGS,
    # A port where no DNS server is.
    "resolvers": ["127.0.0.1:9"],
}
THINGS = {
    "dump",
    "host",
    "volume",
    "address",
    "zone",
    "distribution",
    "certificate",
    "spent",
}


def tag_list(**more: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in {**TAGS, **more}.items()]


def alarm(aws: Aws, name: str, environment: str) -> None:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        MetricName="CPUUtilization",
        Namespace="AWS/EC2",
        Period=300,
        Statistic="Average",
        Threshold=80,
        Tags=tag_list(Environment=environment),
    )


@pytest.fixture
def furnished(fresh_aws: Aws) -> Aws:
    """An account with the things that a phase makes."""
    s3, ec2 = fresh_aws.client("s3"), fresh_aws.client("ec2")
    for name in BUCKETS.values():
        s3.create_bucket(Bucket=name)
    for key in ("laravel/2026-11-23T031000Z.sql.gz", "laravel/2026-11-24T031000Z.sql.gz", "other/z.sql.gz"):
        s3.put_object(Bucket=BUCKETS["dumps"], Key=key, Body=b"dump")
    for number in range(12):
        fresh_aws.client("ssm").put_parameter(Name=f"/academia/test/env/K{number}", Value="v", Type="String")
    run_module("ec2_host", name=HOST, instance_type="t4g.micro", os="debian-13", tags=TAGS)
    run_module("hosted_zone", name=DOMAIN, wait=False)
    assert ec2.describe_addresses()["Addresses"]
    alarm(fresh_aws, "academia-test-cpu", "test")
    alarm(fresh_aws, "academia-test-eu-cpu", "test-eu")
    return fresh_aws


def test_an_account_with_everything(furnished: Aws) -> None:
    for check in (True, False):
        done = run_module("status_info", check=check, **ASKED)
        assert (done["changed"], done["problems"]) == (False, {})
    facts = done["facts"]
    assert {use: bucket["name"] for use, bucket in facts["buckets"].items()} == BUCKETS
    assert facts["dump"]["key"] in (
        "laravel/2026-11-23T031000Z.sql.gz",
        "laravel/2026-11-24T031000Z.sql.gz",
    )
    assert facts["dump"]["size"] == 4
    assert facts["parameters"] == 12
    assert (facts["host"]["instance_type"], facts["host"]["state"]) == ("t4g.micro", "running")
    assert facts["host"]["checks"] == "ok"
    assert facts["volume"]["type"] == "gp3"
    assert facts["address"]["instance_id"] == facts["host"]["instance_id"]
    assert len(facts["zone"]["servers"]) == 4
    assert facts["zone"]["delegation"]["live"] is None
    assert [item["name"] for item in facts["alarms"]] == ["academia-test-cpu"]
    # No site was made here; and the sandbox counts no money.
    assert (facts["distribution"], facts["certificate"], facts["spent"]) == (None, None, None)


def test_an_empty_account(fresh_aws: Aws) -> None:
    done = run_module("status_info", **ASKED)
    assert done["problems"] == {}
    assert done["facts"] == {
        "account": fresh_aws.account,
        "buckets": dict.fromkeys(BUCKETS),
        "parameters": 0,
        "alarms": [],
        **dict.fromkeys(THINGS),
    }


def test_a_host_that_was_stopped(furnished: Aws) -> None:
    ec2 = furnished.client("ec2")
    (group,) = ec2.describe_instances()["Reservations"]
    ec2.stop_instances(InstanceIds=[group["Instances"][0]["InstanceId"]])
    assert run_module("status_info", **ASKED)["facts"]["host"]["state"] == "stopped"


def test_another_account(fresh_aws: Aws) -> None:
    failed = run_module("status_info", fails=True, **ASKED | {"account_id": "111111111111"})
    assert "these credentials are of account 123456789012" in failed["msg"]


def test_what_may_not_be_read_is_noted_and_the_rest_is_read(
    furnished: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow = {"Effect": "Allow", "Action": ["ec2:Describe*", "route53:*"], "Resource": "*"}
    iam = furnished.client("iam")
    iam.create_user(UserName="ana")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="ana", PolicyName="little", PolicyDocument=document)
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    done = run_module("status_info", **ASKED)
    assert set(done["problems"]) == {"buckets", "dump", "parameters", "distribution", "alarms", "spent"}
    assert "Allow this identity ce:GetCostAndUsage" in done["problems"]["spent"]
    assert done["facts"]["host"]["state"] == "running"
    assert done["facts"]["zone"]["records"] == 2
    assert done["facts"]["buckets"] is None


def test_cost_explorer_is_not_asked_unless_wanted(fresh_aws: Aws) -> None:
    done = run_module("status_info", **ASKED, spent=False)
    assert "spent" not in done["facts"]


def test_nothing_answers(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert "AWS can't be reached" in run_module("status_info", fails=True, **ASKED)["msg"]


def test_it_only_reads(furnished: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """With rights to read and nothing else, it has all it wants."""
    allow = {
        "Effect": "Allow",
        "Action": [f"{service}:{verb}*" for service in ("s3", "ssm", "ec2", "route53", "cloudfront", "acm",
                   "cloudwatch", "ce") for verb in ("Get", "List", "Describe")],
        "Resource": "*",
    }  # fmt: skip
    iam = furnished.client("iam")
    iam.create_user(UserName="ana")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="ana", PolicyName="read", PolicyDocument=document)
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    assert run_module("status_info", **ASKED)["problems"] == {}
