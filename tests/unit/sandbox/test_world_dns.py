"""Route 53's records as zone files."""

from __future__ import annotations

from typing import Any

import dns.zone
import pytest

from sandbox import config
from sandbox.world import dns as world_dns
from sandbox.world.account import Zone

CLOUDFRONT = {
    "HostedZoneId": "Z2FDTNDATAQYW2",
    "DNSName": "d1.cloudfront.net.",
    "EvaluateTargetHealth": False,
}


def record(name: str, kind: str, *values: str, ttl: int = 300) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in values]}


def alias(name: str, kind: str, target: str) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "AliasTarget": {**CLOUDFRONT, "DNSName": target}}


def zone(*records: dict[str, Any], name: str = "academia.test.") -> Zone:
    return Zone("Z1", name, records)


def parsed(made: Zone) -> dns.zone.Zone:
    """The zone file as a DNS server reads it."""
    return dns.zone.from_text(
        world_dns.zone_file(made), origin=made.name, relativize=False, check_origin=False
    )


def values(made: Zone, name: str, kind: str) -> list[str]:
    found = parsed(made).get_rdataset(name, kind)
    return sorted(str(value) for value in found) if found else []


def test_an_address_is_answered_with_its_ttl() -> None:
    made = zone(record("api.academia.test.", "A", "10.97.0.100", ttl=60))
    assert values(made, "api.academia.test.", "A") == ["10.97.0.100"]
    assert parsed(made).get_rdataset("api.academia.test.", "A").ttl == 60


@pytest.mark.parametrize("dot", ["", "."])
def test_a_name_in_a_value_is_absolute_with_and_without_its_dot(dot: str) -> None:
    made = zone(
        record("academia.test.", "NS", f"ns-1.awsdns-1.com{dot}"),
        record("www.academia.test.", "CNAME", f"other.test{dot}"),
        record("academia.test.", "MX", f"10 mail.other.test{dot}"),
    )
    assert values(made, "academia.test.", "NS") == ["ns-1.awsdns-1.com."]
    assert values(made, "www.academia.test.", "CNAME") == ["other.test."]
    assert values(made, "academia.test.", "MX") == ["10 mail.other.test."]


def test_texts_and_certificate_authorities_are_as_they_were_written() -> None:
    made = zone(
        record("academia.test.", "TXT", '"v=spf1 -all"', '"a" "b"'),
        record("academia.test.", "CAA", '0 issue "letsencrypt.org"'),
    )
    assert values(made, "academia.test.", "TXT") == ['"a" "b"', '"v=spf1 -all"']
    assert values(made, "academia.test.", "CAA") == ['0 issue "letsencrypt.org"']


@pytest.mark.parametrize(
    "target",
    [
        "d1.cloudfront.net",
        "D1.CloudFront.net.",
        "s3-website-us-east-1.amazonaws.com",
        "s3-website.eu-central-1.amazonaws.com.",
        "site.test.s3-website-us-east-1.amazonaws.com",
    ],
)
def test_an_alias_of_the_edge_is_the_edge(target: str) -> None:
    made = zone(alias("academia.test.", "A", target), alias("academia.test.", "AAAA", target))
    assert values(made, "academia.test.", "A") == [config.CLOUD_ADDRESS]
    assert values(made, "academia.test.", "AAAA") == []


def test_an_alias_of_another_record_has_its_values() -> None:
    made = zone(
        record("api.academia.test.", "A", "10.97.0.100"),
        alias("x.academia.test.", "A", "y.academia.test"),
        alias("y.academia.test.", "A", "api.academia.test."),
    )
    assert values(made, "x.academia.test.", "A") == ["10.97.0.100"]


def test_an_alias_of_itself_has_no_value() -> None:
    assert values(zone(alias("x.academia.test.", "A", "x.academia.test.")), "x.academia.test.", "A") == []


def test_a_wildcard_is_a_star() -> None:
    made = zone(record("\\052.academia.test.", "A", "10.97.0.100"))
    assert values(made, "*.academia.test.", "A") == ["10.97.0.100"]


def test_the_zone_has_one_start_of_authority_whatever_the_api_gives() -> None:
    made = zone(record("academia.test.", "SOA", "{'Value': 'broken'}"))
    assert len(values(made, "academia.test.", "SOA")) == 1


def test_of_two_zones_of_a_name_one_is_served() -> None:
    text = world_dns.server_config((zone(), zone(), zone(name="other.test.")))
    assert text.count('name: "academia.test."') == 1
    assert text.count("auth-zone:") == 2
