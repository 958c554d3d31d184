"""What the world does to containers for the account's instances."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.world.account import Instance
from sandbox.world.machines import Step, desired, plan, size

RUNNING = Instance(
    "i-1", "running", "10.97.0.20", "t4g.micro", "ssh-ed25519 AAAA", "#!/bin/sh\n", ("10.97.0.100",)
)
STOPPED = Instance("i-1", "stopped", "10.97.0.20", "t4g.micro")


def container(state: str, started: int = 1) -> dict[str, dict[str, Any]]:
    return {"i-1": {"State": state, "StartedAt": started}}


def test_a_machine_is_as_big_as_its_type_and_named_as_ec2_does() -> None:
    machine = desired((RUNNING,))["i-1"]
    assert (machine.memory, machine.cpus) == (1024, 2)
    assert machine.hostname == "ip-10-97-0-20"
    assert machine.address == "10.97.0.20"
    assert machine.elastic_addresses == ("10.97.0.100",)
    assert machine.user_data == "#!/bin/sh\n"


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [("t3.micro", (1024, 2)), ("t4g.small", (2048, 2)), ("m7g.xlarge", (16384, 4))],
)
def test_sizes(instance_type: str, expected: tuple[int, int]) -> None:
    assert size(instance_type) == expected


def test_an_unknown_size_is_named() -> None:
    with pytest.raises(ValueError, match=r"u-6tb1\.metal"):
        size("u-6tb1.metal")


def test_a_new_instance_is_run_and_prepared() -> None:
    assert plan((RUNNING,), {}, {}) == [Step("run", "i-1"), Step("boot", "i-1")]


def test_a_prepared_instance_is_left_alone() -> None:
    booted = {"i-1": (desired((RUNNING,))["i-1"], 1)}
    assert plan((RUNNING,), container("running"), booted) == []


def test_a_machine_that_was_restarted_is_prepared_again() -> None:
    booted = {"i-1": (desired((RUNNING,))["i-1"], 1)}
    assert plan((RUNNING,), container("running", started=2), booted) == [Step("boot", "i-1")]


def test_a_moved_elastic_address_prepares_the_machine_again() -> None:
    before = Instance("i-1", "running", "10.97.0.20", "t4g.micro", "ssh-ed25519 AAAA", "#!/bin/sh\n")
    booted = {"i-1": (desired((before,))["i-1"], 1)}
    assert plan((RUNNING,), container("running"), booted) == [Step("boot", "i-1")]


def test_a_stopped_instance_keeps_its_container() -> None:
    assert plan((STOPPED,), container("running"), {}) == [Step("stop", "i-1")]
    assert plan((STOPPED,), container("exited"), {}) == []
    assert plan((STOPPED,), {}, {}) == []


def test_a_started_instance_is_started_and_prepared() -> None:
    assert plan((RUNNING,), container("exited"), {}) == [Step("start", "i-1"), Step("boot", "i-1")]


def test_a_container_that_never_started_is_made_anew() -> None:
    steps = plan((RUNNING,), container("created"), {})
    assert steps == [Step("remove", "i-1"), Step("run", "i-1"), Step("boot", "i-1")]


def test_a_terminated_instance_goes() -> None:
    assert plan((), container("running"), {}) == [Step("remove", "i-1")]
