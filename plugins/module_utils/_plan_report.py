# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does, collected task by task: what the callback ``plan`` shows at its end.

A check run and the real run after it give the same report but for ``mode``, and for the hosts that a check
run can't see yet: those roles are ``later``. The report as data is what ``as_dict`` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._costs import Resource as Priced
from ._costs_text import money
from ._planned import CHANGE, CREATE, DELETE, NONE, REPLACE

PLAN = "plan"
RUN = "run"

ACTIONS = (CREATE, CHANGE, REPLACE, DELETE)
"""What can become of a resource, in the order in which they are counted."""

_COLLECTION = "andamio.laravel_aws."
_STOCK = ("amazon.aws.", "community.aws.")

# What a stock module calls the thing it makes, the first that it has.
_STOCK_NAMES = ("name", "bucket", "function_name", "topic", "queue", "zone", "record", "alias", "id")


@dataclass(frozen=True)
class Place:
    """Where a task is: its phase ("phase1"; empty if it has none) and its role (or its play's name)."""

    phase: str
    role: str


@dataclass
class Resource:
    """One resource of AWS over the run: several tasks may have had a part in it."""

    place: Place
    kind: str
    name: str
    action: str
    attributes: list[dict[str, Any]]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "phase": self.place.phase,
            "role": self.place.role,
            "kind": self.kind,
            "name": self.name,
            "action": self.action,
            "attributes": self.attributes,
        }


@dataclass
class Report:
    """What was planned or done until now, in the order of the run."""

    mode: str
    resources: dict[tuple[str, str], Resource] = field(default_factory=dict)
    host: dict[tuple[Place, str], list[str]] = field(default_factory=dict)
    later: list[Place] = field(default_factory=list)
    hand_work: list[str] = field(default_factory=list)
    stands: list[str] = field(default_factory=list)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    declared: Mapping[str, Any] | None = None
    costs: dict[str, Any] = field(default_factory=dict)
    failed: bool = False
    interrupted: bool = False

    def result(
        self,
        place: Place,
        host: str,
        task: str,
        action: str,
        result: Mapping[str, Any],
        *,
        label: str = "",
        arguments: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Take in what a task, or one item of its loop, ended with; return what became of it.

        host, task, action: names; the action is the module's, with its collection.
        label: what the loop calls the item.
        arguments: the task's, for a module that doesn't say itself what it has made.
        Returns one of ACTIONS, or None for what stays as it is.
        """
        for sentence in result.get("hand_work") or ():
            if sentence not in self.hand_work:
                self.hand_work.append(sentence)
        stats = result.get("ansible_stats")
        if isinstance(stats, Mapping) and "andamio_stands" in stats.get("data", {}):
            self.stands = [str(line) for line in stats["data"]["andamio_stands"]]
        if isinstance(result.get("costs"), Mapping):
            self.declared = result["costs"]
        kind = action.removeprefix(_COLLECTION)
        told = result.get("planned")
        if isinstance(told, Mapping):
            self.resource(place, kind, told)
            return None if told["action"] == NONE else str(told["action"])
        if kind.startswith(_STOCK):
            kind = kind.rpartition(".")[2]
            stock = stock_planned(kind, result, arguments or {}, fallback=label or task)
            self.resource(place, kind, stock)
            return None if stock["action"] == NONE else str(stock["action"])
        if not result.get("changed"):
            return None
        self.host.setdefault((place, host), []).append(f"{task}: {label}" if label else task)
        return CHANGE

    def resource(self, place: Place, kind: str, told: Mapping[str, Any]) -> None:
        """Take in one resource, as ``_planned.planned`` tells of it."""
        key = (kind, str(told["name"]))
        new = Resource(
            place,
            kind,
            str(told["name"]),
            str(told["action"]),
            list(told.get("attributes") or ()),
            told.get("before"),
            told.get("after"),
        )
        self.resources[key] = _merged(self.resources[key], new) if key in self.resources else new

    def fail(self, place: Place, host: str, task: str) -> None:
        """Take in a task that failed. What Ansible has said of it isn't repeated: it may be long."""
        self.failures[host] = {"phase": place.phase, "role": place.role, "host": host, "task": task}

    def wait(self, place: Place) -> None:
        """Take in a role of hosts, of which there is none yet."""
        if place not in self.later:
            self.later.append(place)

    def end(self, failed_hosts: Iterable[str]) -> None:
        """Take in which hosts failed in the end; a task that was rescued isn't a failure."""
        hosts = set(failed_hosts)
        self.failures = {host: told for host, told in self.failures.items() if host in hosts}
        self.failed = bool(hosts)
        if self.declared and self.resources:
            before, after = self._priced("before"), self._priced("after")
            self.costs = money(
                self.declared, before, after, plan=self.mode == PLAN, failed=self.failed or self.interrupted
            )

    def _priced(self, when: str) -> list[Priced]:
        return [
            Priced(item.place.phase, item.place.role, item.kind, item.name, getattr(item, when))
            for item in self.resources.values()
        ]

    def counts(self) -> dict[str, int]:
        """Return how many resources there are by action, and how many tasks on how many hosts."""
        actions = [item.action for item in self.resources.values()]
        return {
            **{action: actions.count(action) for action in (*ACTIONS, NONE)},
            "host_tasks": sum(len(tasks) for tasks in self.host.values()),
            "hosts": len({host for _place, host in self.host}),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the report as data."""
        return {
            "mode": self.mode,
            "resources": [item.as_dict() for item in self.resources.values()],
            "host": [
                {"phase": place.phase, "role": place.role, "host": host, "tasks": tasks}
                for (place, host), tasks in self.host.items()
            ],
            "later": [{"phase": place.phase, "role": place.role} for place in self.later],
            "later_when": "runs" if self._has_stopped_host() else "exists",
            "counts": self.counts(),
            "costs": self.costs,
            "stands": self.stands,
            "hand_work": self.hand_work,
            "failed": self.failed or self.interrupted,
            "interrupted": self.interrupted,
            "failures": list(self.failures.values()),
        }

    def _has_stopped_host(self) -> bool:
        states = [item.before for item in self.resources.values() if item.kind == "ec2_host"]
        return any(before and before.get("state", "running") != "running" for before in states)


def _merged(old: Resource, new: Resource) -> Resource:
    """Return what two tasks in a row make of one resource.

    In check mode the second finds it as it was before the first; in the real run as the first left it.
    Both give the same here.
    """
    attributes = {item["attribute"]: item for item in old.attributes}
    for item in new.attributes:
        first = attributes.get(item["attribute"], item)
        attributes[item["attribute"]] = {**item, "before": first["before"]}
    actions = [action for action in (old.action, new.action) if action != NONE]
    if not actions:
        action = NONE
    elif actions[0] == DELETE and actions[-1] == CREATE:
        action = REPLACE
    elif DELETE in actions:
        action = DELETE
    else:
        action = next((one for one in (CREATE, REPLACE) if one in actions), CHANGE)
    kept = [item for item in attributes.values() if item["before"] != item["after"]]
    before = old.before if old.before is None or new.before is None else {**new.before, **old.before}
    after = None if new.after is None else {**(old.after or {}), **new.after}
    return Resource(
        old.place, old.kind, old.name, action, kept if action in {CHANGE, REPLACE} else [], before, after
    )


def stock_planned(
    kind: str, result: Mapping[str, Any], arguments: Mapping[str, Any], fallback: str
) -> dict[str, Any]:
    """Return what the plan says of a stock module's result, which doesn't say it itself.

    Whether it makes the thing or changes it, a stock module tells by its message or its diff, if at all.
    fallback: the name to give when the module's arguments have none.
    """
    names = (str(arguments[key]) for key in _STOCK_NAMES if arguments.get(key))
    name = next((f"{kind.replace('_', ' ')} {name}" for name in names if "{{" not in name), fallback)
    diffs = result.get("diff") or []
    diff = (diffs[0] if diffs else {}) if isinstance(diffs, list) else diffs
    if not result.get("changed"):
        action = NONE
    elif arguments.get("state") == "absent":
        action = DELETE
    elif "created" in str(result.get("msg", "")) or ("before" in diff and not diff["before"]):
        action = CREATE
    else:
        action = CHANGE
    return {"name": name, "action": action, "attributes": [], "before": None, "after": None}
