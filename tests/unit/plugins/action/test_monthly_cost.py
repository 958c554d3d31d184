"""monthly_cost as a task runs it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, connection_loader
from ansible.template import Templar

HOST = {
    "kind": "ec2_host",
    "name": "host a",
    "state": {"instance_type": "t4g.micro", "volume": {"size": 12, "type": "gp3"}, "elastic_ip": True},
}


def run(check: bool = False, **arguments: Any) -> dict[str, Any]:
    loader, context = DataLoader(), PlayContext()
    values = {"resources": [HOST], "region": "us-east-1"} | arguments
    task = Task.load({"andamio.laravel_aws.monthly_cost": values}, loader=loader)
    task.check_mode = check
    action = action_loader.get(
        "andamio.laravel_aws.monthly_cost",
        task=task,
        connection=connection_loader.get("local", context),
        play_context=context,
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )
    result: dict[str, Any] = action.run(task_vars={})
    return result


@pytest.mark.parametrize("check", [True, False])
def test_it_says_what_it_costs_and_changes_nothing(check: bool) -> None:
    done = run(check, limit=10)
    assert done["changed"] is False
    assert "failed" not in done
    assert done["costs"]["estimate"]["total"] == 10.74
    assert done["costs"]["above_limit"] is True
    assert done["costs"]["declared"][0]["name"] == "host a"


def test_an_enforced_limit_fails_and_still_says_what_it_costs() -> None:
    done = run(enforce=True, limit=10)
    assert done["failed"] is True
    assert "Above your limit of 10.00 USD a month (budget_monthly_limit) by 0.74 USD" in done["msg"]
    assert done["costs"]["estimate"]["total"] == 10.74


def test_values_of_the_command_line_are_texts() -> None:
    done = run(enforce="true", limit="10.75")
    assert "failed" not in done
    assert done["costs"]["limit"] == 10.75


def test_live_prices_are_used() -> None:
    assert run(live_prices={"t4g.micro_hour": "0.01"})["costs"]["estimate"]["total"] == 11.91


def test_a_negative_limit_is_refused_by_its_name() -> None:
    with pytest.raises(AnsibleActionFail, match=r"budget_monthly_limit: -1.0 is negative"):
        run(limit=-1)


def test_a_resource_without_a_kind_is_refused() -> None:
    with pytest.raises(AnsibleError, match="kind"):
        run(resources=[{"name": "host a"}])
