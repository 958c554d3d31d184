"""andamio.laravel_aws.price_list_info: without a price list, as in the sandbox, and with one's answers."""

from __future__ import annotations

import pytest

from .conftest import Aws
from .modules import run_module


def test_the_module_does_not_fail_without_a_price_list(fresh_aws: Aws) -> None:
    done = run_module("price_list_info", instance_types=["t4g.micro"])
    assert (done["changed"], done["prices"]) == (False, {})
    assert done["note"].startswith(
        "AWS's Price List API didn't answer: the price list: pricing.get_products failed."
    )


def test_prices_that_it_gives_are_read(fresh_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.andamio.laravel_aws.plugins.modules import price_list_info  # noqa: PLC0415

    answers = {"t4g.micro_hour": "0.0099", "zone_month": "0.50"}
    monkeypatch.setattr(price_list_info, "read", lambda _client, query: answers.get(query.key))
    done = run_module("price_list_info", instance_types=["t4g.micro"])
    assert done["prices"] == answers
    assert done["note"] == "AWS's Price List API has no clear price of gp3_gb_month, ipv4_hour"
