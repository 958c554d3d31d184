"""Decisions: which id, what is pruned, where a rollback goes."""

from __future__ import annotations

from typing import Any

import pytest
from andamio_release import decide
from andamio_release.errors import RequestError
from andamio_release.records import Entry, Record

SHA = "0123456789ab" + "0" * 52
OTHER = "ffffffffffff" + "0" * 52


def record(name: str, created: str = "", state: str = "good", **more: Any) -> Record:
    return Record(name, state, created or name, **more)


def records(*given: Record) -> dict[str, Record]:
    return {entry.id: entry for entry in given}


def entry(
    release: str, previous: str = "", action: str = "deploy", outcome: str = "live", **more: Any
) -> Entry:
    return Entry("run", "time", action, "ana", "", release, previous, "", outcome, 1.0, **more)


@pytest.mark.parametrize(
    ("name", "there", "wanted"),
    [
        ("v1", [], "v1-0123456789ab"),
        ("", [], "0123456789ab"),
        # The same code with the same .env is the same release, however often it was live.
        ("v1", [record("v1-0123456789ab", env_digest="e")], "v1-0123456789ab"),
        ("v1", [record("v1-0123456789ab", state="ready", env_digest="e")], "v1-0123456789ab"),
        # Another .env, or one that failed, is another release.
        ("v1", [record("v1-0123456789ab", env_digest="old")], "v1-0123456789ab-e2"),
        ("v1", [record("v1-0123456789ab", state="bad", env_digest="e")], "v1-0123456789ab-e2"),
        (
            "v1",
            [record("v1-0123456789ab", env_digest="old"), record("v1-0123456789ab-e2", env_digest="e")],
            "v1-0123456789ab-e2",
        ),
        (
            "v1",
            [record("v1-0123456789ab", env_digest="a"), record("v1-0123456789ab-e2", env_digest="b")],
            "v1-0123456789ab-e3",
        ),
    ],
)
def test_a_release_is_code_with_an_env(name: str, there: list[Record], wanted: str) -> None:
    assert decide.release_id(name, SHA, "e", records(*there)) == wanted


def test_the_oldest_are_pruned_but_none_that_is_needed() -> None:
    there = records(*(record(name) for name in "abcdefgh"))
    assert decide.prunable(there, 3, "h", "g", set()) == list("abcde")
    # The live one is the oldest, and a process works in b.
    assert decide.prunable(there, 3, "a", "", {"b"}) == list("cdef")
    assert decide.prunable(there, 1, "c", "b", set()) == list("adefgh")
    assert decide.prunable(there, 20, "h", "g", set()) == []
    assert decide.prunable({}, 1, "", "", set()) == []


def test_going_back_follows_the_deploys() -> None:
    there = records(*(record(name) for name in "abcd"))
    journal = [entry("a"), entry("b", "a"), entry("c", "b"), entry("d", "c")]
    assert decide.last_good(there, journal, "d") == "c"
    # Going back again goes further back, not to where one came from.
    journal.append(entry("c", "d", action="rollback"))
    assert decide.last_good(there, journal, "c") == "b"
    # An older release that was deployed anew goes back to what it replaced.
    journal.append(entry("a", "d"))
    assert decide.last_good(there, journal, "a") == "d"


def test_going_back_passes_over_bad_and_pruned_ones_and_failed_runs() -> None:
    there = records(record("a"), record("b", state="bad"), record("d"))
    journal = [
        *(entry("a"), entry("b", "a"), entry("c", "b"), entry("d", "c")),
        entry("x", "d", outcome="put_back"),
    ]
    assert decide.last_good(there, journal, "d") == "a"


def test_without_a_journal_the_newest_older_good_one_is_taken() -> None:
    there = records(record("a"), record("b"), record("c"), record("d"))
    assert decide.last_good(there, [], "c") == "b"
    assert decide.last_good(there, [], "a") == ""
    assert decide.last_good(there, [], "unknown") == "d"


@pytest.mark.parametrize(
    ("wanted", "fallback", "message"),
    [
        ("", "", "no earlier good release"),
        ("x", "a", "no release x on this host; to go back to: a"),
        ("live", "a", "live already"),
        ("bad", "a", r"bad is bad \(it failed\), not good"),
        ("ready", "a", "ready is ready, not good"),
    ],
)
def test_a_rollback_that_can_not_be_is_refused(wanted: str, fallback: str, message: str) -> None:
    there = records(
        *(record("a"), record("live"), record("ready", state="ready")),
        record("bad", state="bad", why_bad="it failed"),
    )
    with pytest.raises(RequestError, match=message):
        decide.target(wanted, there, fallback, "live")


def test_a_rollback_goes_where_it_is_told_or_to_the_last_good() -> None:
    there = records(record("a"), record("b"), record("live"))
    assert decide.target("", there, "b", "live") == "b"
    assert decide.target("a", there, "b", "live") == "a"


def test_the_way_back_names_migrations_and_the_dump_from_before_the_first_of_them() -> None:
    journal = [
        entry("a", ran=["m1"], dump="dump-before-m1"),
        entry("b", "a", ran=["m2"], dump="dump-before-m2"),
        entry("c", "b", ran=["m3"], dump="dump-before-m3"),
        entry("d", "c", ran=["m4"]),
    ]
    way = decide.way("a", ["m1"], ["m1", "m2", "m3", "m4"], journal)
    assert (way.since, way.dump) == (["m2", "m3", "m4"], "dump-before-m2")
    assert "m2, m3, m4" in way.sentence
    assert "dump-before-m2" in way.sentence
    assert "No dump" in decide.way("c", ["m1", "m2", "m3"], ["m1", "m2", "m3", "m4"], journal).sentence
    same = decide.way("d", ["m1", "m2", "m3", "m4"], ["m1", "m2", "m3", "m4"], journal)
    assert (same.since, same.dump) == ([], "")
    assert "no migration has run since" in same.sentence


def test_what_ran_before_a_release_was_last_live_is_none_of_its_rollback() -> None:
    """A branch without m1 was proven after m1 had run: the dump from before m1 is too old."""
    journal = [
        entry("a", ran=["m1"], dump="dump-before-m1"),
        entry("branch", "a"),
        entry("c", "branch", ran=["m2"], dump="dump-before-m2"),
    ]
    way = decide.way("branch", ["m0"], ["m0", "m1", "m2"], journal)
    assert (way.since, way.dump) == (["m2"], "dump-before-m2")
    # What somebody has run by hand is in no journal.
    assert decide.way("branch", ["m0"], ["m0", "m1", "m3"], journal).since == ["m3"]
    assert decide.way("unknown", [], ["m1"], journal).since == ["m1"]
    # Going back with the code alone leaves the question of the database open.
    journal += [entry("branch", "c", action="rollback"), entry("c", "branch")]
    assert decide.way("branch", ["m0"], ["m0", "m1", "m2"], journal) == way


def test_what_has_run_is_not_pending() -> None:
    assert decide.pending(["m1", "m2", "m3"], {"m1", "m3"}) == ["m2"]
