"""botocore's names of events: what the server remembers is what botocore says."""

from __future__ import annotations

import copy

from botocore.hooks import EVENT_ALIASES, EventAliaser, HierarchicalEmitter

from interpreter.memory import alias_once

NAMES = [
    name
    for service in ("s3", "ec2", "route53", "autoscaling", "api.autoscaling", "elbv2", "logs", "nothing")
    for name in (
        f"before-call.{service}.DescribeThings",
        f"{service}.before-call",
        f"docs.*.{service}.complete-section",
        service,
    )
] + [f"a.{old}.b" for old in EVENT_ALIASES]


def test_they_are_the_same() -> None:
    plain = EventAliaser(HierarchicalEmitter())
    once = alias_once(EventAliaser._alias_event_name, EVENT_ALIASES)
    # As a client has it: with a copy of the aliases.
    client = copy.copy(EventAliaser(HierarchicalEmitter()))
    for _again in range(2):
        assert [once(client, name) for name in NAMES] == [plain._alias_event_name(name) for name in NAMES]


def test_other_aliases_are_not_mixed_up() -> None:
    once = alias_once(EventAliaser._alias_event_name, EVENT_ALIASES)
    other = EventAliaser(HierarchicalEmitter(), {"mine": "yours"})
    assert once(other, "before-call.mine.X") == "before-call.yours.X"
    assert once(EventAliaser(HierarchicalEmitter()), "before-call.mine.X") == "before-call.mine.X"
