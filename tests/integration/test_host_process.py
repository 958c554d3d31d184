"""Playbooks on hosts with one process each, and without: all ends the same. What is ssh here runs a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.usefixtures("preload_is_on")

ROOT = Path(__file__).resolve().parents[2]
# The last word is the command for the host; "-O" is for a connection that persists, and here none does.
SSH = """#!/bin/sh
case " $* " in *' nowhere '*) echo 'No route to host' >&2; exit 255;; *' -O '*) exit 255;; esac
for command; do :; done
exec /bin/sh -c "$command"
"""
SUDO = '#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n'
DIFFERS = frozenset(
    {"start", "end", "delta", "mtime", "atime", "ctime", "inode", "version", "src", "started"}
    | {"ansible_job_id", "results_file"}
)


class Hosts:
    """Two hosts that are this machine, and one that isn't there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in {"ssh": SSH, "sudo": SUDO}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        vars_ = {
            "ansible_connection": "andamio.laravel_aws.preloaded_ssh",
            "ansible_ssh_executable": str(folder / "ssh"),
            "ansible_ssh_transfer_method": "piped",
            "ansible_become_exe": str(folder / "sudo"),
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(folder / "remote"),
            "work": str(folder / "work"),
        }
        hosts: dict[str, None] = dict.fromkeys(("one", "two", "nowhere"))
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": vars_}}))
        self.output = ""

    def play(self, tasks: list[dict[str, Any]], preload: bool = True, **play: Any) -> list[dict[str, Any]]:
        """Run tasks; return what each has said on the first of the hosts."""
        environment = play.pop("environment", {})
        words = play.pop("words", [])
        book = [{"hosts": "one", "gather_facts": False, "tasks": tasks, **play}]
        (self.folder / "play.yml").write_text(yaml.safe_dump(book))
        done = subprocess.run(
            [
                *("ansible-playbook", "-vvv", "-i", f"{self.folder}/hosts.yml", f"{self.folder}/play.yml"),
                *("-e", json.dumps({"andamio_preload": preload}), *words),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                "ANSIBLE_HOME": str(self.folder / "home"),
                # A callback that prints JSON has no place for the rest.
                "ANSIBLE_LOG_PATH": str(self.folder / "log"),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = (self.folder / "log").read_text()
        (self.folder / "log").unlink()
        said = json.loads(done.stdout[done.stdout.index("\n{\n") if not done.stdout.startswith("{") else 0 :])
        return [
            next(iter(task["hosts"].values()))
            for each in said["plays"]
            for task in each["tasks"]
            if task["hosts"]
        ]

    def handed_over(self) -> int:
        """How many modules the processes were given."""
        return self.output.count("> PRELOADED ")


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


def plain(value: Any) -> Any:
    """A result without what differs from run to run."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if key not in DIFFERS}
    return [plain(each) for each in value] if isinstance(value, list) else value


TASKS: list[dict[str, Any]] = [
    {"ansible.builtin.ping": {}},
    {"ansible.builtin.file": {"path": "{{ work }}", "state": "directory", "mode": "0700"}},
    {"ansible.builtin.file": {"path": "{{ work }}/not", "state": "touch"}, "check_mode": True},
    {"ansible.builtin.copy": {"dest": "{{ work }}/a", "content": "hello\n", "mode": "0600"}, "diff": True},
    {"ansible.builtin.copy": {"dest": "{{ work }}/a", "content": "hello\n", "mode": "0600"}},
    {"ansible.builtin.lineinfile": {"path": "{{ work }}/a", "line": "more"}, "diff": True},
    {"ansible.builtin.slurp": {"src": "{{ work }}/a"}},
    {"ansible.builtin.command": {"cmd": "cat", "stdin": "given", "chdir": "{{ work }}"}},
    {"ansible.builtin.command": {"cmd": "sh -c 'echo out; echo err >&2; exit 3'"}, "ignore_errors": True},
    {"ansible.builtin.shell": {"cmd": "echo $WORD; pwd"}, "environment": {"WORD": "two words; $HOME"}},
    {"ansible.builtin.command": {"cmd": "python3 -c 'print(1)'"}, "environment": {"PYTHONUTF8": "1"}},
    {"ansible.builtin.raw": "echo raw"},
    {"ansible.builtin.stat": {"path": "{{ item }}"}, "loop": ["{{ work }}/a", "/nowhere"]},
    {"ansible.builtin.stat": {"nothing": "like it"}, "ignore_errors": True},
    {"ansible.builtin.command": {"cmd": "echo of two"}, "delegate_to": "two"},
    {"ansible.builtin.command": {"cmd": "echo {{ 'x' * 100000 }}"}},
    {"ansible.builtin.command": {"cmd": "echo hidden"}, "no_log": True},
    {"ansible.builtin.command": {"cmd": "echo later"}, "async": 30, "poll": 1},
    {"ansible.builtin.command": {"cmd": "id -un"}, "become": True},
    {"ansible.builtin.command": {"cmd": "id -un"}, "become": True},
    {"ansible.builtin.setup": {"gather_subset": "!all,!min,env"}, "environment": {"SEEN": "by the facts"}},
    {"andamio.laravel_aws.files": {}, "ignore_errors": True},
    {"ansible.builtin.file": {"path": "{{ work }}", "state": "absent"}},
]


def test_tasks_do_and_say_the_same(hosts: Hosts) -> None:
    # What a run finds in the environment differs by what started it; what the task was given doesn't.
    ends = []
    for preload in (False, True):
        results = [plain(result) for result in hosts.play(TASKS, preload=preload)]
        env = results[-3].pop("ansible_facts")["ansible_env"]
        assert env["SEEN"] == "by the facts"
        ends.append(results)
        assert bool(hosts.handed_over()) is preload
    for task, first, second in zip(TASKS, *ends, strict=True):
        assert second == first, task
    # All but the first of each user and host, raw, async and the one whose Python would start otherwise.
    assert hosts.handed_over() > len(TASKS) - 8


def test_it_is_off_by_the_environment(hosts: Hosts) -> None:
    tasks: list[dict[str, Any]] = [{"ansible.builtin.ping": {}}] * 2
    for word, handed_over in {"0": 0, "": 1, "1": 1}.items():
        hosts.play(tasks, environment={"ANDAMIO_PRELOAD": word})
        assert hosts.handed_over() == handed_over


def test_what_is_hidden_stays_hidden(hosts: Hosts) -> None:
    task = {"ansible.builtin.command": {"cmd": "echo s3cret"}, "no_log": True}
    hosts.play([{"ansible.builtin.ping": {}}, task])
    assert hosts.handed_over() == 1
    assert "s3cret" not in hosts.output


def test_a_task_that_takes_too_long_is_ended(hosts: Hosts, tmp_path: Path) -> None:
    slow = {"ansible.builtin.command": {"cmd": "sleep 61.25"}, "timeout": 1, "ignore_errors": True}
    results = hosts.play(
        [{"ansible.builtin.ping": {}}, slow, {"ansible.builtin.command": {"cmd": "pgrep -f 61[.]25"}}]
    )
    assert "timeout" in results[1]["msg"].lower() or "timed out" in results[1]["msg"].lower()
    assert results[2]["rc"] == 1


def test_a_process_that_dies_in_a_task_is_an_unreachable_host(hosts: Hosts) -> None:
    kill = {
        "ansible.builtin.shell": {"cmd": "pid=$PPID; set -- $(ps -o ppid= -p $pid); kill -9 $1; sleep 60"},
        "ignore_unreachable": True,
    }
    results = hosts.play([{"ansible.builtin.ping": {}}, kill, *[{"ansible.builtin.ping": {}}] * 2])
    assert results[1]["unreachable"]
    assert "broke in the middle of the task" in results[1]["msg"]
    assert hosts.handed_over() == 1  # the third goes the usual way, and the fourth finds a new one
    assert results[3]["ping"] == "pong"


def test_reset_connection_starts_anew(hosts: Hosts) -> None:
    who = {"ansible.builtin.shell": {"cmd": "ps -o ppid= -p $PPID"}}
    tasks: list[dict[str, Any]] = [{"ansible.builtin.ping": {}}, who, who]
    results = hosts.play([*tasks, {"ansible.builtin.meta": "reset_connection"}, *tasks])
    said = [result["stdout"] for result in results if "stdout" in result]
    assert said[0] == said[1] != said[2] == said[3]


def test_a_host_that_can_t_be_reached_says_what_it_says_without(hosts: Hosts) -> None:
    said = []
    for preload in (False, True):
        began = time.monotonic()
        (result,) = hosts.play([{"ansible.builtin.ping": {}}], preload=preload, hosts="nowhere")
        assert time.monotonic() - began < 20
        said.append(result)
    assert said[0]["unreachable"]
    assert said[0] == said[1]


@pytest.mark.parametrize("words", [["--check"], ["--diff"], ["--forks", "1"]])
def test_nothing_is_left_of_a_run(hosts: Hosts, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "ssh").write_text(SSH.replace("exec", f"echo $$ >> {tmp_path}/pids\nexec"))
    tasks: list[dict[str, Any]] = [{"ansible.builtin.ping": {}}] * 3
    hosts.play(tasks, hosts="one,two", words=words)
    assert hosts.handed_over() == 4
    pids = [Path("/proc", pid) for pid in (tmp_path / "pids").read_text().split()]
    deadline = time.monotonic() + 10
    while any(pid.exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(pid.exists() for pid in pids)
    assert not list((tmp_path / "home" / "tmp").glob("ansible-local-*"))


def test_every_setting_of_ssh_s_is_one_of_ours() -> None:
    both = [
        json.loads(
            subprocess.run(
                ["ansible-doc", "-t", "connection", "--json", name],
                cwd=ROOT,
                env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
                capture_output=True,
                check=True,
            ).stdout
        )[name]["doc"]["options"]
        for name in ("ansible.builtin.ssh", "andamio.laravel_aws.preloaded_ssh")
    ]
    both[1].pop("preload")
    without = [json.loads(json.dumps(options), object_hook=unversioned) for options in both]
    assert without[0] == without[1]


def unversioned(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if not key.startswith("version_added")}
