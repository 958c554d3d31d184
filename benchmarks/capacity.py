"""What a host of 1 GiB bears: the account's, as the roles tune it, and one with Debian's own settings."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import podman, sudo
from tests.e2e.apps import build
from tests.e2e.host import API, Host

from .plain import NAME, plain_machine
from .report import Section, circumstances, line

CONNECTIONS = 16
SECONDS = 20
CROWD, CROWD_SECONDS = 200, 60
PATHS = {"/up": "one query", "/api/classes": "a list, with counts"}
PLAIN = "plain.academia.test"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}

TEXT = f"""
Two hosts with the memory and processors of a t3.micro, the same release of the example API, over TLS. *Tuned*
is what the roles nginx, php_fpm, mysql and laravel_app make of one. *Debian's* has the packages' own settings
of nginx, PHP-FPM and MySQL, and the app as a list of tasks deploys it, its configuration and routes cached.
wrk on the same machine keeps {CONNECTIONS} connections busy for {SECONDS} s, in turns.

| Page | requests/s, tuned | Debian's | ratio | p99 in ms, tuned | Debian's |
| --- | ---: | ---: | ---: | ---: | ---: |
"""
CROWD_TEXT = f"""
{CROWD} connections for {CROWD_SECONDS} s, on /api/classes:

| Host | requests/s | p99 in ms | not 200 | socket errors | killed for memory | services restarted |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""


@dataclass(frozen=True)
class Heard:
    """What wrk has told of one run. Latency in ms."""

    rate: float
    p99: float
    refused: int
    errors: int


def measure(folder: Path, runs: int) -> Section:
    """Drive both hosts in turns, then see what a crowd does to them."""
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: tools/bootstrap bench")
    ours, app = Host(), build("capacity")
    told = ours.deploy(app)
    if told.code:
        raise SystemExit(told.all)
    with plain_machine(folder) as plain:
        plain.deploy(app.path)
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{ours.address} {API}\n{plain.address} {PLAIN}\n")
        table = "".join(page(hosts, path, runs) for path in PATHS)
        crowd = crowded(hosts, API, ours.name, "tuned") + crowded(hosts, PLAIN, NAME, "Debian's")
    return Section("Capacity of a small host", circumstances(runs) + TEXT + table + CROWD_TEXT + crowd)


def page(hosts: Path, path: str, runs: int) -> str:
    """One page on both hosts, as a row of the table."""
    heard: dict[str, list[Heard]] = {API: [], PLAIN: []}
    for name in heard:
        wrk(hosts, name, path, CONNECTIONS, 3)
    for _ in range(runs):
        for name, results in heard.items():
            results.append(wrk(hosts, name, path, CONNECTIONS, SECONDS))
    rates = [statistics.median(one.rate for one in heard[name]) for name in heard]
    p99s = [statistics.median(one.p99 for one in heard[name]) for name in heard]
    cells = [f"{path}, {PATHS[path]}", f"{rates[0]:.0f}", f"{rates[1]:.0f}", f"{rates[0] / rates[1]:.2f}"]
    told = line([*cells, f"{p99s[0]:.0f}", f"{p99s[1]:.0f}"])
    print(told, end="", flush=True)
    return told


def crowded(hosts: Path, name: str, container: str, title: str) -> str:
    """Many at once on one host, and what it did to it, as a row of the table."""
    before = incidents(container)
    heard = wrk(hosts, name, "/api/classes", CROWD, CROWD_SECONDS)
    after = incidents(container)
    happened = [after[key] - before[key] for key in ("killed", "restarted")]
    cells = [title, f"{heard.rate:.0f}", f"{heard.p99:.0f}", heard.refused, heard.errors, *happened]
    told = line([str(cell) for cell in cells])
    print(told, end="", flush=True)
    return told


def wrk(hosts: Path, name: str, path: str, connections: int, seconds: int) -> Heard:
    """Run wrk in a mount namespace where /etc/hosts is this file."""
    script = 'mount --bind "$0" /etc/hosts && exec wrk "$@"'
    options = ["--threads", "2", "--connections", str(connections), "--duration", f"{seconds}s", "--latency"]
    done = subprocess.run(
        [
            *(*sudo.prefix(), "unshare", "--mount", "sh", "-c", script, str(hosts)),
            *(*options, "--timeout", "10s", f"https://{name}{path}"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return heard(done.stdout)


def heard(output: str) -> Heard:
    """Read what wrk prints."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", output)
    if not rate or not p99:
        raise RuntimeError(f"wrk has told nothing:\n{output}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    return Heard(
        float(rate[1]),
        float(p99[1]) * UNITS[p99[2]],
        int(refused[1]) if refused else 0,
        sum(int(count) for count in errors.groups()) if errors else 0,
    )


def incidents(container: str) -> Mapping[str, int]:
    """How often a host has run out of memory, and its services were started anew by systemd."""
    script = (
        "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null | "
        "awk '$1 == \"oom_kill\" {killed += $2} END {print killed + 0}'\n"
        "systemctl show --property NRestarts --value '*.service' | awk '{n += $1} END {print n + 0}'\n"
    )
    killed, restarted = podman.shell(container, script).split()
    return {"killed": int(killed), "restarted": int(restarted)}
