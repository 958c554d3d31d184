"""Run phase 1's AWS side as a user does: ansible-playbook with an inventory, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..conftest import PYTHON, ROOT, Aws
from .drifts import DOMAIN, NAME

ROLES = ("documents_bucket", "dumps_bucket", "ssm_env", "ec2_host", "route53", "s3_site")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtFZ0m0mY4iUJmS9u0rXbW7c0pF0d8hS3cQk5sF2m1n"
FILES = {
    "index.html": "<!doctype html><script src=/assets/app-3f9c1b2a.js></script>",
    "assets/app-3f9c1b2a.js": "alert('ready')",
    "logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@dataclass
class Run:
    """What a run said and did."""

    report: dict[str, Any]
    requests: list[str]
    invocations: list[dict[str, Any]]
    output: str = ""

    @property
    def changes(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The resources to which something happens, by kind and name."""
        return {
            (item["kind"], item["name"]): item
            for item in self.report["resources"]
            if item["action"] != "none"
        }


@dataclass
class Site:
    """An inventory and a built site in a folder."""

    aws: Aws
    folder: Path
    variables: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        project, environment = NAME.split("-")
        for name, text in FILES.items():
            file = self.folder / "dist" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (self.folder / "key.pub").write_text(f"{KEY} me@home\n")
        # As the inventories have it: a tenth of the time.
        here = {
            "ansible_connection": "local",
            "ansible_python_interpreter": PYTHON,
        }
        self.variables |= {
            "andamio_project": project,
            "andamio_environment": environment,
            "andamio_domain": DOMAIN,
            "andamio_region": self.aws.region,
            "aws_account_id": self.aws.account,
            "andamio_email": f"team@{DOMAIN}",
            "ec2_host_ssh_public_key": str(self.folder / "key.pub"),
            "ec2_host_os": "debian-13",
        }
        self.variables.setdefault("s3_site_build_dir", str(self.folder / "dist"))
        inventory = {
            "all": {"hosts": {"localhost": here}, "children": {"laravel": {}}, "vars": self.variables}
        }
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))

    def run(self, *, check: bool = False, roles: tuple[str, ...] = ROLES) -> Run:
        """Run the roles' part of site.yml, all of it for none. Raises AssertionError when it fails."""
        report, arguments = self.folder / "plan.json", self.folder / "arguments"
        for file in (report, arguments):
            file.unlink(missing_ok=True)
        self.aws.requests()
        command = ["ansible-playbook", "-i", str(self.folder / "inventory.yml"), "site.yml"]
        command += ["--limit", "localhost", *(["--check"] if check else [])]
        command += ["--tags", ",".join(roles)] if roles else []
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
                "ANSIBLE_CALLBACKS_ENABLED": "arguments",
                "ANSIBLE_INJECT_INVOCATION": "true",
                "ANDAMIO_TEST_ARGUMENTS": str(arguments),
                "ANDAMIO_PLAN_JSON": str(report),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        lines = arguments.read_text().splitlines()
        return Run(
            json.loads(report.read_text()),
            self.aws.requests(),
            [json.loads(line) for line in lines],
            " ".join(done.stdout.split()),
        )
