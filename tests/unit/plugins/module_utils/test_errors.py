"""The sentence that a person reads when a call to AWS failed."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError


def test_what_aws_said_and_what_to_do() -> None:
    answer = {"Error": {"Code": "UnauthorizedOperation", "Message": "You may not."}}
    failed = CallFailed("ec2.run_instances", ClientError(answer, "RunInstances"))
    assert failed.message("host web") == (
        "host web: ec2.run_instances failed. UnauthorizedOperation: You may not. "
        "Allow this identity ec2:RunInstances (or the action AWS names above)."
    )
    assert not failed.is_missing


def test_a_connection_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:4566")
    failed = CallFailed("ec2.run_instances", ReadTimeoutError(endpoint_url="https://127.0.0.1:4566/"))
    assert failed.code == "ReadTimeoutError"
    assert "Nothing answers at https://127.0.0.1:4566" in failed.message("host web")


def test_credentials_that_are_missing() -> None:
    assert "Set AWS_PROFILE" in CallFailed("sts.get_caller_identity", NoCredentialsError()).message("x")


@pytest.mark.parametrize("code", ["404", "NoSuchBucket", "InvalidAMIID.NotFound", "ParameterNotFound"])
def test_what_is_not_there(code: str) -> None:
    assert CallFailed("x.y", ClientError({"Error": {"Code": code}}, "Y")).is_missing
