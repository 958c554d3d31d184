"""The monthly limit: when it is passed, by how much, and what would bring the bill under it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _prices
from ansible_collections.andamio.laravel_aws.plugins.module_utils._costs import Resource, estimate
from ansible_collections.andamio.laravel_aws.plugins.module_utils._costs_limit import (
    limit_words,
    proposals,
)

from .test_costs import host, zone


def words(limit: str, region: str = "us-east-1", **changes: Any) -> list[str]:
    return limit_words(estimate([host(**changes), zone()], region), Decimal(limit))


@pytest.mark.parametrize("limit", ["11.24", "12", "1000"])
def test_within_the_limit_there_is_nothing_to_say(limit: str) -> None:
    assert words(limit) == []


def test_phase_1_is_above_10_and_nothing_brings_it_under() -> None:
    assert words("10") == [
        "Above your limit of 10.00 USD a month (budget_monthly_limit) by 1.24 USD.",
        "  A disk of 8 GB instead of 12 (ec2_host_volume_size; on a new instance, since disks don't shrink): "
        "10.92",
        "  Nothing brings it under 10.00: the least is 10.92.",
        "  A new account's credits aren't counted: while they last, they pay this bill.",
    ]


def test_a_cent_above_is_above() -> None:
    assert words("11.23")[0].endswith("by 0.01 USD.")


def test_arm_instead_of_x86_is_proposed_with_its_total() -> None:
    told = words("11.50", instance_type="t3.micro")
    proposal = "  t4g.micro instead of t3.micro (ec2_host_instance_type; arm64, so a new instance): 11.24"
    assert proposal in told
    assert "  Each of these that ends at 11.50 or less is enough." in told


def test_a_smaller_instance_is_proposed_and_said_to_have_less_memory() -> None:
    told = words("15", instance_type="t4g.small")
    assert "  t4g.micro instead of t4g.small (ec2_host_instance_type; less memory): 11.24" in told


def test_more_than_one_choice_may_be_needed() -> None:
    told = words("11", instance_type="t3.micro")
    assert "  It takes more than one: all together come to 10.92." in told


def test_another_region_is_proposed_where_it_is_cheaper() -> None:
    told = words("12", region="sa-east-1")
    assert "  In us-east-1 (andamio_region), if nothing is here yet: 11.24" in told
    assert not any("In us-east-1" in text for text in words("10", region="us-east-2"))


def test_a_region_of_unknown_prices_proposes_no_other() -> None:
    assert not any("andamio_region" in text for text in words("10", region="mx-central-1"))


def test_what_is_too_small_for_phase_1_is_never_proposed() -> None:
    assert not any("nano" in text for text in words("1"))
    assert not any("instead of t4g.nano" in text for text in words("1", instance_type="t4g.nano"))


def test_a_type_without_a_price_is_no_saving() -> None:
    # t4g.4xlarge doesn't exist: without a price it would look free.
    found = estimate([host(instance_type="m7g.4xlarge")], "us-east-1", {"m7g.4xlarge_hour": "0.6528"})
    told = limit_words(found, Decimal(10))
    assert not any("t4g.4xlarge" in text for text in told)
    assert any(text.startswith("  t4g.micro instead of m7g.4xlarge") for text in told)


def test_without_a_host_there_is_nothing_to_propose() -> None:
    zones = [zone()._replace(name=f"zone {number}") for number in range(30)]
    single, least = proposals(estimate(zones, "us-east-1"))
    assert (single, least.total) == ([], Decimal("15.00"))


@pytest.mark.parametrize("region", [*_prices.known_regions(), "mx-central-1"])
@pytest.mark.parametrize("kind", ["t3.micro", "t3.large", "t4g.micro", "t4g.2xlarge", "m9g.large"])
def test_every_proposal_saves_and_the_least_is_the_least(region: str, kind: str) -> None:
    found = estimate([host(instance_type=kind), zone()], region)
    single, least = proposals(found)
    assert all(item.total < found.total for item in single)
    assert all(least.total <= item.total for item in single)


def test_two_hosts_are_told_apart_in_the_sum() -> None:
    hosts: list[Resource] = [host(instance_type="t3.small"), host(instance_type="t3.small")]
    single, least = proposals(estimate(hosts, "us-east-1"))
    one_saved = Decimal("39.58") - Decimal("15.18") + Decimal("12.26")
    assert single[0].total == one_saved
    assert least.total == 2 * (Decimal("6.13") + Decimal("0.64") + Decimal("3.65"))
