"""The loop from state to state, with a toy cloud in a dict."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import (
    AFTER_APPLY,
    Answer,
    Change,
    NotConverging,
    Stale,
    Wait,
    converge,
    is_unknown,
    resolve,
    values_at,
)

CREATE = Change("toy.create", {"Name": "n"})
LINK = Change("toy.link", {"Id": Answer("toy.create", "Thing.Id")})


class Toy:
    """A cloud whose things get an id on creation and can then be linked; reads can lag behind."""

    def __init__(self, lag: int = 0) -> None:
        self.id: str | None = None
        self.linked: str | None = None
        self.lag = lag
        self.calls: list[Change] = []
        self.waits: list[Wait] = []
        self.pauses: list[int] = []

    def read(self) -> dict[str, Any] | None:
        if self.calls and self.lag:
            self.lag -= 1
            return None
        return {"id": self.id, "linked": self.linked} if self.id else None

    def plan(self, current: dict[str, Any] | None) -> list[Change]:
        if not current:
            return [CREATE, LINK]
        return [] if current["linked"] else [Change("toy.link", {"Id": current["id"]})]

    def apply(self, change: Change) -> dict[str, Any]:
        self.calls.append(change)
        if change.call == "toy.create":
            self.id = "t-1"
        else:
            self.linked = change.arguments["Id"]
        return {"Thing": {"Id": self.id}}

    def wait(self, wait: Wait, change: Change) -> None:
        self.waits.append(wait)

    def converge(self) -> Any:
        return converge(self.read, self.plan, self.apply, wait=self.wait, pause=self.pauses.append)


def test_later_changes_get_earlier_answers() -> None:
    toy = Toy()
    outcome = toy.converge()
    assert toy.calls == [CREATE, Change("toy.link", {"Id": "t-1"})]
    assert outcome.before is None
    assert outcome.after == {"id": "t-1", "linked": "t-1"}
    assert outcome.changes == [CREATE, LINK]


def test_nothing_to_do_reads_once_and_changes_nothing() -> None:
    toy = Toy()
    toy.converge()
    toy.calls.clear()
    outcome = toy.converge()
    assert (toy.calls, outcome.changes, toy.pauses) == ([], [], [])
    assert outcome.before == outcome.after


def test_a_half_done_run_is_completed() -> None:
    toy = Toy()
    toy.id = "t-0"
    assert [change.call for change in toy.converge().changes] == ["toy.link"]


def test_a_create_that_shows_late_is_not_done_twice() -> None:
    toy = Toy(lag=3)
    outcome = toy.converge()
    assert [change.call for change in outcome.changes] == ["toy.create", "toy.link"]
    assert toy.pauses == [0, 1, 2]


def test_a_placeholder_waits_for_the_next_reading() -> None:
    toy = Toy()

    def plan(current: dict[str, Any] | None) -> list[Change]:
        if not current:
            return [CREATE, Change("toy.link", {"Id": AFTER_APPLY})]
        return toy.plan(current)

    outcome = converge(toy.read, plan, toy.apply)
    assert [change.call for change in outcome.changes] == [change.call for change in plan(None)]
    assert toy.linked == "t-1"


def test_a_wait_knows_the_answer_of_its_own_change() -> None:
    toy = Toy()
    create = Change(
        "toy.create", {"Name": "n"}, wait=Wait("toy.get", {"Id": Answer("toy.create", "Thing.Id")})
    )
    converge(toy.read, lambda current: [] if current else [create], toy.apply, wait=toy.wait)
    assert toy.waits == [Wait("toy.get", {"Id": "t-1"})]


class Tagged:
    """A toy with an ETag that moves when its part changes: at once, or just after a later reading.

    others: so many times somebody else changes it before we do.
    """

    def __init__(self, late: int = 0, others: int = 0) -> None:
        self.part, self.whole, self.etag = 0, 0, 1
        self.late, self.moving = late, 0
        self.others = others
        self.pauses: list[int] = []

    def read(self) -> dict[str, Any]:
        answer = {"part": self.part, "whole": self.whole, "etag": self.etag}
        if self.moving:
            self.moving -= 1
            self.etag += not self.moving
        return answer

    def plan(self, current: dict[str, Any] | None) -> list[Change]:
        assert current
        parts = [] if current["part"] else [Change("toy.put_part", {})]
        if current["whole"]:
            return parts
        return [*parts, Change("toy.put", {"IfMatch": AFTER_APPLY if parts else current["etag"]})]

    def apply(self, change: Change) -> dict[str, Any]:
        if change.call == "toy.put_part":
            self.part, self.moving = 1, self.late
            self.etag += not self.late
            return {}
        if self.others:
            self.others -= 1
            self.etag += 1
        if change.arguments["IfMatch"] != self.etag:
            raise Stale
        self.whole = 1
        return {}

    def converge(self) -> Any:
        return converge(self.read, self.plan, self.apply, pause=self.pauses.append)


def test_a_precondition_that_an_earlier_change_moves_is_read_anew() -> None:
    toy = Tagged()
    changes = toy.converge().changes
    assert changes == [Change("toy.put_part", {}), Change("toy.put", {"IfMatch": 2})]
    assert toy.pauses == []


@pytest.mark.parametrize("how", [{"late": 1}, {"others": 1}, {"others": 4}])
def test_a_precondition_that_moves_late_or_by_others_is_read_anew(how: dict[str, int]) -> None:
    toy = Tagged(**how)
    calls = [change.call for change in toy.plan(toy.read())]
    assert [change.call for change in toy.converge().changes] == calls
    assert toy.pauses == list(range(how.get("others", 1)))


def test_a_precondition_that_never_holds_is_an_error() -> None:
    toy = Tagged(others=100)
    with pytest.raises(Stale):
        toy.converge()
    assert (toy.pauses, toy.whole) == ([0, 1, 2, 3], 0)


def test_a_setting_that_never_reads_back_is_an_error() -> None:
    pauses: list[int] = []
    with pytest.raises(NotConverging, match=r"still asks for: toy\.put"):
        converge(
            lambda: {},
            lambda current: [Change("toy.put", {})],
            lambda change: {},
            pause=pauses.append,
        )
    assert pauses == [0, 1, 2, 3]


def test_ever_new_changes_are_an_error_after_three_rounds() -> None:
    count = iter(range(100))
    applied: list[Change] = []

    def apply(change: Change) -> dict[str, Any]:
        applied.append(change)
        return {}

    with pytest.raises(NotConverging):
        converge(lambda: {}, lambda current: [Change("toy.put", {"N": next(count)})], apply)
    assert len(applied) == 3


def test_a_plan_that_stays_unknown_is_an_error_and_applies_nothing() -> None:
    applied: list[Change] = []
    with pytest.raises(NotConverging):
        converge(lambda: {}, lambda current: [Change("toy.put", {"Id": AFTER_APPLY})], applied.append)  # type: ignore[arg-type]
    assert applied == []


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("", [{"a": [{"b": 1}, {"b": None}], "c": {"d": "x"}}]),
        ("c.d", ["x"]),
        ("a.0.b", [1]),
        ("a.*.b", [1, None]),
        ("a.5.b", []),
        ("c.missing", []),
        ("c.d.e", []),
    ],
)
def test_values_at(path: str, values: list[Any]) -> None:
    assert values_at({"a": [{"b": 1}, {"b": None}], "c": {"d": "x"}}, path) == values


def test_resolve_goes_everywhere_and_leaves_what_is_not_made_yet() -> None:
    later = Answer("toy.link", "Id")
    tree = {"a": [Answer("toy.create", "Id"), {"b": (Answer("toy.create", "Tag.Key"),)}], "c": later, "d": 1}
    answers = {"toy.create": {"Id": "t-1", "Tag": {"Key": "k"}}}
    assert resolve(tree, answers) == {"a": ["t-1", {"b": ["k"]}], "c": later, "d": 1}


def test_an_answer_that_misses_its_value_says_so() -> None:
    with pytest.raises(KeyError, match=r"toy\.create has no Id"):
        resolve(Answer("toy.create", "Id"), {"toy.create": {}})


def test_is_unknown_looks_inside() -> None:
    assert is_unknown({"a": [{"b": f"arn:aws:s3:::{AFTER_APPLY}/*"}]})
    assert not is_unknown({"a": [{"b": Answer("toy.create", "Id")}, 1, None, "x"]})
