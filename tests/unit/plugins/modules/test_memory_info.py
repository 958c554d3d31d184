"""memory_info on a machine, and in a container with a limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.andamio.laravel_aws.plugins.modules import memory_info

from tests.integration.modules import run_module


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 916 MiB without control groups."""
    (tmp_path / "meminfo").write_text("MemTotal:         938284 kB\nMemFree:          100000 kB\n")
    monkeypatch.setattr(memory_info, "MEMINFO", str(tmp_path / "meminfo"))
    limits = (str(tmp_path / "memory.max"), str(tmp_path / "memory.limit_in_bytes"))
    monkeypatch.setattr(memory_info, "CGROUP_LIMITS", limits)
    return tmp_path


@pytest.mark.parametrize("check", [False, True])
def test_a_machine_has_what_it_has(machine: Path, check: bool) -> None:
    result = run_module("memory_info", check=check)
    assert (result["memory_mb"], result["total_mb"], result["limit_mb"]) == (916, 916, None)
    assert result["changed"] is False


@pytest.mark.parametrize("file", ["memory.max", "memory.limit_in_bytes"])
def test_a_container_has_its_limit(machine: Path, file: str) -> None:
    (machine / file).write_text(f"{512 * 1024 * 1024}\n")
    result = run_module("memory_info")
    assert (result["memory_mb"], result["total_mb"], result["limit_mb"]) == (512, 916, 512)


def test_a_container_without_limit(machine: Path) -> None:
    (machine / "memory.max").write_text("max\n")
    result = run_module("memory_info")
    assert (result["memory_mb"], result["limit_mb"]) == (916, None)


def test_this_machine() -> None:
    result = run_module("memory_info")
    assert 0 < result["memory_mb"] <= result["total_mb"]
