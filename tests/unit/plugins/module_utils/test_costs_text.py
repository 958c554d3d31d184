"""What a run says of money."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _costs_text
from ansible_collections.andamio.laravel_aws.plugins.module_utils._costs import Resource

from .test_costs import host, other, zone

ALL = [other("s3_bucket"), host(), zone()]


def gone(resources: list[Resource]) -> list[Resource]:
    return [resource._replace(state=None) for resource in resources]


def said(limit: str = "20", resources: list[Resource] = ALL, note: str = "", **live: str) -> dict[str, Any]:
    costs = _costs_text.declared(resources, "us-east-1", Decimal(limit), live, note)
    # As a task's result, it passes through JSON.
    told: dict[str, Any] = json.loads(json.dumps(costs))
    return told


def test_a_plan_from_nothing() -> None:
    money = _costs_text.money(said(), gone(ALL), ALL)
    assert (money["before"], money["after"], money["difference"]) == (0.0, 11.24, 11.24)
    assert [" ".join(line.split()) for line in money["text"][:7]] == [
        "now then",
        "Phase 1 0.00 11.24",
        "host a: t4g.micro 0.00 6.13",
        "host a: disk, 12 GB gp3 0.00 0.96",
        "host a: public IPv4 address 0.00 3.65",
        "zone a: hosted zone 0.00 0.50",
        "In all 11.24 USD a month, 11.24 more than now, without tax and what depends on use.",
    ]
    assert "Prices: our table of November 2026 for us-east-1." in money["text"]
    assert not money["above_limit"]


def test_a_run_that_changed_the_type() -> None:
    money = _costs_text.money(said(), [host(instance_type="t3.small"), zone()], [host(), zone()], plan=False)
    lines = [" ".join(line.split()) for line in money["text"]]
    assert lines[:3] == ["before now", "Phase 1 20.29 11.24", "host a: t3.small → t4g.micro 15.18 6.13"]
    assert "In all 11.24 USD a month, 9.05 less than before, without tax and what depends on use." in lines
    assert money["phases"] == {"phase1": {"before": 20.29, "after": 11.24}}


def test_a_plan_that_changes_nothing_has_one_column() -> None:
    lines = [" ".join(line.split()) for line in _costs_text.money(said(), ALL, ALL)["text"]]
    assert lines[:3] == ["USD a month", "Phase 1 11.24", "host a: t4g.micro 6.13"]
    assert "In all 11.24 USD a month, without tax and what depends on use." in lines


def test_a_run_that_changes_nothing_says_so_and_no_more() -> None:
    assert _costs_text.money(said(), ALL, ALL, plan=False)["text"] == [
        "11.24 USD a month, as before, without tax and what depends on use."
    ]
    assert _costs_text.money(said(limit="10"), ALL, ALL, plan=False)["text"][1:] == [
        "Above your limit of 10.00 USD a month (budget_monthly_limit) by 1.24 USD."
    ]


def test_a_teardown_ends_at_nothing() -> None:
    money = _costs_text.money(said(resources=[]), ALL, gone(ALL))
    assert (money["after"], money["difference"]) == (0.0, -11.24)
    told = (
        "What this run looked at: 0.00 USD a month, 11.24 less than now, without tax and what depends on use."
    )
    assert told in money["text"]


def test_a_run_of_a_part_says_what_all_costs() -> None:
    money = _costs_text.money(said(limit="10"), [zone()], [zone()])
    assert money["after"] == 0.5
    assert "What this run looked at: 0.50 USD a month, without tax and what depends on use." in money["text"]
    assert "All that is declared: 11.24 USD a month." in money["text"]
    assert money["above_limit"]
    assert "Above your limit of 10.00 USD a month (budget_monthly_limit) by 1.24 USD." in money["text"]


def test_a_run_that_looked_at_nothing_that_is_paid_for_says_what_all_costs() -> None:
    bucket = [other("s3_bucket")]
    text = _costs_text.money(said(), bucket, bucket)["text"]
    assert text[0] == "All that is declared: 11.24 USD a month."


def test_a_run_of_a_part_that_changes_nothing_says_what_it_looked_at() -> None:
    bucket = [other("s3_bucket")]
    money = _costs_text.money(said(), bucket, bucket, plan=False)
    assert money["text"] == [
        "What this run looked at: 0.00 USD a month, as before, without tax and what depends on use.",
        "All that is declared: 11.24 USD a month.",
    ]
    assert money["partial"]


@pytest.mark.parametrize("resources", [[], ALL])
def test_a_run_that_failed_tells_of_what_it_got_to(resources: list[Resource]) -> None:
    money = _costs_text.money(said(resources=resources), [zone()], [zone()], plan=False, failed=True)
    assert money["text"][0] == (
        "What this run got to before it failed: "
        "0.50 USD a month, as before, without tax and what depends on use."
    )
    assert money["partial"]
    done = _costs_text.money(said(resources=resources), ALL, gone(ALL), plan=False, failed=True)
    assert any(line.startswith("What this run got to before it failed: 0.00 USD") for line in done["text"])


def test_without_a_limit_nothing_is_said_of_one() -> None:
    for plan in (True, False):
        money = _costs_text.money(said(limit="0"), gone(ALL), ALL, plan=plan)
        assert not money["above_limit"]
        assert not [line for line in money["text"] if "limit" in line]
    assert "needs a limit: set budget_monthly_limit" in str(_costs_text.refusal(said(limit="0")))


def test_the_limit_is_said_last() -> None:
    text = _costs_text.money(said(limit="10"), gone(ALL), ALL)["text"]
    assert text[-4].startswith("Above your limit of 10.00 USD a month")


def test_why_live_prices_are_missing_is_said() -> None:
    text = _costs_text.money(said(note="the API didn't answer"), gone(ALL), ALL)["text"]
    assert "Prices: our table of November 2026 for us-east-1; the API didn't answer." in text


def test_live_prices_are_used_in_all_figures() -> None:
    money = _costs_text.money(said(**{"t4g.micro_hour": "0.01"}), gone(ALL), ALL)
    assert money["after"] == 12.41


def test_an_unknown_price_makes_it_at_least() -> None:
    unknown = [host(instance_type="m9g.large"), zone()]
    text = _costs_text.money(said(resources=unknown), gone(unknown), unknown)["text"]
    assert any(line.startswith("In all at least 5.11 USD a month") for line in text)
    assert any("no price of m9g.large in us-east-1" in line for line in text)


def test_no_line_is_wider_than_a_screen() -> None:
    everything = [*ALL, *(other(kind) for kind in ("cloudfront_distribution", "acm_certificate", "ssm_env"))]
    text = _costs_text.money(said(limit="1", resources=everything), gone(everything), everything)["text"]
    assert [line for line in text if len(line) > 110] == []


def test_before_and_difference_make_after_to_the_cent() -> None:
    chance = random.Random(4)
    types = ["t3.micro", "t4g.micro", "t4g.large", "t3.2xlarge"]
    for _ in range(200):

        def some() -> list[Resource]:
            return [
                resource
                for number in range(3)
                for resource in (
                    host(
                        instance_type=chance.choice(types),
                        volume={"size": chance.randint(8, 99), "type": "gp3"},
                    )._replace(name=f"host {number}", phase=f"phase{number}"),
                    zone()._replace(name=f"zone {number}"),
                )
                if chance.random() < 0.7
            ]

        before, after = some(), some()
        money = _costs_text.money(said(resources=after), before, after)
        cents = [round(100 * money[name]) for name in ("before", "difference", "after")]
        assert cents[0] + cents[1] == cents[2]
        phases = money["phases"].values()
        for name, cent in (("before", cents[0]), ("after", cents[2])):
            assert sum(round(100 * phase[name]) for phase in phases) == cent


def test_within_the_limit_nothing_is_refused() -> None:
    assert _costs_text.refusal(said(limit="11.24")) is None


def test_above_the_limit_is_refused_with_the_variables_and_the_lines() -> None:
    reason = _costs_text.refusal(said(limit="10"))
    assert reason is not None
    lines = reason.splitlines()
    assert lines[0] == (
        "enforce_budget: Above your limit of 10.00 USD a month (budget_monthly_limit) by 1.24 USD. "
        "Nothing was changed."
    )
    assert "  host a: public IPv4 address: 3.65" in lines
    assert lines[-1].startswith("Choose what costs less, or raise budget_monthly_limit")


def test_what_cannot_be_told_is_refused_too() -> None:
    reason = _costs_text.refusal(said(limit="100", resources=[host(instance_type="m9g.large")]))
    assert reason is not None
    assert "can't be told: host a: no price of m9g.large" in reason


@pytest.mark.parametrize("plan", [True, False])
def test_nothing_at_all(plan: bool) -> None:
    money = _costs_text.money(said(resources=[]), [], [], plan=plan)
    total = "What this run looked at: 0.00 USD a month," + ("" if plan else " as before,")
    assert money["text"][0] == f"{total} without tax and what depends on use."
