"""Every role's defaults, argument specs and README agree: the manual says what the role takes."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parents[3] / "roles").iterdir() if path.is_dir())


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) or {}


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_default_is_specified_and_the_other_way_round(role: Path) -> None:
    defaults = set(load(role / "defaults/main.yml"))
    specs = load(role / "meta/argument_specs.yml")["argument_specs"]
    required = {
        name
        for entry in specs.values()
        for name, option in entry["options"].items()
        if option.get("required")
    }
    assert set().union(*(entry["options"] for entry in specs.values())) - required == defaults


def test_every_default_has_its_own_comment(role: Path) -> None:
    lines = (role / "defaults/main.yml").read_text().splitlines()
    bare = [
        line.split(":")[0]
        for before, line in pairwise(lines)
        if re.match(r"[a-z]", line) and not before.startswith("#")
    ]
    assert bare == []


def test_public_names_carry_the_role_name(role: Path) -> None:
    assert [name for name in load(role / "defaults/main.yml") if not name.startswith(f"{role.name}_")] == []


def test_every_entry_point_is_specified(role: Path) -> None:
    specs = load(role / "meta/argument_specs.yml")["argument_specs"]
    assert [entry for entry in specs if not (role / f"tasks/{entry}.yml").exists()] == []


def test_there_is_a_readme_and_it_has_an_example(role: Path) -> None:
    readme = (role / "README.md").read_text()
    assert readme.startswith(f"# {role.name}\n")
    assert "```yaml" in readme
