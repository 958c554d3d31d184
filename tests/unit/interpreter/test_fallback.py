"""When it is plain Python that runs a task."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import PRELOADED, Interpreter, Make, payload


@pytest.mark.parametrize("word", ["0", "no", "Off", "false"])
def test_off_by_a_variable(make: Make, word: str) -> None:
    interpreter = make()
    assert interpreter.says(PRELOADED, environment={"ANDAMIO_PRELOAD": word}) == "False"
    assert not (interpreter.folder / "run").exists()


@pytest.mark.parametrize(
    "words", [("-c", "import sys; print(1)"), ("-m", "platform"), ("-V",), ("-",), ("missing.py",)]
)
def test_words_that_only_python_knows(make: Make, words: tuple[str, ...]) -> None:
    interpreter = make()
    done = interpreter.run("print('from stdin')", *words)
    assert (done.returncode == 0) is (words != ("missing.py",))
    assert "missing.py" in done.stderr if done.returncode else done.stdout


def test_another_program_than_a_payload(shared: Interpreter) -> None:
    done = shared.run(f"import sys\nprint({PRELOADED}, sys.stdin.read() == '')\n", "/dev/stdin")
    assert done.stdout == "False True\n"
    process = shared.start()
    assert process.communicate(f"import sys\nprint({PRELOADED}, sys.argv)\n")[0] == "False ['']\n"


@pytest.mark.parametrize(
    ("version", "files"),
    [
        ("1.0", {}),
        (None, {"ansible/module_utils/basic.py": b"# another one\n"}),
        (None, {"ansible_collections/andamio/laravel_aws/plugins/module_utils/_tags.py": b""}),
    ],
)
def test_a_payload_whose_module_utils_are_others(
    shared: Interpreter, version: str | None, files: dict[str, bytes]
) -> None:
    options = {"version": version} if version else {}
    process = shared.start()
    assert process.communicate(payload(f"print({PRELOADED})", **options, **files))[0] == "False\n"


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONHASHSEED", "PYTHONWARNINGS", "HOME", "LC_ALL"])
def test_a_variable_that_decides_how_python_starts(shared: Interpreter, name: str) -> None:
    assert shared.says(PRELOADED) == "True"
    value = {"PYTHONHASHSEED": "1", "PYTHONWARNINGS": "error", "LC_ALL": "C"}.get(name, "/tmp")  # noqa: S108
    assert shared.says(PRELOADED, environment={name: value}) == "False"


@pytest.mark.parametrize(
    "name", ["PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "TZ", "AWS_PROFILE", "LINES"]
)
def test_a_variable_that_does_not(shared: Interpreter, name: str) -> None:
    assert shared.says(PRELOADED, environment={name: "1"}) == "True"


def test_become(make: Make) -> None:
    interpreter = make()
    # What Ansible's become plugins run, here without another user.
    command = f"echo BECOME-SUCCESS-abcdefghijkl ; {interpreter.client} && sleep 0"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=interpreter.environment,
        input=payload(f"print({PRELOADED})"),
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == "BECOME-SUCCESS-abcdefghijkl\nFalse\n"
    assert not (interpreter.folder / "run").exists()


@pytest.mark.parametrize("kind", ["open to others", "a link", "a file", "too long", "another user's"])
def test_a_folder_that_is_not_this_users_alone(make: Make, kind: str) -> None:
    interpreter = make()
    folder = interpreter.folder / "run"
    match kind:
        case "open to others":
            folder.mkdir(mode=0o755)
        case "a link":
            (interpreter.folder / "real").mkdir(mode=0o700)
            folder.symlink_to("real")
        case "a file":
            folder.touch(mode=0o600)
        case "too long":
            folder = interpreter.folder / ("x" * 100)
        case "another user's" if os.geteuid() == 0:
            folder.mkdir(mode=0o700)
            os.chown(folder, 65534, 65534)
        case _:
            pytest.skip("only root can make a folder another user's")
    done = interpreter.run(f"print({PRELOADED})", environment={"ANDAMIO_PRELOAD_DIR": str(folder)})
    assert (done.stdout, done.returncode) == ("False\n", 0)
    if folder.is_dir():
        assert not list(folder.iterdir())


def test_a_server_that_cannot_start(make: Make, tmp_path: Path) -> None:
    (tmp_path / "interpreter").mkdir()
    client = tmp_path / "interpreter" / "python"
    client.write_bytes((Path(__file__).parents[3] / "interpreter" / "python").read_bytes())
    client.chmod(0o755)
    assert make(root=tmp_path).says(PRELOADED) == "False"
