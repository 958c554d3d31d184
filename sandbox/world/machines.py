"""EC2 instances as containers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox import machine, podman
from sandbox.machine import Machine
from sandbox.world.account import Instance

# Memory in MiB and CPUs. https://aws.amazon.com/ec2/instance-types/t4/
SIZES = {
    "nano": (512, 2),
    "micro": (1024, 2),
    "small": (2048, 2),
    "medium": (4096, 2),
    "large": (8192, 2),
    "xlarge": (16384, 4),
    "2xlarge": (32768, 8),
}


@dataclass(frozen=True)
class Step:
    """One thing to do to a machine: ``run``, ``start``, ``boot``, ``stop`` or ``remove``."""

    action: str
    name: str


def size(instance_type: str) -> tuple[int, int]:
    """Memory in MiB and CPUs of an instance type. Raises ValueError for a size that isn't known."""
    name = instance_type.partition(".")[2]
    if name not in SIZES:
        raise ValueError(f"the sandbox does not know the memory of {instance_type}; add it to SIZES")
    return SIZES[name]


def desired(instances: tuple[Instance, ...]) -> dict[str, Machine]:
    """The machine each instance is to be, by name."""
    machines = {}
    for instance in instances:
        memory, cpus = size(instance.instance_type)
        machines[instance.identifier] = Machine(
            name=instance.identifier,
            address=instance.private_address,
            hostname=f"ip-{instance.private_address.replace('.', '-')}",
            memory=memory,
            cpus=cpus,
            public_key=instance.public_key,
            elastic_addresses=instance.elastic_addresses,
            user_data=instance.user_data,
        )
    return machines


def plan(
    instances: tuple[Instance, ...], have: dict[str, dict[str, Any]], booted: dict[str, tuple[Machine, int]]
) -> list[Step]:
    """What leads from the containers there are to the account's instances.

    ``booted`` is the machine, and the start of its container, that each was last prepared as.
    """
    machines = desired(instances)
    steps = [Step("remove", name) for name in have if name not in machines]
    for instance in instances:
        name = instance.identifier
        if name not in have:
            if instance.state == "running":
                steps += [Step("run", name), Step("boot", name)]
        elif instance.state == "stopped":
            if have[name]["State"] == "running":
                steps.append(Step("stop", name))
        elif have[name]["State"] == "created":
            # Its first start failed half-way.
            steps += [Step("remove", name), Step("run", name), Step("boot", name)]
        elif have[name]["State"] != "running":
            steps += [Step("start", name), Step("boot", name)]
        elif booted.get(name) != (machines[name], have[name]["StartedAt"]):
            steps.append(Step("boot", name))
    return steps


def unprepared(instances: tuple[Instance, ...]) -> list[str]:
    """The running instances whose machine isn't ready for its users yet."""
    have = podman.containers(**{"andamio.kind": "instance"})
    return [
        instance.identifier
        for instance in instances
        if instance.state == "running"
        and (
            have.get(instance.identifier, {}).get("State") != "running"
            or not machine.is_ready(instance.identifier)
        )
    ]


class Machines:
    """Converges the containers, and knows which are prepared since their last start."""

    def __init__(self) -> None:
        self.booted: dict[str, tuple[Machine, int]] = {}

    def converge(self, instances: tuple[Instance, ...], say: Callable[[str], None]) -> None:
        """Make the containers match, and say what is done.

        One machine's failure doesn't keep the others from theirs. Raises ExceptionGroup at the end.
        """
        machines = desired(instances)
        failures: dict[str, Exception] = {}
        for step in plan(instances, podman.containers(**{"andamio.kind": "instance"}), self.booted):
            if step.name in failures:
                continue
            say(f"{step.action} {step.name}")
            try:
                self.apply(step, machines.get(step.name))
            except (podman.PodmanError, OSError) as error:
                failures[step.name] = error
        if failures:
            raise ExceptionGroup(
                ", ".join(f"{name}: {failures[name]}" for name in failures), [*failures.values()]
            )

    def apply(self, step: Step, wanted: Machine | None) -> None:
        match step.action:
            case "remove":
                machine.remove(step.name)
            case "stop":
                podman.run("stop", step.name)
            case "start" if wanted:
                podman.run("start", step.name)
                # The type may have changed meanwhile; only a running container's limits can.
                podman.run("update", *machine.limits(wanted), step.name)
            case "run" if wanted:
                podman.run(*machine.run_command(wanted))
            case "boot" if wanted:
                machine.boot(wanted)
                entry = podman.containers(**{"andamio.kind": "instance"})[step.name]
                self.booted[step.name] = (wanted, entry["StartedAt"])
