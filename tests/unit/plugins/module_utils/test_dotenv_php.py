"""The .env codec against the real phpdotenv. No PHP is a failure, not a skip: this is the proof."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _dotenv
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from .dotenv_cases import HAND_WRITTEN, NASTY
from .test_dotenv import NAMES, VALUES

ROOT = Path(__file__).resolve().parents[4]
# tests/phpdotenv.sh unpacks a newer one there, where the system's is older than 5.5.
INCLUDES = f"{ROOT / '.cache/phpdotenv/usr/share/php'}:/usr/share/php"
SCRIPT = Path(__file__).with_name("read_dotenv.php")
TOKENS = st.sampled_from(
    ["A", "B", "=", '="', '"', "'", "#", "$", "${A}", "{", "\\", "\\n", " ", "\n", "\r", "é", "export "]
)
# One run of PHP answers a whole batch. Shrinking a batch takes minutes; the assertion names the text anyway.
BATCHES = settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.generate])


def phpdotenv(texts: list[str]) -> list[dict[str, str | None] | None]:
    """What phpdotenv reads from each text; None where it refuses the file."""
    question = json.dumps([base64.b64encode(text.encode()).decode() for text in texts])
    try:
        php = subprocess.run(
            ["php", "-d", f"include_path={INCLUDES}", str(SCRIPT)],
            input=question, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.fail("php isn't installed: apt install php-cli php-mbstring php-vlucas-phpdotenv")
    assert php.returncode == 0, php.stdout + php.stderr
    answers = json.loads(php.stdout)
    return [None if answer is False else _decoded(answer) for answer in answers]


def _decoded(answer: dict[str, str | None]) -> dict[str, str | None]:
    return {
        name: None if value is None else base64.b64decode(value).decode() for name, value in answer.items()
    }


def test_the_judge_is_as_new_as_laravels() -> None:
    """Since 5.5 a line within a block doesn't open another."""
    assert phpdotenv(['A="x\nb="\nC=d']) == [{"A": "x\nb=", "C": "d"}], "run tests/phpdotenv.sh"


def test_phpdotenv_reads_the_nasty_values() -> None:
    assert phpdotenv([_dotenv.render(NASTY)]) == [NASTY]


def test_after_parameter_store_too() -> None:
    there_and_back = {
        name: _dotenv.from_parameter(_dotenv.to_parameter(value)) for name, value in NASTY.items()
    }
    assert phpdotenv([_dotenv.render(there_and_back)]) == [NASTY]


@BATCHES
@given(st.lists(VALUES, min_size=20, max_size=40), NAMES)
def test_phpdotenv_reads_all_we_write(batch: list[str], name: str) -> None:
    values = {f"{name}{index}": value for index, value in enumerate(batch)}
    assert phpdotenv([_dotenv.render(values)]) == [values]


def test_we_read_hand_written_files_as_phpdotenv_does() -> None:
    for text, answer in zip(HAND_WRITTEN, phpdotenv(list(HAND_WRITTEN)), strict=True):
        _same(text, answer)


@BATCHES
@given(st.lists(st.lists(TOKENS).map("".join), min_size=50, max_size=100))
def test_we_read_any_text_as_phpdotenv_does(texts: list[str]) -> None:
    for text, answer in zip(texts, phpdotenv(texts), strict=True):
        _same(text, answer)


def _same(text: str, answer: dict[str, str | None] | None) -> None:
    entries, problems = _dotenv.parse(text)
    if answer and not all(name.isascii() for name in answer):
        # Since 5.6 phpdotenv takes any letter for a name; Parameter Store doesn't, and we say so.
        assert any("is not a variable name" in problem.message for problem in problems), text
        return
    opened = [problem.line for problem in problems if "opens here" in problem.message]
    if opened:
        # phpdotenv drops an unclosed block and all that follows without a word; we tell of it.
        before = "\n".join(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))[: opened[0] - 1])
        rest, wrong = _dotenv.parse(before)
        assert [problem for problem in problems if problem.line != opened[0]] == wrong, text
        assert entries == rest, text
        problems, entries = wrong, rest
    found = None if problems else {entry.name: entry.value for entry in entries}
    assert found == answer, text
