"""ec2_host against the AWS API: an instance, its disk and its address as one thing."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Aws
from .modules import applied_as_planned, run_module

NAME = "academia-test-host"
HOST: dict[str, Any] = {
    "name": NAME,
    "os": "debian-13",
    "key_name": NAME,
    "security_groups": [NAME],
    "instance_profile": NAME,
    "user_data": "#!/bin/sh\necho hello\n",
    "tags": {"Project": "academia"},
}
TAGS = {"Name": NAME, "Project": "academia"}
LAUNCH = ["ec2.allocate_address", "ec2.run_instances", "ec2.associate_address"]


def make_profile(aws: Aws, name: str) -> None:
    iam = aws.client("iam")
    iam.create_instance_profile(InstanceProfileName=name)


def make_group(aws: Aws, name: str) -> str:
    ec2 = aws.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


@pytest.fixture
def account(fresh_aws: Aws) -> Aws:
    """An account with all that a host refers to."""
    fresh_aws.client("ec2").create_key_pair(KeyName=NAME)
    make_group(fresh_aws, NAME)
    make_profile(fresh_aws, NAME)
    return fresh_aws


def instances(aws: Aws, *states: str) -> list[dict[str, Any]]:
    filters = [{"Name": "instance-state-name", "Values": list(states) or ["running"]}]
    reservations = aws.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def tags_of(item: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item["Tags"]}


def test_check_mode_from_an_empty_account(fresh_aws: Aws) -> None:
    plan = run_module("ec2_host", check=True, **HOST)
    assert plan["calls"] == LAUNCH
    assert plan["resource"]["public_ip_address"] == "(known after apply)"
    assert plan["resource"]["instance_id"] == "(known after apply)"
    assert (plan["resource"]["user"], plan["resource"]["architecture"]) == ("admin", "arm64")
    assert instances(fresh_aws) == []


def test_from_nothing(account: Aws) -> None:
    done = applied_as_planned("ec2_host", **HOST)
    assert done["calls"] == LAUNCH
    host, ec2 = done["resource"], account.client("ec2")
    instance = instances(account)[0]
    address = ec2.describe_addresses()["Addresses"][0]
    volume = ec2.describe_volumes()["Volumes"][0]
    assert host["instance_id"] == instance["InstanceId"] == address["InstanceId"]
    assert host["public_ip_address"] == instance["PublicIpAddress"] == address["PublicIp"]
    assert (instance["Architecture"], instance["KeyName"]) == ("arm64", NAME)
    assert [group["GroupName"] for group in instance["SecurityGroups"]] == [NAME]
    assert instance["IamInstanceProfile"]["Arn"].endswith(f":instance-profile/{NAME}")
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (16, "gp3", True)
    assert [tags_of(item) for item in (instance, address, volume)] == [TAGS, TAGS, TAGS]
    for attribute, value in (("disableApiTermination", True), ("instanceType", "t4g.micro")):
        answer = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] == value


@pytest.mark.parametrize(
    ("os", "instance_type", "user", "architecture"),
    [
        ("ubuntu-26.04", "t4g.micro", "ubuntu", "arm64"),
        ("ubuntu-24.04", "t3.micro", "ubuntu", "x86_64"),
        ("debian-13", "t3.micro", "admin", "x86_64"),
    ],
)
def test_image_and_user_follow(
    account: Aws, os: str, instance_type: str, user: str, architecture: str
) -> None:
    host = run_module("ec2_host", **HOST | {"os": os, "instance_type": instance_type})["resource"]
    assert (host["user"], host["architecture"]) == (user, architecture)


@pytest.mark.parametrize(
    "drift",
    [
        "stopped",
        "group",
        "profile gone",
        "profile changed",
        "tokens",
        "credits",
        "unprotected",
        "monitored",
        "tag",
        "volume tag",
        "address tag",
        "dissociated",
    ],
)
def test_drift_is_repaired(account: Aws, drift: str) -> None:
    before = run_module("ec2_host", **HOST)["resource"]
    ec2, instance_id = account.client("ec2"), before["instance_id"]
    association = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"][0]
    match drift:
        case "stopped":
            ec2.stop_instances(InstanceIds=[instance_id])
        case "group":
            ec2.modify_instance_attribute(InstanceId=instance_id, Groups=[make_group(account, "open")])
        case "profile gone":
            ec2.disassociate_iam_instance_profile(AssociationId=association["AssociationId"])
        case "profile changed":
            make_profile(account, "wide")
            ec2.replace_iam_instance_profile_association(
                AssociationId=association["AssociationId"], IamInstanceProfile={"Name": "wide"}
            )
        case "tokens":
            ec2.modify_instance_metadata_options(InstanceId=instance_id, HttpTokens="optional")
        case "credits":
            ec2.modify_instance_credit_specification(
                InstanceCreditSpecifications=[{"InstanceId": instance_id, "CpuCredits": "unlimited"}]
            )
        case "unprotected":
            ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": False})
        case "monitored":
            ec2.monitor_instances(InstanceIds=[instance_id])
        case "tag":
            ec2.delete_tags(Resources=[instance_id], Tags=[{"Key": "Project"}])
        case "volume tag":
            ec2.create_tags(Resources=[before["volume_id"]], Tags=[{"Key": "Project", "Value": "x"}])
        case "address tag":
            ec2.create_tags(Resources=[before["allocation_id"]], Tags=[{"Key": "Old", "Value": "1"}])
        case "dissociated":
            ec2.disassociate_address(AssociationId=before["address"]["association_id"])
    done = applied_as_planned("ec2_host", **HOST)
    assert len(done["calls"]) == 1
    changing = {"address", "profile_association_id"}
    assert {key: value for key, value in done["resource"].items() if key not in changing} == {
        key: value for key, value in before.items() if key not in changing
    }


def test_the_disk_grows_in_place_and_never_shrinks(account: Aws) -> None:
    run_module("ec2_host", **HOST, volume_size=8, volume_type="gp2")
    done = applied_as_planned("ec2_host", **HOST)
    assert done["calls"] == ["ec2.modify_volume"]
    assert done["resource"]["volume"] == {"size": 16, "type": "gp3"}
    assert "can't shrink to 8" in run_module("ec2_host", fails=True, **HOST, volume_size=8)["msg"]


def test_another_type_asks_before_it_stops_the_host(account: Aws) -> None:
    before = run_module("ec2_host", **HOST)["resource"]
    bigger = HOST | {"instance_type": "t4g.small"}
    for check in (True, False):
        assert "'allow_stop'" in run_module("ec2_host", check=check, fails=True, **bigger)["msg"]
    done = applied_as_planned("ec2_host", **bigger, allow_stop=True)
    assert done["calls"] == ["ec2.stop_instances", "ec2.modify_instance_attribute", "ec2.start_instances"]
    assert done["resource"]["instance_id"] == before["instance_id"]
    assert done["resource"]["public_ip_address"] == before["public_ip_address"]
    assert (
        "only a new instance"
        in run_module("ec2_host", fails=True, **HOST, instance_type="t3.micro")["msg"].lower()
    )


def test_stopped(account: Aws) -> None:
    assert applied_as_planned("ec2_host", **HOST, state="stopped")["resource"]["state"] == "stopped"
    assert applied_as_planned("ec2_host", **HOST)["calls"] == ["ec2.start_instances"]
    assert applied_as_planned("ec2_host", **HOST, state="stopped")["calls"] == ["ec2.stop_instances"]


def test_what_is_for_new_instances_only_changes_nothing(account: Aws) -> None:
    run_module("ec2_host", **HOST)
    other = HOST | {
        "user_data": "#!/bin/sh\n",
        "os": "ubuntu-26.04",
        "key_name": None,
        "volume_encrypted": False,
    }
    assert not run_module("ec2_host", **other)["changed"]


def test_replacing_keeps_the_address(account: Aws) -> None:
    old = run_module("ec2_host", **HOST)["resource"]
    replace = HOST | {"replace": old["instance_id"]}
    done = applied_as_planned("ec2_host", **replace)
    assert done["calls"] == [
        "ec2.run_instances",
        "ec2.associate_address",
        "ec2.create_snapshot",
        "ec2.modify_instance_attribute",
        "ec2.terminate_instances",
    ]
    named = [{"Name": "tag:Name", "Values": [NAME]}]
    (snapshot,) = account.client("ec2").describe_snapshots(Filters=named)["Snapshots"]
    assert (snapshot["VolumeId"], tags_of(snapshot)) == (old["volume_id"], TAGS)
    # The old one is paid for until then: the bill stays as it is.
    planned = done["planned"]
    assert (planned["action"], planned["attributes"]) == ("replace", [])
    assert {**planned["before"], "address": True} == {**planned["after"], "address": True}
    assert planned["after"]["elastic_ip"]
    assert planned["before"]["volume"] == {"size": 16, "type": "gp3"}
    assert done["resource"]["instance_id"] != old["instance_id"]
    assert done["resource"]["public_ip_address"] == old["public_ip_address"]
    assert [item["InstanceId"] for item in instances(account)] == [done["resource"]["instance_id"]]
    address = account.client("ec2").describe_addresses()["Addresses"]
    assert [item["InstanceId"] for item in address] == [done["resource"]["instance_id"]]
    assert not run_module("ec2_host", **HOST)["changed"]


def test_replacing_whichever_there_is(account: Aws) -> None:
    assert run_module("ec2_host", **HOST, replace=True)["calls"] == LAUNCH
    old = run_module("ec2_host", **HOST)["resource"]["instance_id"]
    assert run_module("ec2_host", check=True, **HOST, replace=True)["changed"]
    assert run_module("ec2_host", **HOST, replace=True)["resource"]["instance_id"] != old
    assert len(instances(account)) == 1


def test_a_replacement_that_was_cut_off_is_completed(account: Aws) -> None:
    old = run_module("ec2_host", **HOST)["resource"]
    specification = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": NAME}]}]
    new = account.client("ec2").run_instances(
        ImageId=old["image_id"],
        InstanceType="t4g.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=specification,
    )["Instances"][0]["InstanceId"]
    message = run_module("ec2_host", fails=True, **HOST)["msg"]
    assert old["instance_id"] in message
    assert new in message
    done = run_module("ec2_host", **HOST, replace=old["instance_id"])
    assert done["resource"]["instance_id"] == new
    assert done["resource"]["public_ip_address"] == old["public_ip_address"]
    assert not run_module("ec2_host", **HOST)["changed"]


def test_replacing_somebody_elses_instance_is_refused(account: Aws) -> None:
    run_module("ec2_host", **HOST)
    theirs = run_module("ec2_host", **HOST | {"name": "other"})["resource"]["instance_id"]
    message = run_module("ec2_host", fails=True, **HOST, replace=theirs)["msg"]
    assert f"{theirs} exists, but its name is another" in message
    assert len(instances(account)) == 2


def test_absent(account: Aws) -> None:
    run_module("ec2_host", **HOST)
    gone = {"name": NAME, "state": "absent"}
    assert "'force'" in run_module("ec2_host", fails=True, **gone)["msg"]
    assert len(instances(account)) == 1
    done = applied_as_planned("ec2_host", **gone, force=True)
    assert done["calls"] == ["ec2.modify_instance_attribute", "ec2.terminate_instances"]
    assert instances(account) == []
    assert len(account.client("ec2").describe_addresses()["Addresses"]) == 1
    assert applied_as_planned("ec2_host", **gone, release_address=True)["calls"] == ["ec2.release_address"]
    assert not run_module("ec2_host", **gone, release_address=True)["changed"]


def test_absent_leaves_what_has_other_tags(account: Aws) -> None:
    run_module("ec2_host", **HOST)
    goes = {"name": NAME, "state": "absent", "force": True, "release_address": True}
    theirs = run_module("ec2_host", **goes, tags={"Project": "other"})
    assert (theirs["changed"], theirs["planned"]["action"]) == (False, "none")
    assert len(theirs["hand_work"]) == 2
    assert len(instances(account)) == 1
    ours = applied_as_planned("ec2_host", **goes, tags=HOST["tags"])
    assert (ours["planned"]["action"], "hand_work" in ours) == ("delete", False)
    assert account.client("ec2").describe_addresses()["Addresses"] == []


def test_absent_takes_the_snapshots_of_replaced_disks(account: Aws) -> None:
    first = run_module("ec2_host", **HOST)["resource"]["instance_id"]
    run_module("ec2_host", **HOST, replace=first)
    ec2 = account.client("ec2")
    volume = ec2.describe_volumes()["Volumes"][0]["VolumeId"]
    specification = [{"ResourceType": "snapshot", "Tags": [{"Key": "Name", "Value": NAME}]}]
    other = ec2.create_snapshot(VolumeId=volume, TagSpecifications=specification)["SnapshotId"]
    goes = {"name": NAME, "state": "absent", "force": True, "tags": HOST["tags"]}
    assert "ec2.delete_snapshot" not in run_module("ec2_host", check=True, **goes)["calls"]
    done = applied_as_planned("ec2_host", **goes, release_address=True, delete_snapshots=True)
    assert done["calls"].count("ec2.delete_snapshot") == 1
    named = ec2.describe_snapshots(Filters=[{"Name": "tag:Name", "Values": [NAME]}])["Snapshots"]
    assert [each["SnapshotId"] for each in named] == [other]


def test_a_host_without_an_address(account: Aws) -> None:
    assert applied_as_planned("ec2_host", **HOST, elastic_ip=False)["calls"] == ["ec2.run_instances"]
    assert applied_as_planned("ec2_host", **HOST)["calls"] == [
        "ec2.allocate_address",
        "ec2.associate_address",
    ]
    done = applied_as_planned("ec2_host", **HOST, elastic_ip=False, release_address=True)
    assert done["calls"] == ["ec2.disassociate_address", "ec2.release_address"]


def test_a_vpc_of_ones_own(account: Aws) -> None:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    own = HOST | {"security_groups": None, "vpc_id": vpc}
    assert "no subnet that gives public addresses" in run_module("ec2_host", fails=True, **own)["msg"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.5.1.0/24")["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    assert run_module("ec2_host", **own)["resource"]["subnet_id"] == subnet
    other = HOST | {"name": "other", "security_groups": None, "subnet_id": subnet}
    assert run_module("ec2_host", **other)["resource"]["vpc_id"] == vpc


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"security_groups": [NAME, "nowhere"]}, "has no group named nowhere. Make it first"),
        ({"key_name": "nowhere"}, "key_name: there is no key pair nowhere"),
        ({"instance_profile": "nowhere"}, "instance_profile: there is no instance profile nowhere"),
        ({"image_id": "ami-00000000000000000"}, "image_id: this region has no image ami-00000000000000000"),
        ({"os": "windows"}, "value of os must be one of"),
        ({"replace": "the broken one"}, "neither true nor an instance id"),
        ({"instance_type": "t4g.mikro"}, "instance_type: 't4g.mikro' is no instance type"),
    ],
)
def test_wrong_inputs(account: Aws, wrong: dict[str, Any], problem: str) -> None:
    assert problem in run_module("ec2_host", fails=True, **HOST | wrong)["msg"]
    assert instances(account) == []
    assert account.client("ec2").describe_addresses()["Addresses"] == []
