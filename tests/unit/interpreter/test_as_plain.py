"""What a task finds: the same as in a fresh interpreter."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .conftest import PRELOADED, Interpreter, Make, payload

FACTS = """
import builtins, gc, json, os, resource, signal, sys, tempfile, threading, time
def stream(s):
    return [s.encoding, s.errors, s.line_buffering, s.write_through, s.mode, s.fileno(), s.isatty()]
umask = os.umask(0)
os.umask(umask)
print(json.dumps({
    "argv": sys.argv, "orig_argv": sys.orig_argv[1:], "path": sys.path, "flags": list(sys.flags),
    "executable": sys.executable, "prefix": sys.prefix, "bytecode": sys.dont_write_bytecode,
    "streams": [stream(s) for s in (sys.stdin, sys.stdout, sys.stderr)],
    "originals": [sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__],
    "left on stdin": sys.stdin.read(), "folder": os.getcwd(), "umask": umask, "environment": dict(os.environ),
    "signals": [str(signal.getsignal(n)) for n in sorted(signal.valid_signals()) if n not in (9, 19)],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "files": [int(f) for f in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + f)],
    "main": sorted(vars(sys.modules["__main__"])), "name": __name__, "file": globals().get("__file__"),
    "is main": sys.modules["__main__"].__dict__ is globals(), "builtins": __builtins__ is builtins,
    "tempdir": tempfile.gettempdir(), "threads": threading.active_count(), "gc": gc.isenabled(),
    "zone": time.tzname, "nice": os.nice(0),
    "limits": [resource.getrlimit(n) for n in range(16)], "groups": os.getgroups(),
}))
"""


def facts(command: str, interpreter: Interpreter, words: list[str], program: str, **options: object) -> dict:
    done = subprocess.run(
        [command, *words],
        env=interpreter.environment
        | {"AWS_ACCESS_KEY_ID": "k", "TZ": "Asia/Tokyo", "EMPTY": "", "Ñ": "ñ\udcff"},
        input=program,
        text=True,
        capture_output=True,
        check=True,
        **options,  # type: ignore[call-overload]
    )
    found: dict = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("form", ["stdin", "file", "relative file"])
def test_a_task_finds_what_a_fresh_interpreter_has(make: Make, tmp_path: Path, form: str) -> None:
    interpreter = make()

    def lowered() -> None:
        os.umask(0o027)
        os.nice(3)
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 1000))

    program, words, stdin = payload(FACTS), [], payload(FACTS)
    if form != "stdin":
        (tmp_path / "task.py").write_text(program)
        words = [str(tmp_path / "task.py") if form == "file" else "task.py", "-x", "two words", ""]
        stdin = "what is there to read"
    both = [
        facts(command, interpreter, words, stdin, cwd=tmp_path, preexec_fn=lowered)
        for command in (sys.executable, str(interpreter.client))
    ]
    assert both[0]["left on stdin"] == ("" if form == "stdin" else stdin)
    assert both[1] == both[0]
    assert interpreter.says(PRELOADED, preexec_fn=lowered) == "True"


def test_what_is_in_memory_is_there(shared: Interpreter) -> None:
    assert shared.says(PRELOADED) == "True"


def test_nothing_passes_from_task_to_task(shared: Interpreter) -> None:
    before = shared.says("sorted(os.environ)")
    shared.run(
        "os.environ['LEFT'] = '1'; os.chdir('/tmp')\n"
        "import boto3; boto3.setup_default_session(region_name='x')"
    )
    assert shared.says("sorted(os.environ)") == before
    assert shared.says("__import__('boto3').DEFAULT_SESSION") == "None"
    assert shared.says("os.getcwd()") == os.getcwd()


def test_credentials_are_each_tasks_own(shared: Interpreter) -> None:
    key = "__import__('boto3').session.Session().get_credentials().access_key"
    for name in ("first", "second"):
        keys = {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": "s"}
        assert shared.says(key, environment=keys) == name


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('random').random()",
        "next(__import__('tempfile')._get_candidate_names())",
        "__import__('uuid').uuid4()",
    ],
)
def test_no_two_tasks_draw_the_same(shared: Interpreter, expression: str) -> None:
    assert len({shared.says(expression) for _ in range(3)}) == 3


def test_a_folder_for_temporary_files_is_taken_from_the_tasks_environment(shared: Interpreter) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert shared.says("__import__('tempfile').gettempdir()", environment={"TMPDIR": folder}) == folder


@pytest.mark.parametrize(
    "code",
    [
        "sys.exit(3)",
        "sys.exit('in words')",
        "raise ValueError('a bug')",
        "os._exit(7)",
        "os.close(1); print('nowhere')",
        "sys.exit(256)",
        "sys.exit(-1)",
        "os.kill(os.getpid(), 9)",
        "os.kill(os.getpid(), 15)",
        "raise KeyboardInterrupt",
        "import atexit; atexit.register(print, 'at the end'); sys.exit(0)",
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()",
        "sys.stdout.write('no newline'); print('error', file=sys.stderr)",
        "sys.stdout.write('lost'); os._exit(0)",
        "def f(:",
    ],
)
def test_a_task_ends_as_with_plain_python(shared: Interpreter, code: str) -> None:
    plain = subprocess.run([sys.executable], input=payload(code), capture_output=True, text=True, check=False)
    done = shared.run(code)
    assert (done.returncode, done.stdout, done.stderr) == (plain.returncode, plain.stdout, plain.stderr)


def test_a_large_output_comes_whole(shared: Interpreter) -> None:
    assert len(shared.run("sys.stdout.write('x' * 20_000_000)").stdout) == 20_000_000


def test_tasks_run_side_by_side(shared: Interpreter) -> None:
    processes = [shared.start() for _ in range(12)]
    for number, process in enumerate(processes):
        assert process.stdin is not None
        process.stdin.write(
            payload(f"import time; time.sleep(0.3); print({number}, {PRELOADED}); sys.exit({number})")
        )
        process.stdin.close()
        process.stdin = None
    ends = [(*process.communicate(), process.returncode) for process in processes]
    assert ends == [(f"{number} True\n", "", number) for number in range(12)]
