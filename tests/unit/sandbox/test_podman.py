"""Removing containers, with a podman that fails now and then."""

from __future__ import annotations

import pytest

from sandbox import podman


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_a_container_that_ends_as_it_is_killed_is_removed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    tried: list[tuple[str, ...]] = []

    def run(*arguments: str) -> str:
        tried.append(arguments)
        if len(tried) <= failures:
            raise podman.PodmanError("podman rm …: container not running")
        return ""

    monkeypatch.setattr(podman, "run", run)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    podman.remove("one", "two", seconds=1)
    assert len(tried) == failures + 1
    assert tried[0] == ("rm", "--force", "--ignore", "--volumes", "--time", "1", "one", "two")


def test_one_that_can_not_be_removed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: str) -> str:
        raise podman.PodmanError("podman rm …: device busy")

    monkeypatch.setattr(podman, "run", run)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(podman.PodmanError, match="device busy"):
        podman.remove("one")
