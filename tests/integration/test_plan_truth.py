"""A plan tells what a run then does: from an empty account, from a finished one, and from one that drifted.

Three things are compared: what check mode says, what the run says, and the account before and after the run
as boto3 tells it (``truth.account``). Check mode mustn't make one call that changes something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._costs import Resource as Priced
from ansible_collections.andamio.laravel_aws.plugins.module_utils._costs import estimate

from .conftest import Aws
from .modules import run_module
from .truth.account import Account, Resource, actions, paid, snapshot
from .truth.drifts import DRIFTS, ENV, LOSSES, Drift, Stack
from .truth.playbook import Run, Site

READING = ("Describe", "Get", "Head", "List")
MOST_REQUESTS = 80
"""What an unchanged AWS side of phase 1 may take; Terraform's plan of the same takes 199."""
AFTER_APPLY = "(known after apply)"
LEFT_OUT = frozenset(
    # What comes from the environment, and second names of other arguments.
    {"access_key", "secret_key", "session_token", "aws_ca_bundle", "progress_file", "resource_tags", "src"}
)


def writing(requests: Iterable[str]) -> list[str]:
    """Return the requests that may change something: all whose name doesn't say that they read."""
    return [request for request in requests if not request.split(".")[1].startswith(READING)]


def agree(planned: dict[Resource, dict[str, Any]], done: dict[Resource, dict[str, Any]]) -> None:
    """Assert that a plan and the run after it name the same resources, actions and attributes."""
    assert {key: item["action"] for key, item in planned.items()} == {
        key: item["action"] for key, item in done.items()
    }
    for key, item in planned.items():
        will, did = ({one["attribute"]: one for one in told[key]["attributes"]} for told in (planned, done))
        assert will.keys() == did.keys(), key
        for attribute, one in will.items():
            if AFTER_APPLY not in str(one):
                assert one == did[attribute], key
        assert (item["action"] == "change") <= bool(item["attributes"]), f"{key} doesn't say what changes"


def is_true(planned: dict[Resource, dict[str, Any]], before: Account, after: Account) -> None:
    """Assert that what was planned is what became of the account."""
    in_place = {key: item["action"].replace("replace", "change") for key, item in planned.items()}
    assert in_place == actions(before, after)


def is_paid(run: Run, before: float, after: float) -> None:
    """Assert that the bill a run tells is the account's own, before and after it."""
    assert (run.report["costs"]["before"], run.report["costs"]["after"]) == (before, after)
    assert not run.report["costs"]["partial"]


def prices(told: dict[str, Any], kind: str, name: str, *, when: str) -> float:
    """Return what one resource costs a month by what its module told."""
    resource = Priced("phase1", kind, kind, name, told[when])
    return float(estimate([resource], "us-east-1").total)


def reads_only(run: Run) -> None:
    assert run.requests, "the requests aren't logged"
    assert writing(run.requests) == []


def resource(drift: Drift, aws: Aws) -> Resource:
    return drift.resource[0], drift.resource[1].format(account=aws.account)


def arguments(invocation: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """Return the arguments of a run once more, but for those that Ansible hides."""
    given = {
        key: value
        for key, value in invocation["arguments"].items()
        if value is not None and key not in LEFT_OUT
    }
    if invocation["module"] == "ssm_env":
        given |= {"values": parameters if given["path"].startswith(ENV) else {}, "defaults": {}}
    return given


def environment(aws: Aws) -> dict[str, str]:
    pages = aws.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=ENV, WithDecryption=True)
    return {item["Name"].rpartition("/")[2]: item["Value"] for page in pages for item in page["Parameters"]}


def replay(invocations: list[dict[str, Any]], *, check: bool = False) -> dict[Resource, dict[str, Any]]:
    """Run modules again in this process; return what they said, as the callback would put it together."""
    changes: dict[Resource, dict[str, Any]] = {}
    for invocation in invocations:
        told = run_module(invocation["module"], check=check, **invocation["arguments"])["planned"]
        if told["action"] != "none":
            first = changes.setdefault((invocation["module"], told["name"]), told)
            if first is not told:
                first["attributes"] += told["attributes"]
    return changes


def test_a_plan_comes_true(fresh_aws: Aws, tmp_path: Path, subtests: pytest.Subtests) -> None:
    site = Site(fresh_aws, tmp_path)

    # All of site.yml: what only looks (the summary, the estimate) mustn't write either.
    planned, empty = site.run(check=True, roles=()), snapshot(fresh_aws)
    reads_only(planned)
    assert empty == {}
    assert paid(fresh_aws) == 0
    assert len(planned.changes) == 14
    done, finished = site.run(), snapshot(fresh_aws)
    agree(planned.changes, done.changes)
    is_true(planned.changes, empty, finished)
    is_paid(planned, 0, paid(fresh_aws))
    is_paid(done, 0, paid(fresh_aws))
    assert writing(done.requests)

    parameters = environment(fresh_aws)
    invocations = [{**item, "arguments": arguments(item, parameters)} for item in done.invocations]
    assert replay(invocations, check=True) == {}
    for drift in [*DRIFTS, *LOSSES]:
        with subtests.test(drift.title):
            one_drift_is_repaired(fresh_aws, drift, invocations, finished)

    stack = Stack(fresh_aws)
    for drift in DRIFTS:
        drift.happen(stack)
    drifted, now = snapshot(fresh_aws), paid(fresh_aws)
    planned = site.run(check=True)
    reads_only(planned)
    assert snapshot(fresh_aws) == drifted
    for drift in DRIFTS:
        names(planned.changes, drift, fresh_aws)
    done, repaired = site.run(), snapshot(fresh_aws)
    agree(planned.changes, done.changes)
    is_true(planned.changes, drifted, repaired)
    assert repaired == finished
    is_paid(planned, now, paid(fresh_aws))
    is_paid(done, now, paid(fresh_aws))

    again = site.run(check=True)
    reads_only(again)
    assert again.changes == {}
    assert len(again.requests) <= MOST_REQUESTS, Counter(again.requests)


def names(planned: dict[Resource, dict[str, Any]], drift: Drift, aws: Aws) -> None:
    """Assert that a plan names what drifted."""
    told = planned[resource(drift, aws)]
    assert drift.action in (told["action"], "change")
    attributes = [item["attribute"] for item in told["attributes"]]
    assert (drift.attribute in attributes) if drift.attribute else attributes == [], drift.title


def one_drift_is_repaired(
    aws: Aws, drift: Drift, invocations: list[dict[str, Any]], finished: Account
) -> None:
    kind, name = resource(drift, aws)
    own = [item for item in invocations if (item["module"], item["name"]) == (kind, name)]
    drift.happen(Stack(aws))
    drifted, now = snapshot(aws, kind), paid(aws, kind)
    aws.requests()
    planned = replay(own, check=True)
    assert writing(aws.requests()) == []
    assert [(key, item["action"]) for key, item in planned.items()] == [((kind, name), drift.action)]
    names(planned, drift, aws)
    assert prices(planned[kind, name], kind, name, when="before") == now, drift.title
    agree(planned, replay(own))
    assert prices(planned[kind, name], kind, name, when="after") == paid(aws, kind), drift.title
    repaired = snapshot(aws, kind)
    is_true(planned, drifted, repaired)
    assert repaired == {key: finished[key] for key in repaired}
    assert replay(own, check=True) == {}


def test_a_website_too(fresh_aws: Aws, tmp_path: Path) -> None:
    site = Site(fresh_aws, tmp_path, {"s3_site_delivery": "website"})
    planned, empty = site.run(check=True, roles=("s3_site",)), snapshot(fresh_aws)
    reads_only(planned)
    done = site.run(roles=("s3_site",))
    agree(planned.changes, done.changes)
    is_true(planned.changes, empty, snapshot(fresh_aws))
    assert len(planned.changes) == 2
