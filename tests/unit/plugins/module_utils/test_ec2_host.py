"""A host's plan, call by call."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _ec2_host
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import (
    AFTER_APPLY,
    Answer,
    Refused,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._ec2_host_plan import plan

PARAMS: dict[str, Any] = {
    "name": "web",
    "state": "present",
    "instance_type": "t4g.micro",
    "os": "debian-13",
    "image_id": None,
    "key_name": None,
    "security_groups": ["web"],
    "instance_profile": "web",
    "user_data": None,
    "volume_size": 16,
    "volume_type": "gp3",
    "volume_encrypted": True,
    "metadata_hop_limit": 1,
    "cpu_credits": "standard",
    "monitoring": False,
    "termination_protection": True,
    "elastic_ip": True,
    "release_address": False,
    "delete_snapshots": False,
    "replace": None,
    "snapshot_replaced": True,
    "allow_stop": False,
    "force": False,
    "wait_timeout": 300,
    "tags": {"Project": "academia"},
    "purge_tags": True,
}
TAGS = [{"Key": "Name", "Value": "web"}, {"Key": "Project", "Value": "academia"}]
NEW = Answer("ec2.run_instances", "Instances.0.InstanceId")


def instance(**changed: Any) -> dict[str, Any]:
    """Return DescribeInstances' answer for a host that is as PARAMS want it."""
    return {
        "InstanceId": "i-0123456789",
        "State": {"Name": "running"},
        "InstanceType": "t4g.micro",
        "Architecture": "arm64",
        "SecurityGroups": [{"GroupName": "web", "GroupId": "sg-1"}],
        "IamInstanceProfile": {"Arn": "arn:aws:iam::1:instance-profile/web"},
        "Monitoring": {"State": "disabled"},
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
        },
        "Tags": TAGS,
        **changed,
    }


def volume(**changed: Any) -> dict[str, Any]:
    return {"VolumeId": "vol-1", "Size": 16, "VolumeType": "gp3", "Encrypted": True, "Tags": TAGS, **changed}


def address(**changed: Any) -> dict[str, Any]:
    return {
        "AllocationId": "eipalloc-1",
        "PublicIp": "198.51.100.7",
        "AssociationId": "eipassoc-1",
        "InstanceId": "i-0123456789",
        "Tags": TAGS,
        **changed,
    }


def host(
    answer: dict[str, Any] | None = None,
    *,
    disk: dict[str, Any] | None = None,
    eip: dict[str, Any] | None = None,
    protected: bool = True,
    cpu_credits: str = "standard",
    replaced: dict[str, Any] | None = None,
) -> Any:
    form = _ec2_host.normalise(answer or instance(), disk or volume(), protected, cpu_credits)
    return _ec2_host.assemble(form, _ec2_host.normalise_address(eip or address()), replaced)


def calls(
    current: Any, /, references: _ec2_host.References | None = None, **params: Any
) -> list[tuple[str, Any]]:
    """Return the plan as plain tuples."""
    wanted = PARAMS | params
    goal = None
    if wanted["state"] != "absent":
        goal = {key: value for key, value in _ec2_host.desired(wanted).items() if value is not None}
    terms = _ec2_host.terms(wanted, references or _ec2_host.References(groups={"web": "sg-1", "db": "sg-2"}))
    return [(change.call, change.arguments) for change in plan(current, goal, terms)]


def test_from_nothing_everything_goes_into_the_launch() -> None:
    references = _ec2_host.References("ami-1", "/dev/sda1", {"web": "sg-1"}, "subnet-1")
    assert calls(None, references, key_name="web", user_data="#!/bin/sh") == [
        (
            "ec2.allocate_address",
            {"Domain": "vpc", "TagSpecifications": [{"ResourceType": "elastic-ip", "Tags": TAGS}]},
        ),
        (
            "ec2.run_instances",
            {
                "ImageId": "ami-1",
                "InstanceType": "t4g.micro",
                "MinCount": 1,
                "MaxCount": 1,
                "BlockDeviceMappings": [
                    {
                        "DeviceName": "/dev/sda1",
                        "Ebs": {
                            "VolumeSize": 16,
                            "VolumeType": "gp3",
                            "Encrypted": True,
                            "DeleteOnTermination": True,
                        },
                    }
                ],
                "MetadataOptions": {
                    "HttpEndpoint": "enabled",
                    "HttpTokens": "required",
                    "HttpPutResponseHopLimit": 1,
                },
                "DisableApiTermination": True,
                "Monitoring": {"Enabled": False},
                "TagSpecifications": [
                    {"ResourceType": "instance", "Tags": TAGS},
                    {"ResourceType": "volume", "Tags": TAGS},
                ],
                "CreditSpecification": {"CpuCredits": "standard"},
                "SecurityGroupIds": ["sg-1"],
                "IamInstanceProfile": {"Name": "web"},
                "SubnetId": "subnet-1",
                "KeyName": "web",
                "UserData": "#!/bin/sh",
            },
        ),
        (
            "ec2.associate_address",
            {
                "AllocationId": Answer("ec2.allocate_address", "AllocationId"),
                "InstanceId": NEW,
                "AllowReassociation": True,
            },
        ),
    ]


def test_what_does_not_exist_yet_is_known_after_apply() -> None:
    launch = dict(calls(None, _ec2_host.References()))["ec2.run_instances"]
    assert (launch["ImageId"], launch["SecurityGroupIds"]) == (AFTER_APPLY, [AFTER_APPLY])


def test_a_type_without_credits_has_none() -> None:
    launch = dict(calls(None, instance_type="m7g.large"))["ec2.run_instances"]
    assert "CreditSpecification" not in launch


def test_a_new_host_may_be_stopped() -> None:
    assert ("ec2.stop_instances", {"InstanceIds": [NEW]}) in calls(None, state="stopped")


def test_nothing_to_do() -> None:
    assert calls(host()) == []


def test_what_is_not_given_is_left_alone() -> None:
    odd = host(instance(SecurityGroups=[], IamInstanceProfile={}))
    assert calls(odd, security_groups=None, instance_profile=None) == []


MODIFY = "ec2.modify_instance_attribute"
ID = {"InstanceId": "i-0123456789"}


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (
            host(instance(SecurityGroups=[{"GroupName": "open", "GroupId": "sg-9"}])),
            (MODIFY, {**ID, "Groups": ["sg-1"]}),
        ),
        (
            host(instance(IamInstanceProfile={})),
            ("ec2.associate_iam_instance_profile", {**ID, "IamInstanceProfile": {"Name": "web"}}),
        ),
        (
            host(instance(IamInstanceProfile={"Arn": "arn:aws:iam::1:instance-profile/old"}))
            | {"profile_association_id": "iip-assoc-1"},
            (
                "ec2.replace_iam_instance_profile_association",
                {"AssociationId": "iip-assoc-1", "IamInstanceProfile": {"Name": "web"}},
            ),
        ),
        (
            host(
                instance(
                    MetadataOptions={
                        "HttpEndpoint": "enabled",
                        "HttpTokens": "optional",
                        "HttpPutResponseHopLimit": 2,
                    }
                )
            ),
            (
                "ec2.modify_instance_metadata_options",
                {**ID, "HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            ),
        ),
        (
            host(cpu_credits="unlimited"),
            (
                "ec2.modify_instance_credit_specification",
                {"InstanceCreditSpecifications": [{**ID, "CpuCredits": "standard"}]},
            ),
        ),
        (host(protected=False), (MODIFY, {**ID, "DisableApiTermination": {"Value": True}})),
        (
            host(instance(Monitoring={"State": "enabled"})),
            ("ec2.unmonitor_instances", {"InstanceIds": ["i-0123456789"]}),
        ),
        (
            host(disk=volume(Size=8, VolumeType="gp2")),
            ("ec2.modify_volume", {"VolumeId": "vol-1", "Size": 16, "VolumeType": "gp3"}),
        ),
        (
            host(instance(Tags=TAGS[:1])),
            ("ec2.create_tags", {"Resources": ["i-0123456789"], "Tags": TAGS[1:]}),
        ),
        (host(disk=volume(Tags=[])), ("ec2.create_tags", {"Resources": ["vol-1"], "Tags": TAGS})),
        (
            host(eip=address(Tags=[*TAGS, {"Key": "Old", "Value": "1"}])),
            ("ec2.delete_tags", {"Resources": ["eipalloc-1"], "Tags": [{"Key": "Old"}]}),
        ),
        (
            host(instance(State={"Name": "stopped"})),
            ("ec2.start_instances", {"InstanceIds": ["i-0123456789"]}),
        ),
        (
            host(eip=address(InstanceId="i-9", AssociationId="eipassoc-9")),
            ("ec2.associate_address", {"AllocationId": "eipalloc-1", **ID, "AllowReassociation": True}),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_one_drift_is_one_call(current: Any, expected: tuple[str, Any]) -> None:
    assert calls(current) == [expected]


def test_tags_of_one_part_do_not_spread_to_another() -> None:
    theirs = [*TAGS, {"Key": "Theirs", "Value": "1"}]
    current = host(instance(Tags=theirs), disk=volume(Tags=theirs[:2]))
    goal = {key: value for key, value in _ec2_host.desired(PARAMS).items() if value is not None}
    goal["tags"] = current["tags"]  # as _aws.run has them when they aren't purged
    assert plan(current, goal, _ec2_host.terms(PARAMS, _ec2_host.References())) == []


def test_the_order_of_groups_means_nothing() -> None:
    groups = [{"GroupName": name, "GroupId": f"sg-{name}"} for name in ("web", "db", "cache", "admin")]
    names = ["db", "admin", "web", "cache", "web"]
    assert calls(host(instance(SecurityGroups=groups)), security_groups=names) == []
    launch = dict(
        calls(None, _ec2_host.References(groups={name: name for name in names}), security_groups=names)
    )
    assert launch["ec2.run_instances"]["SecurityGroupIds"] == ["admin", "cache", "db", "web"]


def test_another_type_needs_leave_to_stop() -> None:
    with pytest.raises(Refused, match=r"is a t4g.micro, wanted is a t4g.small: this stops it.*allow_stop"):
        calls(host(), instance_type="t4g.small")
    assert calls(host(), instance_type="t4g.small", allow_stop=True) == [
        ("ec2.stop_instances", {"InstanceIds": ["i-0123456789"]}),
        (MODIFY, {**ID, "InstanceType": {"Value": "t4g.small"}}),
        ("ec2.start_instances", {"InstanceIds": ["i-0123456789"]}),
    ]


def test_a_stopped_instance_changes_its_type_without_asking() -> None:
    current = host(instance(State={"Name": "stopped"}))
    assert calls(current, instance_type="t4g.small", state="stopped") == [
        (MODIFY, {**ID, "InstanceType": {"Value": "t4g.small"}})
    ]


def test_another_architecture_needs_another_instance() -> None:
    with pytest.raises(Refused, match=r"disk is for arm64, that type is x86_64.*'replace' to i-0123456789"):
        calls(host(), instance_type="t3.micro", allow_stop=True)


def test_a_disk_does_not_shrink() -> None:
    with pytest.raises(Refused, match="has 32 GiB and can't shrink to 16"):
        calls(host(disk=volume(Size=32)))


OLD = {"instance_id": "i-0000000000", "termination_protection": True, "volume_id": "vol-0"}


def test_replacing_makes_the_new_one_first_and_ends_the_old_one_last() -> None:
    current = _ec2_host.assemble(None, _ec2_host.normalise_address(address(InstanceId="i-0000000000")), OLD)
    planned = calls(current)
    assert [call for call, _ in planned] == [
        "ec2.run_instances",
        "ec2.associate_address",
        "ec2.create_snapshot",
        MODIFY,
        "ec2.terminate_instances",
    ]
    assert planned[1][1] == {"AllocationId": "eipalloc-1", "InstanceId": NEW, "AllowReassociation": True}
    assert planned[2][1] == {
        "VolumeId": "vol-0",
        "Description": "The disk of i-0000000000, which was replaced",
        "TagSpecifications": [{"ResourceType": "snapshot", "Tags": TAGS}],
    }
    assert planned[3][1] == {"InstanceId": "i-0000000000", "DisableApiTermination": {"Value": False}}
    assert planned[4][1] == {"InstanceIds": ["i-0000000000"]}


def test_a_plan_tells_of_the_instance_that_is_replaced_until_the_new_one_is_there() -> None:
    old = _ec2_host.normalise(
        instance(InstanceId="i-0000000000", InstanceType="t4g.small"), volume(Size=30), True, "standard"
    )
    eip = _ec2_host.normalise_address(address(InstanceId="i-0000000000"))
    first = _ec2_host.told(_ec2_host.assemble(None, eip, old))
    assert (first["instance_type"], first["volume"]["size"], first["elastic_ip"]) == ("t4g.small", 30, True)
    second = _ec2_host.told(host(replaced=old))
    assert (second["instance_type"], second["volume"]["size"]) == ("t4g.micro", 16)


def test_an_address_that_nothing_has_is_paid_for_and_no_host_to_replace() -> None:
    """As after somebody terminated the instance by hand, or took the address from it."""
    alone = _ec2_host.assemble(None, _ec2_host.normalise_address(address(InstanceId=None)), None)
    assert alone is not None
    assert _ec2_host.told(alone) == {}
    assert _ec2_host.paid(alone, None) == {"address": True}
    assert _ec2_host.paid(alone, {"elastic_ip": True}) == {}
    assert _ec2_host.paid(alone, {}) == {"address": True}


def test_replacing_may_do_without_a_snapshot() -> None:
    current = _ec2_host.assemble(None, None, OLD)
    assert "ec2.create_snapshot" not in dict(calls(current, snapshot_replaced=False))


def test_a_replacement_that_was_cut_off_goes_on_where_it_stopped() -> None:
    moved = address(InstanceId="i-0000000000")
    assert [call for call, _ in calls(host(eip=moved, replaced=OLD))] == [
        "ec2.associate_address",
        "ec2.create_snapshot",
        MODIFY,
        "ec2.terminate_instances",
    ]


def test_absent_asks_before_it_ends_a_protected_instance() -> None:
    with pytest.raises(Refused, match=r"protected against termination.*'force'"):
        calls(host(), state="absent")
    assert calls(host(), state="absent", force=True) == [
        (MODIFY, {**ID, "DisableApiTermination": {"Value": False}}),
        ("ec2.terminate_instances", {"InstanceIds": ["i-0123456789"]}),
    ]


def test_absent_gives_the_address_back_only_when_asked() -> None:
    assert calls(host(protected=False), state="absent", release_address=True) == [
        ("ec2.disassociate_address", {"AssociationId": "eipassoc-1"}),
        ("ec2.terminate_instances", {"InstanceIds": ["i-0123456789"]}),
        ("ec2.release_address", {"AllocationId": "eipalloc-1"}),
    ]
    assert calls(None, state="absent") == []


def test_absent_deletes_snapshots_only_when_asked() -> None:
    current = _ec2_host.assemble(None, None, None, ["snap-2", "snap-1"])
    assert calls(current, state="absent") == []
    assert calls(current, state="absent", delete_snapshots=True) == [
        ("ec2.delete_snapshot", {"SnapshotId": "snap-1"}),
        ("ec2.delete_snapshot", {"SnapshotId": "snap-2"}),
    ]


def test_what_has_other_tags_is_not_ours() -> None:
    ours = address()
    theirs = address(PublicIp="198.51.100.9", Tags=[{"Key": "Name", "Value": "web"}])
    wanted = {"Project": "academia"}
    both = [address(Tags=[*TAGS, {"Key": "Project", "Value": "academia"}]), theirs]
    assert _ec2_host.own(both, "PublicIp", wanted) == (both[:1], ["198.51.100.9"])
    assert _ec2_host.own([ours, theirs], "PublicIp", None) == ([ours, theirs], [])


def test_without_elastic_ip_an_address_stays_unless_it_may_go() -> None:
    assert calls(host(), elastic_ip=False) == []
    assert calls(host(), elastic_ip=False, release_address=True) == [
        ("ec2.disassociate_address", {"AssociationId": "eipassoc-1"}),
        ("ec2.release_address", {"AllocationId": "eipalloc-1"}),
    ]


def test_choosing_among_instances() -> None:
    one, two, three = ({"InstanceId": f"i-{number}"} for number in range(3))
    assert _ec2_host.choose([], None) == (None, None)
    assert _ec2_host.choose([one], None) == (one, None)
    assert _ec2_host.choose([one], "i-0") == (None, one)
    assert _ec2_host.choose([one, two], "i-0") == (two, one)
    with pytest.raises(Refused, match="2 instances have this name: i-0, i-1"):
        _ec2_host.choose([one, two], None)
    with pytest.raises(Refused, match="i-1, i-2"):
        _ec2_host.choose([one, two, three], "i-0")


def test_choosing_among_addresses() -> None:
    assert _ec2_host.choose_address([address()], "web") == address()
    assert _ec2_host.choose_address([address()], "other") is None
    with pytest.raises(Refused, match=r"2 Elastic IPs are named web: 198.51.100.7 \(eipalloc-1\), .*"):
        _ec2_host.choose_address([address(), address(PublicIp="198.51.100.8")], "web")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (None, None),
        ("", None),
        ("False", None),
        ("True", "true"),
        ("i-0123456789abcdef0", "i-0123456789abcdef0"),
    ],
)
def test_what_replace_means(text: str | None, meaning: str | None) -> None:
    assert _ec2_host.replacement(text) == meaning


def test_replace_is_true_or_an_id() -> None:
    with pytest.raises(ValueError, match="'web' is neither true nor an instance id"):
        _ec2_host.replacement("web")
