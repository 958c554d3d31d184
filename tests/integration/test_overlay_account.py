"""What the overlay answers of the account itself: quotas, SES, and the policy simulator."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from .conftest import Aws


def test_a_new_accounts_quotas(aws: Aws) -> None:
    quotas = aws.client("service-quotas")
    for code in ("L-1216C47A", "L-0263D0A3"):
        assert quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"] == 5
    assert quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-83CA0A9D")["Quota"]["Value"] == 5
    with pytest.raises(ClientError):
        quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")


def test_ses_is_in_its_sandbox(aws: Aws) -> None:
    account = aws.client("sesv2").get_account()
    assert account["ProductionAccessEnabled"] is False
    assert account["SendQuota"]["Max24HourSend"] == 200


def test_the_simulator_decides_as_calls_are_decided(fresh_aws: Aws) -> None:
    iam = fresh_aws.client("iam")
    user = iam.create_user(UserName="ana")["User"]["Arn"]
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::mine/*"},
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document)

    def decisions(*actions: str, **more: object) -> list[str]:
        answer = iam.simulate_principal_policy(PolicySourceArn=user, ActionNames=list(actions), **more)
        return [result["EvalDecision"] for result in answer["EvaluationResults"]]

    mine = {"ResourceArns": ["arn:aws:s3:::mine/a", "arn:aws:s3:::theirs/a"]}
    assert decisions("s3:GetObject", **mine) == ["allowed", "implicitDeny"]
    assert decisions("s3:DeleteObject", **mine) == ["explicitDeny", "explicitDeny"]
    assert decisions("ec2:RunInstances") == ["implicitDeny"]
    region = {
        "ContextKeyName": "aws:RequestedRegion",
        "ContextKeyType": "string",
        "ContextKeyValues": ["us-east-1"],
    }
    assert decisions("ec2:RunInstances", ContextEntries=[region]) == ["allowed"]
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.simulate_principal_policy(PolicySourceArn=f"{user}a", ActionNames=["s3:GetObject"])
