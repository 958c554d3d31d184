"""A machine of the same size as the account's host, as Debian's packages set it up, with the same app."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .measure import ROOT

NAME = "benchmark-plain"
PEERS = ROOT / "benchmarks" / "peers"
SSH = "-o ControlMaster=auto -o ControlPersist=5s -o LogLevel=ERROR"


@dataclass(frozen=True)
class Plain:
    """The machine: its address, and the inventory that reaches it."""

    address: str
    inventory: Path

    def deploy(self, artifact: Path) -> None:
        """Deploy the app by the usual list of tasks. Raises RuntimeError with Ansible's output."""
        play("tasks_deploy.yml", self.inventory, {"artifact": str(artifact)})


@contextmanager
def plain_machine(folder: Path) -> Iterator[Plain]:
    """Make the machine, set it up, and remove it in the end."""
    sandbox = [sys.executable, "-m", "sandbox", "machine"]
    made = subprocess.run(
        [*sandbox, "create", NAME, "--memory", "1g"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    try:
        reach = json.loads(made.stdout)
        inventory = folder / "plain.json"
        inventory.write_text(json.dumps({"plain": {"hosts": {NAME: connection(reach)}}}))
        print("setting a plain machine up …", flush=True)
        play("plain_host.yml", inventory, {})
        yield Plain(reach["address"], inventory)
    finally:
        subprocess.run([*sandbox, "rm", NAME], cwd=ROOT, check=False)


def connection(reach: Mapping[str, Any]) -> dict[str, str]:
    """A host's variables for Ansible, from what `machine create` has printed."""
    return {
        "ansible_user": reach["user"],
        "ansible_ssh_private_key_file": reach["private_key"],
        "ansible_ssh_common_args": common_args(reach["proxy_command"]),
    }


def common_args(proxy: str, delay: float = 0.0) -> str:
    """ssh's options to come by this command, with a delay in seconds added to each round trip."""
    if delay:
        program = f"env PYTHONPATH={ROOT} {sys.executable} -m benchmarks.delay"
        proxy = f"{program} {delay * 1000 / 2:.0f} {proxy}"
    return f'-o ProxyCommand="{proxy}" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'


def play(name: str, inventory: Path, variables: Mapping[str, str]) -> None:
    """Run one of the peers' playbooks. Raises RuntimeError with Ansible's output."""
    done = subprocess.run(
        command(PEERS / name, inventory, variables), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name}:\n{done.stdout}{done.stderr}")


def command(playbook: Path, inventory: Path, variables: Mapping[str, str]) -> list[str]:
    """The command line that runs a playbook."""
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    words = [ansible, "-i", str(inventory), str(playbook)]
    return [*words, "-e", json.dumps(variables)] if variables else words
