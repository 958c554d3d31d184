"""Modules of the collection that the server runs by their names: they are the very ones on the disk."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils import _preloaded
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils._in_memory import PACKAGE

from .conftest import PRELOADED, ROOT, Interpreter, Make, gone, is_running
from .test_connection import surround

MODULE = """\
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"word": {"required": True}}, supports_check_mode=True)
import os
module.exit_json(said=%r + module.params["word"], check=module.check_mode, server=os.getppid())
"""


def ask(interpreter: Interpreter, name: str, version: str = "", **arguments: Any) -> dict[str, Any] | None:
    """Run a module by its name; None where the server didn't."""
    data = _preloaded.in_memory(name, json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    words, program = _preloaded.taken_apart(data)
    words[2] = version or words[2]
    client = str(interpreter.client)
    done = _preloaded.run(client, sys.executable, program, interpreter.environment, ".", words=words)
    return None if done is None else json.loads(done[1] or json.dumps({"stderr": done[2].decode()}))


@pytest.fixture
def copied(make: Make, tmp_path: Path) -> tuple[Interpreter, Path]:
    """An interpreter in a tree of its own, with one module; its server runs."""
    for name in ("interpreter", "plugins/module_utils"):
        shutil.copytree(ROOT / name, tmp_path / name)
    module = tmp_path / "plugins" / "modules" / "greeting.py"
    module.parent.mkdir()
    module.write_text(MODULE % "hello ")
    interpreter = make(root=tmp_path)
    interpreter.says(PRELOADED)
    return interpreter, module


def test_it_runs_in_the_server(copied: tuple[Interpreter, Path]) -> None:
    interpreter, _module = copied
    answer = ask(interpreter, f"{PACKAGE}.greeting", word="you", _ansible_check_mode=True)
    assert answer is not None
    assert (answer["said"], answer["check"]) == ("hello you", True)
    assert answer["server"] == interpreter.server()


def test_what_is_wrong_with_its_arguments_is_the_modules_to_say(copied: tuple[Interpreter, Path]) -> None:
    answer = ask(copied[0], f"{PACKAGE}.greeting")
    assert answer is not None
    assert answer["msg"] == "missing required arguments: word"


def test_an_edited_module_is_another(copied: tuple[Interpreter, Path]) -> None:
    interpreter, module = copied
    assert ask(interpreter, f"{PACKAGE}.greeting", word="you") is not None
    server = interpreter.server()
    module.write_text(MODULE % "good day ")
    # The server leaves instead of running what it has in memory.
    assert ask(interpreter, f"{PACKAGE}.greeting", word="you") is None
    interpreter.says(PRELOADED)
    answer = ask(interpreter, f"{PACKAGE}.greeting", word="you")
    assert answer is not None
    assert answer["said"] == "good day you"
    assert interpreter.server() != server


def test_a_module_that_has_come_since(copied: tuple[Interpreter, Path]) -> None:
    interpreter, module = copied
    module.with_name("farewell.py").write_text(MODULE % "goodbye ")
    answer = ask(interpreter, f"{PACKAGE}.farewell", word="you")
    assert answer is not None
    assert answer["said"] == "goodbye you"


@pytest.mark.parametrize("name", [f"{PACKAGE}.nothing", f"{PACKAGE}.a.greeting", "os", ""])
def test_anything_else_is_refused(copied: tuple[Interpreter, Path], name: str) -> None:
    assert ask(copied[0], name, word="you") is None


def test_another_ansible_is_refused(copied: tuple[Interpreter, Path]) -> None:
    assert ask(copied[0], f"{PACKAGE}.greeting", version="2.0.0", word="you") is None


def test_without_a_server_nothing_is_run(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = make()
    assert ask(interpreter, f"{PACKAGE}.memory_info") is None
    surround(interpreter, monkeypatch)
    connection = connection_loader.get("andamio.laravel_aws.preloaded", PlayContext())
    connection.set_options(direct={"pipelining": True})
    # A name isn't a program: Ansible has to send the module.
    with pytest.raises(_preloaded.NotStarted):
        connection.exec_command(
            f"/bin/sh -c {interpreter.client}", _preloaded.in_memory(f"{PACKAGE}.memory_info", "{}")
        )


def test_what_a_task_has_left_running_goes_on(make: Make, tmp_path: Path) -> None:
    # The client is told before the task's process is gone, and leaves: that isn't to look like a client
    # that was killed, whose task and all that it has started is ended.
    interpreter = make()
    for number in range(20):
        told = tmp_path / str(number)
        done = interpreter.run(
            "import subprocess\nleft = subprocess.Popen(['sleep', '30'], stdout=subprocess.DEVNULL,"
            f" stderr=subprocess.DEVNULL)\nopen({str(told)!r}, 'w').write(str(left.pid))"
        )
        assert done.returncode == 0
    time.sleep(0.3)
    left = [int((tmp_path / str(number)).read_text()) for number in range(20)]
    running = [is_running(pid) for pid in left]
    for pid in left:
        if is_running(pid):
            os.kill(pid, 9)
            gone(pid)
    assert all(running)
