"""How long a deploy takes: ours, and the usual list of tasks, over the same SSH to hosts of the same size."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from sandbox import config
from sandbox.machine import proxy_command
from tests.e2e.apps import build
from tests.e2e.host import Host

from .measure import ROOT, Result, Tool, side_by_side
from .plain import NAME, PEERS, SSH, Plain, command, common_args, plain_machine
from .report import Section, circumstances, line

LATENCIES = (0.0, 0.03)
TEXT = """
The example API with a changed file, vendor/ in the artifact, nothing to migrate. *make deploy* is
playbooks/deploy.yml with all its checks of account and host; *module* is a playbook whose one task is
laravel_release; *tasks* is benchmarks/peers/tasks_deploy.yml, a list of tasks as the roles for Laravel have
it: no check before or after, no dump, no way back. Each run begins with a new SSH connection, whose round
trips take so much longer.

| SSH | make deploy | module | tasks | module / tasks | make deploy / tasks |
| ---: | ---: | ---: | ---: | ---: | ---: |
"""
STEPS = """
What the engine itself takes of it, on the host, in seconds (the medians of these deploys):

| step | seconds |
| --- | ---: |
"""


def measure(folder: Path, runs: int) -> Section:
    """Deploy with each tool in turns, with and without a longer way to the host."""
    host = Host()
    rows = []
    with plain_machine(folder) as plain:
        artifacts = {name: folder / f"{name}.tar.gz" for name in ("whole", "module", "tasks")}
        number = 0

        def prepare(tool: str) -> None:
            """A build that no run before has had."""
            nonlocal number
            number += 1
            shutil.copy(build(f"bench{number}").path, artifacts[tool])

        prepare("tasks")
        plain.deploy(artifacts["tasks"])
        for latency in LATENCIES:
            tools = deployers(folder, host, plain, artifacts, latency)
            results = side_by_side(None, tools, prepare, runs)
            rows.append(row(latency, results))
            print(rows[-1], end="", flush=True)
    return Section("Redeploys", circumstances(runs) + TEXT + "".join(rows) + STEPS + steps(host, 4 * runs))


def deployers(
    folder: Path, host: Host, plain: Plain, artifacts: Mapping[str, Path], latency: float
) -> dict[str, Tool]:
    """The tools, each with SSH connections of its own that are gone when it is run again."""
    sockets = folder / "ssh"
    sockets.mkdir(exist_ok=True)
    arguments = {"ansible_ssh_common_args": common_args(proxy_command(), latency)}
    key = str(config.MACHINE_KEY)
    reach = {
        "ansible_connection": "andamio.laravel_aws.preloaded_ssh",
        "ansible_user": config.HOST_USER,
        "ansible_ssh_private_key_file": key,
    }
    ours = folder / "ours.json"
    ours.write_text(json.dumps({"laravel": {"hosts": {host.name: reach}}}))
    task = {"name": "Deploy", "andamio.laravel_aws.laravel_release": {"artifact": str(artifacts["module"])}}
    one = folder / "module.json"
    one.write_text(
        json.dumps(
            [{"name": "Deploy", "hosts": "laravel", "become": True, "gather_facts": False, "tasks": [task]}]
        )
    )
    tool = partial(deployer, sockets)
    return {
        "whole": tool(
            "make deploy",
            command(
                ROOT / "playbooks" / "deploy.yml",
                ROOT / "inventories" / "sandbox",
                {"laravel_app_artifact": str(artifacts["whole"]), **arguments},
            ),
        ),
        "module": tool("module", command(one, ours, arguments)),
        "tasks": tool(
            "tasks",
            command(
                PEERS / "tasks_deploy.yml",
                plain.inventory,
                {"artifact": str(artifacts["tasks"]), **arguments},
            ),
        ),
    }


def deployer(sockets: Path, name: str, words: list[str], settings: Mapping[str, str] | None = None) -> Tool:
    """A tool that begins without a connection: what an earlier run has left open is closed first.

    settings: Ansible's, as environment variables.
    """
    close = f'[ ! -S "$socket" ] || ssh -O exit -o ControlPath="$socket" {NAME}'
    script = f'for socket in {sockets}/*; do {close}; done 2>/dev/null; exec "$@"'
    variables = {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets), "ANSIBLE_SSH_ARGS": SSH, **(settings or {})}
    given = [f"{key}={value}" for key, value in variables.items()]
    return Tool(name, ["env", *given, "sh", "-c", script, "sh", *words])


def row(latency: float, results: Mapping[str, Result]) -> str:
    whole, module, tasks = (results[name].median for name in ("whole", "module", "tasks"))
    return line(
        [
            f"{latency * 1000:.0f} ms",
            *(f"{seconds:.2f}" for seconds in (whole, module, tasks)),
            f"{module / tasks:.2f}",
            f"{whole / tasks:.2f}",
        ]
    )


def steps(host: Host, last: int) -> str:
    """The engine's own account of its newest deploys, as a table."""
    told = subprocess.run(
        host.command("/usr/local/sbin/andamio-release", "history", "--json", "--last", str(last)),
        check=True,
        capture_output=True,
        text=True,
    )
    taken: dict[str, list[float]] = {}
    for entry in json.loads(told.stdout):
        for name, seconds in {**entry["steps"], "all of it": entry["seconds"]}.items():
            taken.setdefault(name, []).append(seconds)
    return "".join(line([name, f"{statistics.median(values):.2f}"]) for name, values in taken.items())
