"""A security group's rules in words, and its plan, call by call."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _security_group
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import (
    AFTER_APPLY,
    Answer,
    Change,
    Refused,
)

WEB = {"ports": ["80", "443"], "cidrs": ["0.0.0.0/0", "::/0"], "description": "Web"}
ALL = {"protocol": "all", "cidrs": ["0.0.0.0/0"]}
OPEN = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def rule(**given: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("ports", "cidrs", "security_groups", "prefix_lists", "description"))
    return {"protocol": "tcp", **empty, **given}


def goal(*ingress: dict[str, Any], egress: list[dict[str, Any]] | None = None, **params: Any) -> Any:
    return _security_group.desired(
        {
            "name": "web",
            "description": "Web traffic",
            "vpc_id": None,
            "tags": {"Project": "academia"},
            "ingress": [rule(**item) for item in ingress],
            "egress": [rule(**item) for item in egress] if egress is not None else None,
            **params,
        }
    )


def tcp(port: int, **peers: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peers}


def current(wanted: Any, *ingress: Any, egress: Any = (OPEN,), purge: bool = True, **names: str) -> Any:
    group = {
        "GroupName": "web",
        "GroupId": "sg-11111111",
        "VpcId": "vpc-1",
        "Description": "Web traffic",
        "Tags": [{"Key": "Project", "Value": "academia"}],
        "IpPermissions": list(ingress),
        "IpPermissionsEgress": list(egress),
    }
    known = {"sg-11111111": "web", **{group_id.replace("_", "-"): name for group_id, name in names.items()}}
    return _security_group.normalise(group, known, wanted, purge)


def plan(now: Any, wanted: Any, **ids: str) -> list[Change]:
    return _security_group.plan(now, wanted, ids, "vpc-1")


def test_rules_are_told_in_words() -> None:
    form = goal(
        WEB,
        {"ports": ["8000-8100"], "security_groups": ["balancer", "sg-22222222"]},
        {"protocol": "17", "ports": ["53"], "prefix_lists": ["pl-1"]},
        {"protocol": "icmp", "cidrs": ["10.0.0.7"]},
        egress=[ALL],
    )
    assert sorted(form["ingress"]) == [
        "icmp from 10.0.0.7/32",
        "tcp 443 from 0.0.0.0/0 (Web)",
        "tcp 443 from ::/0 (Web)",
        "tcp 80 from 0.0.0.0/0 (Web)",
        "tcp 80 from ::/0 (Web)",
        "tcp 8000-8100 from balancer",
        "tcp 8000-8100 from sg-22222222",
        "udp 53 from pl-1",
    ]
    assert form["egress"] == {"all to 0.0.0.0/0": "allowed"}


def test_from_nothing() -> None:
    both = {"IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "Web"}]}
    both |= {"Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "Web"}]}
    self_ = {"UserIdGroupPairs": [{"GroupId": Answer("ec2.create_security_group", "GroupId")}]}
    wanted = goal(WEB, {"ports": ["3306"], "security_groups": ["web"]}, egress=[ALL])
    assert plan(None, wanted) == [
        Change(
            "ec2.create_security_group",
            {
                "GroupName": "web",
                "Description": "Web traffic",
                "VpcId": "vpc-1",
                "TagSpecifications": [
                    {"ResourceType": "security-group", "Tags": [{"Key": "Project", "Value": "academia"}]}
                ],
            },
        ),
        Change(
            "ec2.authorize_security_group_ingress",
            {
                "GroupId": Answer("ec2.create_security_group", "GroupId"),
                "IpPermissions": [tcp(80, **both), tcp(443, **both), tcp(3306, **self_)],
            },
        ),
    ]


def test_what_goes_out_of_a_new_group_waits_for_what_aws_gives_it() -> None:
    ipv6 = plan(None, goal(egress=[{"protocol": "all", "cidrs": ["0.0.0.0/0", "::/0"]}]))[1:]
    assert [(change.call, change.arguments["GroupId"]) for change in ipv6] == [
        ("ec2.authorize_security_group_egress", AFTER_APPLY)
    ]
    assert ipv6[0].arguments["IpPermissions"] == [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
    closed = plan(None, goal(egress=[]))[1:]
    assert [change.call for change in closed] == ["ec2.revoke_security_group_egress"]


def test_as_it_should_be_nothing_is_done() -> None:
    wanted = goal(WEB, {"ports": ["3306"], "security_groups": ["web", "balancer"]}, egress=[ALL])
    ranges = {"IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "Web"}]}
    ranges |= {"Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "Web"}]}
    groups = {"UserIdGroupPairs": [{"GroupId": "sg-33333333"}, {"GroupId": "sg-11111111"}]}
    now = current(wanted, tcp(3306, **groups), tcp(443, **ranges), tcp(80, **ranges), sg_33333333="balancer")
    assert plan(now, wanted, balancer="sg-33333333") == []
    assert (now["ingress"], now["egress"]) == (wanted["ingress"], wanted["egress"])


def test_what_is_missing_is_opened_before_what_is_foreign_is_closed() -> None:
    ssh = tcp(22, IpRanges=[{"CidrIp": "203.0.113.9/32"}])
    http = tcp(80, IpRanges=[{"CidrIp": "0.0.0.0/0", "Description": "web"}])
    wanted = goal({"ports": ["80", "443"], "cidrs": ["0.0.0.0/0"], "description": "Web"})
    worded = {"IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "Web"}]}
    assert plan(current(wanted, ssh, http), wanted) == [
        Change(f"ec2.{call}", {"GroupId": "sg-11111111", "IpPermissions": [permission]})
        for call, permission in (
            ("authorize_security_group_ingress", tcp(443, **worded)),
            ("update_security_group_rule_descriptions_ingress", tcp(80, **worded)),
            ("revoke_security_group_ingress", ssh),
        )
    ]


def test_without_purge_foreign_rules_are_neither_closed_nor_shown() -> None:
    ssh, ping = tcp(22, IpRanges=[{"CidrIp": "0.0.0.0/0"}]), {"IpProtocol": "icmp", "FromPort": 8}
    wanted = goal({"ports": ["80"], "cidrs": ["0.0.0.0/0"]}, egress=[])
    http = tcp(80, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    now = current(wanted, ssh, http, {**ping, "ToPort": -1, "IpRanges": [{"CidrIp": "::"}]}, purge=False)
    assert plan(now, wanted) == []
    assert now["ingress"] == {"tcp 80 from 0.0.0.0/0": "allowed"}


def test_foreign_rules_are_told_in_words_and_closed_as_they_are() -> None:
    foreign = [
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
        {"IpProtocol": "50", "PrefixListIds": [{"PrefixListId": "pl-1"}]},
        tcp(22, UserIdGroupPairs=[{"GroupId": "sg-99999999", "UserId": "1", "Description": "old"}]),
    ]
    wanted = goal()
    now = current(wanted, *foreign)
    assert sorted(now["ingress"]) == [
        "50 from pl-1",
        "icmp type 8 from 10.0.0.0/8",
        "tcp 22 from sg-99999999 (old)",
    ]
    del foreign[2]["UserIdGroupPairs"][0]["UserId"]
    (close,) = plan(now, wanted)
    assert close.call == "ec2.revoke_security_group_ingress"
    assert close.arguments["IpPermissions"] == [foreign[1], foreign[0], foreign[2]]


def test_without_an_opinion_rules_and_tags_stay() -> None:
    wanted = goal(ingress=None, tags=None)
    assert plan(current(wanted, tcp(22, IpRanges=[{"CidrIp": "0.0.0.0/0"}])), wanted) == []


def test_absent_waits_for_what_still_has_it() -> None:
    assert plan(None, None) == []
    assert plan(current(goal()), None) == [
        Change("ec2.delete_security_group", {"GroupId": "sg-11111111"}, retry=("DependencyViolation",))
    ]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"ports": ["80"]}, "ingress, rule 1: it names no peer"),
        ({"cidrs": ["::/0"]}, "tcp needs 'ports'"),
        ({"protocol": "all", "ports": ["80"], "cidrs": ["::/0"]}, "all has no ports"),
        ({"ports": ["http"], "cidrs": ["::/0"]}, "'http' is no port"),
        ({"ports": ["90-80"], "cidrs": ["::/0"]}, "'90-80' is no port"),
        ({"ports": ["70000"], "cidrs": ["::/0"]}, "'70000' is no port"),
        ({"ports": ["80"], "cidrs": ["10.0.0.1/8"]}, "'10.0.0.1/8' is no network"),
    ],
)
def test_what_can_be_no_rule_is_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        goal(wrong)


def test_two_descriptions_of_one_rule_are_refused() -> None:
    with pytest.raises(Refused, match=r"rule 2: tcp 80 from ::/0 \(b\) is there already as .* \(a\)"):
        goal(
            {"ports": ["80"], "cidrs": ["::/0"], "description": "a"},
            {"ports": ["80"], "cidrs": ["::/0"], "description": "b"},
        )


def test_groups_of_one_name_in_several_vpcs() -> None:
    groups = [{"GroupName": "web", "VpcId": vpc} for vpc in ("vpc-2", "vpc-1")]
    assert _security_group.choose(groups, "web", "vpc-2") == groups[0]
    assert _security_group.choose(groups, "web", "vpc-3") is None
    with pytest.raises(Refused, match=r"vpc-1, vpc-2\. Set 'vpc_id'"):
        _security_group.choose(groups, "web", None)
