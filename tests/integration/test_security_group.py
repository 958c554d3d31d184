"""security_group against the AWS API: the group and its rules as one thing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _aws

from .conftest import Aws
from .modules import applied_as_planned, run_module

NAME = "academia-test-host"
GROUP: dict[str, Any] = {
    "name": NAME,
    "description": "Web traffic",
    "ingress": [{"ports": [80, 443], "cidrs": ["0.0.0.0/0", "::/0"], "description": "Web"}],
    "egress": [{"protocol": "all", "cidrs": ["0.0.0.0/0", "::/0"]}],
    "tags": {"Project": "academia"},
}
WEB = {f"tcp {port} from {cidr} (Web)": "allowed" for port in (80, 443) for cidr in ("0.0.0.0/0", "::/0")}
ALL_OUT = {"all to 0.0.0.0/0": "allowed", "all to ::/0": "allowed"}
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
HTTP = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def found(aws: Aws, name: str = NAME) -> dict[str, Any]:
    filters = [{"Name": "group-name", "Values": [name]}]
    (group,) = aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
    return dict(group)


def test_from_nothing(fresh_aws: Aws) -> None:
    done = applied_as_planned("security_group", **GROUP)
    assert done["calls"] == [
        "ec2.create_security_group",
        "ec2.authorize_security_group_ingress",
        "ec2.authorize_security_group_egress",
    ]
    assert (done["resource"]["ingress"], done["resource"]["egress"]) == (WEB, ALL_OUT)
    group = found(fresh_aws)
    assert (group["Description"], group["GroupId"]) == ("Web traffic", done["resource"]["group_id"])
    assert group["Tags"] == [{"Key": "Project", "Value": "academia"}]
    assert done["planned"]["action"] == "create"


@pytest.mark.parametrize(
    ("drift", "attribute"),
    [
        ("opened", "ingress.tcp 22 from 0.0.0.0/0"),
        ("closed", "ingress.tcp 80 from 0.0.0.0/0 (Web)"),
        ("described", "ingress.tcp 80 from 0.0.0.0/0 (?)"),
        ("egress opened", "egress.tcp 22 to 0.0.0.0/0"),
        ("egress closed", "egress.all to 0.0.0.0/0"),
        ("tag", "tags.Project"),
    ],
)
def test_drift_is_repaired(fresh_aws: Aws, drift: str, attribute: str) -> None:
    group_id = run_module("security_group", **GROUP)["resource"]["group_id"]
    before, ec2 = found(fresh_aws), fresh_aws.client("ec2")
    match drift:
        case "opened":
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
        case "closed":
            ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[HTTP])
        case "described":
            described = [{"CidrIp": "0.0.0.0/0", "Description": "?"}]
            ec2.update_security_group_rule_descriptions_ingress(
                GroupId=group_id, IpPermissions=[HTTP | {"IpRanges": described}]
            )
        case "egress opened":
            ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[SSH])
        case "egress closed":
            everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[everything])
        case "tag":
            ec2.delete_tags(Resources=[group_id], Tags=[{"Key": "Project"}])
    done = applied_as_planned("security_group", **GROUP)
    assert len(done["calls"]) == 1
    assert done["planned"]["action"] == "change"
    assert attribute in [item["attribute"] for item in done["planned"]["attributes"]]
    after = found(fresh_aws)
    for key in ("IpPermissions", "IpPermissionsEgress"):
        assert sorted(map(str, after.pop(key))) == sorted(map(str, before.pop(key)))
    assert after == before


def test_a_rule_that_is_replaced(fresh_aws: Aws) -> None:
    run_module("security_group", **GROUP)
    done = applied_as_planned("security_group", **GROUP | {"ingress": [{"ports": [22], "cidrs": ["::/0"]}]})
    assert done["calls"] == ["ec2.authorize_security_group_ingress", "ec2.revoke_security_group_ingress"]
    assert done["resource"]["ingress"] == {"tcp 22 from ::/0": "allowed"}
    closed = applied_as_planned("security_group", **GROUP | {"ingress": [], "egress": []})
    assert (closed["resource"]["ingress"], closed["resource"]["egress"]) == ({}, {})


def test_foreign_rules_stay_without_purge(fresh_aws: Aws) -> None:
    group_id = run_module("security_group", **GROUP)["resource"]["group_id"]
    fresh_aws.client("ec2").authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
    assert not run_module("security_group", **GROUP, purge_rules=False)["changed"]
    assert run_module("security_group", **GROUP)["changed"]


def test_rules_name_other_groups_and_the_group_itself(fresh_aws: Aws) -> None:
    rules = {"ingress": [{"ports": [3306], "security_groups": [NAME, "database"]}]}
    database = {"name": "database", **rules}
    plan = run_module("security_group", check=True, **database)
    assert plan["calls"][0] == "ec2.create_security_group"
    message = run_module("security_group", fails=True, **database)["msg"]
    assert f"has no group named {NAME}. Make it first" in message
    run_module("security_group", **GROUP)
    done = applied_as_planned("security_group", **database)
    assert done["resource"]["ingress"] == {
        f"tcp 3306 from {NAME}": "allowed",
        "tcp 3306 from database": "allowed",
    }


def test_another_vpc(fresh_aws: Aws) -> None:
    ec2 = fresh_aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    done = applied_as_planned("security_group", **GROUP, vpc_id=vpc)
    assert done["resource"]["vpc_id"] == vpc
    assert not run_module("security_group", **GROUP)["changed"]
    default = next(item["VpcId"] for item in ec2.describe_vpcs()["Vpcs"] if item["IsDefault"])
    assert run_module("security_group", **GROUP, vpc_id=default)["resource"]["vpc_id"] == default
    assert "several VPCs" in run_module("security_group", fails=True, **GROUP)["msg"]


def test_absent_waits_until_nothing_has_it(fresh_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    group_id = run_module("security_group", **GROUP)["resource"]["group_id"]
    ec2 = fresh_aws.client("ec2")
    images = fresh_aws.client("ssm").get_parameter(Name="/aws/service/debian/release/13/latest/arm64")
    (instance,) = ec2.run_instances(
        ImageId=images["Parameter"]["Value"],
        InstanceType="t4g.micro",
        MinCount=1,
        MaxCount=1,
        SecurityGroupIds=[group_id],
    )["Instances"]

    def pass_time(_seconds: float) -> None:
        ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

    monkeypatch.setattr(_aws.time, "sleep", pass_time)
    gone = {"name": NAME, "state": "absent", "tags": GROUP["tags"]}
    assert "left" in run_module("security_group", **gone | {"tags": {"Project": "x"}})["hand_work"][0]
    assert applied_as_planned("security_group", **gone)["calls"] == ["ec2.delete_security_group"]
