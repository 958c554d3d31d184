"""hosted_zone against the AWS API: a zone and its records as one thing."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Aws
from .modules import applied_as_planned, run_module
from .test_overlay_cloudfront import config_of, issue

# Nothing answers there, so that no test depends on this machine's resolvers.
NOBODY = ["127.0.0.1#9"]
RECORDS = [
    {"name": "api", "type": "A", "target": {"elastic_ip": "academia-test-host"}},
    {"type": "CAA", "values": ["0 issue letsencrypt.org"]},
    {"type": "TXT", "values": ["v=spf1 -all"]},
    {"name": "*.preview", "type": "CNAME", "values": ["Academia.test"]},
]
ZONE: dict[str, Any] = {
    "name": "academia.test",
    "comment": "Andamio",
    "tags": {"Project": "academia"},
    "records": RECORDS,
    "resolvers": NOBODY,
}
API = "api.academia.test. A"


def allocate(aws: Aws, name: str = "academia-test-host") -> str:
    specification = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": name}]}]
    answer = aws.client("ec2").allocate_address(Domain="vpc", TagSpecifications=specification)
    return str(answer["PublicIp"])


def change(aws: Aws, zone_id: str, action: str, **record: Any) -> None:
    aws.client("route53").change_resource_record_sets(
        HostedZoneId=zone_id, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    )


def test_from_nothing(fresh_aws: Aws) -> None:
    address = allocate(fresh_aws)
    done = applied_as_planned("hosted_zone", **ZONE)
    assert done["calls"] == [
        "route53.create_hosted_zone",
        "route53.change_resource_record_sets",
        "route53.change_tags_for_resource",
    ]
    zone = done["resource"]
    assert zone["records"] == {
        API: {"ttl": 300, "values": [address]},
        "academia.test. CAA": {"ttl": 300, "values": ['0 issue "letsencrypt.org"']},
        "academia.test. TXT": {"ttl": 300, "values": ['"v=spf1 -all"']},
        "*.preview.academia.test. CNAME": {"ttl": 300, "values": ["academia.test."]},
    }
    assert zone["tags"] == {"Project": "academia"}
    found = fresh_aws.client("route53").get_hosted_zone(Id=zone["hosted_zone_id"])
    assert sorted(found["DelegationSet"]["NameServers"]) == zone["name_servers"]


def test_check_mode_from_an_empty_account(fresh_aws: Aws) -> None:
    plan = run_module("hosted_zone", check=True, **ZONE)
    assert plan["calls"][0] == "route53.create_hosted_zone"
    assert plan["resource"]["records"][API] == {"ttl": 300, "values": ["(known after apply)"]}
    assert plan["resource"]["name_servers"] == ["(known after apply)"]
    assert plan["resource"]["delegation"]["live"] is None
    assert plan["hand_work"] == [
        "Set the name servers that the zone gets for academia.test at your registrar."
    ]
    assert fresh_aws.client("route53").list_hosted_zones()["HostedZones"] == []


def test_a_real_run_says_what_is_missing(fresh_aws: Aws) -> None:
    message = run_module("hosted_zone", fails=True, **ZONE)["msg"]
    assert "isn't there yet: api.academia.test. A" in message
    assert fresh_aws.client("route53").list_hosted_zones()["HostedZones"] == []


def test_a_delegation_nobody_can_tell_of_is_not_called_dead(fresh_aws: Aws) -> None:
    allocate(fresh_aws)
    delegation = run_module("hosted_zone", **ZONE)["resource"]["delegation"]
    assert (delegation["live"], delegation["found"]) == (None, [])
    assert delegation["problem"].startswith("127.0.0.1#9: ")


@pytest.mark.parametrize("drift", ["value", "ttl", "gone", "comment", "tag added", "tag changed"])
def test_drift_is_repaired(fresh_aws: Aws, drift: str) -> None:
    allocate(fresh_aws)
    before = run_module("hosted_zone", **ZONE)["resource"]
    route53, zone_id = fresh_aws.client("route53"), before["hosted_zone_id"]
    api = {"Name": "api.academia.test.", "Type": "A", "TTL": 300}
    ours = [{"Value": before["records"][API]["values"][0]}]
    match drift:
        case "value":
            change(fresh_aws, zone_id, "UPSERT", **api, ResourceRecords=[{"Value": "192.0.2.1"}])
        case "ttl":
            change(fresh_aws, zone_id, "UPSERT", **(api | {"TTL": 60}), ResourceRecords=ours)
        case "gone":
            change(fresh_aws, zone_id, "DELETE", **api, ResourceRecords=ours)
        case "comment":
            route53.update_hosted_zone_comment(Id=zone_id, Comment="theirs")
        case "tag added":
            route53.change_tags_for_resource(
                ResourceType="hostedzone", ResourceId=zone_id, AddTags=[{"Key": "Old", "Value": "1"}]
            )
        case "tag changed":
            route53.change_tags_for_resource(
                ResourceType="hostedzone", ResourceId=zone_id, AddTags=[{"Key": "Project", "Value": "x"}]
            )
    done = applied_as_planned("hosted_zone", **ZONE)
    assert len(done["calls"]) == 1
    assert done["resource"] == before


def test_records_of_others_stay(fresh_aws: Aws) -> None:
    allocate(fresh_aws)
    zone_id = run_module("hosted_zone", **ZONE)["resource"]["hosted_zone_id"]
    mail = {
        "Name": "mail.academia.test.",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.9"}],
    }
    change(fresh_aws, zone_id, "UPSERT", **mail)
    assert not run_module("hosted_zone", **ZONE)["changed"]
    gone = run_module("hosted_zone", **ZONE, state="absent")
    assert gone["calls"] == ["route53.change_resource_record_sets"]
    left = fresh_aws.client("route53").list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    assert sorted(record["Type"] for record in left) == ["A", "NS", "SOA"]
    assert not run_module("hosted_zone", **ZONE, state="absent")["changed"]
    forced = run_module("hosted_zone", **ZONE, state="absent", force=True)
    assert forced["calls"] == ["route53.change_resource_record_sets", "route53.delete_hosted_zone"]
    assert not run_module("hosted_zone", **ZONE, state="absent")["changed"]


def test_absent_records(fresh_aws: Aws) -> None:
    allocate(fresh_aws)
    run_module("hosted_zone", **ZONE)
    fewer = ZONE | {"records": RECORDS[:1], "absent_records": [{"type": "TXT"}, {"name": "x", "type": "A"}]}
    done = applied_as_planned("hosted_zone", **fewer)
    assert done["calls"] == ["route53.change_resource_record_sets"]
    assert sorted(done["resource"]["other_records"]) == [
        "*.preview.academia.test. CNAME",
        "academia.test. CAA",
        "academia.test. NS",
        "academia.test. SOA",
    ]


def test_aliases(fresh_aws: Aws) -> None:
    config = config_of(
        Aliases={"Quantity": 1, "Items": ["academia.test"]},
        ViewerCertificate={
            "ACMCertificateArn": issue(fresh_aws, "academia.test"),
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
    )
    distribution = fresh_aws.client("cloudfront").create_distribution(DistributionConfig=config)[
        "Distribution"
    ]
    both = [{"type": kind, "target": {"distribution": "Academia.test"}} for kind in ("A", "AAAA")]
    done = applied_as_planned("hosted_zone", **ZONE | {"records": both})
    alias = {"alias": f"{distribution['DomainName'].lower()}.", "zone": "Z2FDTNDATAQYW2"}
    assert done["resource"]["records"] == {"academia.test. A": alias, "academia.test. AAAA": alias}

    site = [{"type": "A", "target": {"website": "academia.test"}}]
    done = applied_as_planned("hosted_zone", **ZONE | {"records": site})
    assert done["resource"]["records"] == {
        "academia.test. A": {"alias": "s3-website-us-east-1.amazonaws.com.", "zone": "Z3AQBSTGFYJSTF"}
    }
    assert run_module("hosted_zone", **ZONE | {"records": site}, state="absent", force=True)["changed"]


def test_a_zone_that_is_only_used(fresh_aws: Aws) -> None:
    found = ZONE | {"create": False, "records": RECORDS[1:]}
    assert "no public zone" in run_module("hosted_zone", fails=True, **found)["msg"]
    route53 = fresh_aws.client("route53")
    route53.create_hosted_zone(Name="academia.test", CallerReference="theirs")
    assert "route53.create_hosted_zone" not in applied_as_planned("hosted_zone", **found)["calls"]
    run_module("hosted_zone", **found, state="absent", force=True)
    assert len(route53.list_hosted_zones()["HostedZones"]) == 1


def test_two_zones_of_one_name(fresh_aws: Aws) -> None:
    route53 = fresh_aws.client("route53")
    made = [
        route53.create_hosted_zone(Name="academia.test", CallerReference=reference)["HostedZone"]["Id"]
        for reference in ("one", "two")
    ]
    zone = ZONE | {"records": RECORDS[1:]}
    message = run_module("hosted_zone", fails=True, **zone)["msg"]
    assert all(zone_id.rpartition("/")[2] in message for zone_id in made)
    done = applied_as_planned("hosted_zone", **zone, hosted_zone_id=made[1])
    assert done["resource"]["hosted_zone_id"] == made[1].rpartition("/")[2]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"records": [{"type": "A", "values": ["host"]}]}, "'host' is no IP address"),
        ({"records": [{"type": "A"}]}, "either values or a target"),
        ({"records": [{"type": "BAD", "values": ["x"]}]}, "value of type must be one of"),
        ({"absent_records": [{"name": "x.other.test.", "type": "A"}]}, "isn't in the zone"),
        ({"hosted_zone_id": "Z1"}, "no public zone academia.test. has the id Z1"),
        (
            {"region": "mx-central-1", "records": [{"type": "A", "target": {"website": "academia.test"}}]},
            "isn't known",
        ),
    ],
)
def test_wrong_inputs(fresh_aws: Aws, wrong: dict[str, Any], problem: str) -> None:
    assert problem in run_module("hosted_zone", fails=True, **(ZONE | {"records": []} | wrong))["msg"]
    assert fresh_aws.client("route53").list_hosted_zones()["HostedZones"] == []
