"""A zone's plan, call by call."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _hosted_zone as zones
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import (
    AFTER_APPLY,
    Answer,
    Refused,
)

NEW = Answer("route53.create_hosted_zone", "HostedZone.Id")
EIP = {("elastic_ip", "host"): "198.51.100.7"}


def item(name: str = "", kind: str = "A", **changed: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "ttl": 300, "values": None, "target": None, **changed}


def params(*records: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "name": "academia.test",
        "comment": None,
        "tags": None,
        "records": list(records),
        "absent_records": [],
        "state": "present",
        "region": "us-east-1",
        **changed,
    }


API_KEY = "api.academia.test. A"
API = item("api", target={"elastic_ip": "host", "distribution": None, "website": None})
APEX = item(target={"distribution": "academia.test"})


def goal(*records: dict[str, Any], **changed: Any) -> dict[str, Any]:
    targets = {**EIP, ("distribution", "academia.test"): "D1.cloudfront.net"}
    form = zones.desired(params(*records, **changed), targets)
    return {key: value for key, value in form.items() if value is not None}


def zone(
    records: dict[str, Any] | None = None, others: dict[str, Any] | None = None, **changed: Any
) -> dict[str, Any]:
    apex = {
        "academia.test. NS": {"ttl": 172800, "values": ["ns-1."]},
        "academia.test. SOA": {"ttl": 900, "values": ["x"]},
    }
    everything = {**apex, **(records or {}), **(others or {})}
    return {
        "hosted_zone_id": "Z1",
        "name": "academia.test.",
        "comment": "",
        "tags": {},
        "records": records or {},
        "other_records": {**apex, **(others or {})},
        "_made_here": True,
        "_read": {
            record: zones._upsert(record, form)["ResourceRecordSet"]
            for record, form in everything.items()
            if "routed" not in form
        },
        **changed,
    }


def calls(current: Any, wanted: Any, **terms: Any) -> list[tuple[str, Any]]:
    return [(change.call, change.arguments) for change in zones.plan(current, wanted, zones.Terms(**terms))]


def upsert(name: str, kind: str = "A", action: str = "UPSERT", **form: Any) -> dict[str, Any]:
    return {"Action": action, "ResourceRecordSet": {"Name": name, "Type": kind, **form}}


API_CHANGE = upsert("api.academia.test.", TTL=300, ResourceRecords=[{"Value": "198.51.100.7"}])
ALIAS = {"DNSName": "d1.cloudfront.net.", "HostedZoneId": "Z2FDTNDATAQYW2", "EvaluateTargetHealth": False}


def test_from_nothing_all_records_are_one_call() -> None:
    assert calls(
        None, goal(API, APEX, comment="ours", tags={"Project": "academia"}), caller_reference="once"
    ) == [
        (
            "route53.create_hosted_zone",
            {"Name": "academia.test.", "CallerReference": "once", "HostedZoneConfig": {"Comment": "ours"}},
        ),
        (
            "route53.change_resource_record_sets",
            {
                "HostedZoneId": NEW,
                "ChangeBatch": {"Changes": [upsert("academia.test.", AliasTarget=ALIAS), API_CHANGE]},
            },
        ),
        (
            "route53.change_tags_for_resource",
            {
                "ResourceType": "hostedzone",
                "ResourceId": AFTER_APPLY,
                "AddTags": [{"Key": "Project", "Value": "academia"}],
            },
        ),
    ]


def test_nothing_to_do() -> None:
    wanted = goal(API, APEX)
    assert calls(zone(dict(wanted["records"])), wanted) == []


def test_only_what_differs_is_sent_and_what_has_to_go_goes_first() -> None:
    wanted = goal(API, APEX)
    current = zone(
        {
            **wanted["records"],
            "api.academia.test. A": {"ttl": 60, "values": ["198.51.100.7"]},
            "old.academia.test. A": {"alias": "x.test.", "zone": "Z9", "health": True},
        }
    )
    old = {"DNSName": "x.test.", "HostedZoneId": "Z9", "EvaluateTargetHealth": True}
    assert calls(current, wanted, absent=["old.academia.test. A", "gone.academia.test. A"]) == [
        (
            "route53.change_resource_record_sets",
            {
                "HostedZoneId": "Z1",
                "ChangeBatch": {
                    "Changes": [upsert("old.academia.test.", action="DELETE", AliasTarget=old), API_CHANGE]
                },
            },
        )
    ]


def test_waiting_is_for_this_batch() -> None:
    change = zones.plan(zone(), goal(API), zones.Terms(wait=60))[0]
    assert change.wait is not None
    assert change.wait.arguments == {"Id": Answer("route53.change_resource_record_sets", "ChangeInfo.Id")}
    assert zones.plan(zone(), goal(API), zones.Terms())[0].wait is None


def test_the_registrar_is_left_to_a_person() -> None:
    there = {"name_servers": ["ns-1.awsdns-01.org", "ns-2.awsdns-02.org"]}
    assert zones.hand_work(zone(**there, delegation={"live": False})) == [
        "Set these name servers for academia.test at your registrar: ns-1.awsdns-01.org, ns-2.awsdns-02.org."
    ]
    assert zones.hand_work(zone(**there, delegation={"live": True})) == []
    assert zones.hand_work(zone(**there, delegation={"live": None})) == []
    assert zones.hand_work(zone(name_servers=[AFTER_APPLY], delegation={"live": None})) == [
        "Set the name servers that the zone gets for academia.test at your registrar."
    ]


def test_comment_and_tags_are_repaired() -> None:
    wanted = goal(comment="ours", tags={"Project": "academia"})
    assert calls(zone(comment="theirs", tags={"Old": "1"}), wanted) == [
        ("route53.update_hosted_zone_comment", {"Id": "Z1", "Comment": "ours"}),
        (
            "route53.change_tags_for_resource",
            {
                "ResourceType": "hostedzone",
                "ResourceId": "Z1",
                "AddTags": [{"Key": "Project", "Value": "academia"}],
                "RemoveTagKeys": ["Old"],
            },
        ),
    ]


def test_what_is_not_given_is_left_alone() -> None:
    assert calls(zone(comment="theirs", tags={"Old": "1"}), goal()) == []


def test_a_target_that_is_not_there_yet_is_known_after_apply() -> None:
    form = zones.desired(params(API, APEX), {("elastic_ip", "host"): None})
    assert form["records"] == {
        "api.academia.test. A": {"ttl": 300, "values": [AFTER_APPLY]},
        "academia.test. A": {"alias": AFTER_APPLY, "zone": "Z2FDTNDATAQYW2"},
    }
    assert zones.unresolved(form["records"]) == ["academia.test. A", "api.academia.test. A"]
    assert zones.unresolved(goal(API, APEX)["records"]) == []


def test_a_website_is_an_alias_by_region() -> None:
    site = item(target={"website": "academia.test"})
    assert goal(site, region="us-east-2")["records"] == {
        "academia.test. A": {"alias": "s3-website.us-east-2.amazonaws.com.", "zone": "Z2O1EMRO9K5GLX"}
    }


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (item(), r"records\[0\] \(@ A\): it needs either values or a target"),
        (item(values=["198.51.100.7"], target={"website": "academia.test"}), "either values or a target"),
        (item(target={"website": None}), "a target is one of elastic_ip, distribution, website"),
        (item(target={"website": "academia.test", "elastic_ip": "host"}), "a target is one of"),
        (item("www", target={"website": "academia.test"}), "must be www.academia.test, not academia.test"),
        (item("api", "AAAA", target={"elastic_ip": "host"}), "elastic_ip answers A only"),
        (item("x.other.test.", values=["198.51.100.7"]), "isn't in the zone"),
        (item(kind="NS", values=["ns.example"]), "keeps these itself"),
        (item("api", values=["host"]), r"records\[0\] \(api A\): 'host' is no IP address"),
    ],
)
def test_records_that_cannot_be(record: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        goal(record)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"records\[0\].*records\[2\] \(API A\): it is listed twice"):
        goal(item(), API, item("API", values=["198.51.100.8"]))


def test_a_region_whose_website_zone_is_unknown() -> None:
    with pytest.raises(ValueError, match=r"endpoint in mx-central-1 isn't known"):
        goal(item(target={"website": "academia.test"}), region="mx-central-1")


def test_a_record_is_not_both_wanted_and_unwanted() -> None:
    with pytest.raises(ValueError, match="absent_records has it too"):
        goal(API, absent_records=[{"name": "api", "type": "A"}])


def test_a_cname_in_the_way_is_not_ours_to_remove() -> None:
    cname = {"api.academia.test. CNAME": {"ttl": 60, "values": ["x."]}}
    with pytest.raises(Refused, match=r"can't be beside api.academia.test. CNAME.*'absent_records'"):
        calls(zone(others=cname), goal(API))
    planned = calls(zone(cname), goal(API), absent=list(cname))
    assert [change["Action"] for change in planned[0][1]["ChangeBatch"]["Changes"]] == ["DELETE", "UPSERT"]


def test_a_cname_bears_nothing_beside_it() -> None:
    with pytest.raises(Refused, match=r"www.academia.test. CNAME can't be beside www.academia.test. TXT"):
        calls(
            zone(others={"www.academia.test. TXT": {"ttl": 60, "values": ['"x"']}}),
            goal(item("www", "CNAME", values=["academia.test"])),
        )


def test_a_weighted_record_is_refused() -> None:
    with pytest.raises(Refused, match="routes by a policy"):
        calls(zone({"api.academia.test. A": {"routed": True}}), goal(API))


def test_absent_takes_our_records_and_an_empty_zone() -> None:
    ours = dict(goal(API)["records"])
    deletion = upsert(
        "api.academia.test.", action="DELETE", TTL=300, ResourceRecords=[{"Value": "198.51.100.7"}]
    )
    batch = (
        "route53.change_resource_record_sets",
        {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": [deletion]}},
    )
    gone = ("route53.delete_hosted_zone", {"Id": "Z1"})
    theirs = {"mail.academia.test. A": {"ttl": 60, "values": ["198.51.100.9"]}}
    assert calls(zone(ours), None) == [batch, gone]
    assert calls(zone(ours), None, deletable=False) == [batch]
    assert calls(zone(ours, theirs), None) == [batch]
    assert calls(zone({}, theirs), None) == []
    assert [call for call, _ in calls(zone(ours, theirs), None, force=True)] == [batch[0], gone[0]]
    assert calls(None, None) == []


@pytest.mark.parametrize("changed", [{"_made_here": False}, {"tags": {"Project": "other"}}])
def test_a_zone_of_others_stays_with_what_points_elsewhere(changed: dict[str, Any]) -> None:
    wanted = dict(goal(API, APEX)["records"])
    elsewhere = {"api.academia.test. A": {"ttl": 300, "values": ["192.0.2.1"]}}
    current = zone(wanted | elsewhere, **changed)
    terms = {"records": wanted, "tags": {"Project": "academia"}, "force": True}
    ((call, arguments),) = calls(current, None, **terms)
    assert call == "route53.change_resource_record_sets"
    (change,) = arguments["ChangeBatch"]["Changes"]
    assert (change["Action"], change["ResourceRecordSet"]["Name"]) == ("DELETE", "academia.test.")
    stays = zones.staying(current, zones.Terms(**terms))
    assert stays is not None
    assert stays["records"] == elsewhere
    said = zones.left(current, zones.Terms(**terms))
    assert [sentence.split(" ")[0] for sentence in said] == ["api.academia.test.", "The"]
    assert zones.left(current, zones.Terms(**terms, deletable=False)) == said[:1]
    assert zones.plan(stays, None, zones.Terms(**terms)) == []
    # Its target is gone, so what the record says is of no use to anybody.
    unknown = {"api.academia.test. A": {"ttl": 300, "values": [AFTER_APPLY]}}
    assert (
        len(calls(current, None, **terms | {"records": wanted | unknown})[0][1]["ChangeBatch"]["Changes"])
        == 2
    )


def test_a_zone_that_stays_says_why() -> None:
    theirs = {"mail.academia.test. A": {"ttl": 60, "values": ["198.51.100.9"]}}
    (sentence,) = zones.left(zone({}, theirs), zones.Terms())
    assert sentence.endswith("records that aren't ours: mail.academia.test. A.")
    assert zones.left(zone({}, theirs), zones.Terms(force=True)) == []
    assert zones.left(zone({}), zones.Terms()) == []


def test_what_absent_means() -> None:
    old = [{"name": name, "type": "A"} for name in ("old", "older", "new", "mail", "@")]
    names = sorted(["old", "older", "new", "mail"])
    assert zones.absent_records(params(API, absent_records=old)) == [
        "academia.test. A",
        *(f"{name}.academia.test. A" for name in names),
    ]
    assert zones.absent_records(params(API, state="absent")) == ["api.academia.test. A"]


def test_the_order_of_values_means_nothing() -> None:
    texts = ["198.51.100.9", "198.51.100.7", "198.51.100.8"]
    wanted = goal(item("api", values=texts))["records"][API_KEY]
    found = {"Type": "A", "TTL": 300, "ResourceRecords": [{"Value": text} for text in texts[::-1]]}
    assert wanted == zones.normalise_record(found) == {"ttl": 300, "values": sorted(texts)}


def test_an_alias_that_looks_at_health_is_drift() -> None:
    found = {"Type": "A", "AliasTarget": ALIAS | {"EvaluateTargetHealth": True}}
    assert zones.normalise_record(found) == {**goal(APEX)["records"]["academia.test. A"], "health": True}


def test_choosing_a_zone() -> None:
    public = {"Id": "/hostedzone/Z1", "Name": "academia.test.", "Config": {"PrivateZone": False}}
    private = {"Id": "/hostedzone/Z2", "Name": "academia.test.", "Config": {"PrivateZone": True}}
    next_one = {"Id": "/hostedzone/Z3", "Name": "b.academia.test.", "Config": {}}
    twin = public | {"Id": "/hostedzone/Z0"}
    assert zones.choose([public, private, next_one], "Academia.test", None) == public
    assert zones.choose([private, next_one], "academia.test", None) is None
    assert zones.choose([public, twin], "academia.test", "/hostedzone/Z0") == twin
    with pytest.raises(Refused, match="2 public zones have this name: Z0, Z1"):
        zones.choose([public, twin], "academia.test", None)
    with pytest.raises(Refused, match=r"no public zone academia.test. has the id Z2"):
        zones.choose([public, private], "academia.test", "Z2")


def test_normalise_tells_ours_from_others() -> None:
    answer = {
        "HostedZone": {
            "Id": "/hostedzone/Z1",
            "Name": "academia.test.",
            "CallerReference": "andamio-7c1",
            "Config": {},
        },
        "DelegationSet": {"NameServers": ["ns-2.co.uk.", "ns-1.com"]},
    }
    records = [
        {
            "Name": "\\052.academia.test.",
            "Type": "TXT",
            "TTL": 60,
            "ResourceRecords": [{"Value": '"a"  "b"'}],
        },
        {"Name": "academia.test.", "Type": "A", "AliasTarget": ALIAS | {"DNSName": "D1.cloudfront.net"}},
        {"Name": "w.academia.test.", "Type": "A", "SetIdentifier": "1", "Weight": 1},
    ]
    assert zones.normalise(answer, records, [{"Key": "a", "Value": "b"}], ["academia.test. A"]) == {
        "hosted_zone_id": "Z1",
        "name": "academia.test.",
        "comment": "",
        "name_servers": ["ns-1.com", "ns-2.co.uk"],
        "tags": {"a": "b"},
        "_made_here": True,
        "records": {"academia.test. A": {"alias": "d1.cloudfront.net.", "zone": "Z2FDTNDATAQYW2"}},
        "other_records": {
            "*.academia.test. TXT": {"ttl": 60, "values": ['"a" "b"']},
            "w.academia.test. A": {"routed": True},
        },
        "_read": dict(
            zip(("*.academia.test. TXT", "academia.test. A", "w.academia.test. A"), records, strict=True)
        ),
    }


def test_a_deletion_has_the_values_that_were_read() -> None:
    """Route 53 refuses any other spelling: InvalidChangeBatch, "the values provided do not match"."""
    answer = {
        "HostedZone": {"Id": "/hostedzone/Z1", "Name": "academia.test.", "CallerReference": "andamio-1"}
    }
    records: list[dict[str, Any]] = [
        {
            "Name": "\\052.academia.test.",
            "Type": "TXT",
            "TTL": 60,
            "ResourceRecords": [{"Value": '"b"   "c"'}, {"Value": '"a"'}],
        },
        {
            "Name": "w.academia.test.",
            "Type": "A",
            "AliasTarget": ALIAS | {"DNSName": "D1.CloudFront.net."},
        },
        {
            "Name": "w.academia.test.",
            "Type": "AAAA",
            "TTL": 60,
            "ResourceRecords": [{"Value": "2001:DB8:0::1"}],
        },
    ]
    unwanted = ["*.academia.test. TXT", "w.academia.test. A", "w.academia.test. AAAA"]
    expected = [{"Action": "DELETE", "ResourceRecordSet": record} for record in records]
    current = zones.normalise(answer, records, [], unwanted)
    for terms in ({"absent": unwanted}, {"records": {}, "deletable": True, "force": True, "tags": {}}):
        wanted = goal() if "absent" in terms else None
        (_call, arguments), *_rest = calls(current, wanted, **terms)
        assert arguments["ChangeBatch"]["Changes"] == expected


def test_a_name_server_is_told_without_its_dot() -> None:
    told = zones.hand_work(
        {"name": "academia.test.", "name_servers": ["ns-2.co.uk"], "delegation": {"live": False}}
    )
    assert told == ["Set these name servers for academia.test at your registrar: ns-2.co.uk."]
