"""Running tools side by side and keeping what they took."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
AWS = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "any-value-will-do",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
SLOW = 60.0
"""Seconds; a tool that took longer for a case is measured only once there."""


class Counted(Protocol):
    """What counts requests."""

    def control(self, latency: float | None = None) -> dict[str, int]: ...


class Server:
    """A running benchmark server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, latency: float | None = None) -> dict[str, int]:
        """Set the latency, in seconds, if given; return the requests counted since the last time."""
        query = "" if latency is None else f"?latency={latency}"
        with urllib.request.urlopen(f"{self.url}/_control{query}", timeout=30) as answer:
            counts: dict[str, int] = json.load(answer)
            return counts


@contextmanager
def serving(module: str) -> Iterator[Server]:
    """Run ``python -m MODULE`` and point this process's AWS environment at it."""
    process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip() if process.stdout else ""
        os.environ |= AWS | {"AWS_ENDPOINT_URL": url}
        yield Server(url)
    finally:
        process.terminate()
        process.wait()


@dataclass
class Tool:
    """A command to measure. Its output is shown only when it fails."""

    name: str
    command: list[str]
    stdin: str = ""

    def run(self) -> float:
        """Run it and return the seconds it took. Raises RuntimeError when it fails."""
        started = time.monotonic()
        done = subprocess.run(
            self.command, input=self.stdin, cwd=ROOT, capture_output=True, text=True, check=False
        )
        took = time.monotonic() - started
        if done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(self.command)}\n{done.stdout}{done.stderr}")
        return took


@dataclass
class Result:
    """What one tool took for one case: the seconds of each run, and the requests of the last."""

    seconds: list[float] = field(default_factory=list)
    requests: Mapping[str, int] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def side_by_side(
    server: Counted | None, tools: Mapping[str, Tool], prepare: Callable[[str], None], runs: int
) -> dict[str, Result]:
    """Run the tools in turns, so that what else the machine does meets all of them alike.

    server: counts requests, where there is one to count them.
    prepare: makes what a run of this tool starts from; it isn't measured.
    """
    results = {name: Result() for name in tools}
    for _ in range(runs):
        for name, tool in tools.items():
            result = results[name]
            if result.seconds and result.seconds[0] > SLOW:
                continue
            prepare(name)
            if server:
                server.control()
            result.seconds.append(tool.run())
            if server:
                result.requests = server.control()
    return results


def playbook(name: str, folder: Path, task: Mapping[str, object]) -> Tool:
    """A playbook of one task on localhost, run as people run it."""
    file = folder / f"{name.replace(' ', '_')}.json"
    file.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    # As inventories/ have it; what Ansible finds by itself may be a pyenv shim that doesn't run.
    python = f"ansible_python_interpreter={sys.executable}"
    return Tool(name, [ansible, "-i", "localhost,", "-c", "local", "-e", python, str(file)])
