"""What doctor makes of what it sees."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _doctor
from ansible_collections.andamio.laravel_aws.plugins.module_utils._delegation import Delegation
from ansible_collections.andamio.laravel_aws.plugins.module_utils._doctor import ADDRESSES, VCPUS
from ansible_collections.andamio.laravel_aws.plugins.module_utils._findings import (
    ABSENT,
    OK,
    UNKNOWN,
    WARNING,
    WRONG,
    Finding,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._preflight import Problem

ROOT = Path(__file__).resolve().parents[4]
NOW = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
ARN = "arn:aws:iam::123456789012:user/ana"


def instance(kind: str, cores: int = 1, threads: int = 2, **more: Any) -> dict[str, Any]:
    return {"InstanceType": kind, "CpuOptions": {"CoreCount": cores, "ThreadsPerCore": threads}, **more}


def test_each_value_of_the_inventory_has_its_line() -> None:
    params = {"project": "academia", "domain": "x", "email": "you@academia.example", "variables": {}}
    problems = [
        Problem("domain", "andamio_domain", "andamio_domain: 'x' is no domain name.", "Write it."),
        Problem("instance_type", "ec2_host_instance_type", "ec2_host_instance_type: no.", "t4g."),
    ]
    found = {finding.subject: finding for finding in _doctor.inventory(params, problems)}
    assert len(found) == 11
    assert found["andamio_project"] == Finding(OK, "andamio_project", "academia")
    assert found["andamio_domain"] == Finding(WRONG, "andamio_domain", "'x' is no domain name.", "Write it.")
    assert found["ec2_host_instance_type"].state == WRONG
    assert found["aws_account_id"].state == WARNING
    assert found["andamio_email"].state == WARNING
    assert found["ssm_env_file"] == Finding(ABSENT, "ssm_env_file", "not set")


def test_the_root_user_is_warned_of() -> None:
    assert _doctor.identity(ARN, "123456789012") == Finding(OK, "credentials", ARN)
    assert _doctor.identity("arn:aws:iam::123456789012:root", "123456789012").state == WARNING


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, OK), (-59, OK), (61, WARNING), (-299, WARNING), (301, WRONG), (-301, WRONG)]
)
def test_the_clock(seconds: int, state: str) -> None:
    date = format_datetime(NOW - timedelta(seconds=seconds), usegmt=True)
    finding = _doctor.clock(date, NOW)
    assert finding.state == state
    if state != OK:
        assert ("ahead of" if seconds > 0 else "behind") in finding.says


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 24 Nov 2026 18:30:00"])
def test_a_date_that_is_none(date: str) -> None:
    assert _doctor.clock(date, NOW).state == UNKNOWN


@pytest.mark.parametrize(
    ("text", "version"),
    [("aws-cli/2.31.1 Python/3.13", "2.31.1"), ("1.2.707.0\n", "1.2.707.0"), ("none", ""), ("", "")],
)
def test_versions_in_what_programs_say(text: str, version: str) -> None:
    assert _doctor.version(text) == version


def test_tools() -> None:
    found: dict[str, str | None] = {
        **_doctor.REQUIRED,
        "boto3": "1.9.250",
        "amazon.aws": None,
        "aws": "2.1",
        "session-manager-plugin": "1.1.17.0",
    }
    told = {item.subject: item for item in _doctor.tools(found, ["aws", "session-manager-plugin", "gone"])}
    assert [name for name, item in told.items() if item.state == OK] == [
        "Python",
        "ansible-core",
        "ansible.mysql",
        "ansible.posix",
        "aws",
    ]
    assert told["boto3"].says == "1.9.250 is too old: 1.40 or newer is needed."
    assert "ansible-galaxy collection install" in told["amazon.aws"].fix
    assert "session-manager" in told["session-manager-plugin"].fix
    assert told["gone"] == Finding(WRONG, "gone", "not found.", "Install it, or add its folder to PATH.")


def test_tools_that_nobody_needs_here_are_not_asked_for() -> None:
    found: dict[str, str | None] = dict(_doctor.REQUIRED)
    assert "session-manager-plugin" not in [item.subject for item in _doctor.tools(found, [])]


def test_what_is_required_is_what_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())["dependencies"]
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"]
    pinned = {
        "Python": project["requires-python"],
        "ansible-core": re.sub(r"(?<=\d\.\d\d)\.0$", "", runtime),
        "boto3": next(item for item in project["dependencies"] if item.startswith("boto3"))[5:],
        **galaxy,
    }
    required = {name: f">={least}" for name, least in _doctor.REQUIRED.items() if "-plugin" not in name}
    assert required == pinned


def test_the_vcpus_that_count() -> None:
    running = [
        instance("t4g.micro", 2, 1),
        instance("m7i.large"),
        instance("g5.xlarge", 2),
        instance("t3.small", InstanceLifecycle="spot"),
    ]
    assert _doctor.vcpus(running) == 4


def test_quotas() -> None:
    assert _doctor.quota(VCPUS, 5.0, 2, 0) == Finding(OK, "vCPUs", "2 of 5 in use")
    assert _doctor.quota(ADDRESSES, 5.0, 4, 1).state == OK
    full = _doctor.quota(ADDRESSES, 5.0, 5, 1)
    assert (full.state, full.says) == (WRONG, "5 of 5 in use, and the host needs 1 more.")
    assert full.fix.endswith(ADDRESSES)


def test_mail() -> None:
    quota = {"Max24HourSend": 200.0}
    assert _doctor.mail({"SendQuota": quota, "ProductionAccessEnabled": False}).state == WARNING
    assert _doctor.mail({"SendQuota": quota, "SendingEnabled": False}).says.startswith("sending is paused")
    good = {"SendQuota": {"Max24HourSend": 50000.0}, "ProductionAccessEnabled": True, "SendingEnabled": True}
    assert _doctor.mail(good) == Finding(OK, "SES", "50000 mails a day")


def test_the_delegation() -> None:
    def told(servers: list[str] | None, found: Delegation | None) -> Finding:
        return _doctor.delegation("academia.test", servers, found)

    assert told(None, None).state == ABSENT
    assert told(["ns-1"], Delegation(True, ["ns-1"])).state == OK
    assert told(["ns-1"], Delegation(None, [], "no resolver answered")).says.endswith("no resolver answered")
    elsewhere = told(["ns-1", "ns-2"], Delegation(False, ["parking.example"]))
    assert elsewhere.state == WRONG
    assert "parking.example" in elsewhere.says
    assert elsewhere.fix.endswith("ns-1, ns-2")


def test_permissions() -> None:
    def result(action: str, decision: str, *missing: str) -> dict[str, Any]:
        return {"EvalActionName": action, "EvalDecision": decision, "MissingContextValues": list(missing)}

    good = result("s3:GetObject", "allowed")
    assert _doctor.permissions(1, [good, good]) == [Finding(OK, "phase 1", "all 2 permissions it needs")]
    denied = [result(f"ec2:A{number}", "implicitDeny") for number in range(8)]
    (finding,) = _doctor.permissions(1, [good, *denied])
    assert finding.state == WRONG
    assert finding.says == (
        "8 of 9 permissions are missing: ec2:A0, ec2:A1, ec2:A2, ec2:A3, ec2:A4, ec2:A5 and 2 more"
    )
    (finding,) = _doctor.permissions(1, [good, result("ec2:RunInstances", "implicitDeny", "aws:tag")])
    assert finding.state == WARNING
