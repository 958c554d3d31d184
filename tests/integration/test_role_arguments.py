"""The action preflight: what is wrong with the variables of roles is told before anything is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from .conftest import Aws

ROOT = Path(__file__).resolve().parents[2]
TASK = {
    "andamio.laravel_aws.preflight": {
        "project": "academia",
        "domain": "https://academia.test",
        "roles": ["s3_site", "nginx", "laravel_app"],
    }
}


def problems(tmp_path: Path, **variables: Any) -> list[dict[str, str]]:
    """Run the task with these variables; return what it finds."""
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [TASK]}])
    )
    done = subprocess.run(
        [
            *("ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml"),
            *("-e", json.dumps({"ansible_python_interpreter": sys.executable} | variables)),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    (task,) = json.loads(done.stdout)["plays"][0]["tasks"]
    found: list[dict[str, str]] = task["hosts"]["localhost"]["problems"]
    return found


def test_they_are_listed_with_all_else(aws: Aws, tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        s3_site_delivery="cloudfrnot",
        s3_site_hsts_max_age="a year",
        laravel_app_probes=[{"status": 200}],
        s3_site_domain="fine.test",
        nginx_unknown="none of the role's",
    )
    assert [item["variable"] for item in found] == [
        "andamio_domain",
        "s3_site_delivery",
        "s3_site_hsts_max_age",
        "laravel_app_probes",
    ]
    assert "cloudfront, website" in found[1]["problem"]
    assert found[1]["fix"] == "What it takes is in roles/s3_site/README.md."
    assert "missing required arguments: path" in found[3]["problem"]


def test_what_only_the_run_finds_out_is_left_to_the_role(aws: Aws, tmp_path: Path) -> None:
    found = problems(tmp_path, s3_site_hsts_max_age="{{ answered_later.seconds }}", s3_site_domain="a.test")
    assert [item["variable"] for item in found] == ["andamio_domain"]
