"""What AWS is asked first: an error names the call that failed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _account
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import CallFailed
from botocore.exceptions import ClientError

OPERATIONS = {
    "describe_regions": {"Regions": [{"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"}]},
    "describe_instance_type_offerings": {"InstanceTypeOfferings": [{"InstanceType": "t4g.micro"}]},
}


@pytest.mark.parametrize("denied", OPERATIONS)
def test_a_refusal_names_its_own_call(monkeypatch: pytest.MonkeyPatch, denied: str) -> None:
    def refuse(**arguments: Any) -> Any:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "No."}}, denied)

    answers = {name: lambda answer=answer, **arguments: answer for name, answer in OPERATIONS.items()}
    ec2 = SimpleNamespace(**answers | {denied: refuse})
    monkeypatch.setattr(_account, "client", lambda module, service: ec2)
    module = SimpleNamespace(params={"region": "us-east-1", "instance_type": "t4g.micro"})
    with pytest.raises(CallFailed) as failed:
        _account.regional_problems(module)
    assert failed.value.call == f"ec2.{denied}"
