"""The inventory that finds hosts, and the module that it asks by: the same with the process and without."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.interpreter.conftest import PRELOADED, Interpreter

from .conftest import Aws
from .modules import run_module

ROOT = Path(__file__).resolve().parents[2]
TAGS = {"ManagedBy": "andamio", "Project": "academia", "Environment": "test", "Name": "academia-test-host"}


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Interpreter]:
    one = Interpreter()
    one.says(PRELOADED)  # it runs
    yield one
    one.close()


def host(aws: Aws, **tags: str) -> str:
    """Start an instance; return its id."""
    tag_list = [{"Key": key, "Value": value} for key, value in {**TAGS, **tags}.items()]
    ec2 = aws.client("ec2")
    made = ec2.run_instances(
        ImageId=ec2.describe_images()["Images"][0]["ImageId"],
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tag_list}],
    )
    return str(made["Instances"][0]["InstanceId"])


def source(tmp_path: Path, variables: str = "", **options: str) -> Path:
    """Write an inventory of this one source, with the variables it reads."""
    known = variables or ("andamio_project: academia\nandamio_environment: test\nandamio_region: us-east-1\n")
    file = tmp_path / "group_vars" / "all" / "main.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(known)
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {ROOT}/collections\n")
    (tmp_path / "hosts.yml").write_text(json.dumps({"plugin": "andamio.laravel_aws.hosts", **options}))
    return tmp_path / "hosts.yml"


def listed(file: Path, interpreter: Interpreter, preload: bool = True) -> subprocess.CompletedProcess[str]:
    """List what an inventory source has, asking the process or not."""
    own = {name: value for name, value in interpreter.environment.items() if name.startswith("ANDAMIO")}
    settings = {"ANSIBLE_CONFIG": str(file.with_name("ansible.cfg")), "ANDAMIO_PRELOAD": str(int(preload))}
    return subprocess.run(
        ["ansible-inventory", "-i", str(file), "--list"],
        cwd=file.parent,
        env={**os.environ, **own, **settings},
        capture_output=True,
        text=True,
        check=True,
    )


def found(file: Path, interpreter: Interpreter, preload: bool = True) -> dict[str, dict[str, Any]]:
    """Return the variables of each host of the group laravel."""
    answer = json.loads(
        listed(file, interpreter, preload).stdout,
        # Ansible's way to write what it won't take for a template.
        object_hook=lambda value: value.get("__ansible_unsafe", value),
    )
    variables: dict[str, dict[str, Any]] = answer["_meta"]["hostvars"]
    return {name: variables[name] for name in answer.get("laravel", {}).get("hosts", [])}


@pytest.mark.parametrize("preload", [True, False])
def test_the_running_hosts_of_the_environment(
    fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path, preload: bool
) -> None:
    ours = {host(fresh_aws) for _number in range(2)}
    for tags in ({"Environment": "production"}, {"Project": "other"}, {"ManagedBy": "somebody"}):
        host(fresh_aws, **tags)
    fresh_aws.client("ec2").stop_instances(InstanceIds=[host(fresh_aws)])
    fresh_aws.requests()
    hosts = found(source(tmp_path), interpreter, preload)
    assert hosts.keys() == ours
    assert fresh_aws.requests() == ["ec2.DescribeInstances"]
    for name, variables in hosts.items():
        assert variables["ec2_instance_id"] == name
        assert variables["ec2_tags"] == TAGS
        assert variables["ec2_public_ip_address"].count(".") == 3


def test_both_ways_say_the_same(fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path) -> None:
    host(fresh_aws)
    file = source(tmp_path)
    one, other = (found(file, interpreter, preload) for preload in (True, False))
    assert one == other
    result = run_module("hosts_info", project="academia", environment="test")
    assert [{f"ec2_{name}": value for name, value in each.items()} for each in result["hosts"]] == [
        {name: value for name, value in variables.items() if name.startswith("ec2_")}
        for variables in one.values()
    ]


def test_an_empty_account(fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path) -> None:
    assert not found(source(tmp_path), interpreter)
    assert run_module("hosts_info", project="academia", environment="test")["hosts"] == []


def test_the_sources_own_keys_and_endpoint(
    fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = host(fresh_aws)
    for variable in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    (tmp_path / "secret").write_text(f"{fresh_aws.secret}\n")
    file = source(tmp_path, endpoint_url=fresh_aws.endpoint, access_key="sandbox", secret_key_file="secret")
    for preload in (True, False):
        assert list(found(file, interpreter, preload)) == [name]


@pytest.mark.parametrize("preload", [True, False])
def test_a_key_that_is_refused(
    fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path, preload: bool
) -> None:
    (tmp_path / "secret").write_text("s3cr3t")
    file = source(tmp_path, access_key="nobody", secret_key_file="secret")
    done = listed(file, interpreter, preload)
    assert "hosts: " in done.stderr
    assert "AuthFailure" in done.stderr or "not able to validate" in done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr


def test_a_secret_that_is_not_there(fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path) -> None:
    fresh_aws.requests()
    done = listed(source(tmp_path, access_key="sandbox", secret_key_file="secret"), interpreter)
    assert f"secret_key_file: {tmp_path}/secret: No such file" in "".join(done.stderr.split("\n"))
    assert not fresh_aws.requests()


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ("andamio_project: academia\nandamio_region: us-east-1\n", "andamio_environment"),
        ("andamio_project: '{{ name }}'\nandamio_environment: a\nandamio_region: b\n", "andamio_project"),
        ("andamio_project: 1\nandamio_environment: a\nandamio_region: b\n", "andamio_project"),
    ],
)
def test_a_value_that_is_not_said(
    fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path, variables: str, what: str
) -> None:
    fresh_aws.requests()
    done = listed(source(tmp_path, variables), interpreter)
    assert f"main.yml: {what} has to be a plain text here" in " ".join(done.stderr.split())
    assert not fresh_aws.requests()
