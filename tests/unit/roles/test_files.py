"""What the roles' files tasks refer to is there, and nothing in a role's templates or files is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROLES = Path(__file__).resolve().parents[3] / "roles"
LOOKUP = re.compile(r"lookup\('ansible\.builtin\.(template|file)', '([^']+)'")
FOLDERS = {"template": "templates", "file": "files"}
HOST_ROLES = ("base", "mysql", "php_fpm", "nginx", "certbot", "laravel_app")


def words(role: str) -> str:
    files = [*(ROLES / role / "tasks").glob("*.yml"), *(ROLES / role / "vars").glob("*.yml")]
    return "\n".join(file.read_text() for file in files)


@pytest.mark.parametrize("role", HOST_ROLES)
def test_what_is_looked_up_is_there_and_all_that_is_there_is_used(role: str) -> None:
    used = {ROLES / role / FOLDERS[kind] / name for kind, name in LOOKUP.findall(words(role))}
    assert used
    assert [path.name for path in used if not path.is_file()] == []
    there = {
        path for folder in FOLDERS.values() for path in (ROLES / role / folder).glob("*") if path.is_file()
    }
    # A template that others include is no file of the host's.
    included = {path for path in there if path.name == "hardening.j2"}
    assert there - included == used


@pytest.mark.parametrize("role", HOST_ROLES)
def test_a_hosts_files_are_written_in_one_task_not_one_by_one(role: str) -> None:
    assert "ansible.builtin.template:" not in words(role)
    assert "ansible.builtin.copy:" not in words(role)
