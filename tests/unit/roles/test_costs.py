"""What the costs role declares is what the roles make; the guide and the README say what it comes to."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _prices
from ansible_collections.andamio.laravel_aws.plugins.module_utils._costs import Estimate, Resource, estimate

from tests.unit.roles.render import DISTRIBUTIONS, evaluate

ROOT = Path(__file__).resolve().parents[3]
FACTS = DISTRIBUTIONS["Debian-13"]


def declared(**overrides: Any) -> list[Resource]:
    return [Resource(**item) for item in evaluate("costs", "costs_resources", FACTS, **overrides)]


def priced(**overrides: Any) -> Estimate:
    return estimate(declared(**overrides), "us-east-1")


def state(resources: list[Resource], kind: str) -> Any:
    return next(resource.state for resource in resources if resource.kind == kind)


def test_phase_1_is_what_the_guide_and_the_readme_say() -> None:
    total = f"{priced().total:.2f}"
    assert total == "11.24"
    assert f"In all {total} USD a month" in (ROOT / "docs/costs.md").read_text()
    assert f"It costs {total} USD a month" in (ROOT / "README.md").read_text()


def test_nothing_that_is_declared_lacks_a_price() -> None:
    assert priced().unknown == []


def test_defaults_are_those_of_the_roles() -> None:
    host = state(declared(), "ec2_host")
    defaults = yaml.safe_load((ROOT / "roles/ec2_host/defaults/main.yml").read_text())
    assert host["instance_type"] == defaults["ec2_host_instance_type"]
    assert host["volume"] == {"size": defaults["ec2_host_volume_size"], "type": "gp3"}
    documents = yaml.safe_load((ROOT / "roles/documents_bucket/defaults/main.yml").read_text())
    assert documents["documents_bucket_versioning"] is True
    assert state(declared(), "s3_bucket") == {"versioning": "enabled"}


def test_every_role_that_makes_something_is_declared() -> None:
    plays = yaml.safe_load((ROOT / "playbooks/phase1.yml").read_text())
    aws = next(play for play in plays if play["name"] == "Phase 1 | AWS")
    roles = {task["ansible.builtin.import_role"]["name"].rpartition(".")[2] for task in aws["tasks"]}
    assert {resource.role for resource in declared()} == roles


def test_what_the_inventory_sets_is_priced() -> None:
    found = priced(ec2_host_instance_type="t3.small", ec2_host_volume_size="20")
    assert [float(line.usd) for line in found.lines] == [15.18, 1.6, 3.65, 0.5]


def test_a_website_has_no_distribution() -> None:
    kinds = {resource.kind for resource in declared(s3_site_delivery="website")}
    assert not kinds & {"cloudfront_distribution", "acm_certificate"}
    assert "cloudfront_distribution" in {resource.kind for resource in declared()}


def test_the_limit_and_its_enforcement_are_two_plain_variables() -> None:
    assert evaluate("costs", "costs_monthly_limit", FACTS) == 0
    assert evaluate("costs", "costs_monthly_limit", FACTS, budget_monthly_limit=12.5) == 12.5
    assert evaluate("costs", "costs_enforce", FACTS) is False
    assert evaluate("costs", "costs_enforce", FACTS, enforce_budget=True) is True


def test_live_prices_are_asked_for_the_types_that_are_declared() -> None:
    assert evaluate("costs", "__costs_instance_types", FACTS, ec2_host_instance_type="m7g.large") == [
        "m7g.large"
    ]
    assert evaluate("costs", "__costs_instance_types", FACTS, costs_resources=[]) == []


@pytest.mark.parametrize("region", _prices.known_regions())
def test_the_guide_names_every_region_that_is_known(region: str) -> None:
    assert region in (ROOT / "docs/costs.md").read_text()


def test_the_guide_says_what_later_phases_cost() -> None:
    at, guide = _prices.prices("us-east-1").known, (ROOT / "docs/costs.md").read_text()

    def month(key: str, hours: int = 1) -> str:
        return str((at(key) * hours).quantize(Decimal("0.01"), ROUND_HALF_UP))

    database = at(_prices.RDS) * _prices.HOURS + 20 * at(_prices.RDS_GP3)
    free, million = _prices.FREE, _prices.MILLION
    for row in (
        f"{month(_prices.ALB, _prices.HOURS)}, and {month(_prices.LCU, _prices.HOURS)} for each LCU",
        f"db.t4g.micro with 20 GB | {database:.2f} |",
        f"{month(_prices.LOGS)} a GB after {free['logs']} |",
        f"{month(_prices.METRIC)} and {month(_prices.ALARM)} each after {free['alarms']} |",
        f"{month(_prices.BACKUP)} a GB |",
        f"{million['sns_requests']} a million requests after {free['sns']} |",
        f"{million['sqs_requests']} a million after {free['sqs']} |",
        f"{million['lambda_requests']} a million after {free['lambda']} |",
        f"{million['scheduler_invocations']} a million after {free['scheduler']} |",
    ):
        assert row in guide
