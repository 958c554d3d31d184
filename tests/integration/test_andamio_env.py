"""andamio-env, the host's half: from Parameter Store to the .env that phpdotenv reads."""

from __future__ import annotations

import grp
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.module_utils.dotenv_cases import NASTY
from tests.unit.plugins.module_utils.test_dotenv_php import phpdotenv

from .conftest import ROOT, Aws
from .modules import run_module

PATH = "/academia/sandbox/env/"


class Host:
    """The script and its codec, side by side as the role installs them."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / ".env"
        self.script = folder / "andamio-env"
        self.script.symlink_to(ROOT / "roles/laravel_app/files/andamio-env")
        self.library = ROOT / "plugins/module_utils"

    def run(self, *more: str, path: str = PATH) -> subprocess.CompletedProcess[str]:
        owner, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        command = [sys.executable, str(self.script), "--path", path, "--output", str(self.output)]
        return subprocess.run(
            [*command, "--owner", owner, "--group", group, *more],
            env={**os.environ, "PYTHONPATH": str(self.library)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def says(self, *more: str) -> dict[str, Any]:
        done = self.run(*more)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def host(fresh_aws: Aws, tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_every_value_gets_from_the_file_to_phpdotenv(host: Host) -> None:
    """The whole way: values, Parameter Store, the host's .env, PHP."""
    run_module("ssm_env", path=PATH, values=NASTY)
    said = host.says()
    assert said["versions"] == dict.fromkeys(NASTY, 1)
    assert (said["changed"], said["different"], said["names"]) == (True, sorted(NASTY), sorted(NASTY))
    assert phpdotenv([host.output.read_text()]) == [NASTY]
    again = host.says()
    assert (again["changed"], again["different"], again["names"]) == (False, [], sorted(NASTY))


def test_changes_are_named_and_check_writes_nothing(host: Host) -> None:
    run_module("ssm_env", path=PATH, values={"A": "1", "B": "2", "OLD": "3"})
    assert host.says("--check")["changed"]
    assert not host.output.exists()
    host.says()
    run_module("ssm_env", path=PATH, values={"A": "1", "B": "hunter2", "NEW": ""}, purge=True)
    before = host.output.read_text()
    check = host.run("--check")
    assert host.output.read_text() == before
    done = host.run()
    assert done.stdout == check.stdout
    assert json.loads(done.stdout)["different"] == ["B", "NEW", "OLD"]
    assert "hunter2" not in done.stdout + done.stderr


def test_mode_and_owner_are_kept_right(host: Host) -> None:
    run_module("ssm_env", path=PATH, values={"A": "1"})
    host.says()
    assert host.output.stat().st_mode & 0o777 == 0o640
    host.output.chmod(0o644)
    assert host.says() == {"changed": True, "different": [], "names": ["A"], "versions": {"A": 1}}
    assert host.output.stat().st_mode & 0o777 == 0o640
    assert host.says("--mode", "0600")["changed"]
    assert [path.name for path in host.output.parent.glob(".env*")] == [".env"]


def test_nothing_under_the_path_leaves_the_file_alone(host: Host) -> None:
    host.output.write_text("A=1\n")
    done = host.run(path="/academia/wrong/env/")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has nothing under /academia/wrong/env/: is the path right?" in done.stderr
    assert host.output.read_text() == "A=1\n"


def test_aws_refusing_leaves_the_file_alone(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.output.write_text("A=1\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    done = host.run()
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
    assert host.output.read_text() == "A=1\n"
