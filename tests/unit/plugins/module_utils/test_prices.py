"""The price table: complete, in every region, and plain about where a price comes from."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _prices

KEYS = {
    _prices.ZONE,
    _prices.IPV4,
    _prices.GP3,
    _prices.S3,
    _prices.S3_PUT,
    _prices.TRANSFER,
    _prices.LOGS,
    _prices.ALARM,
    _prices.METRIC,
    _prices.BACKUP,
    _prices.ALB,
    _prices.LCU,
    _prices.RDS,
    _prices.RDS_GP3,
}


@pytest.mark.parametrize("region", _prices.known_regions())
def test_every_region_has_every_price(region: str) -> None:
    prices = _prices.prices(region)
    assert prices.table == region
    for key in KEYS:
        assert prices.known(key) > 0
    # No region is cheaper than us-east-1: a column that slipped would be.
    home = _prices.prices(_prices.HOME)
    assert [key for key in KEYS - {_prices.LCU} if prices.known(key) < home.known(key)] == []


@pytest.mark.parametrize("region", _prices.known_regions())
@pytest.mark.parametrize("family", ["t4g", "t3"])
def test_an_instance_of_twice_the_size_costs_twice_as_much(region: str, family: str) -> None:
    prices = _prices.prices(region)
    hours = [
        prices.known(f"{family}.{size}_hour") for size in ("micro", "small", "medium", "large", "xlarge")
    ]
    for small, large in pairwise(hours):
        assert abs(large - 2 * small) <= Decimal("0.0002")


@pytest.mark.parametrize("region", _prices.known_regions())
def test_arm_is_cheaper(region: str) -> None:
    prices = _prices.prices(region)
    assert prices.known("t4g.micro_hour") < prices.known("t3.micro_hour")


def test_what_us_east_1_asks() -> None:
    prices = _prices.prices("us-east-1")
    month = {
        "t4g.micro": prices.known("t4g.micro_hour") * _prices.HOURS,
        "t3.micro": prices.known("t3.micro_hour") * _prices.HOURS,
        "t4g.small": prices.known("t4g.small_hour") * _prices.HOURS,
        "address": prices.known(_prices.IPV4) * _prices.HOURS,
        "balancer": prices.known(_prices.ALB) * _prices.HOURS,
        "database": prices.known(_prices.RDS) * _prices.HOURS + 20 * prices.known(_prices.RDS_GP3),
    }
    assert {name: round(float(price), 2) for name, price in month.items()} == {
        "t4g.micro": 6.13,
        "t3.micro": 7.59,
        "t4g.small": 12.26,
        "address": 3.65,
        "balancer": 16.43,
        "database": 13.98,
    }


def test_a_region_that_is_not_in_the_table_is_priced_as_us_east_1_and_that_is_said() -> None:
    prices = _prices.prices("mx-central-1")
    assert prices.table == "us-east-1"
    assert prices.known(_prices.GP3) == Decimal("0.08")
    assert "mx-central-1 isn't in it (it may cost more there)" in prices.words([_prices.GP3])


def test_where_prices_come_from_is_said_with_its_date() -> None:
    assert _prices.prices("us-east-1").words([_prices.GP3]) == "our table of November 2026 for us-east-1"
    assert _prices.prices("sa-east-1").words([_prices.GP3]) == "our table of June 2025 for sa-east-1"
    assert _prices.prices("sa-east-1").words([]) == "our table of June 2025 for sa-east-1"


def test_a_live_price_goes_before_the_table_and_that_is_said() -> None:
    prices = _prices.prices("sa-east-1", {_prices.GP3: "0.2"})
    assert prices.known(_prices.GP3) == Decimal("0.2")
    assert prices.known(_prices.IPV4) == Decimal("0.005")
    assert prices.words([_prices.GP3]) == "AWS's Price List API for sa-east-1, now"
    both = "AWS's Price List API for sa-east-1, now, and our table of June 2025 for sa-east-1"
    assert prices.words([_prices.GP3, _prices.IPV4]) == both


def test_what_is_not_known_has_no_price() -> None:
    assert _prices.prices("us-east-1").get("m9g.large_hour") is None
