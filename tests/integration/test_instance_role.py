"""instance_role against the AWS API: the role, its policies and its profile as one thing."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._instance_role import TRUST, trust_of_roles

from .conftest import Aws
from .modules import applied_as_planned, run_module

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
POLICY = {"Version": "2012-10-17", "Statement": [READ]}
MANAGED = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
HOST = "arn:aws:iam::123456789012:role/academia-test-host"
ROLE = {"name": "academia-test-host", "policies": {"documents": POLICY}, "tags": {"Project": "academia"}}


def test_from_nothing(fresh_aws: Aws) -> None:
    done = applied_as_planned("instance_role", **ROLE)
    assert done["calls"] == [
        "iam.create_role",
        "iam.put_role_policy",
        "iam.create_instance_profile",
        "iam.add_role_to_instance_profile",
    ]
    profile = fresh_aws.client("iam").get_instance_profile(InstanceProfileName=ROLE["name"])
    assert [role["Arn"] for role in profile["InstanceProfile"]["Roles"]] == [done["resource"]["arn"]]


@pytest.mark.parametrize(
    "drift", ["policy edited", "policy added", "policy gone", "tag", "managed", "trust", "profile"]
)
def test_drift_is_repaired(fresh_aws: Aws, drift: str) -> None:
    run_module("instance_role", **ROLE)
    iam, name = fresh_aws.client("iam"), ROLE["name"]
    wide = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    match drift:
        case "policy edited":
            iam.put_role_policy(RoleName=name, PolicyName="documents", PolicyDocument=wide)
        case "policy added":
            iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=wide)
        case "policy gone":
            iam.delete_role_policy(RoleName=name, PolicyName="documents")
        case "tag":
            iam.tag_role(RoleName=name, Tags=[{"Key": "Project", "Value": "other"}])
        case "managed":
            iam.attach_role_policy(RoleName=name, PolicyArn=MANAGED)
        case "trust":
            anyone = wide.replace(
                '"Action": "*", "Resource": "*"', '"Action": "sts:AssumeRole", "Principal": "*"'
            )
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=anyone)
        case "profile":
            iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    done = applied_as_planned("instance_role", **ROLE)
    assert done["changed"]
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["documents"]
    assert iam.get_role_policy(RoleName=name, PolicyName="documents")["PolicyDocument"] == POLICY
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == TRUST
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []


def test_a_role_that_another_assumes_has_no_profile(fresh_aws: Aws) -> None:
    app = {**ROLE, "name": "academia-test-app", "assumed_by": [HOST]}
    done = applied_as_planned("instance_role", **app)
    assert done["calls"] == ["iam.create_role", "iam.put_role_policy"]
    iam = fresh_aws.client("iam")
    assert iam.get_role(RoleName=app["name"])["Role"]["AssumeRolePolicyDocument"] == trust_of_roles([HOST])
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    # One that EC2 had, and the other way round.
    assert applied_as_planned("instance_role", **{**app, "assumed_by": []})["calls"] == [
        "iam.update_assume_role_policy",
        "iam.create_instance_profile",
        "iam.add_role_to_instance_profile",
    ]
    assert applied_as_planned("instance_role", **app)["calls"] == [
        "iam.update_assume_role_policy",
        "iam.remove_role_from_instance_profile",
        "iam.delete_instance_profile",
    ]
    run_module("instance_role", name=app["name"], state="absent")
    assert iam.list_roles()["Roles"] == []


@pytest.mark.parametrize(
    "roles", [["*"], [HOST, HOST.replace("1234", "4321")], ["arn:aws:iam::123456789012:root"]]
)
def test_who_may_assume_is_one_accounts_roles(fresh_aws: Aws, roles: list[str]) -> None:
    refused = run_module("instance_role", fails=True, **ROLE, assumed_by=roles)
    assert "must be ARNs of roles of one account" in refused["msg"]
    assert fresh_aws.client("iam").list_roles()["Roles"] == []


def test_absent(fresh_aws: Aws) -> None:
    run_module("instance_role", **ROLE, managed_policies=[MANAGED])
    done = run_module("instance_role", name=ROLE["name"], state="absent")
    assert done["calls"][-1] == "iam.delete_role"
    iam = fresh_aws.client("iam")
    assert iam.list_roles()["Roles"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert not run_module("instance_role", name=ROLE["name"], state="absent")["changed"]


def test_absent_leaves_a_role_with_other_tags(fresh_aws: Aws) -> None:
    run_module("instance_role", **ROLE)
    left = run_module("instance_role", name=ROLE["name"], state="absent", tags={"Project": "other"})
    assert (left["changed"], left["planned"]["action"]) == (False, "none")
    assert left["hand_work"][0].startswith("instance role academia-test-host doesn't have the tags")
    gone = applied_as_planned("instance_role", name=ROLE["name"], state="absent", tags=ROLE["tags"])
    assert gone["planned"]["action"] == "delete"


def test_a_name_that_is_too_long_is_refused_before_anything(fresh_aws: Aws) -> None:
    assert "65 characters" in run_module("instance_role", fails=True, name="r" * 65)["msg"]
    assert fresh_aws.client("iam").list_roles()["Roles"] == []
