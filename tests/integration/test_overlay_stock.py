"""Stock modules that a playbook may use beside ours, and the inventory plugin, against the sandbox's AWS."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from .conftest import Aws
from .test_overlay_ec2 import run

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtFZ0m0mY4iUJmS9u0rXbW7c0pF0d8hS3cQk5sF2m1n host"
TAGS = {"Project": "academia", "Environment": "sandbox", "ManagedBy": "andamio"}
RULES = {
    "rules": [
        {
            "proto": "tcp",
            "ports": [80, 443],
            "cidr_ip": "0.0.0.0/0",
            "cidr_ipv6": "::/0",
            "rule_desc": "Web",
        }
    ],
    "rules_egress": [{"proto": "all", "cidr_ip": "0.0.0.0/0", "cidr_ipv6": "::/0"}],
}


def changed(name: str, /, *, check: bool = False, **arguments: Any) -> bool:
    """Run a module of amazon.aws in this process, and tell whether it changed something."""
    module = importlib.import_module(f"ansible_collections.amazon.aws.plugins.modules.{name}")
    printed = io.StringIO()
    with (
        patch_module_args({**arguments, "_ansible_check_mode": check}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    result = json.loads(printed.getvalue())
    assert not result.get("failed"), result
    return bool(result["changed"])


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        # With force, check mode says "changed" for ever, whatever the key.
        ("ec2_key", {"name": "host", "key_material": PUBLIC_KEY, "tags": TAGS, "force": False}),
        ("ec2_security_group", {"name": "host", "description": "Web", "tags": TAGS, **RULES}),
    ],
)
def test_a_second_run_changes_nothing(fresh_aws: Aws, module: str, arguments: dict[str, Any]) -> None:
    assert changed(module, check=True, **arguments)
    assert changed(module, **arguments)
    assert not changed(module, **arguments)
    assert not changed(module, check=True, **arguments)


def test_the_inventory_finds_hosts_by_tag(fresh_aws: Aws, tmp_path: Path) -> None:
    def tagged(**tags: str) -> str:
        tag_list = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = run(fresh_aws, TagSpecifications=[{"ResourceType": "instance", "Tags": tag_list}])
        return str(made["InstanceId"])

    host = tagged(**TAGS)
    tagged(**{**TAGS, "Environment": "production"})
    source = tmp_path / "hosts.aws_ec2.yml"
    source.write_text(
        json.dumps(
            {
                "plugin": "amazon.aws.aws_ec2",
                "endpoint_url": fresh_aws.endpoint,
                "regions": [fresh_aws.region],
                "filters": {"tag:Environment": "sandbox", "instance-state-name": "running"},
                "hostnames": ["instance-id"],
                "groups": {"laravel": "true"},
            }
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "inventory", "--list", "--inventory", str(source)],
        env={**os.environ, "ANSIBLE_INVENTORY_ENABLED": "amazon.aws.aws_ec2"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["laravel"]["hosts"] == [host]
