"""The server's life: it starts by itself, is nobody's burden, and goes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from interpreter import modules

from .conftest import PRELOADED, ROOT, Interpreter, Make, gone, is_running, payload


def told(interpreter: Interpreter, code: str) -> tuple[subprocess.Popen[str], int]:
    """Start a task that first says which process it is; return its client and that."""
    client = interpreter.start()
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(payload(f"import time, signal\nprint(os.getpid(), flush=True)\n{code}"))
    client.stdin.close()
    client.stdin = None
    return client, int(client.stdout.readline())


def open_files(process: Path) -> list[str]:
    """Return what a process has open, but for its standard streams, sockets and pipes."""
    found = []
    for file in process.joinpath("fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.append(str(file.readlink()) if int(file.name) > 2 else "socket:")
    return [file for file in found if not file.startswith(("socket:", "pipe:"))]


def spares(server: int | None) -> list[int]:
    """Wait until a process waits for the next task, and nothing else is done; return a server's processes."""
    children = Path(f"/proc/{server}/task/{server}/children")
    deadline, before = time.monotonic() + 60, ""
    while not (now := children.read_text()) or now != before:
        assert time.monotonic() < deadline, "no process waits"
        before = now
        time.sleep(0.3)
    return [int(pid) for pid in now.split()]


def test_it_keeps_nothing_of_the_first_client(make: Make, tmp_path: Path) -> None:
    interpreter = make()
    interpreter.says("1", environment={"AWS_SECRET_ACCESS_KEY": "secret", "ANSIBLE_X": "y"}, cwd=tmp_path)
    server = interpreter.server()
    process = Path(f"/proc/{server}")
    assert process.joinpath("cwd").readlink() == Path("/")
    assert {str((process / "fd" / name).readlink()) for name in "012"} == {"/dev/null"}
    deadline = time.monotonic() + 60
    while open_files(process):  # as long as it is still preloading
        assert time.monotonic() < deadline, open_files(process)
        time.sleep(0.1)
    environment = process.joinpath("environ").read_bytes()
    assert b"secret" not in environment
    assert b"ANSIBLE" not in environment
    fields = process.joinpath("stat").read_text().rpartition(")")[2].split()
    assert fields[4] == "0", "it has a terminal"
    assert len(list(process.joinpath("task").iterdir())) == 1, "it has threads"
    assert os.getsid(int(server or 0)) != os.getsid(0)


def test_only_its_user_can_reach_it(make: Make) -> None:
    interpreter = make()
    interpreter.says("1")
    assert stat.S_IMODE(interpreter.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(interpreter.socket.parent.stat().st_mode) == 0o700


def test_there_is_one_for_all_clients(make: Make) -> None:
    interpreter = make()
    clients = [interpreter.start() for _ in range(6)]
    servers = {client.communicate(payload("print(os.getppid())"))[0] for client in clients}
    assert servers == {f"{interpreter.server()}\n"}


def test_it_goes_when_it_is_idle(make: Make) -> None:
    interpreter = make(ANDAMIO_PRELOAD_IDLE="1")
    client, _pid = told(interpreter, "time.sleep(2)")
    server = interpreter.server()
    assert server is not None
    assert client.wait(timeout=60) == 0, "it went while a task ran"
    gone(server)
    assert not (interpreter.folder / "run").exists()


def test_it_goes_when_it_is_told_to_and_its_last_task_has_ended(make: Make) -> None:
    interpreter = make()
    client, _pid = told(interpreter, "sys.stdin = None; time.sleep(1); print('done')")
    server = interpreter.server()
    assert server is not None
    stop = [sys.executable, str(interpreter.client.with_name("server.py")), "stop"]
    subprocess.run(stop, env=interpreter.environment, check=True)
    assert client.communicate()[0] == "done\n"
    gone(server)
    assert not (interpreter.folder / "run").exists()
    subprocess.run(stop, env=interpreter.environment, check=True)


def test_a_file_that_has_changed_starts_it_anew(make: Make, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "interpreter", tmp_path / "interpreter")
    shutil.copytree(ROOT / "plugins" / "module_utils", tmp_path / "plugins" / "module_utils")
    interpreter = make(root=tmp_path)
    assert interpreter.says(PRELOADED) == "True"
    first = interpreter.server()
    assert interpreter.says(PRELOADED) == "True"
    assert interpreter.server() == first
    with (tmp_path / "plugins" / "module_utils" / "_tags.py").open("a") as file:
        file.write("# changed\n")
    assert interpreter.says(PRELOADED) == "True"
    assert interpreter.server() not in {first, None}
    gone(first or 0)


def test_a_socket_that_was_left_behind_is_in_nobodys_way(make: Make) -> None:
    interpreter = make()
    interpreter.says("1")
    server = interpreter.server()
    os.kill(server or 0, signal.SIGKILL)
    gone(server or 0)
    assert interpreter.says(PRELOADED) == "True"


def test_a_server_that_is_killed_ends_its_task_with_an_error(make: Make) -> None:
    interpreter = make()
    client, pid = told(interpreter, "time.sleep(30)")
    os.kill(interpreter.server() or 0, signal.SIGKILL)
    _out, error = client.communicate(timeout=60)
    assert client.returncode == 1
    assert "ended in the middle of this task" in error
    gone(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_task(shared: Interpreter, number: signal.Signals) -> None:
    handled, _pid = told(
        shared,
        f"signal.signal({int(number)}, lambda *_: sys.exit(9)); print('ready', flush=True); time.sleep(30)",
    )
    assert handled.stdout is not None
    assert handled.stdout.readline() == "ready\n"
    handled.send_signal(number)
    assert handled.wait(timeout=60) == 9
    unhandled, pid = told(shared, "time.sleep(30)")
    unhandled.send_signal(number)
    assert unhandled.wait(timeout=60) == -number
    gone(pid)


def test_a_signal_reaches_what_the_task_has_started(shared: Interpreter) -> None:
    client, _pid = told(
        shared, "import subprocess; p = subprocess.Popen(['sleep', '30']); print(p.pid, flush=True); p.wait()"
    )
    assert client.stdout is not None
    started = int(client.stdout.readline())
    client.send_signal(signal.SIGTERM)
    client.wait(timeout=60)
    gone(started)


def test_a_client_that_is_killed_takes_its_task_along(shared: Interpreter) -> None:
    client, pid = told(shared, "time.sleep(30)")
    client.kill()
    gone(pid)
    assert shared.says(PRELOADED) == "True"


def test_an_ignored_signal_stays_ignored(shared: Interpreter) -> None:
    def ignoring() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    done = shared.run("import signal; print(int(signal.getsignal(1)))", preexec_fn=ignoring)
    assert done.stdout == f"{int(signal.SIG_IGN)}\n"


def test_a_daemon_outlives_its_task(shared: Interpreter) -> None:
    """As async_wrapper does: two forks, a session of its own, no stream kept."""
    client, _pid = told(
        shared,
        "if os.fork() == 0:\n os.setsid()\n pid = os.fork()\n if pid: print(pid, flush=True); os._exit(0)\n"
        " [os.dup2(os.open('/dev/null', os.O_RDWR), s) for s in (0, 1, 2)]\n time.sleep(30)\n"
        "else:\n os.wait()",
    )
    out, _error = client.communicate(timeout=60)
    daemon = int(out)
    time.sleep(0.2)
    assert is_running(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_the_next_task_s_process_waits_and_ends_with_the_server(make: Make) -> None:
    interpreter = make()
    interpreter.says("1")
    server = interpreter.server()
    (spare,) = spares(server)
    assert interpreter.says("os.getpid()") == f"{spare}"
    (spare,) = spares(server)
    os.kill(spare, signal.SIGKILL)  # whatever ends it is in nobody's way, and isn't done again and again
    gone(spare)
    time.sleep(0.5)
    assert not Path(f"/proc/{server}/task/{server}/children").read_text()
    assert interpreter.says(PRELOADED) == "True"
    (spare,) = spares(server)
    os.kill(server or 0, signal.SIGKILL)
    gone(spare)


def test_a_rehearsed_call_is_sent_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_words: object) -> None:
        raise AssertionError("it was sent")

    monkeypatch.setattr(socket.socket, "connect", connect)
    client = boto3.session.Session("none", "none", region_name="us-east-1").client("s3")
    modules.rehearse(client)
