"""What modules tell the plan."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._planned import planned


@pytest.mark.parametrize(
    ("before", "after", "changed", "replaced", "action"),
    [
        (None, {"a": 1}, True, False, "create"),
        (None, {"a": 1}, True, True, "create"),
        ({"a": 1}, {"a": 2}, True, False, "change"),
        ({"a": 1}, {"a": 2}, True, True, "replace"),
        ({"a": 1}, None, True, False, "delete"),
        ({}, {"a": 1}, True, True, "create"),
        ({"a": 1}, {"a": 1}, False, False, "none"),
        (None, None, False, False, "none"),
    ],
)
def test_action(
    before: dict[str, Any] | None, after: dict[str, Any] | None, changed: bool, replaced: bool, action: str
) -> None:
    assert planned("thing", before, after, changed=changed, replaced=replaced)["action"] == action


def test_attributes_by_path() -> None:
    before = {"days": 1, "tags": {"Project": "a", "Old": "x"}, "rules": [1], "id": "i-1"}
    after = {"days": 2, "tags": {"Project": "b", "New": "y"}, "rules": [1, 2]}
    assert planned("thing", before, after, changed=True)["attributes"] == [
        {"attribute": "days", "before": 1, "after": 2},
        {"attribute": "tags.Project", "before": "a", "after": "b"},
        {"attribute": "tags.New", "before": None, "after": "y"},
        {"attribute": "tags.Old", "before": "x", "after": None},
        {"attribute": "rules", "before": [1], "after": [1, 2]},
    ]


def test_a_new_resource_needs_no_list_of_attributes() -> None:
    assert planned("thing", None, {"days": 2}, changed=True)["attributes"] == []
