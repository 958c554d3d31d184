"""What the process on a host does with tasks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.unit.interpreter.conftest import gone
from tests.unit.interpreter.test_as_plain import FACTS

from .conftest import Host, Make, payload, wait_for


def plain(python: str, program: bytes, **environment: str) -> tuple[int, str, str]:
    """What a Python of its own does with it."""
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {python}"],
        input=program,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def as_wrapper(code: str) -> bytes:
    """A program with this at its top, before the module."""
    return code.encode() + b"\n" + payload("pass")


def test_a_task_finds_what_a_fresh_python_has(host: Host) -> None:
    program = as_wrapper(FACTS)
    python = host.python  # type: ignore[attr-defined]
    done = host.run(program, environment=json.dumps({"TZ": "Asia/Tokyo", "WORD": "ñ"}).encode())
    assert done is not None
    assert done[0] == 0, done[2]
    alone = plain(python, program, TZ="Asia/Tokyo", WORD="ñ")
    both = [json.loads(said[1]) for said in (done, alone)]
    for found in both:
        found["environment"].pop("PYTEST_CURRENT_TEST", None)  # of this test, or of the one that started it
    assert both[0] == both[1]


@pytest.mark.parametrize(
    "code",
    [
        "print('out'); print('err', file=sys.stderr)",
        "sys.exit(3)",
        "sys.exit('words')",
        "sys.exit(-1)",
        "os._exit(4)",
        "raise SystemExit",
        "import atexit; atexit.register(print, 'at the end'); sys.exit(5)",
        "import threading; threading.Timer(0.1, print, ['late']).start(); print('soon')",
        "print(repr(sys.stdin.read()))",
        "os.close(1); print('nowhere')",
        "print(sys.stdout.encoding, sys.stdout.errors, 'ñ', end='')",
        "os.system('echo from a shell')",
        "import ansible.module_utils.missing",
        "print(__name__, sys.modules['ansible'].__version__, sys.argv)",
    ],
)
def test_it_ends_and_says_as_with_a_python_of_its_own(host: Host, code: str) -> None:
    done = host.run(payload(code))
    assert done is not None
    alone = plain(host.python, payload(code))  # type: ignore[attr-defined]
    assert done[:2] == alone[:2]
    assert done[2].splitlines()[-1:] == alone[2].splitlines()[-1:]


def test_an_error_says_where_it_was(host: Host) -> None:
    program = as_wrapper("def fails():\n    return 1 / 0\ntry:\n    fails()\nfinally:\n    pass\n")
    assert host.run(program) == plain(host.python, program)  # type: ignore[attr-defined]


def test_a_module_s_error_shows_its_lines(host: Host) -> None:
    code = "import ansible.module_utils.bad as bad, traceback\n"
    code += "try:\n    bad.fails()\nexcept ZeroDivisionError:\n    print(traceback.format_exc())"
    for _round in range(2):
        said = host.says(code, bad="def fails():\n  1 / 0\n")
        assert 'payload/ansible/module_utils/bad.py", line 2, in fails\n    1 / 0\n' in said
        host.settle()


def test_nothing_of_a_task_stays(host: Host, tmp_path: Path) -> None:
    host.says(
        f"os.chdir({str(tmp_path)!r})\nos.environ['LEFT'] = 'here'\nos.umask(0o77)\nsys.path.append('left')\n"
        "import ansible.module_utils.state as state\nstate.SEEN.append(1)",
        state="SEEN = []\n",
    )
    host.settle()
    found = host.says(
        "import ansible.module_utils.state as state\n"
        "print(os.getcwd(), os.environ.get('LEFT'), os.umask(0) == 0o77, 'left' in sys.path, state.SEEN)",
        state="SEEN = []\n",
    )
    assert found == f"{os.getcwd()} None False False []"


def test_a_task_s_environment_is_its_own(host: Host) -> None:
    program = payload("print(os.environ.get('OF_ONE'))")
    first = host.run(program, environment=b'{"OF_ONE": "yes"}')
    assert first == (0, "yes\n", "")
    assert host.run(program) == (0, "None\n", "")


def test_module_utils_stay_in_memory(make: Make) -> None:
    host = make()
    util = "import os\nWHO = os.getpid()\n"
    code = "import ansible.module_utils.util as util\nprint(util.WHO)"
    assert host.says(code, util=util) != str(host.process.pid)
    host.settle()
    assert host.says(code, util=util) == str(host.process.pid)
    # Another module has the same.
    assert host.says("time.sleep(0)\n" + code, util=util) == str(host.process.pid)


def test_what_the_host_is_is_asked_anew(make: Make) -> None:
    host = make()
    util = "import platform\nNODE = platform.node(), platform.platform()\n"
    for _round in range(2):
        found = host.says("import platform\nprint(platform._uname_cache, platform._platform_cache)")
        assert found == "None {}"
        host.says("import ansible.module_utils.util", util=util)
        host.settle()


def test_a_module_isn_t_in_memory(make: Make) -> None:
    host = make()
    for _round in range(2):
        assert host.says(
            "print('ansible.modules.it' in sys.modules, sys.modules[__name__].__dict__.get('x'))"
        )
        host.settle()
    found = host.says("import ansible.modules.it as it\nprint(hasattr(it, 'left'))\nit.left = 1")
    assert found == "False"


@pytest.mark.parametrize("changed", ["VALUE = 2\n", "VALUE = 3 # longer\n"])
def test_other_module_utils_are_others(host: Host, changed: str) -> None:
    # What has imported the one that changes is in memory, too.
    user = "from ansible.module_utils.value import VALUE\n"
    code = "import ansible.module_utils.user as user, ansible.module_utils.value as value\n"
    code += "print(user.VALUE, value.VALUE)"
    assert host.says(code, value="VALUE = 1\n", user=user) == "1 1"
    host.settle()
    number = changed.split()[2]
    assert host.says(code, value=changed, user=user) == f"{number} {number}"
    assert host.says(code, value="VALUE = 1\n", user=user) == "1 1"


def test_what_a_payload_lacks_isn_t_there(host: Host) -> None:
    host.says("import ansible.module_utils.extra", extra="")
    host.settle()
    done = host.run(payload("import ansible.module_utils\nprint(hasattr(ansible.module_utils, 'extra'))"))
    assert done is not None
    assert done[1] == "False\n"
    done = host.run(payload("import ansible.module_utils.extra"))
    assert done is not None
    assert "No module named 'ansible.module_utils.extra'" in done[2]


def test_a_util_that_can_t_be_imported_is_the_task_s_error_alone(host: Host) -> None:
    for _round in range(2):
        done = host.run(payload("import ansible.module_utils.broken", broken="raise SystemExit(7)\n"))
        assert done is not None
        assert done[0] == 7
        host.settle()
        assert host.says("print('well')", broken="raise SystemExit(7)\n") == "well"


def test_tasks_run_side_by_side(host: Host) -> None:
    for number in (7, 8, 9):
        host.ask(payload(f"time.sleep({0.4 if number == 7 else 0.1}); print({number})"), number)
    ended = dict(host.answer() for _task in range(3))
    assert ended == {number: (0, f"{number}\n", "") for number in (7, 8, 9)}
    assert list(ended)[-1] == 7


def test_more_than_a_pipe_holds(host: Host) -> None:
    done = host.run(payload("print('x' * 3_000_000); print('y' * 70_000, file=sys.stderr)"))
    assert done == (0, "x" * 3_000_000 + "\n", "y" * 70_000 + "\n")


def test_a_task_that_is_killed_says_so(host: Host) -> None:
    assert host.run(payload("os.kill(os.getpid(), 9)")) == (128 + 9, "", "")


def test_a_task_ends_with_all_it_has_started_and_unpacked(make: Make, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    host = make(TMPDIR=str(unpacked))
    code = "import subprocess\np = subprocess.Popen(['sleep', '60'])\n"
    code += f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{p.pid}}\\n')\np.wait()"
    host.ask(payload(code), 5)
    pids = wait_for(tmp_path / "pids").split()
    assert [*unpacked.iterdir()]
    host.kill(5)
    number, done = host.answer()
    assert done is not None
    assert (number, done[0]) == (5, 1)
    assert done[2].endswith("\nKeyboardInterrupt\n")
    assert not [*unpacked.iterdir()]
    for pid in pids:
        gone(int(pid))
    assert host.says("print('well')") == "well"


def test_one_that_won_t_end_is_made_to(make: Make, tmp_path: Path) -> None:
    host = make()
    code = (
        f"import signal\nsignal.signal(2, signal.SIG_IGN)\nopen({str(tmp_path / 'it')!r}, 'w').write('\\n')"
    )
    host.ask(payload(code + "\ntime.sleep(60)"), 5)
    wait_for(tmp_path / "it")
    host.kill(5)
    assert host.answer()[1] == (128 + 9, "", "")


@pytest.mark.parametrize("how", ["its input ends", "it is told to end", "it is killed"])
def test_its_tasks_end_with_it(make: Make, tmp_path: Path, how: str) -> None:
    host = make()
    host.ask(payload(f"open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n')\ntime.sleep(60)"))
    pid = int(wait_for(tmp_path / "pid"))
    if how == "its input ends":
        assert host.process.stdin is not None
        host.process.stdin.close()
    else:
        host.process.send_signal(signal.SIGTERM if "told" in how else signal.SIGKILL)
    host.process.wait(10)
    gone(pid, 5)


def test_it_runs_nothing_once_it_is_old(make: Make, tmp_path: Path) -> None:
    host = make(PYTHONPATH=str(tmp_path))
    assert host.run(payload("pass")) == (0, "", "")
    time.sleep(0.01)
    (tmp_path / "installed.py").touch()
    assert host.run(payload("pass")) is None
    assert host.run(payload("pass")) is None


def test_it_runs_nothing_but_payloads(make: Make) -> None:
    host = make()
    assert host.run(b"print('hello')\n") is None
    assert host.run(b"zip_data='QUJD',\n") is None
    assert host.says("print('well')") == "well"


def test_nothing_is_imported_from_its_folder(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "select", "zipfile", "colorsys"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('from the folder')\n")
    monkeypatch.chdir(tmp_path)
    host = make()
    util = "try:\n    import colorsys\nexcept RuntimeError as error:\n    raise SystemExit(str(error))\n"
    assert host.says("import ansible.module_utils.util", util=util) == ""
    host.settle()
    assert host.says("import ansible.module_utils.util", util=util) == ""


def test_what_was_sent_isn_t_sent_again(make: Make) -> None:
    host = make()
    util = "".join(f"VALUE_{os.urandom(8).hex()} = {number}\n" for number in range(5000))
    host.says("print(1)", util=util)
    whole = host.sent
    host.says("print(1)", util=util)
    assert host.sent < 1000
    host.says("print(2)", util=util)
    assert host.sent < 2000
    assert whole > 40_000
