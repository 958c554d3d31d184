"""Playbooks run by a process that has Ansible in memory: they see and say what ansible-playbook's do."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.interpreter.conftest import ROOT, gone, no_signal_is_ignored
from tests.unit.interpreter.test_life import spares

__all__ = ["no_signal_is_ignored"]  # a fixture for all

CLIENT = str(ROOT / "interpreter" / "ansible-playbook")
PLAIN = str(Path(sys.executable).with_name("ansible-playbook"))
SETTINGS = """\
[defaults]
collections_path = {root}/collections
stdout_callback = {callback}
callbacks_enabled = andamio.laravel_aws.fast_start
"""
# Whose child a task's process is: the run's, which is the server's own.
PARENT = "{{ lookup('ansible.builtin.pipe', 'xargs -0 < /proc/$PPID/cmdline') }}"
PLAY = f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: ["{PARENT}", "{{{{ lookup('ansible.builtin.env', 'WORD') }}}}"]
    - ansible.builtin.command: sleep 30
      when: wait | default(false)
    - ansible.builtin.fail:
        msg: as it was told to
      when: fail | default(false)
"""
FILTER = """
from jinja2 import pass_environment
{wants}
def greet({takes}name):
    return "hello " + name
class FilterModule:
    def filters(self):
        return {{"greet": greet}}
"""

pytestmark = pytest.mark.skipif(
    not (ROOT / ".venv" / "bin" / "ansible-playbook").exists(), reason="no .venv beside the interpreter"
)


class Playbooks:
    """A folder of sockets, settings of its own, and a playbook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "play.yml").write_text(PLAY)
        (folder / "tmp").mkdir()
        self.settle("default")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "ANS"))}
        self.environment = kept | {
            "ANDAMIO_PRELOAD_DIR": str(folder / "run"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        }
        self.environment.pop("ANDAMIO_PRELOAD", None)

    def settle(self, callback: str) -> None:
        (self.folder / "ansible.cfg").write_text(SETTINGS.format(root=ROOT, callback=callback))

    def start(self, *words: str, program: str = CLIENT, **options: object) -> subprocess.Popen[str]:
        environment = self.environment | options.pop("environment", {})  # type: ignore[operator]
        python = f"ansible_python_interpreter={sys.executable}"
        command = [program, "-i", "localhost,", "-c", "local", "-e", python, *words]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            command, **{"cwd": ROOT, "text": True, "env": environment, **streams, **options}
        )

    def run(self, *words: str, **options: object) -> tuple[int, str, str]:
        process = self.start(*(words or (f"{self.folder}/play.yml",)), **options)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def server(self) -> int:
        """Return the server's process; 0 if none listens."""
        program = str(ROOT / "interpreter" / "server.py")
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = process.joinpath("cmdline").read_text().split("\0")
                parent = process.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            own = words[1:2] == [program] and words[2].startswith(str(self.folder))
            if own and words[3:4] == ["playbook"] and parent == "1":
                return int(process.name)
        return 0

    def close(self) -> None:
        server = self.server()
        if server:
            os.kill(server, signal.SIGTERM)
            gone(server)


@pytest.fixture(scope="module")
def playbooks() -> Iterator[Playbooks]:
    folder = Path(tempfile.mkdtemp(prefix="andamio-test-"))
    made = Playbooks(folder)
    made.run()  # starts the server
    yield made
    made.close()
    shutil.rmtree(folder)


def is_served(out: str) -> bool:
    return "interpreter/server.py" in out


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["play.yml"], 0),
        (["play.yml", "-e", "fail=true"], 2),
        (["play.yml", "--list-tasks"], 0),
        (["play.yml", "--no-such-word"], 2),
        (["no_such.yml"], 1),
        (["--version"], 0),
    ],
)
def test_it_says_what_ansible_playbook_says(playbooks: Playbooks, words: list[str], status: int) -> None:
    given = [f"{playbooks.folder}/{word}" if word.endswith(".yml") else word for word in words]
    served, plain = playbooks.run(*given), playbooks.run(*given, program=PLAIN)
    assert is_served(served[1]) == ("TASK" in plain[1])
    assert served[0] == plain[0] == status

    def alike(text: str) -> list[str]:
        return [line for line in text.splitlines() if "/.venv/bin/python" not in line]

    assert alike(served[1]) == alike(plain[1])
    assert alike(served[2]) == alike(plain[2])


def test_a_run_has_its_own_environment(playbooks: Playbooks) -> None:
    for word in ("one", "two"):
        _status, out, _err = playbooks.run(environment={"WORD": word})
        assert is_served(out)
        assert f'"{word}"' in out
    assert '""' in playbooks.run()[1]


def test_a_run_leaves_no_file(playbooks: Playbooks) -> None:
    before = sorted((playbooks.folder / "tmp").iterdir())
    assert is_served(playbooks.run()[1])
    assert sorted((playbooks.folder / "tmp").iterdir()) == before


def test_a_run_leaves_no_folder_where_it_was_started(
    playbooks: Playbooks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By default a run's own files are below Ansible's home, whose name the setting has as a template."""
    monkeypatch.delitem(playbooks.environment, "ANSIBLE_LOCAL_TEMP")
    before = sorted(ROOT.iterdir())
    # Another environment has a server of its own, which the first run starts.
    assert any(is_served(playbooks.run()[1]) for _run in range(10))
    assert sorted(ROOT.iterdir()) == before


def test_settings_that_have_changed_are_used(playbooks: Playbooks) -> None:
    assert "PLAY RECAP" in playbooks.run()[1]
    playbooks.settle("minimal")
    try:
        for _round in range(2):
            _status, out, _err = playbooks.run()
            assert is_served(out)
            assert "PLAY RECAP" not in out
    finally:
        playbooks.settle("default")
    assert "\x1b[" in playbooks.run(environment={"ANSIBLE_FORCE_COLOR": "1"})[1]
    playbooks.run()
    assert "\x1b[" not in playbooks.run()[1]


def test_a_playbook_has_its_own_filters(playbooks: Playbooks, tmp_path: Path) -> None:
    """How a filter wants to be called is compiled into a template, and templates are told to the next run."""
    for name, wants, takes in (("one", "@pass_environment", "environment, "), ("two", "", "")):
        filters = tmp_path / name / "filter_plugins"
        filters.mkdir(parents=True)
        (filters / "greet.py").write_text(FILTER.format(wants=wants, takes=takes))
        play = tmp_path / name / "play.yml"
        play.write_text(PLAY.replace("lookup('ansible.builtin.env', 'WORD')", "'you' | greet"))
        status, out, err = playbooks.run(str(play))
        assert status == 0, out + err
        assert is_served(out)
        assert '"hello you"' in out


def test_a_terminal_has_colours(playbooks: Playbooks) -> None:
    ours, theirs = pty.openpty()
    process = playbooks.start(
        f"{playbooks.folder}/play.yml", stdout=theirs, environment={"TERM": "xterm-256color"}
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            said += os.read(ours, 65536)
        except OSError:  # as a terminal ends
            break
    os.close(ours)
    process.communicate(timeout=60)
    assert is_served(said.decode())
    assert b"\x1b[0;32m" in said


@pytest.mark.parametrize("program", [CLIENT, PLAIN])
def test_it_can_be_interrupted(playbooks: Playbooks, program: str) -> None:
    process = playbooks.start(
        f"{playbooks.folder}/play.yml", "-e", '{"wait": true}', program=program, start_new_session=True
    )
    assert process.stdout is not None
    assert any("[ansible.builtin.command]" in line for line in iter(process.stdout.readline, ""))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 99, out + err
    assert "User interrupted execution" in err


def test_where_it_is_ansible_playbook_as_installed(playbooks: Playbooks, tmp_path: Path) -> None:
    for options in ({"cwd": tmp_path}, {"environment": {"ANDAMIO_PRELOAD": "0"}}):
        status, out, _err = playbooks.run(**options)
        assert status == 0
        assert not is_served(out)
    playbooks.run()
    # Ansible opens it as it is loaded.
    assert not is_served(playbooks.run(environment={"ANSIBLE_LOG_PATH": str(tmp_path / "log")})[1])
    assert (tmp_path / "log").read_text()
    # It asks at the terminal that it belongs to.
    _status, out, _err = playbooks.run(f"{playbooks.folder}/play.yml", "-vK", stdin=subprocess.DEVNULL)
    assert not is_served(out)


def test_the_next_run_s_process_waits(playbooks: Playbooks) -> None:
    playbooks.run()
    playbooks.run()
    (spare,) = spares(playbooks.server())
    _status, out, _err = playbooks.run()
    assert is_served(out)
    assert spares(playbooks.server()) != [spare]
