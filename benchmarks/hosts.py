"""How long it takes to find that a host is as it should be: with our settings of Ansible, and without."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3

from sandbox import config, secret
from sandbox.machine import proxy_command
from tests.e2e.host import Host

from .measure import ROOT, Result, Tool, side_by_side
from .plain import PEERS, command, common_args
from .redeploy import deployer
from .report import Section, circumstances, line

LATENCIES = (0.0, 0.03)
OURS = "ours"
# ssh's arguments in each column.
SSH = {
    # As in ansible.cfg.
    OURS: "-o ControlMaster=auto -o ControlPersist=120s",
    # Ansible's own default.
    "defaults": "-C -o ControlMaster=auto -o ControlPersist=60s",
    "alone": "-o ControlMaster=no",
}
TEXT = """
All host roles of phase 1 (base, mysql, php_fpm, nginx, certbot, laravel_app) on a host where nothing is to be
changed, over SSH, the same roles in all three columns:

- *ours*: ansible.cfg and the inventory as they are (pipelining, connections that persist, one process on the
  host that runs the modules), and the facts that the roles use;
- *defaults*: what Ansible does without an ansible.cfg: no pipelining, so each module is copied to the host
  before it runs; all facts; connections persist, for that is its default;
- *alone*: the same, with a connection for each command, as where ControlPersist can't be had.

Each run begins with a new connection. *SSH commands* are what goes to the host and is waited for, and
*modules handed over* are what that one process runs.

| SSH | ours | defaults | alone | ours / defaults | ours / alone |
| ---: | ---: | ---: | ---: | ---: | ---: |
"""
COUNTS = """
| | tasks | SSH commands | modules handed over | files copied |
| --- | ---: | ---: | ---: | ---: |
"""


@dataclass(frozen=True)
class Counted:
    """What one run has done: tasks on the host, commands over SSH, modules for the process, files copied."""

    tasks: int
    commands: int
    handed_over: int
    copies: int


def measure(folder: Path, runs: int) -> Section:
    """Run the host roles with each of the settings in turns, with and without a longer way to the host."""
    host = Host()
    inventory = inventory_for(folder, host)
    rows: list[str] = []
    counts: dict[str, Counted] = {}
    for latency in LATENCIES:
        tools = settings(folder, inventory, latency)
        # "alone" does what "defaults" does.
        counts = counts or {name: count(tools[name]) for name in (OURS, "defaults")}
        results = side_by_side(None, tools, lambda _name: None, runs)
        rows.append(row(latency, results))
        print(rows[-1], end="", flush=True)
    table = "".join(
        line([name, *map(str, (one.tasks, one.commands, one.handed_over, one.copies))])
        for name, one in counts.items()
    )
    return Section("An unchanged host", circumstances(runs) + TEXT + "".join(rows) + COUNTS + table)


def inventory_for(folder: Path, host: Host) -> Path:
    """An inventory of the account's one host, with the sandbox's variables, that asks AWS nothing."""
    inventory = folder / "inventory"
    inventory.mkdir(exist_ok=True)
    (inventory / "group_vars").symlink_to(ROOT / "inventories" / "sandbox" / "group_vars")
    reach = {"ec2_public_ip_address": host.address}
    (inventory / "hosts.json").write_text(json.dumps({"laravel": {"hosts": {host.name: reach}}}))
    return inventory


def settings(folder: Path, inventory: Path, latency: float) -> dict[str, Tool]:
    """The same playbook with each of the settings."""
    sockets = folder / "ssh"
    sockets.mkdir(exist_ok=True)
    given = {
        "andamio_account_id": "123456789012",
        "mysql_app_password": password(),
        "ansible_ssh_common_args": common_args(proxy_command(), latency),
    }
    tools = {}
    for name, ssh in SSH.items():
        variables = folder / f"{name}.json"
        variables.touch(mode=0o600)
        usual = {} if name == OURS else {"all_facts": True, "ansible_connection": "ssh"}
        variables.write_text(json.dumps({**given, "all_facts": False, **usual}))
        words = [*command(PEERS / "hosts.yml", inventory, {}), "-e", f"@{variables}"]
        environment = {
            "ANSIBLE_PIPELINING": str(name == OURS),
            "ANSIBLE_SSH_ARGS": f"{ssh} -o LogLevel=ERROR",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        }
        tools[name] = deployer(sockets, name, words, environment)
    return tools


def password() -> str:
    """The application's password of the database, as the sandbox's Parameter Store has it."""
    session = boto3.session.Session(config.ACCESS_KEY, secret.read(config.SECRET), region_name="us-east-1")
    ssm = session.client("ssm", endpoint_url=config.AWS_URL)
    answer = ssm.get_parameter(Name="/academia/sandbox/env/DB_PASSWORD", WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def count(tool: Tool) -> Counted:
    """Run it once, and count what goes to the host. Raises RuntimeError where anything is changed."""
    done = subprocess.run([*tool.command, "-vvv"], cwd=ROOT, capture_output=True, text=True, check=False)
    recap = re.search(r"ok=(\d+)\s+changed=0\s+unreachable=0\s+failed=0", done.stdout)
    if done.returncode or not recap:
        raise RuntimeError(f"{tool.name} is to change nothing:\n{done.stdout[-4000:]}{done.stderr}")
    said = ("SSH: EXEC ssh", "> PRELOADED ", "SSH: EXEC sftp")
    return Counted(int(recap[1]), *(done.stdout.count(words) for words in said))


def row(latency: float, results: Mapping[str, Result]) -> str:
    ours, defaults, alone = (results[name].median for name in SSH)
    return line(
        [
            f"{latency * 1000:.0f} ms",
            *(f"{seconds:.1f}" for seconds in (ours, defaults, alone)),
            f"{ours / defaults:.2f}",
            f"{ours / alone:.2f}",
        ]
    )
