"""Moments in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._when import (
    both,
    duration,
    iso,
    parse,
    relative,
)

NOW = datetime(2026, 11, 24, 18, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=0), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(hours=71), "2 days"),
        (timedelta(days=729), "729 days"),
        (timedelta(days=730), "2 years"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_spans(span: timedelta, words: str) -> None:
    assert duration(span) == words


def test_before_and_after() -> None:
    assert relative(NOW - timedelta(hours=3), NOW) == "3 h ago"
    assert relative(NOW + timedelta(days=89), NOW) == "in 89 days"
    assert both(NOW - timedelta(hours=3), NOW) == "2026-11-24 15:40 UTC (3 h ago)"


@pytest.mark.parametrize(
    "text", ["2026-11-24T18:40:00Z", "2026-11-24T18:40:00", "2026-11-24T13:40:00-05:00", iso(NOW)]
)
def test_texts(text: str) -> None:
    assert parse(text) == NOW


@pytest.mark.parametrize("text", ["", "yesterday", None])
def test_texts_that_are_no_moment(text: str) -> None:
    assert parse(text) is None
