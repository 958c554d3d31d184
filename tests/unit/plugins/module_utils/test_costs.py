"""What resources cost a month: the arithmetic, what is counted, and what is only told."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _prices
from ansible_collections.andamio.laravel_aws.plugins.module_utils._costs import Estimate, Resource, estimate

HOST: dict[str, Any] = {
    "state": "running",
    "instance_type": "t4g.micro",
    "volume": {"size": 12, "type": "gp3"},
    "elastic_ip": True,
    "cpu_credits": "standard",
    "monitoring": False,
}


def host(**changes: Any) -> Resource:
    return Resource("phase1", "ec2_host", "ec2_host", "host a", HOST | changes)


def zone(phase: str = "phase1") -> Resource:
    return Resource(phase, "route53", "hosted_zone", "zone a", {"name": "a."})


def other(kind: str, **state: Any) -> Resource:
    return Resource("phase1", kind, kind, f"{kind} a", state)


def parts(found: Estimate) -> dict[str, float]:
    return {line.part: float(line.usd) for line in found.lines}


def test_phase_1_in_us_east_1() -> None:
    found = estimate([host(), zone()], "us-east-1")
    assert parts(found) == {"instance": 6.13, "disk": 0.96, "address": 3.65, "zone": 0.5}
    assert found.total == Decimal("11.24")
    assert found.unknown == []


@pytest.mark.parametrize(
    ("region", "total"),
    [
        ("us-east-1", "11.24"),
        ("us-east-2", "11.24"),
        ("us-west-1", "12.60"),
        ("us-west-2", "11.24"),
        ("ca-central-1", "11.93"),
        ("sa-east-1", "15.75"),
        ("eu-west-1", "11.93"),
        ("eu-west-2", "12.12"),
        ("eu-west-3", "12.12"),
        ("eu-central-1", "12.30"),
        ("eu-north-1", "11.43"),
        ("mx-central-1", "11.24"),
    ],
)
def test_phase_1_in_every_region(region: str, total: str) -> None:
    assert estimate([host(), zone()], region).total == Decimal(total)


def test_every_region_is_tested_above() -> None:
    assert len(_prices.known_regions()) == 11


@pytest.mark.parametrize("state", ["stopped", "stopping"])
def test_a_stopped_instance_costs_its_disk_and_its_address(state: str) -> None:
    assert parts(estimate([host(state=state)], "us-east-1")) == {"disk": 0.96, "address": 3.65}


def test_an_address_whose_instance_is_gone_is_paid_for() -> None:
    kept = Resource("phase1", "ec2_host", "ec2_host", "host a", {"address": {"public_ip": "198.51.100.7"}})
    assert parts(estimate([kept], "us-east-1")) == {"address": 3.65}


def test_an_instance_without_a_fixed_address_may_have_another() -> None:
    found = estimate([host(elastic_ip=False)], "us-east-1")
    assert parts(found) == {"instance": 6.13, "disk": 0.96}
    assert "a public IPv4 address, if the subnet gives one: 3.65 a month" in found.usage


def test_what_is_not_there_costs_nothing() -> None:
    gone = [resource._replace(state=None) for resource in (host(), zone())]
    found = estimate(gone, "us-east-1")
    assert (found.total, found.usage, found.free, found.unknown) == (Decimal("0.00"), [], [], [])


def test_an_unknown_instance_type_is_said_and_not_counted() -> None:
    found = estimate([host(instance_type="m9g.large")], "eu-west-1")
    assert parts(found) == {"disk": 1.06, "address": 3.65}
    assert found.unknown == [
        "host a: no price of m9g.large in eu-west-1 is in our table (costs_live_prices asks AWS)"
    ]


def test_a_live_price_knows_it() -> None:
    found = estimate([host(instance_type="m9g.large")], "eu-west-1", {"m9g.large_hour": "0.1"})
    assert parts(found)["instance"] == 73.0
    assert found.unknown == []


def test_a_disk_that_is_not_gp3_is_said() -> None:
    found = estimate([host(volume={"size": 12, "type": "io2"})], "us-east-1")
    assert found.unknown == ["host a: no price of a io2 disk is in our table (gp3's is)"]


def test_an_unknown_kind_is_said() -> None:
    found = estimate([other("mainframe")], "us-east-1")
    assert found.unknown == ["mainframe a: no price of a mainframe is in our table"]


@pytest.mark.parametrize(
    "kind", ["instance_role", "key_pair", "security_group", "s3_site_sync", "ec2_key", "ec2_security_group"]
)
def test_what_is_free_for_itself(kind: str) -> None:
    found = estimate([other(kind)], "us-east-1")
    assert (found.lines, found.usage, found.free, found.unknown) == ([], [], [], [])


def test_usage_is_told_with_its_price_and_not_counted() -> None:
    resources = [
        other("s3_bucket", versioning="enabled"),
        other("cloudfront_distribution"),
        other("acm_certificate"),
        other("ssm_env"),
    ]
    found = estimate(resources, "sa-east-1")
    assert found.total == 0
    assert found.usage == [
        "S3: 0.0405 a GB and month, 0.007 per 1,000 writes",
        "S3 keeps noncurrent versions, paid for alike, until a lifecycle rule removes them",
        "CloudFront beyond what is free: 0.085 in North America and Europe, 0.110 in South America a GB",
    ]
    assert found.free == [
        "CloudFront's first 1 TB out and 10 million requests",
        "ACM's certificates",
        "standard parameters",
    ]


def test_two_buckets_are_told_once() -> None:
    found = estimate([other("s3_bucket"), other("s3_bucket", versioning="suspended")], "us-east-1")
    assert found.usage == ["S3: 0.023 a GB and month, 0.005 per 1,000 writes"]


def test_unlimited_credits_and_detailed_monitoring_are_told() -> None:
    found = estimate([host(cpu_credits="unlimited", monitoring=True)], "us-east-1")
    assert found.usage[:2] == [
        "CPU beyond t4g.micro's baseline: 0.04 per vCPU and hour (credits: unlimited)",
        "detailed monitoring: 7 metrics at 0.30 each, after 10 free ones",
    ]


def test_the_total_of_each_phase() -> None:
    found = estimate([host(), zone("phase2")], "us-east-1")
    assert found.by_phase() == {"phase1": Decimal("10.74"), "phase2": Decimal("0.50")}


def test_lines_add_up_to_the_total_whatever_there_is() -> None:
    chance = random.Random(4)
    types = [f"{family}.{size}" for family in ("t4g", "t3", "m9g") for size in ("micro", "small", "large")]
    regions = [*_prices.known_regions(), "mx-central-1"]
    for _ in range(300):
        resources = [
            host(
                instance_type=chance.choice(types),
                state=chance.choice(["running", "stopped"]),
                volume={"size": chance.randint(1, 500), "type": chance.choice(["gp3", "gp3", "io1"])},
                elastic_ip=chance.choice([True, False]),
            )._replace(name=f"host {number}", phase=f"phase{number}")
            for number in range(chance.randint(0, 4))
        ]
        found = estimate(resources, chance.choice(regions))
        assert sum(found.by_phase().values()) == found.total
        told = found.as_dict()
        assert round(sum(line["usd"] for line in told["lines"]), 2) == told["total"]
        for line in found.lines:
            assert line.usd == round(line.quantity * line.price, 2)
