"""What is typed after make reaches programs as it was typed; make, shells and Ansible run none of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()
# Prints its arguments, a run a line.
RECORD = """\
#!{python}
import json, sys
with open({file!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""
NASTY = {
    "jinja": "{{ 1/0 }}",
    "lookup": "{{ lookup('pipe', 'touch PWNED') }}",
    "statement": "{% for x in [1] %}{{ x }}{% endfor %}",
    "make": "$(shell touch PWNED)",
    "dollars": "costs $5, $$, ${HOME} and $(HOME)",
    "shell": "'; touch PWNED; '\"; touch PWNED; `touch PWNED` \\",
    "lines": "one\ntwo\n\n# three: [4]\n",
    "option": "--output=PWNED",
    "escape": "\x1b]0;title\x07 \x7f \x85 \u2028 é 😀",
    "yaml": "!!python/object/apply:os.system ['touch PWNED'], a: &b *b",
}
# The words that are free text, by target, with what the command is told them as.
TEXTS = [
    ("deploy", "REF"),
    ("deploy", "REASON"),
    ("rollback", "RELEASE"),
    ("rollback", "CONFIRM"),
    ("rollback", "REASON"),
    ("restore", "KEY"),
    ("restore", "INTO"),
    ("restore", "CONFIRM"),
    ("teardown", "DELETE_DATA"),
    ("teardown", "TEARDOWN_DUMP_DIR"),
]
# Those that are one of a few; nothing else is taken for one.
CHOSEN = [
    ("deploy", "MAINTENANCE"),
    ("rollback", "DATABASE"),
    ("restore", "REPLACE"),
    ("restore", "UNSIGNED"),
    ("plan", "PHASE"),
    ("plan", "DIFF"),
    ("status", "DRIFT"),
    ("status", "STRICT"),
    ("teardown", "PHASE"),
    ("teardown", "TEARDOWN_ZONE"),
    ("teardown", "TEARDOWN_WITHOUT_DUMP"),
    ("teardown", "ROUTE53_FORCE"),
]


class Loader(yaml.SafeLoader):
    """Reads what ansible-playbook is told, and which of it is marked as no template."""


Loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", loader.construct_scalar(node)))


@dataclass
class Made:
    """A make that has run: its exit code, what it printed, and what each command was told."""

    code: int
    output: str
    told: list[list[str]]

    def variables(self) -> dict[str, Any]:
        given = next(word for word in self.told[-1] if word.startswith("--extra-vars="))
        loaded: dict[str, Any] = yaml.load(given.removeprefix("--extra-vars="), Loader)  # noqa: S506
        return loaded


class Make:
    """make in this checkout, with a program that notes its arguments in ansible-playbook's place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "told"
        program = folder / "ansible-playbook"
        program.write_text(RECORD.format(python=sys.executable, file=str(self.file)))
        program.chmod(0o755)
        self.program = program

    def run(self, target: str, environment: dict[str, str] | None = None, **words: str) -> Made:
        self.file.unlink(missing_ok=True)
        done = subprocess.run(
            [
                *("make", "--no-print-directory", "--old-file=.bootstrap-demo", target),
                *(f"PLAYBOOK={self.program}", f"ASKING={self.program}", f"PYTHON={sys.executable}"),
                *(f"{name}={value}" for name, value in words.items()),
            ],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not (ROOT / "PWNED").exists()
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return Made(done.returncode, done.stdout + done.stderr, [json.loads(line) for line in lines])


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return Make(tmp_path)


def extra(target: str) -> dict[str, str]:
    return {"CONFIRM": "yes"} if target == "teardown" else {}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize(("target", "word"), TEXTS)
def test_a_text_reaches_ansible_whole_and_is_no_template(
    make: Make, target: str, word: str, text: str
) -> None:
    made = make.run(target, **{**extra(target), word: text})
    assert made.code == 0, made.output
    assert made.variables()[word.lower()] == ("unsafe", text)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize(("target", "word"), CHOSEN)
def test_a_choice_is_nothing_else(make: Make, target: str, word: str, text: str) -> None:
    made = make.run(target, **{**extra(target), word: text})
    assert made.code != 0
    assert f"error: {word}: " in made.output
    assert not made.told


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_an_inventory_is_one_argument(make: Make, text: str) -> None:
    hosts = f"{text},"  # a list of hosts, which needs no file
    assert make.run("doctor", INVENTORY=hosts).told[0][-1] == f"--inventory={hosts}"
    assert make.run("doctor", {"INVENTORY": hosts}).told[0][-1] == f"--inventory={hosts}"


@pytest.mark.parametrize("target", ["plan", "deploy", "teardown", "status"])
def test_an_inventory_that_is_not_there_is_an_error(make: Make, target: str) -> None:
    made = make.run(target, INVENTORY="inventories/prod")
    assert made.code != 0
    assert "INVENTORY: there is no folder or file 'inventories/prod'" in made.output
    assert not made.told
    assert make.run("plan", INVENTORY="inventories/production").code == 0


@pytest.mark.parametrize(
    ("target", "phase"), [("plan", "phase9"), ("plan", "nginx,ngnix"), ("teardown", "s3site")]
)
def test_a_phase_that_is_not_there_is_an_error(make: Make, target: str, phase: str) -> None:
    made = make.run(target, PHASE=phase)
    assert made.code != 0
    assert f"PHASE: there is no {phase.rsplit(',', maxsplit=1)[-1]!r}. There are: " in made.output
    assert not made.told


def test_every_role_that_a_playbook_tags_is_a_phase(make: Make) -> None:
    for phase in ("phase1", "s3_site", "nginx,certbot", "ssm_env,laravel_app", "dumps_bucket"):
        assert make.run("plan", PHASE=phase).told[0][-1] == f"--tags={phase}"


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_help_and_bench_run_nothing_of_it(make: Make, text: str) -> None:
    assert make.run("help", REASON=text).code == 0
    refused = make.run("bench", WHAT=text)
    assert refused.code != 0
    assert "invalid choice" in refused.output or "unrecognized arguments" in refused.output


def test_an_unknown_word_is_an_error_before_anything_runs(make: Make) -> None:
    made = make.run("deploy", RAESON="x")
    assert made.code != 0
    assert "RAESON: there is no such word. There are: REF REASON" in made.output
    assert not made.told


def test_a_word_of_another_command_is_an_error(make: Make) -> None:
    made = make.run("plan", REF="v1")
    assert made.code != 0
    assert "error: REF: this command doesn't know it. It takes PHASE, DIFF, INVENTORY" in made.output
    assert not made.told


def test_the_environment_confirms_and_deletes_nothing(make: Make) -> None:
    left_over = {
        "CONFIRM": "yes",
        "DELETE_DATA": "academia",
        "TEARDOWN_WITHOUT_DUMP": "yes",
        "PHASE": "phase9",
    }
    made = make.run("teardown", left_over)
    assert made.code != 0
    assert made.told == [["playbooks/teardown.yml", "--check", "--diff"]]
    assert "Nothing was deleted: the answer wasn't 'yes'." in made.output
    made = make.run("teardown", CONFIRM="yes", DELETE_DATA="academia")
    assert made.code == 0, made.output
    assert [words[1:3] for words in made.told] == [["--check", "--diff"], [made.told[1][1]]]
    assert made.variables()["delete_data"] == ("unsafe", "academia")


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("true", True), ("no", False), ("0", False)])
def test_truth_values(make: Make, text: str, value: bool) -> None:
    assert make.run("deploy", MAINTENANCE=text).variables() == {"maintenance": value}
    assert ("--diff" in make.run("plan", DIFF=text).told[0]) is value


def test_every_word_that_is_shown_exists() -> None:
    """In the Makefile's help, README, docs and roles' READMEs."""
    words = re.search(r"^WORDS := ((?:.*\\\n)*.*)$", MAKEFILE, re.M)
    assert words
    known = set(words[1].replace("\\\n", " ").split())
    tested = {word for _target, word in TEXTS + CHOSEN} | {"INVENTORY", "WHAT"}
    assert known == tested
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")]
    for page in pages:
        for line in re.findall(r"make [a-z-]+(?: [A-Z_]+=[^`\n#]*)", page.read_text()):
            shown = set(re.findall(r"\b([A-Z_]+)=", line))
            assert shown <= known, f"{page.name}: {line}"


def test_no_recipe_has_a_word_in_its_text() -> None:
    words = "|".join(word for _target, word in TEXTS + CHOSEN)
    assert not re.findall(rf"^\t.*\$\(({words}|INVENTORY|WHAT)\)", MAKEFILE, re.M)
