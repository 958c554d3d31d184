"""The .env codec by itself; test_dotenv_php.py asks phpdotenv whether it agrees."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _dotenv
from hypothesis import given
from hypothesis import strategies as st

from .dotenv_cases import NASTY, PEM

NAMES = st.from_regex(_dotenv.NAME, fullmatch=True)
SPECIAL = st.text("\"'\\$ {}#=\n\ta")
# phpdotenv reads 1000 bytes at a time.
LONG = st.builds(
    lambda first, number, last: first + "é" * number + last, SPECIAL, st.integers(490, 510), SPECIAL
)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | SPECIAL | LONG


def read(text: str) -> dict[str, str | None]:
    entries, problems = _dotenv.parse(text)
    assert problems == []
    return {entry.name: entry.value for entry in entries}


@pytest.mark.parametrize(("name", "value"), NASTY.items(), ids=list(NASTY))
def test_nasty_values_survive(name: str, value: str) -> None:
    assert read(_dotenv.render({name: value})) == {name: value}
    assert _dotenv.from_parameter(_dotenv.to_parameter(value)) == value


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    assert read(_dotenv.render(values, header=["A header = 'x'"])) == values


@given(VALUES)
def test_parameter_store_takes_and_returns_every_value(value: str) -> None:
    stored = _dotenv.to_parameter(value)
    assert stored
    assert stored == stored.strip()
    assert "{{" not in stored
    assert _dotenv.from_parameter(stored) == value


@given(VALUES)
def test_a_stored_value_is_stable(value: str) -> None:
    """What a person typed into the console isn't rewritten into something else by the next run."""
    once = _dotenv.from_parameter(value)
    assert _dotenv.from_parameter(_dotenv.to_parameter(once)) == once


def test_parameter_values_read_well_in_the_console() -> None:
    assert _dotenv.to_parameter("production") == "production"
    assert _dotenv.to_parameter("") == '""'
    assert _dotenv.to_parameter("{{x}}") == r'"{\u007bx}}"'
    assert _dotenv.to_parameter(PEM.strip()) == PEM.strip()
    assert _dotenv.from_parameter('"typed by hand"') == "typed by hand"
    assert _dotenv.from_parameter('"a" or "b"') == '"a" or "b"'
    assert _dotenv.from_parameter('"') == '"'


def test_plain_values_are_written_bare() -> None:
    values = {"APP_ENV": "production", "EMPTY": "", "URL": "https://a.test/x?y=1", "NAME": "Academia Ñ"}
    text = _dotenv.render(values, header=["Written by a test"])
    assert text.splitlines() == [
        "# Written by a test",
        "APP_ENV=production",
        "EMPTY=",
        'URL="https://a.test/x?y=1"',
        'NAME="Academia Ñ"',
    ]


def test_references_resolve_to_earlier_lines_only() -> None:
    text = "HOST=a\nURL=http://${HOST}/\nLITERAL='${HOST}'\nESCAPED=\"\\${HOST}\"\nLATER=${NEXT}\nNEXT=1\n"
    assert read(text) == {
        "HOST": "a",
        "URL": "http://a/",
        "LITERAL": "${HOST}",
        "ESCAPED": "${HOST}",
        "LATER": "${NEXT}",
        "NEXT": "1",
    }


def test_entries_know_their_line() -> None:
    entries, _ = _dotenv.parse('# first\nA=1\n\nB="x\ny"\nC=3\n')
    assert [(entry.name, entry.line) for entry in entries] == [("A", 2), ("B", 4), ("C", 6)]


def test_all_problems_at_once_with_their_lines() -> None:
    text = 'GOOD=1\nAPP NAME=x\nTWO=a b\n=x\nESC="\\q"\nSINGLE=\'x\nOPEN="y\nlast\n'
    entries, problems = _dotenv.parse(text)
    assert [entry.name for entry in entries] == ["GOOD"]
    assert [(problem.line, problem.message.partition(":")[0]) for problem in problems] == [
        (2, "APP NAME is not a variable name (letters, digits, underscores and dots)"),
        (3, "TWO"),
        (4, "there is no name before the equals sign"),
        (5, "ESC"),
        (6, "SINGLE"),
        (7, "OPEN"),
    ]


def test_problems_never_quote_what_may_be_a_secret() -> None:
    text = "A=hunter2 hunter2\nhunter2hunter2\nhunter2-x==\nB='hunter2\n"
    _, problems = _dotenv.parse(text)
    assert len(problems) == 3
    assert not any("hunter2" in problem.message for problem in problems)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("A-B", "x", "not a variable name"),
        ("A", "x\0y", "NUL"),
        ("A", "\ud800", "Unicode"),
        ("A", "\r" + "é" * 600, "carriage return"),
        ("", "x", "name"),
    ],
)
def test_what_no_env_file_can_carry_is_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _dotenv.render({name: value})
