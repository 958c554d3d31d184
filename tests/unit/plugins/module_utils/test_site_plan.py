"""What a site's run does, from its files, the listing and the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _site_plan
from ansible_collections.andamio.laravel_aws.plugins.module_utils._site_files import File, rule_for
from ansible_collections.andamio.laravel_aws.plugins.module_utils._site_plan import Item, Plan, Record
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = 86400


def file(path: str, digest: str = "d1", content_type: str = "t") -> File:
    return File(path, Path(path), 1, digest, content_type, rule_for(path, []))


def site(*files: File) -> dict[str, File]:
    return {one.path: one for one in files}


def item(one: File, **other: Any) -> Item:
    return Item(one.digest, one.headers, **other)


def plan(
    files: dict[str, File], record: Record, listed: dict[str, str], now: int = 0, after: int = 7 * DAY
) -> Plan:
    return _site_plan.plan(files, record, listed, now=now, prune_after=after)


A, B = file("a.css"), file("index.html")


def test_a_new_site_and_then_nothing_to_do() -> None:
    first = plan(site(A, B), {}, {})
    assert list(first.uploads) == ["a.css", "index.html"]
    assert first.record == {"a.css": item(A), "index.html": item(B)}
    assert (first.write_record, first.uncertain) == (True, set())
    again = plan(site(A, B), first.record, {"a.css": "d1", "index.html": "d1"})
    assert (again.uploads, again.write_record, again.delete) == ({}, False, [])


def test_phases_and_invalidation() -> None:
    files = site(file("sw.js"), B, file("logo.png"), file("assets/x-BqYvX1_Z.js"), file("robots.txt"))
    first = plan(files, {}, {})
    assert [list(phase) for phase in first.phases] == [
        ["assets/x-BqYvX1_Z.js"],
        ["logo.png"],
        ["index.html", "robots.txt"],
        ["sw.js"],
    ]
    assert first.invalidate == ["index.html", "robots.txt", "sw.js"]


def test_changed_bytes_in_the_site_or_in_the_bucket_are_uploaded() -> None:
    record = {"a.css": item(A)}
    assert list(plan(site(file("a.css", "d2")), record, {"a.css": "d1"}).uploads) == ["a.css"]
    assert list(plan(site(A), record, {"a.css": "by hand"}).uploads) == ["a.css"]
    assert list(plan(site(A), record, {}).uploads) == ["a.css"]


def test_other_headers_for_the_same_bytes_are_uncertain_until_done() -> None:
    changed = file("a.css", content_type="other")
    first = plan(site(changed), {"a.css": item(A)}, {"a.css": "d1"})
    assert first.uncertain == {"a.css"}
    assert first.record["a.css"].headers == _site_plan.UNCERTAIN
    # Killed before the upload: the listing looks right, and still it is uploaded again.
    assert list(plan(site(changed), first.record, {"a.css": "d1"}).uploads) == ["a.css"]
    assert _site_plan.settled(first, {"a.css": "d1"}) == {"a.css": item(changed)}


def test_a_version_that_a_killed_run_left_is_still_ours() -> None:
    first = plan(site(file("a.css", "d2")), {"a.css": item(A)}, {"a.css": "d1"})
    assert first.record["a.css"].before == "d1"
    # Killed before the upload, and the next build has no such file.
    second = plan(site(), first.record, {"a.css": "d1"}, now=5)
    assert second.record["a.css"].gone == 5
    assert plan(site(), second.record, {"a.css": "d1"}, now=9 * DAY).delete == ["a.css"]
    assert plan(site(), second.record, {"a.css": "theirs"}, now=9 * DAY).delete == []


def test_an_etag_that_is_no_digest_is_remembered() -> None:
    first = plan(site(A), {}, {})
    assert _site_plan.settled(first, {"a.css": "d1"}) is None
    record = _site_plan.settled(first, {"a.css": "kms"})
    assert record == {"a.css": item(A, etag="kms")}
    assert plan(site(A), record, {"a.css": "kms"}).uploads == {}
    assert list(plan(site(A), record, {"a.css": "d1"}).uploads) == ["a.css"]


def test_what_is_gone_is_removed_after_the_grace_period() -> None:
    listed = {"a.css": "d1", "index.html": "d1"}
    first = plan(site(B), {"a.css": item(A), "index.html": item(B)}, listed, now=100)
    assert (first.delete, first.write_record) == ([], True)
    assert first.record["a.css"].gone == 100
    early = plan(site(B), first.record, listed, now=100 + 7 * DAY - 1)
    assert (early.delete, early.write_record) == ([], False)
    late = plan(site(B), first.record, listed, now=100 + 7 * DAY)
    assert (late.delete, late.write_record) == (["a.css"], False)
    assert plan(site(B), late.record, {"index.html": "d1"}, now=101 + 7 * DAY).write_record is False


def test_what_comes_back_is_only_unmarked() -> None:
    back = plan(site(A), {"a.css": item(A, gone=5)}, {"a.css": "d1"})
    assert (back.uploads, back.record, back.write_record) == ({}, {"a.css": item(A)}, True)


def test_what_others_put_or_replaced_is_not_ours() -> None:
    assert plan(site(A), {}, {"a.css": "x"}).foreign == ["a.css"]
    listed = {"theirs": "x", "a.css": "replaced"}
    assert plan(site(), {"a.css": item(A, gone=0)}, listed, now=9 * DAY).delete == []
    assert _site_plan.removal(
        {"a.css": item(A), "index.html": item(B)}, listed | {"index.html": "d1"}
    ).delete == [
        "index.html",
        _site_plan.RECORD,
    ]


MAYBE = st.sampled_from(["", "e"])
ITEMS = st.builds(Item, st.text(min_size=1), st.text(), MAYBE, st.none() | st.integers(0), MAYBE)


@given(st.dictionaries(st.text(), ITEMS))
def test_the_record_is_read_back(record: Record) -> None:
    assert _site_plan.load(_site_plan.dump(record)) == record


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"version": 2}', b'{"version": 1, "headers": [], "objects": {"a": ["d", 0]}}'],
)
def test_a_strange_record_is_refused(text: bytes) -> None:
    with pytest.raises(_site_plan.UnknownRecord):
        _site_plan.load(text)


KEYS = st.sampled_from(["index.html", "sw.js", "a.css", "assets/x-BqYvX1_Z.js"])
DIGESTS = st.sampled_from(["d1", "d2"])
SITES = st.dictionaries(KEYS, st.tuples(DIGESTS, st.sampled_from(["t1", "t2"])))


@settings(max_examples=500)
@given(st.lists(st.tuples(SITES, st.integers(0, 9), st.integers(0, 8)), min_size=1, max_size=6))
def test_runs_killed_anywhere_end_in_the_site_and_nothing_else(runs: list[tuple[Any, int, int]]) -> None:
    """Any sequence of sites, each run killed after some steps: one whole run repairs it all."""
    theirs = {"theirs.txt": ("x", "x")}
    bucket: dict[str, tuple[str, str]] = dict(theirs)  # key to (bytes, headers)
    record: Record = {}
    now = 0

    def run(files: dict[str, File], steps: int) -> bool:
        nonlocal record
        made = plan(files, record, {key: digest for key, (digest, _) in bucket.items()}, now=now, after=3)
        assert made.foreign == []
        todo: list[Any] = [made.record] if made.write_record else []
        todo += [key for phase in made.phases for key in phase] + [[key] for key in made.delete]
        final = _site_plan.settled(made, {key: one.digest for key, one in made.uploads.items()})
        todo += [final] if final else []
        for step in todo[:steps]:
            if isinstance(step, dict):
                record = step
            elif isinstance(step, list):
                del bucket[step[0]]
            else:
                bucket[step] = (files[step].digest, files[step].headers)
        return bool(todo)

    files: dict[str, File] = {}
    for contents, steps, pause in runs:
        files = {path: file(path, *content) for path, content in contents.items()}
        run(files, steps)
        now += pause
    for _ in range(2):  # the first notes what is gone, the second comes after the grace period
        run(files, 99)
        now += 9
    run(files, 99)
    assert bucket == theirs | {key: (one.digest, one.headers) for key, one in files.items()}
    assert not run(files, 99)


def test_the_diff_names_each_key_that_something_happens_to() -> None:
    record = {
        "a.css": item(A),
        "index.html": item(B),
        "old.css": item(A, gone=0),
        "back.css": item(A, gone=0),
    }
    record |= {"going.css": item(A), "same.css": item(A)}
    listed = dict.fromkeys(record, "d1")
    files = site(file("a.css", "d2"), B, file("new.css"), file("back.css"), file("same.css"))
    made = plan(files, record, listed, now=8 * DAY)
    before, after = _site_plan.shown(made, record, listed)
    assert set(before) == {"a.css", "old.css", "going.css", "back.css"}
    assert set(after) == {"a.css", "new.css", "going.css", "back.css"}
    assert before["a.css"].startswith("d1 | ")
    assert after["a.css"].startswith("d2 | ")


def test_durations() -> None:
    texts = ["90", "90s", "30m", "12h", "7d", "1w", " 2 d "]
    assert [_site_plan.seconds(text) for text in texts] == [90, 90, 1800, 43200, 7 * DAY, 7 * DAY, 2 * DAY]
    for text in ("", "d", "7 days", "-1", "1.5h"):
        with pytest.raises(ValueError, match="no duration"):
            _site_plan.seconds(text)
