"""The monthly limit as site.yml holds it, against the AWS API, which has no price list."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import PYTHON, ROOT, Aws

BUCKET = "academia-test-documents-123456789012"


class Site:
    """site.yml with an inventory of its own: the documents bucket is all that it makes here."""

    def __init__(self, folder: Path, aws: Aws) -> None:
        (folder / "key.pub").write_text(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a\n"
        )
        values = aws.inventory() | {"ec2_host_ssh_public_key": str(folder / "key.pub")}
        local = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON}
        inventory = {"all": {"vars": values, "hosts": {"localhost": local}, "children": {"laravel": {}}}}
        self.inventory = folder / "hosts.yml"
        self.inventory.write_text(yaml.safe_dump(inventory))
        self.plan = folder / "plan.json"

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run it, and return how it ended and what it printed."""
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.inventory), "site.yml", "-t", "documents_bucket", *arguments],
            cwd=ROOT,
            env=os.environ
            | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANDAMIO_PLAN_JSON": str(self.plan)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr

    def money(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.plan.read_text())["costs"]
        return found


@pytest.fixture
def site(tmp_path: Path, fresh_aws: Aws) -> Site:
    return Site(tmp_path, fresh_aws)


def buckets(aws: Aws) -> list[str]:
    return [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]


def test_above_the_limit_an_enforced_run_makes_nothing(site: Site, fresh_aws: Aws) -> None:
    code, output = site.run("-e", "enforce_budget=true", "-e", "budget_monthly_limit=10")
    assert code == 2, output
    assert "Above your limit of 10.00 USD a month (budget_monthly_limit) by 1.24 USD" in output
    assert "Nothing was changed." in output
    assert buckets(fresh_aws) == []


def test_a_check_run_shows_its_plan_and_then_fails(site: Site, fresh_aws: Aws) -> None:
    code, output = site.run("-e", "enforce_budget=true", "-e", "budget_monthly_limit=10", "--check")
    assert code == 2, output
    assert f"bucket {BUCKET}" in output
    assert "enforce_budget: Above your limit" in output
    assert site.money()["above_limit"]
    assert buckets(fresh_aws) == []


def test_without_enforcement_the_run_goes_on_and_says_so(site: Site, fresh_aws: Aws) -> None:
    code, output = site.run("-e", "budget_monthly_limit=10")
    assert code == 0, output
    assert "Above your limit of 10.00 USD a month" in output
    assert buckets(fresh_aws) == [BUCKET]
    assert "What this run looked at: 0.00 USD a month, as before" in output
    assert "All that is declared: 11.24 USD a month." in output
    assert site.money()["estimate"]["total"] == 11.24


def test_a_limit_that_nobody_set_is_not_told(site: Site) -> None:
    code, output = site.run("--check")
    assert code == 0, output
    assert "Above your limit" not in output
    code, output = site.run("-e", "enforce_budget=true")
    assert code == 2, output
    assert "enforce_budget needs a limit: set budget_monthly_limit" in output


def test_within_the_limit_an_enforced_run_goes_on(site: Site, fresh_aws: Aws) -> None:
    code, output = site.run("-e", "enforce_budget=true", "-e", "budget_monthly_limit=12")
    assert code == 0, output
    assert "Above your limit" not in output
    assert buckets(fresh_aws) == [BUCKET]


def test_a_price_list_that_cannot_be_reached_is_said_and_the_table_is_used(
    site: Site, fresh_aws: Aws
) -> None:
    # The sandbox has no price list, as a network may be in the way of AWS's.
    code, output = site.run("-e", "costs_live_prices=true", "-e", "ec2_host_instance_type=t3.micro")
    assert code == 0, output
    assert "AWS's Price List API didn't answer" in " ".join(output.split())
    assert site.money()["estimate"]["total"] == 12.7
    assert buckets(fresh_aws) == [BUCKET]


def test_a_negative_limit_is_refused(site: Site) -> None:
    code, output = site.run("-e", "budget_monthly_limit=-1")
    assert code == 2
    assert "budget_monthly_limit: -1.0 is negative" in output
