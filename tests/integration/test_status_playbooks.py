"""status.yml and doctor.yml as they run: without a host, with one that is here, and with one that is away."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import PYTHON, ROOT, Aws

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON}
AWAY = {
    "ansible_host": "127.0.0.1",
    "ansible_port": 9,
    "ansible_ssh_common_args": "-o BatchMode=yes -F /dev/null",
}


class Playbooks:
    """The playbooks with an inventory of their own, against the AWS API of the tests."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self.folder = folder
        self.page = folder / "status.html"
        self.variables: dict[str, Any] = {
            **aws.inventory(),
            "ec2_host_os": "debian-13",
            # A port where no DNS server is.
            "route53_resolvers": ["127.0.0.1:9"],
            "status_page": str(self.page),
            "status_units": [],
        }

    def run(self, name: str, hosts: dict[str, Any], **extra: Any) -> subprocess.CompletedProcess[str]:
        there = {
            "vars": self.variables,
            "hosts": {"localhost": LOCAL},
            "children": {"laravel": {"hosts": hosts, "vars": {"ansible_become": False}}},
        }
        inventory = self.folder / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": there}))
        return subprocess.run(
            ["ansible-playbook", "-i", str(inventory), f"playbooks/{name}.yml", "-e", json.dumps(extra)],
            cwd=ROOT,
            env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
                              "ANSIBLE_HOME": str(self.folder / "home")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip


@pytest.fixture
def playbooks(fresh_aws: Aws, tmp_path: Path) -> Playbooks:
    return Playbooks(fresh_aws, tmp_path)


def test_an_empty_account(playbooks: Playbooks) -> None:
    done = playbooks.run("status", {}, status_strict=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "academia test: Nothing exists yet" in done.stdout
    assert "site.yml -t phase1" in done.stdout
    assert "\x1b" not in done.stdout
    page = playbooks.page.read_text()
    assert "not there yet" in page
    assert f"file://{playbooks.page}" in done.stdout


def test_a_host_here_and_one_away(playbooks: Playbooks, fresh_aws: Aws) -> None:
    fresh_aws.client("s3").create_bucket(Bucket="academia-test-dumps-123456789012")
    plan = playbooks.folder / "plan.json"
    drifted = {"phase": "phase1", "name": "bucket <b>", "action": "change"}
    steady = {"phase": "phase1", "name": "zone", "action": "none"}
    plan.write_text(json.dumps({"resources": [drifted, steady], "host": [], "failed": False}))
    hosts = {"here": LOCAL, "away": AWAY}
    done = playbooks.run("status", hosts, status_plan_file=str(plan))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "can't be reached" in done.stdout
    assert "no answer from any of" in done.stdout
    assert "1 differ from the playbooks: bucket <b>" in done.stdout
    assert "there is no /usr/local/sbin/andamio-release" in done.stdout.lower()
    assert "the bucket has none" in done.stdout
    page = playbooks.page.read_text()
    assert "bucket &lt;b&gt;" in page
    assert "bucket <b>" not in page
    strict = playbooks.run("status", {"away": AWAY}, status_strict=True)
    assert strict.returncode != 0


def test_another_account_stops_it_in_one_sentence(playbooks: Playbooks) -> None:
    playbooks.variables["aws_account_id"] = "111111111111"
    done = playbooks.run("status", {})
    assert done.returncode != 0
    assert "aws_account_id: it is 111111111111" in done.stdout
    assert not playbooks.page.exists()


def test_doctor_lists_all_and_fails_for_what_is_wrong(playbooks: Playbooks) -> None:
    done = playbooks.run("doctor", {})
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("✔ Python", "✔ credentials", "✔ phase 1", "! SES", "○ delegation"):
        assert said in done.stdout
    playbooks.variables |= {"s3_site_build_dir": str(playbooks.folder), "andamio_email": "nobody"}
    done = playbooks.run("doctor", {})
    assert done.returncode != 0
    assert "✘ andamio_email" in done.stdout
    assert "✘ s3_site_build_dir" in done.stdout
    assert "2 to put right" in done.stdout
