"""laravel_release as a task runs it, over a connection that only notes what it is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, become_loader, connection_loader
from ansible.template import Templar

ANSWER = {
    "changed": True,
    "live": "v1.2-8c1f0e6a2b94",
    "release": "v1.2-8c1f0e6a2b94",
    "previous": "v1.1-3f2a9c1b7d5e",
    "outcome": "live",
    "warnings": ["the disk is nearly full"],
}


class Host:
    """A host: what it was told over its connection, and what it answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.told: list[tuple[str, bytes]] = []
        self.code, self.stdout, self.stderr = 0, json.dumps(ANSWER), ""
        self.warned: list[str] = []
        self.folder = folder
        self.context = PlayContext()
        self.context.remote_user, self.context.executable = "admin", "/bin/sh"
        self.connection = connection_loader.get("ssh", self.context)
        self.connection.set_options(direct={"host": "host", "remote_user": "admin"})
        become = become_loader.get("sudo")
        become.set_options(direct={"become_user": "root", "become_exe": "sudo", "become_flags": "-H -S -n"})
        self.connection.set_become_plugin(become)
        monkeypatch.setattr(self.connection, "exec_command", self.exec_command)

    def exec_command(self, cmd: str, in_data: bytes, sudoable: bool) -> tuple[int, bytes, bytes]:
        assert sudoable
        self.told.append((cmd, in_data))
        marker = f"{self.connection.become.success}\n"
        return self.code, (marker + self.stdout).encode(), self.stderr.encode()

    def run(self, check: bool = False, diff: bool = False, **arguments: Any) -> dict[str, Any]:
        loader = DataLoader()
        loader.set_basedir(str(self.folder))
        environment = arguments.pop("environment", None)
        task = Task.load(
            {"andamio.laravel_aws.laravel_release": arguments, "environment": environment or {}},
            loader=loader,
        )
        task.check_mode, task.diff = check, diff
        action = action_loader.get(
            "andamio.laravel_aws.laravel_release",
            task=task,
            connection=self.connection,
            play_context=self.context,
            loader=loader,
            templar=Templar(loader=loader),
            shared_loader_obj=None,
        )
        action._display = SimpleNamespace(warning=self.warned.append, debug=lambda *args: None)
        found: dict[str, Any] = action.run(task_vars={})
        return found

    @property
    def request(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.told[-1][1].partition(b"\n")[0])
        return found


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    (tmp_path / "api.tar.gz").write_bytes(gzip.compress(b"\n\x00binary\n", mtime=0))
    return Host(monkeypatch, tmp_path)


def test_request_and_artifact_go_in_one_command(host: Host) -> None:
    found = host.run(artifact="api.tar.gz", name="v1.2")
    ((command, sent),) = host.told
    assert command.startswith("/bin/sh -c 'sudo -H -S -n")
    assert "/usr/local/sbin/andamio-release deploy --json" in command
    content = (host.folder / "api.tar.gz").read_bytes()
    assert sent.partition(b"\n")[2] == content
    assert host.request["artifact"]["bytes"] == len(content)
    assert host.request["name"] == "v1.2"
    assert not host.request["check"]
    assert "@" in host.request["owner"]
    assert found["changed"]
    assert found["release"] == "v1.2-8c1f0e6a2b94"
    assert not found.get("failed")
    assert host.warned == ["the disk is nearly full"]
    assert "diff" not in found


def test_check_mode_sends_the_artifact_too(host: Host) -> None:
    found = host.run(check=True, diff=True, artifact=str(host.folder / "api.tar.gz"))
    assert host.request["check"]
    assert host.told[0][1].endswith((host.folder / "api.tar.gz").read_bytes())
    assert found["diff"] == {
        "before": {"release": ANSWER["previous"]},
        "after": {"release": ANSWER["release"]},
    }


@pytest.mark.parametrize("arguments", [{"artifact": "s3://b/a.zip"}, {"s3": {"bucket": "b", "key": "a.zip"}}])
def test_an_artifact_in_s3_is_only_named(host: Host, arguments: dict[str, Any]) -> None:
    host.run(**arguments)
    assert host.request["artifact"]["source"] == "s3"
    assert host.told[0][1].endswith(b"}\n")


def test_what_is_live_is_deployed_once_more(host: Host) -> None:
    host.run(artifact="")
    assert "artifact" not in host.request
    assert host.told[0][1].endswith(b"}\n")


def test_a_rollback(host: Host) -> None:
    host.run(state="rolled_back", release="v1.1-3f2a9c1b7d5e")
    assert "andamio-release rollback --json" in host.told[0][0]
    assert host.request["release"] == "v1.1-3f2a9c1b7d5e"


def test_information(host: Host) -> None:
    found = host.run(diff=True, state="info")
    assert "andamio-release status --json" in host.told[0][0]
    assert host.told[0][1] == b"{}\n"
    assert found["status"]["release"] == ANSWER["release"]
    assert not found["changed"]
    assert "diff" not in found


def test_the_tasks_environment_is_the_commands(host: Host) -> None:
    host.run(state="info", environment={"HTTPS_PROXY": "http://proxy:3128"})
    assert "HTTPS_PROXY=http://proxy:3128 /usr/local/sbin/andamio-release" in host.told[0][0]


def test_a_failure(host: Host) -> None:
    host.code, host.stdout = (
        1,
        json.dumps({**ANSWER, "changed": False, "failed_step": "gate", "message": "500"}),
    )
    found = host.run(diff=True, artifact="api.tar.gz")
    assert found["failed"]
    assert "The release failed at the step gate.\n500\n" in found["msg"]
    assert "diff" not in found


def test_a_host_without_the_engine(host: Host) -> None:
    host.code, host.stdout, host.stderr = 127, "", "sh: 1: andamio-release: not found"
    assert "run site.yml -t laravel_app first" in host.run(artifact="api.tar.gz")["msg"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"artifact": "other.tar.gz"}, "artifact: there is no file"),
        ({"artifact": "api.tar.gz", "name": "a/b"}, "name: 'a/b'"),
        ({"artifact": "a", "s3": {"bucket": "b", "key": "k"}}, "mutually exclusive: artifact|s3"),
        ({"artifact": "api.tar.gz", "tag": "v1"}, "Unsupported parameters"),
    ],
)
def test_wrong_options_are_found_before_anything_is_sent(
    host: Host, arguments: dict[str, Any], why: str
) -> None:
    with pytest.raises(AnsibleActionFail) as error:
        host.run(**arguments)
    assert why in str(error.value)
    assert not host.told
