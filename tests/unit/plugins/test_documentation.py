"""Every module says of check mode and diff mode what its fragment says, and adds its own details."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.plugin_docs import read_docstring
from ansible_collections.andamio.laravel_aws.plugins.doc_fragments.attributes import ModuleDocFragment

MODULES = sorted((Path(__file__).resolve().parents[3] / "plugins" / "modules").glob("[!_]*.py"))
OURS = "andamio.laravel_aws.attributes"


@pytest.fixture(params=MODULES, ids=lambda file: file.stem)
def documentation(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = read_docstring(str(request.param))["doc"]
    return found


def test_the_modes_are_described_by_the_fragment(documentation: dict[str, Any]) -> None:
    fragments = [name for name in documentation["extends_documentation_fragment"] if name.startswith(OURS)]
    assert len(fragments) == 1
    own = documentation.get("attributes", {})
    assert {word for mode in own.values() for word in mode} <= {"details"}


def test_every_part_of_the_fragment_has_the_same_words() -> None:
    parts = [yaml.safe_load(text) for name, text in vars(ModuleDocFragment).items() if name.isupper()]
    assert len(parts) == 3
    words = [{mode: said["description"] for mode, said in part["attributes"].items()} for part in parts]
    assert words[1:] == words[:1] * 2
