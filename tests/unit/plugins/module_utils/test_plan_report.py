"""What a run does, collected task by task."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _costs_text
from ansible_collections.andamio.laravel_aws.plugins.module_utils._costs import Resource
from ansible_collections.andamio.laravel_aws.plugins.module_utils._plan_report import (
    PLAN,
    RUN,
    Place,
    Report,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._planned import planned

ZONE, SITE, NGINX = Place("phase1", "route53"), Place("phase1", "s3_site"), Place("phase1", "nginx")
OURS = "andamio.laravel_aws."


def tell(report: Report, before: Any, after: Any, name: str = "zone a.test", **options: Any) -> str | None:
    said = planned(name, before, after, changed=before != after, **options)
    return report.result(ZONE, "localhost", "Converge", f"{OURS}hosted_zone", {"planned": said})


def actions(report: Report) -> dict[str, str]:
    return {item["name"]: item["action"] for item in report.as_dict()["resources"]}


def test_a_resource_has_its_place_its_kind_and_what_becomes_of_it() -> None:
    report = Report(PLAN)
    assert tell(report, {"ttl": 1}, {"ttl": 2}) == "change"
    assert report.as_dict()["resources"] == [
        {
            "phase": "phase1",
            "role": "route53",
            "kind": "hosted_zone",
            "name": "zone a.test",
            "action": "change",
            "attributes": [{"attribute": "ttl", "before": 1, "after": 2}],
        }
    ]


def test_what_stays_as_it_is_is_counted() -> None:
    report = Report(RUN)
    assert tell(report, {"ttl": 1}, {"ttl": 1}) is None
    assert (report.counts()["none"], report.counts()["change"]) == (1, 0)


def test_two_tasks_make_one_resource_in_check_mode_and_for_real_alike() -> None:
    plan, run = Report(PLAN), Report(RUN)
    bare, whole = {"name": "a"}, {"name": "a", "records": {"api": 1}}
    tell(plan, None, bare)
    tell(plan, None, whole)
    tell(run, None, bare)
    tell(run, {"name": "a", "records": {}}, whole)
    assert plan.as_dict()["resources"] == run.as_dict()["resources"]
    assert actions(plan) == {"zone a.test": "create"}
    (resource,) = run.resources.values()
    assert (resource.before, resource.after) == (None, whole)


@pytest.mark.parametrize(
    ("steps", "action"),
    [
        ([({"a": 1}, {"a": 1}), ({"b": 1}, {"b": 2})], "change"),
        ([({"a": 1}, {"a": 2}), ({"a": 2}, {"a": 1})], "change"),
        ([({"a": 1}, None), (None, {"a": 1})], "replace"),
        ([({"a": 1}, {"a": 2}), ({"a": 2}, None)], "delete"),
        ([({"a": 1}, {"a": 1}), ({"a": 1}, {"a": 1})], "none"),
    ],
)
def test_what_two_tasks_come_to(steps: list[tuple[Any, Any]], action: str) -> None:
    report = Report(RUN)
    for before, after in steps:
        tell(report, before, after)
    assert actions(report) == {"zone a.test": action}


def test_an_attribute_that_changes_twice_is_told_once_from_first_to_last() -> None:
    report = Report(RUN)
    tell(report, {"ttl": 1}, {"ttl": 2})
    tell(report, {"ttl": 2, "b": 1}, {"ttl": 3, "b": 2})
    assert report.as_dict()["resources"][0]["attributes"] == [
        {"attribute": "ttl", "before": 1, "after": 3},
        {"attribute": "b", "before": 1, "after": 2},
    ]


def test_steps_on_a_host_are_those_that_changed_something() -> None:
    report = Report(RUN)
    for task, changed, label in (("Write", True, "site"), ("Write", True, ""), ("Look", False, "")):
        report.result(NGINX, "i-1", task, "ansible.builtin.copy", {"changed": changed}, label=label)
    assert report.as_dict()["host"] == [
        {"phase": "phase1", "role": "nginx", "host": "i-1", "tasks": ["Write: site", "Write"]}
    ]
    assert (report.counts()["host_tasks"], report.counts()["hosts"]) == (2, 1)


@pytest.mark.parametrize(
    ("result", "arguments", "name", "action"),
    [
        ({"changed": True, "msg": "key pair created"}, {"name": "k"}, "ec2 key k", "create"),
        ({"changed": True, "diff": [{"before": {}}]}, {"name": "k"}, "ec2 key k", "create"),
        ({"changed": True, "diff": {"before": {"a": 1}}}, {"name": "k"}, "ec2 key k", "change"),
        ({"changed": True}, {"name": "k", "state": "absent"}, "ec2 key k", "delete"),
        ({"changed": False}, {"name": "k"}, "ec2 key k", "none"),
        ({"changed": True}, {"name": "{{ item }}"}, "Import the key", "change"),
        ({"changed": True}, {}, "Import the key", "change"),
    ],
)
def test_a_stock_module(result: dict[str, Any], arguments: dict[str, Any], name: str, action: str) -> None:
    report = Report(RUN)
    report.result(
        SITE, "localhost", "Import the key", "amazon.aws.ec2_key", result, label="", arguments=arguments
    )
    assert actions(report) == {name: action}
    assert report.as_dict()["host"] == []


def test_hand_work_of_any_task_is_told_once() -> None:
    report = Report(PLAN)
    for sentences in (["Set it.", "Confirm it."], ["Set it."]):
        report.result(ZONE, "localhost", "Any", "ansible.builtin.uri", {"hand_work": sentences})
    assert report.as_dict()["hand_work"] == ["Set it.", "Confirm it."]


def test_a_failure_that_was_rescued_is_none() -> None:
    report = Report(RUN)
    report.fail(NGINX, "i-1", "Write")
    report.fail(NGINX, "i-2", "Write")
    report.end(["i-2"])
    said = report.as_dict()
    assert said["failed"]
    assert said["failures"] == [{"phase": "phase1", "role": "nginx", "host": "i-2", "task": "Write"}]
    report.end([])
    assert not report.as_dict()["failed"]


@pytest.mark.parametrize(("state", "when"), [(None, "exists"), ("running", "exists"), ("stopped", "runs")])
def test_roles_wait_for_a_host_that_is_not_there_or_stopped(state: str | None, when: str) -> None:
    report = Report(PLAN)
    before = {"state": state} if state else None
    said = planned("host", before, {"state": "running"}, changed=True)
    report.result(ZONE, "localhost", "Converge", f"{OURS}ec2_host", {"planned": said})
    report.wait(NGINX)
    report.wait(NGINX)
    assert report.as_dict()["later"] == [{"phase": "phase1", "role": "nginx"}]
    assert report.as_dict()["later_when"] == when


def test_money_before_and_after_once_a_task_has_told_the_prices() -> None:
    report = Report(PLAN)
    host = {"instance_type": "t4g.micro", "state": "running"}
    costs = _costs_text.declared(
        [Resource("phase1", "ec2_host", "ec2_host", "host", host)], "us-east-1", Decimal(10), {}, ""
    )
    report.result(ZONE, "localhost", "Estimate", f"{OURS}monthly_cost", {"costs": costs})
    report.end([])
    assert report.as_dict()["costs"] == {}, "a run that looked at no resource says nothing of money"
    said = planned("host", None, host, changed=True)
    report.result(ZONE, "localhost", "Converge", f"{OURS}ec2_host", {"planned": said})
    report.end([])
    assert (report.costs["before"], report.costs["after"]) == (0.0, 6.13)
