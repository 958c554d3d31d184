"""The side of a run: taking commands apart, and the keeper between tasks and the process on the host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible.plugins.loader import become_loader, shell_loader
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils import _host_process
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils._host_process import (
    Broken,
    Command,
    Process,
    taken_apart,
)

from tests.unit.interpreter.conftest import gone, is_running

from .conftest import payload, wait_for

SECONDS = 20


def become(method: str, command: str, **options: str) -> tuple[str, str]:
    """What Ansible runs as another user, and what that says first."""
    plugin = become_loader.get(f"ansible.builtin.{method}")
    plugin.set_options(direct={"become_user": "root", **options})
    shell = shell_loader.get("sh")
    shell.executable = "/bin/sh"
    built = plugin.build_become_command(command, shell)
    return f"/bin/sh -c {_host_process.shlex.quote(built)}", plugin.success


@pytest.mark.parametrize("environment", ["", "A=1 ", "A=1 B='two words; $HOME' "])
@pytest.mark.parametrize("method", ["", "sudo"])
def test_what_ansible_runs_a_module_with_is_taken_apart(method: str, environment: str) -> None:
    inner = f"{environment}/usr/bin/python3"
    command, success = (
        become(method, inner) if method else (f"/bin/sh -c {_host_process.shlex.quote(inner)}", "")
    )
    parts = taken_apart(command, success)
    assert parts is not None
    assert parts.python == "/usr/bin/python3"
    assert parts.environment.get("B", "two words; $HOME") == "two words; $HOME"
    assert len(parts.environment) == environment.count("=")
    if not environment:
        # shlex quotes a single word only where it has to.
        inside = "'/usr/bin/python3 -V'" if not method else "/usr/bin/python3 -V"
        assert parts.python_with("-V") == command.replace("/usr/bin/python3", inside)


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh -c '/usr/bin/python3 /tmp/module.py'",
        "/bin/sh -c '/usr/bin/python3 && sleep 0'",
        "/bin/sh -c 'A=$HOME /usr/bin/python3'",
        "/bin/sh -c 'python3'",
        "/bin/sh -c 'sudo /usr/bin/python3'",
        "/bin/sh -c 'LC_ALL=C /usr/bin/python3'",
        "/bin/sh -c 'PYTHONPATH=/x /usr/bin/python3'",
        "/bin/sh -c '/opt/a python'",
        "/bin/sh -c '~/python'",
        "/bin/sh -c 'echo \"unbalanced'",
        "/bin/sh -c ''",
        "/bin/sh -x /usr/bin/python3",
        "true",
        "",
    ],
)
def test_anything_else_is_ansible_s_ssh_s(command: str) -> None:
    assert taken_apart(command, "") is None


def test_so_are_other_ways_to_become_a_user() -> None:
    for inner in ("/usr/bin/python3 /tmp/module.py", "sh -c true", "LANG=C /usr/bin/python3"):
        assert taken_apart(*become("sudo", inner)) is None
    assert taken_apart(*become("su", "/usr/bin/python3")) is None
    command, success = become("sudo", "/usr/bin/python3")
    assert taken_apart(command, success[:-1]) is None
    assert taken_apart(command.replace("sudo", "sudo; sudo"), success) is not None  # as it was configured


@pytest.mark.parametrize("method", ["", "sudo"])
def test_the_process_starts_as_a_module_does(method: str, tmp_path: Path) -> None:
    # A become plugin's executable can be any; this one does it for nobody.
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    sudo.chmod(0o755)
    command = f"/bin/sh -c {sys.executable}", ""
    parts = taken_apart(*(become("sudo", sys.executable, become_exe=str(sudo)) if method else command))
    assert parts is not None
    done = subprocess.run(
        ["/bin/sh", "-c", parts.python_with("-c 'print(\"it'\"'\"'s\")'")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("it's\n")
    assert done.stdout.startswith("BECOME-SUCCESS-" if method else "it's")


class Run:
    """A run of Ansible: a folder of its own, a process, and a host that ssh reaches."""

    def __init__(self, folder: Path, ssh: str = 'exec /bin/sh -c "$2"') -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.ssh = folder / "ssh"
        self.ssh.write_text(f"#!/bin/sh\n{ssh}\n")
        self.ssh.chmod(0o755)
        self.main = subprocess.Popen(["sleep", "600"])

    @property
    def process(self) -> Process:
        return Process(str(self.folder), "host", Command("/bin/sh", None, "", {}, sys.executable))

    def start(self, seconds: float = SECONDS) -> None:
        self.process.start(lambda command: [os.fsencode(self.ssh), b"host", os.fsencode(command)], seconds)

    def run(self, code: str, **environment: str) -> tuple[int, bytes, bytes] | None:
        parts = self.process.command
        command = Command(parts.shell, None, "", environment, parts.python)
        return Process(str(self.folder), "host", command).run(payload(code), SECONDS)

    def says(self, code: str) -> str:
        done = self.run(code)
        assert done is not None
        assert (done[0], done[2]) == (0, b"")
        return done[1].decode().strip()

    def close(self) -> None:
        self.main.kill()
        self.main.wait()


def keeper_of(process: int) -> int:
    """The keeper of a process: an ancestor, as ssh is a shell here."""
    pid = process
    while b"keeper.py" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


Make = Callable[..., Run]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    made: list[Run] = []

    def one(*words: str, folder: str = "run") -> Run:
        made.append(Run(tmp_path / folder, *words))
        monkeypatch.setattr(_host_process, "run_process", lambda: made[-1].main.pid)
        return made[-1]

    yield one
    for run in made:
        run.close()


def test_the_first_task_finds_nobody_and_the_next_do(make: Make) -> None:
    run = make()
    assert run.run("pass") is None
    run.start()
    first = run.says("print(os.getppid())")
    run.start()
    assert run.says("print(os.getppid())") == first
    assert run.run("print(os.environ['OF_ONE'])\nsys.exit(3)", OF_ONE="yes") == (3, b"yes\n", b"")


def test_its_socket_is_nobody_else_s(make: Make) -> None:
    run = make()
    run.start()
    assert Path(run.process.path).stat().st_mode & 0o777 == 0o600


def test_a_folder_may_be_deep(make: Make) -> None:
    run = make(folder="a" * 150)
    run.start()
    assert run.says("print(1)") == "1"


def test_tasks_of_several_hosts_delegate_to_one(make: Make) -> None:
    run = make()
    run.start()
    code = "time.sleep(0.3); print('{0}' * 300_000)"
    with ThreadPoolExecutor(5) as pool:
        said = list(pool.map(run.says, [code.format(number) for number in range(5)]))
    assert said == [str(number) * 300_000 for number in range(5)]


def test_hosts_and_users_have_processes_of_their_own(make: Make) -> None:
    run = make()
    one = run.process
    others = [
        Process(one.folder, "another", one.command),
        Process(
            one.folder, one.host, Command("/bin/sh", "sudo -u root /bin/sh -c ", "echo ", {}, sys.executable)
        ),
        Process(one.folder, one.host, Command("/bin/sh", None, "", {}, "/usr/bin/python3")),
    ]
    assert len({one.path, *(other.path for other in others)}) == 4
    run.start()
    assert all(other.run(payload("pass"), SECONDS) is None for other in others)


@pytest.mark.parametrize("how", ["in a task", "between two"])
def test_nothing_is_left_when_the_run_ends(make: Make, tmp_path: Path, how: str) -> None:
    run = make()
    run.start()
    process = int(run.says("print(os.getppid())"))
    keeper = keeper_of(process)
    # A keeper is in no terminal's session, and has nothing that isn't its own.
    assert os.getsid(keeper) == keeper
    held = [os.readlink(path) for path in Path(f"/proc/{keeper}/fd").iterdir() if path.exists()]
    assert not [name for name in held if name.startswith(("/dev/pts", str(tmp_path)))]
    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(run.run, "time.sleep(60)" if how == "in a task" else "pass")
        time.sleep(0.3)
        run.close()
        if how == "in a task":
            assert isinstance(task.exception(10), Broken)
    gone(keeper, 10)
    gone(process, 10)
    assert not Path(run.process.path).exists()


def test_a_task_ends_with_the_one_who_waits_for_it(make: Make, tmp_path: Path) -> None:
    run = make()
    run.start()
    code = f"open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n')\ntime.sleep(60)"
    client = os.fork()
    if client == 0:
        try:
            run.run(code)
        finally:
            os._exit(1)
    pid = int(wait_for(tmp_path / "pid"))
    os.kill(client, signal.SIGKILL)
    os.waitpid(client, 0)
    gone(pid, 10)
    assert run.says("print(1)") == "1"


def test_a_task_whose_connection_breaks_may_have_run(make: Make) -> None:
    run = make()
    run.start()
    with pytest.raises(Broken):
        run.run("os.kill(os.getppid(), 9)\ntime.sleep(60)")
    # The next ones find nobody, and one starts it again.
    assert run.run("pass") is None
    run.start()
    assert run.says("print(1)") == "1"


def test_a_process_that_is_old_makes_room(make: Make) -> None:
    run = make()
    installed = run.folder / "installed"
    installed.mkdir()
    run.ssh.write_text(f'#!/bin/sh\nexport PYTHONPATH={installed}\nexec /bin/sh -c "$2"\n')
    run.start()
    process = int(run.says("print(os.getppid())"))
    time.sleep(0.01)
    (installed / "new.py").touch()
    assert run.run("pass") is None
    gone(process, 10)
    run.start()
    assert run.says("import new; print(1)") == "1"


def test_told_to_stop_it_ends_after_its_task(make: Make, tmp_path: Path) -> None:
    run = make()
    run.start()
    process = int(run.says("print(os.getppid())"))
    code = f"open({str(tmp_path / 'began')!r}, 'w').write('\\n')\ntime.sleep(0.5)\nprint('whole')"
    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(run.says, code)
        wait_for(tmp_path / "began")
        _host_process.stop(str(run.folder), "another")
        assert is_running(process)
        _host_process.stop(str(run.folder), "host")
        assert task.result() == "whole"
    gone(process, 10)
    assert run.run("pass") is None


@pytest.mark.parametrize(
    "ssh",
    [
        "exit 255",
        "exec sleep 600",
        'exec /bin/sh -c "$2" | tr "\\n" "\\r"',  # as a terminal does it
        "yes",
    ],
)
def test_where_it_can_t_start_it_isn_t_tried_again_at_once(make: Make, ssh: str, tmp_path: Path) -> None:
    run = make(f"echo started >> {tmp_path}/starts\n{ssh}")
    run.start(seconds=1)
    assert run.run("pass") is None
    deadline = time.monotonic() + 10
    while Path(run.process.path).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert run.run("pass") is None
    time.sleep(0.1)
    run.start(seconds=1)
    assert run.run("pass") is None
    assert (tmp_path / "starts").read_text() == "started\n"


def test_a_host_may_say_something_first(make: Make) -> None:
    run = make('echo Welcome\necho BECOME-SUCCESS\nexec /bin/sh -c "$2"')
    run.start()
    assert run.says("print(1)") == "1"


def test_another_user_s_socket_is_left_alone(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()
    run.start()
    run.says("print(1)")
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 4711)
        assert run.run("pass") is None


def test_its_switch() -> None:
    assert _host_process.is_on({})
    assert not _host_process.is_on({"ANDAMIO_PRELOAD": "0"})
    assert _host_process.is_payload(payload("pass"))
    assert not _host_process.is_payload(
        payload("pass").replace(b"extensions={}", b"extensions={'_coverage': {}}")
    )
    assert not _host_process.is_payload(b"#!/bin/sh\n")
