"""Templates that are compiled once in a run: what a fork has made is known to the others."""

from __future__ import annotations

import os
import types

import pytest
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils import _templates

# The tests' own process may have threads; what is forked here only computes.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def code(text: str) -> types.CodeType:
    return compile(text, "<template>", "eval")


def value(code: types.CodeType) -> object:
    return eval(code)  # noqa: S307 - this test's own


def test_what_a_fork_has_made_is_known_to_the_next() -> None:
    shared = _templates.Shared()
    for number in range(3):
        child = os.fork()
        if child == 0:
            shared.get(("key", number, True), lambda: code("40 + 2"))
            os._exit(0)
        os.waitpid(child, 0)
    made: list[str] = []
    assert shared.get(("key", 3, True), lambda: made.append("new") or code("1"))
    assert made == ["new"]
    shared.learn()
    for number in range(3):
        known = shared.get(("key", number, True), lambda: made.append("again") or code("1"))
        assert value(known) == 42
    assert made == ["new"]


def test_forks_that_tell_side_by_side() -> None:
    shared = _templates.Shared()
    children = []
    for child in range(4):
        children.append(os.fork())
        if children[-1] == 0:
            for number in range(500):
                shared.get((child, number), lambda number=number: code(f"{number} * 1"))
            os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    shared.learn()
    assert [value(shared.get((3, number), lambda: code("-1"))) for number in (0, 499)] == [0, 499]
    assert len(shared._made) == 2000
