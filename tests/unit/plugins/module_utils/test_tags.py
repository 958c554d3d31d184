"""Tags: shapes, and what purging leaves."""

from __future__ import annotations

from ansible_collections.andamio.laravel_aws.plugins.module_utils import _tags


def test_shapes() -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert _tags.to_dict(tags) == {"a": "1", "b": "2"}
    assert _tags.to_list({"b": "2", "a": "1"}) == tags
    assert _tags.to_dict(None) == {}


def test_wanted_keeps_others_unless_purging() -> None:
    current = {"old": "x", "a": "0", "aws:cloudformation:stack-name": "s"}
    assert _tags.wanted(current, {"a": 1}, purge=False) == current | {"a": "1"}
    assert _tags.wanted(current, {"a": 1}, purge=True) == {"a": "1", "aws:cloudformation:stack-name": "s"}


def test_differences() -> None:
    assert _tags.differences({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "x", "d": "4"}) == (
        {"b": "x", "d": "4"},
        ["c"],
    )


def test_whose_it_is_is_told_by_three_tags() -> None:
    ours = {"Project": "academia", "Environment": "test", "ManagedBy": "andamio", "Phase": "1"}
    assert _tags.has({**ours, "Phase": "2", "Name": "x"}, ours)
    assert not _tags.has({**ours, "Environment": "production"}, ours)
    assert not _tags.has({}, ours)
    assert _tags.has({"Cost": "1"}, {"Cost": 1})
    assert not _tags.has({}, {"Cost": 1})
    assert _tags.has({}, None)
