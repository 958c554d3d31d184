"""Findings as lines."""

from __future__ import annotations

from ansible_collections.andamio.laravel_aws.plugins.module_utils._findings import (
    ABSENT,
    OK,
    UNKNOWN,
    WARNING,
    WRONG,
    Finding,
    Section,
    count,
    lines,
    plain,
    sections_from,
    worst,
)

SECTIONS = [
    Section(
        "Tools", [Finding(OK, "boto3", "1.44", "never said"), Finding(WRONG, "aws", "not found.", "Install.")]
    ),
    Section("Nothing", []),
    Section("AWS", [Finding(ABSENT, "delegation", "no zone yet")]),
]


def test_columns_marks_and_fixes() -> None:
    assert [plain(line) for line in lines(SECTIONS)] == [
        "Tools",
        "  ✔ boto3       1.44",
        "  ✘ aws         not found.",
        "              → Install.",
        "AWS",
        "  ○ delegation  no zone yet",
    ]


def test_nothing() -> None:
    assert lines([]) == []


def test_what_comes_from_outside_stays_on_its_line() -> None:
    (line,) = lines([Section("", [Finding(OK, "name", "a\x1b[2J\nb\rc")])])
    assert plain(line) == "  ✔ name  a [2J b c"


def test_there_and_back() -> None:
    assert sections_from([section.as_dict() for section in SECTIONS]) == SECTIONS


def test_the_worst() -> None:
    assert worst([]) == OK
    assert worst([Finding(state, "", "") for state in (ABSENT, WRONG, WARNING)]) == WRONG
    assert worst([Finding(state, "", "") for state in (OK, UNKNOWN, ABSENT)]) == UNKNOWN


def test_counts() -> None:
    assert [count(SECTIONS, state) for state in (OK, WRONG, WARNING)] == [1, 1, 0]
