"""The whole of it, as a user runs it: commands at the checkout's root, looked at from outside."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from .chromium import address
from .host import Host
from .order import ORDER

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache"
LOGS = CACHE / "e2e"


@dataclass(frozen=True)
class Ran:
    """A command that has ended: its exit code, what it printed and how long it took in seconds."""

    code: int
    output: str
    seconds: float

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Ansible's last words: counts by host."""
        lines = re.findall(r"^(\S+)\s+: (ok=.*)$", self.output, re.MULTILINE)
        return {
            host: {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", counts)}
            for host, counts in lines
        }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files of this folder in their order, after all others."""

    def place(item: pytest.Item) -> int:
        return ORDER.index(item.path.stem) if item.path.parent == HERE else -1

    items.sort(key=place)


def run(*command: str, log: str = "", **environment: str) -> Ran:
    """Run a command at the checkout's root; keep what it prints under .cache/e2e/<log>.log."""
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if log:
        LOGS.mkdir(parents=True, exist_ok=True)
        (LOGS / f"{log}.log").write_text(done.stdout)
    return Ran(done.returncode, done.stdout, time.monotonic() - started)


def playbook(*arguments: str, log: str = "") -> Ran:
    """Run ansible-playbook against the default inventory, the sandbox."""
    return run("ansible-playbook", *arguments, log=log)


def curl(url: str, *options: str) -> str:
    """Ask for a URL as a machine outside does, by the sandbox's DNS; return status, headers and body."""
    host = url.split("/")[2]
    port = "443" if url.startswith("https") else "80"
    return run(
        *("curl", "-sSi", "--max-time", "20", "--cacert", str(CACHE / "sandbox/trust.pem")),
        *("--resolve", f"{host}:{port}:{address(host, '10.97.0.2')}", *options, url),
    ).output


def on_host(command: str) -> Ran:
    """Run a shell command as root on the account's one host."""
    return run("ansible", "laravel", "--become", "-m", "ansible.builtin.shell", "-a", command)


@pytest.fixture(scope="session")
def host() -> Host:
    """The account's host, once phase 1 stands."""
    return Host()


@cache
def aws(service: str) -> Any:
    """A boto3 client of the sandbox's account owner: ``aws("s3")``."""
    return boto3.session.Session(
        aws_access_key_id="sandbox",
        aws_secret_access_key=(CACHE / "sandbox/secret").read_text(),
        region_name="us-east-1",
    ).client(service, endpoint_url="https://127.0.0.1:4566", verify=str(CACHE / "sandbox/ca.pem"))


@pytest.fixture(scope="session")
def client() -> Callable[..., Any]:
    return aws
