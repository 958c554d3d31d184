"""doctor against the AWS API: accounts with a host, empty, a stranger's, and one that shows little."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Aws
from .modules import run_module

GOOD: dict[str, Any] = {
    "account_id": "123456789012",
    "project": "academia",
    "environment": "test",
    "domain": "academia.test",
    "email": "team@academia.test",
    "instance_type": "t4g.micro",
    "os": "debian-13",
    "host": "academia-test-host",
    # A port where no DNS server is.
    "resolvers": ["127.0.0.1:9"],
}
SES_IS_YOUNG = {"SES"}


def look(**arguments: Any) -> dict[str, Any]:
    """Run doctor; give the findings by subject, and what it says of the whole."""
    done = run_module("doctor", **arguments)
    assert not done["changed"]
    findings = {item["subject"]: item for section in done["sections"] for item in section["findings"]}
    assert done["wrong"] == sum(item["state"] == "wrong" for item in findings.values())
    assert done["healthy"] == (done["wrong"] == 0)
    return findings


def states(findings: dict[str, Any], state: str) -> set[str]:
    return {subject for subject, item in findings.items() if item["state"] == state}


def test_an_empty_account(fresh_aws: Aws) -> None:
    found = look(**GOOD)
    assert states(found, "wrong") == set()
    assert states(found, "warning") == SES_IS_YOUNG
    assert states(found, "unknown") == set()
    assert "delegation" in states(found, "absent")
    assert found["vCPUs"]["says"] == "0 of 5 in use, the host takes 2"
    assert found["Elastic IPs"]["says"] == "0 of 5 in use, the host takes 1"
    assert found["clock"]["says"].startswith("within ")
    assert {"Python", "ansible-core", "boto3", "amazon.aws"} <= states(found, "ok")


def test_a_host_and_a_zone(fresh_aws: Aws) -> None:
    ec2, route53 = fresh_aws.client("ec2"), fresh_aws.client("route53")
    tags = [{"Key": "Name", "Value": GOOD["host"]}]
    parameter = "/aws/service/debian/release/13/latest/arm64"
    image = fresh_aws.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    ec2.run_instances(
        ImageId=image,
        InstanceType="t4g.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    ec2.allocate_address(TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}])
    route53.create_hosted_zone(Name="academia.test", CallerReference="1")
    found = look(**GOOD)
    assert found["vCPUs"]["says"] == "2 of 5 in use"
    assert found["Elastic IPs"]["says"] == "1 of 5 in use"
    assert found["delegation"]["state"] == "unknown"


def test_a_quota_that_is_used_up(fresh_aws: Aws) -> None:
    for _number in range(5):
        fresh_aws.client("ec2").allocate_address()
    found = look(**GOOD)
    assert states(found, "wrong") == {"Elastic IPs"}
    assert "servicequotas" in found["Elastic IPs"]["fix"]


def test_another_account(fresh_aws: Aws) -> None:
    found = look(**GOOD | {"account_id": "111111111111"})
    assert states(found, "wrong") == {"account"}
    assert "111111111111" in found["account"]["says"]
    # The rest would be true of the wrong account.
    assert not {"vCPUs", "delegation", "phase 1"} & set(found)


def test_a_role_that_may_do_little(fresh_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = fresh_aws.client("iam")

    def policy(*actions: str) -> str:
        allow = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [allow]})

    trust = policy("sts:AssumeRole").replace('"Resource": "*"', '"Principal": "*"')
    role = iam.create_role(RoleName="little", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    session = fresh_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="ana")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", session["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", session["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", session["SessionToken"])

    found = look(**GOOD)
    assert states(found, "unknown") == {"region", "quotas", "SES", "delegation", "phase 1"}
    assert "Allow this identity ses:GetAccount" in found["SES"]["says"]
    assert states(found, "wrong") == set()

    iam.put_role_policy(
        RoleName="little",
        PolicyName="little",
        PolicyDocument=policy("iam:SimulatePrincipalPolicy", "s3:*", "ec2:*"),
    )
    found = look(**GOOD)
    assert states(found, "unknown") == {"vCPUs", "Elastic IPs", "SES", "delegation"}
    assert states(found, "wrong") == {"phase 1"}
    assert "permissions are missing: acm:AddTagsToCertificate" in found["phase 1"]["says"]

    iam.put_role_policy(RoleName="little", PolicyName="little", PolicyDocument=policy("*"))
    assert look(**GOOD)["phase 1"]["state"] == "ok"


def test_a_policy_on_this_project_alone_will_do(fresh_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation names this project's own resources, so that a tight policy isn't called too small."""
    iam = fresh_aws.client("iam")
    iam.create_user(UserName="ana")
    own = [
        "arn:aws:s3:::academia-test-*",
        "arn:aws:iam::123456789012:role/academia-test-*",
        "arn:aws:iam::123456789012:instance-profile/academia-test-*",
        "arn:aws:ssm:us-east-1:123456789012:parameter/academia/test/*",
    ]
    statements = [
        {"Effect": "Allow", "Action": ["s3:*", "iam:*", "ssm:*"], "Resource": own},
        {
            "Effect": "Allow",
            "Action": ["ec2:*", "route53:*", "acm:*", "cloudfront:*", "s3:ListAllMyBuckets", "ssm:*"],
            "Resource": "*",
        },
        {"Effect": "Allow", "Action": ["iam:SimulatePrincipalPolicy"], "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    assert look(**GOOD)["phase 1"]["state"] == "ok"


def test_all_that_is_wrong_here(fresh_aws: Aws, tmp_path: Path) -> None:
    wrong = {
        "site_dir": str(tmp_path),
        "artifact": str(tmp_path / "none.tar.gz"),
        "commands": ["no-such-word"],
    }
    found = look(**GOOD | wrong)
    assert states(found, "wrong") == {"s3_site_build_dir", "laravel_app_artifact", "no-such-word"}


def test_nothing_answers(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = look(**GOOD, unreachable_hint="Start it: make sandbox")
    assert states(found, "wrong") == {"AWS"}
    assert found["AWS"]["fix"] == "Start it: make sandbox"


def test_credentials_that_nobody_knows(monkeypatch: pytest.MonkeyPatch, fresh_aws: Aws) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN")
    found = look(**GOOD)
    assert states(found, "wrong") == {"credentials"}
    assert found["clock"]["state"] == "ok"


def test_a_profile_that_is_not_there(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    found = look(**GOOD)
    assert "no-such-profile" in found["credentials"]["says"]


def test_a_phase_that_there_is_not(aws: Aws) -> None:
    assert "there is no phase 7" in run_module("doctor", fails=True, **GOOD, phases=[1, 7])["msg"]
