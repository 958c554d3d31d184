"""preflight against the AWS API, and against none."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Aws
from .modules import run_module

GOOD: dict[str, Any] = {
    "project": "academia",
    "environment": "test",
    "domain": "academia.test",
    "email": "team@academia.test",
    "instance_type": "t4g.micro",
    "os": "debian-13",
}


def test_all_is_well(fresh_aws: Aws) -> None:
    for check in (True, False):
        done = run_module("preflight", check=check, **GOOD, account_id=fresh_aws.account)
        assert (done["changed"], done["problems"]) == (False, [])
        assert (done["account_id"], done["region"]) == (fresh_aws.account, fresh_aws.region)


def test_all_problems_at_once(fresh_aws: Aws, tmp_path: Path) -> None:
    wrong = GOOD | {
        "account_id": "111111111111",
        "domain": "https://academia.test",
        "site_dir": str(tmp_path),
        "instance_type": "t9.mikro",
    }
    failed = run_module("preflight", fails=True, **wrong)
    lines = failed["msg"].splitlines()
    assert lines[0] == "4 problems to solve before anything is changed:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "1. andamio_domain",
        "2. s3_site_build_dir",
        "3. ec2_host_instance_type",
        "4. aws_account_id",
    ]
    assert [item["variable"] for item in failed["problems"]] == [
        "andamio_domain",
        "s3_site_build_dir",
        "ec2_host_instance_type",
        "aws_account_id",
    ]


def test_a_region_that_is_none(fresh_aws: Aws) -> None:
    failed = run_module("preflight", fails=True, **GOOD, region="us-esat-1")
    assert "andamio_region: AWS has no region us-esat-1." in failed["msg"]


def test_a_type_that_the_region_does_not_have(fresh_aws: Aws) -> None:
    failed = run_module("preflight", fails=True, **GOOD | {"instance_type": "t9.micro"})
    assert "us-east-1 has no t9.micro" in failed["msg"]


def test_nothing_answers(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    started = time.monotonic()
    failed = run_module(
        "preflight", fails=True, **GOOD | {"domain": "x"}, unreachable_hint="Start it with: make sandbox"
    )
    assert time.monotonic() - started < 4
    assert failed["msg"] == (
        "AWS can't be reached: nothing answers at http://127.0.0.1:9. Start it with: make sandbox"
    )
    assert len(failed["problems"]) == 1


def test_credentials_that_are_missing(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    failed = run_module("preflight", fails=True, **GOOD | {"domain": "x"})
    assert "1. andamio_domain: 'x' is no domain name." in failed["msg"]
    assert "2. credentials: " in failed["msg"]
    assert "AWS_PROFILE" in failed["msg"]
