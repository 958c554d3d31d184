"""Modules through the preloaded interpreter: each says and does what it does with plain Python."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.interpreter.conftest import Interpreter

from .conftest import Aws

pytestmark = pytest.mark.usefixtures("preload_is_on")

ROOT = Path(__file__).resolve().parents[2]
OURS = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
STOCK = (
    "amazon.aws.ec2_key",
    "amazon.aws.ec2_security_group",
    "amazon.aws.s3_bucket",
    "amazon.aws.route53_zone",
)
ROLE = {"name": "academia-test-host", "tags": {"Project": "academia"}}


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Interpreter]:
    one = Interpreter()
    yield one
    one.close()


def play(
    interpreter: Interpreter, tmp_path: Path, preload: bool, tasks: list[dict[str, Any]], **more: Any
) -> list[dict[str, Any]]:
    """Run tasks on localhost as the inventories do; return what each said."""
    inventory = tmp_path / "inventories" / "test"
    inventory.mkdir(parents=True, exist_ok=True)
    for name in ("interpreter", "collections"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    (inventory / "localhost.yml").write_text((ROOT / "inventories" / "sandbox" / "localhost.yml").read_text())
    (inventory / "more.yml").write_text("all: {hosts: {elsewhere: {}}}\n")
    (tmp_path / "ansible.cfg").write_text((ROOT / "ansible.cfg").read_text())
    hosts = more.pop("hosts", "localhost")
    playbook = [{"hosts": hosts, "gather_facts": False, "tasks": tasks, **more}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(playbook))
    environment = {
        **os.environ,
        **{name: value for name, value in interpreter.environment.items() if name.startswith("ANDAMIO")},
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_HOME": str(tmp_path / "home"),
    }
    done = subprocess.run(
        [
            "ansible-playbook",
            "-i",
            "inventories/test",
            "play.yml",
            "-e",
            json.dumps({"andamio_preload": preload}),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(done.stdout)
    return [next(iter(task["hosts"].values())) for each in said["plays"] for task in each["tasks"]]


def words(result: dict[str, Any]) -> dict[str, Any]:
    """What a result says, without what differs from run to run."""
    return {
        key: result.get(key)
        for key in ("msg", "failed", "changed", "calls", "error_code", "deprecations", "warnings")
    }


def test_each_module_is_there_and_says_the_same(aws: Aws, interpreter: Interpreter, tmp_path: Path) -> None:
    # Without arguments most say what is missing: all that they import is in memory by then.
    modules = [*(f"andamio.laravel_aws.{name}" for name in OURS), *STOCK]
    tasks = [{name: {}, "ignore_errors": True} for name in modules]
    both = [
        dict(zip(modules, map(words, play(interpreter, tmp_path, preload, tasks)), strict=True))
        for preload in (False, True)
    ]
    assert both[0] == both[1]
    assert interpreter.server() is not None


TASKS: list[dict[str, Any]] = [
    {"name": "planned", "andamio.laravel_aws.instance_role": ROLE, "check_mode": True},
    {"name": "made", "andamio.laravel_aws.instance_role": ROLE},
    {"name": "again", "andamio.laravel_aws.instance_role": ROLE},
    {"name": "stock", "amazon.aws.s3_bucket": {"name": "academia-test", "versioning": True}},
    {"name": "stock, again", "amazon.aws.s3_bucket": {"name": "academia-test", "versioning": True}},
    {"name": "hidden", "amazon.aws.s3_bucket": {"name": "academia-test"}, "no_log": True},
    {"name": "async", "amazon.aws.ec2_key": {"name": "academia"}, "async": 60, "poll": 1},
    {
        "name": "delegated",
        "andamio.laravel_aws.hosted_zone": {"name": "academia.test"},
        "delegate_to": "localhost",
    },
    {
        "name": "with an environment of its own",
        "amazon.aws.s3_bucket_info": {},
        "environment": {"AWS_ACCESS_KEY_ID": "nobody"},
        "ignore_errors": True,
    },
    {"name": "facts", "ansible.builtin.setup": {"gather_subset": "!all,!min,python"}},
    {"name": "a file", "ansible.builtin.stat": {"path": "/etc/passwd"}},
    {"name": "an old deprecation", "ansible.builtin.command": {"cmd": "echo hello"}, "changed_when": False},
]


def test_tasks_do_the_same(fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path) -> None:
    ends = []
    for preload in (False, True):
        fresh_aws.reset()
        ends.append([words(result) for result in play(interpreter, tmp_path, preload, TASKS)])
    assert ends[0] == ends[1]
    named = {task["name"]: result for task, result in zip(TASKS, ends[1], strict=True)}
    assert named["made"]["changed"]
    assert not named["again"]["changed"]
    assert named["async"]["changed"]
    assert named["delegated"]["changed"]
    assert named["with an environment of its own"]["failed"]


def parent(preload: bool, interpreter: Interpreter, tmp_path: Path, **task: Any) -> bool:
    """Whether the server ran a task: of its child, sys.executable's command line is the server's."""
    (tmp_path / "library").mkdir(exist_ok=True)
    (tmp_path / "library" / "who.py").write_text(
        "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"
        "module = AnsibleModule({})\n"
        "module.exit_json(command=open('/proc/self/cmdline').read().split('\\0'))\n"
    )
    (result, *_rest) = play(interpreter, tmp_path, preload, [{"who": {}, **task}])
    assert "command" in result, result
    return any(word.endswith("interpreter/server.py") for word in result["command"])


@pytest.mark.parametrize("preload", [True, False])
def test_the_inventory_turns_it_on_and_off(interpreter: Interpreter, tmp_path: Path, preload: bool) -> None:
    assert parent(preload, interpreter, tmp_path) is preload


def test_a_task_delegated_to_localhost_has_it(interpreter: Interpreter, tmp_path: Path) -> None:
    assert parent(True, interpreter, tmp_path, delegate_to="localhost")


def test_an_async_task_has_it(interpreter: Interpreter, tmp_path: Path) -> None:
    assert parent(True, interpreter, tmp_path, **{"async": 30, "poll": 1})


def test_become_is_plain_python(
    interpreter: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To become who one is already counts as well: it needs no right and no password.
    method = "su" if os.geteuid() == 0 else "sudo"
    become = {"become": True, "become_method": method, "become_user": getpass.getuser()}
    monkeypatch.setenv("ANSIBLE_BECOME_ALLOW_SAME_USER", "1")
    assert not parent(True, interpreter, tmp_path, **become)


def built(tmp_path: Path) -> list[str]:
    """Return the modules of ours that Ansible has built to send since the last time."""
    kept = list((tmp_path / ".cache" / "payloads").glob("*andamio*"))
    for file in kept:
        file.unlink()
    return sorted(file.name for file in kept if file.suffix != ".json")


@pytest.mark.parametrize("how", ["by name", "async", "off"])
def test_our_modules_are_sent_only_where_they_must_be(
    fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path, how: str
) -> None:
    warm = {"andamio.laravel_aws.instance_role": ROLE}
    play(interpreter, tmp_path, True, [warm])  # whoever comes first starts the server, by sending a module
    built(tmp_path)
    task: dict[str, Any] = {"andamio.laravel_aws.hosted_zone": {"name": "academia.test"}}
    if how == "async":
        task |= {"async": 60, "poll": 1}
    (result, *_rest) = play(interpreter, tmp_path, how != "off", [task])
    assert result["changed"]
    assert bool(built(tmp_path)) is (how != "by name")


def test_defaults_are_the_modules_own(fresh_aws: Aws, interpreter: Interpreter, tmp_path: Path) -> None:
    tasks = [
        {"andamio.laravel_aws.instance_role": {}, "check_mode": True},
        {"andamio.laravel_aws.hosted_zone": {}, "check_mode": True, "ignore_errors": True},
    ]
    for preload in (True, True, False):  # the first may have to start the server
        role, zone = play(
            interpreter, tmp_path, preload, tasks, module_defaults={"andamio.laravel_aws.instance_role": ROLE}
        )
        assert role["changed"]
        assert "missing required arguments: name" in zone["msg"]


def test_all_modules_that_talk_to_aws_can_run_by_name() -> None:
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["aws"]
    for name in (name for name in group if isinstance(name, str)):
        assert "_in_memory import" in (ROOT / "plugins" / "action" / f"{name}.py").read_text(), name
