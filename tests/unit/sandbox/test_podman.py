"""How podman is called: what a container may do, and removing one with a podman that fails now and then."""

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


def test_a_container_has_the_capabilities_that_are_listed_and_none_that_gets_it_a_disk() -> None:
    flags = podman.confinement()
    assert "--privileged" not in flags
    assert flags[flags.index("--cap-drop") + 1] == "all"
    given = set(flags[flags.index("--cap-add") + 1].split(","))
    assert not given & {"MKNOD", "DAC_READ_SEARCH", "SYS_RAWIO", "SYS_MODULE", "SYS_TIME", "SYS_BOOT", "BPF"}
    options = [flags[number + 1] for number, flag in enumerate(flags) if flag == "--security-opt"]
    assert not [option for option in options if option.startswith(("seccomp=", "unmask=ALL"))]
    # Debian and Ubuntu have AppArmor on, and podman's profile for it would keep systemd from mounting.
    assert {"apparmor=unconfined", "label=disable"} <= set(options)
