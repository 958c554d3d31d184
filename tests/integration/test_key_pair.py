"""key_pair against the AWS API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Aws
from .modules import applied_as_planned, run_module

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtFZ0m0mY4iUJmS9u0rXbW7c0pF0d8hS3cQk5sF2m1n"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtFZ0m0mY4iUJmS9u0rXbW7c0pF0d8hS3cQk5sF2m1m"
PAIR: dict[str, Any] = {"name": "academia-test-host", "public_key": f"{KEY} me", "tags": {"Project": "x"}}


def found(aws: Aws) -> dict[str, Any]:
    (pair,) = aws.client("ec2").describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    return dict(pair)


def test_from_nothing(fresh_aws: Aws) -> None:
    done = applied_as_planned("key_pair", **PAIR)
    assert (done["calls"], done["planned"]["action"]) == (["ec2.import_key_pair"], "create")
    pair = found(fresh_aws)
    assert (pair["PublicKey"], pair["Tags"]) == (KEY, [{"Key": "Project", "Value": "x"}])
    assert not run_module("key_pair", **PAIR | {"public_key": f"{KEY} another comment"})["changed"]


def test_another_key_replaces_it(fresh_aws: Aws) -> None:
    run_module("key_pair", **PAIR)
    done = applied_as_planned("key_pair", **PAIR | {"public_key": OTHER})
    assert done["planned"]["action"] == "replace"
    assert [item["attribute"] for item in done["planned"]["attributes"]] == ["public_key"]
    assert found(fresh_aws)["PublicKey"] == OTHER


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_key_pair_that_ec2_made_is_replaced(fresh_aws: Aws, kind: str) -> None:
    fresh_aws.client("ec2").create_key_pair(KeyName=PAIR["name"], KeyType=kind)
    assert applied_as_planned("key_pair", **PAIR)["planned"]["action"] == "replace"


def test_tags_are_repaired(fresh_aws: Aws) -> None:
    run_module("key_pair", **PAIR)
    tags = [{"Key": "Project", "Value": "y"}, {"Key": "Old", "Value": "1"}]
    fresh_aws.client("ec2").create_tags(Resources=[found(fresh_aws)["KeyPairId"]], Tags=tags)
    assert applied_as_planned("key_pair", **PAIR)["calls"] == ["ec2.create_tags", "ec2.delete_tags"]
    assert found(fresh_aws)["Tags"] == [{"Key": "Project", "Value": "x"}]


def test_absent(fresh_aws: Aws) -> None:
    run_module("key_pair", **PAIR)
    gone = {"name": PAIR["name"], "state": "absent"}
    left = run_module("key_pair", **gone, tags={"Project": "other"})
    assert (left["changed"], len(left["hand_work"])) == (False, 1)
    assert applied_as_planned("key_pair", **gone, tags=PAIR["tags"])["calls"] == ["ec2.delete_key_pair"]
    assert fresh_aws.client("ec2").describe_key_pairs()["KeyPairs"] == []


def test_a_private_key_is_refused_and_not_repeated(fresh_aws: Aws) -> None:
    secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----"
    result = run_module("key_pair", fails=True, **PAIR | {"public_key": secret})
    assert "private key" in result["msg"]
    assert "b3BlbnNzaC1rZXk" not in result["msg"]
