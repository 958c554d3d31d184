"""The collections that this one names as dependencies are those that it uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = "andamio.laravel_aws"
# A module, plugin or action group, outside of comments.
_NAMED = re.compile(r"^[^#\n]*?\b((?:amazon|ansible|community)\.[a-z]\w*)\.[a-z]\w*", re.MULTILINE)
_IMPORTED = re.compile(r"^\s*from ansible_collections\.(\w+\.\w+)", re.MULTILINE)


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def used() -> Iterator[str]:
    for folder in ("roles", "playbooks", "inventories"):
        for file in (ROOT / folder).rglob("*.yml"):
            yield from _NAMED.findall(file.read_text())
    for file in (ROOT / "plugins").rglob("*.py"):
        yield from _IMPORTED.findall(file.read_text())


def test_what_is_used_is_named_and_nothing_else() -> None:
    assert set(used()) - {"ansible.builtin", OURS} == set(load("galaxy.yml")["dependencies"])


def test_both_lists_are_the_same_and_name_versions() -> None:
    dependencies = load("galaxy.yml")["dependencies"]
    listed = {item["name"]: item["version"] for item in load("requirements.yml")["collections"]}
    assert listed == dependencies
    assert all(re.fullmatch(r">=\d+\.\d+\.\d+", version) for version in dependencies.values())
