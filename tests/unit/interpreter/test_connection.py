"""The connection that hands modules to the server itself."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.plugins.loader import connection_loader
from ansible_collections.andamio.laravel_aws.plugins.connection.preloaded import simple
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils import _preloaded

from .conftest import PRELOADED, Interpreter, Make, gone, payload

WHO = f"import os\nprint({PRELOADED}, os.getppid(), os.getcwd(), os.environ.get('GREETING'))"


def surround(interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process what the interpreter's clients have."""
    for name in {*os.environ} - {*interpreter.environment}:
        monkeypatch.delenv(name)
    for name, value in interpreter.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def execute(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run a command as Ansible does."""

    def run(interpreter: Interpreter, code: str, command: str = "") -> tuple[int, str, str]:
        surround(interpreter, monkeypatch)
        connection = connection_loader.get("andamio.laravel_aws.preloaded", PlayContext())
        assert connection is not None
        connection.set_options(direct={"pipelining": True})
        status, out, err = connection.exec_command(
            command or f"/bin/sh -c 'GREETING=hello {interpreter.client}'", payload(code).encode()
        )
        return status, out.decode(), err.decode()

    return run


Execute = Callable[[Interpreter, str], tuple[int, str, str]]


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh -c '/opt/interpreter/python'",
        "/bin/sh -c 'A=1 B=two /opt/interpreter/python'",
        "/bin/sh -c 'A='\"'\"'two words; $HOME'\"'\"' /opt/interpreter/python'",
    ],
)
def test_what_ansible_runs_a_module_with_is_simple(command: str) -> None:
    found = simple(command)
    assert found is not None
    assert found[1] == "/opt/interpreter/python"
    assert found[0].get("A") in {None, "1", "two words; $HOME"}


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh -c 'A=$HOME /opt/interpreter/python'",
        "/bin/sh -c 'A=~ /opt/interpreter/python'",
        "/bin/sh -c '/opt/interpreter/python && sleep 0'",
        "/bin/sh -c '/opt/interpreter/python /tmp/module.py'",
        "/bin/sh -c 'sudo /opt/interpreter/python'",
        "/bin/sh -c 'interpreter/python'",
        "/bin/sh -c 'A-B=1 /opt/interpreter/python'",
        "/bin/sh -c 'echo \"unbalanced'",
        "/bin/sh -c ''",
        "true",
    ],
)
def test_anything_else_is_the_shells(command: str) -> None:
    assert simple(command) is None


def test_the_server_runs_it_without_a_client(make: Make, execute: Execute, tmp_path: Path) -> None:
    interpreter = make()
    interpreter.says(PRELOADED)  # the first starts the server
    status, out, err = execute(interpreter, f"{WHO}\nsys.stderr.write('oh')\nsys.exit(3)")
    assert (status, err) == (3, "oh")
    assert out.split() == ["True", str(interpreter.server()), os.getcwd(), "hello"]


def test_without_a_server_the_client_starts_one(make: Make, execute: Execute) -> None:
    interpreter = make()
    assert execute(interpreter, WHO)[1].split()[0] == "True"
    assert interpreter.server() is not None


def test_off_is_off(make: Make, execute: Execute) -> None:
    interpreter = make()
    interpreter.says(PRELOADED)
    interpreter.environment["ANDAMIO_PRELOAD"] = "0"
    assert execute(interpreter, WHO)[1].split()[0] == "False"


def test_more_output_than_a_pipe_holds(make: Make, execute: Execute) -> None:
    interpreter = make()
    interpreter.says(PRELOADED)
    status, out, _err = execute(interpreter, "print('x' * 3_000_000)")
    assert (status, len(out)) == (0, 3_000_001)


def test_a_task_that_is_killed_says_so(make: Make, execute: Execute) -> None:
    interpreter = make()
    interpreter.says(PRELOADED)
    assert execute(interpreter, "os.kill(os.getpid(), 9)")[0] == 128 + 9


def test_another_interpreter_is_the_shells(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = make()
    interpreter.says(PRELOADED)
    assert _preloaded.loaded(os.path.realpath(sys.executable)) is None
    seen: list[str] = []
    monkeypatch.setattr(
        LocalConnection, "exec_command", lambda _self, cmd, **_: seen.append(cmd) or (0, b"", b"")
    )
    surround(interpreter, monkeypatch)
    connection = connection_loader.get("andamio.laravel_aws.preloaded", PlayContext())
    command = f"/bin/sh -c '{sys.executable}'"
    assert connection.exec_command(command, b"print(1)") == (0, b"", b"")
    assert seen == [command]


@pytest.mark.parametrize("how", ["its Ansible is killed", "its Ansible is told to end"])
def test_a_task_ends_with_the_ansible_that_waits_for_it(make: Make, tmp_path: Path, how: str) -> None:
    interpreter = make()
    interpreter.says(PRELOADED)
    told = tmp_path / "told"
    code = (
        "import pathlib, signal, time\n"
        f"def end(*_):\n    pathlib.Path({str(told)!r}).touch()\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    (tmp_path / "program").write_text(payload(code))
    waits = (
        "import pathlib, sys\n"
        "from ansible_collections.andamio.laravel_aws.plugins.plugin_utils import _preloaded\n"
        f"program = pathlib.Path({str(tmp_path / 'program')!r}).read_bytes()\n"
        f"_preloaded.run({str(interpreter.client)!r}, sys.executable, program,"
        f" {interpreter.environment!r}, '.')\n"
    )
    environment = interpreter.environment | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ansible = subprocess.Popen([sys.executable, "-c", waits], env=environment)
    wait = threading.Event()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert ansible.poll() is None
        wait.wait(0.02)
    if how.endswith("killed"):
        ansible.kill()
    else:
        ansible.terminate()
    ansible.wait()
    gone(int((tmp_path / "pid").read_text()))
    assert told.exists() is how.endswith("end")
