"""What the engine runs of the application: in a unit of its own, confined, and how its end is told."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest
from andamio_release import build, commands
from andamio_release.commands import Commands, EndedError, KilledError
from andamio_release.errors import ReleaseError
from andamio_release.settings import Settings

# Stands for systemd-run: notes how it was called, and runs the program.
RUN = """#!/bin/sh
printf '%s\\n' "$@" >"{there}/called"
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""
# Stands for systemctl, which knows how a unit has ended.
CONTROL = """#!/bin/sh
echo "$@" >>"{there}/controlled"
[ "$1" != show ] || cat "{there}/state"
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that stand for systemd's."""
    for name, text in (("systemd-run", RUN), ("systemctl", CONTROL)):
        (tmp_path / name).write_text(text.replace("{there}", str(tmp_path)))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(commands, "PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.fixture
def run(host: Path) -> Commands:
    settings = Settings(
        *(str(host), "laravel", "laravel", "php", "api.academia.test", []), writable=["/srv/laravel/storage"]
    )
    return Commands(settings, io.StringIO())


def ended(host: Path, result: str, code: int, status: int) -> None:
    (host / "state").write_text(f"Result={result}\nExecMainCode={code}\nExecMainStatus={status}\n")


def test_the_application_runs_as_its_user_in_a_unit_that_the_drop_in_is_for(
    host: Path, run: Commands
) -> None:
    release = host / "release"
    said = run.app(
        release, "echo", "$HOME", "well", seconds=20, extra={"A": "b"}, writable=[release / "vendor"]
    )
    assert said == "$HOME well\n"
    called = (host / "called").read_text().splitlines()
    assert {"--uid=laravel", "--gid=laravel", "--wait", "--pipe", "--expand-environment=no"} <= set(called)
    assert any(word.startswith("--unit=laravel-command-") and word.endswith(".service") for word in called)
    assert {"--setenv=HOME=/nonexistent", "--setenv=A=b", "--property=RuntimeMaxSec=20"} <= set(called)
    assert [word for word in called if "ReadWritePaths" in word] == [
        f"--property=ReadWritePaths=-{path}"
        for path in ("/srv/laravel/storage", f"{release}/bootstrap/cache", f"{release}/vendor")
    ]


@pytest.mark.parametrize(
    ("how", "kind", "told"),
    [
        (("exit-code", 1, 3), EndedError, "`sh -c echo no; exit 3` ended with 3:\nno"),
        (("signal", 2, 9), KilledError, "was killed by signal 9"),
        (("core-dump", 3, 11), KilledError, "was killed by signal 11"),
        (("timeout", 2, 15), KilledError, "took longer than 900 s"),
        (("oom-kill", 2, 9), KilledError, "more memory than it may have"),
    ],
)
def test_how_a_unit_ended_is_told(
    host: Path, run: Commands, how: tuple[str, int, int], kind: type[Exception], told: str
) -> None:
    ended(host, *how)
    with pytest.raises(ReleaseError) as error:
        run.app(host, "sh", "-c", "echo no; exit 3")
    assert type(error.value) is kind
    assert told in str(error.value)
    assert "reset-failed laravel-command-" in (host / "controlled").read_text()


def test_a_unit_is_ended_with_its_client(host: Path, run: Commands) -> None:
    ended(host, "success", 0, 0)
    with pytest.raises(KilledError, match="signal 9"):
        run.app(host, "sh", "-c", "kill -9 $$")
    assert (host / "controlled").read_text().startswith("stop laravel-command-")


def test_what_a_killed_run_has_left_is_ended(host: Path, run: Commands) -> None:
    run.end_left_over()
    assert "stop laravel-command-*.service" in (host / "controlled").read_text()


def test_what_composer_wrote_becomes_code_that_may_be_read_and_not_changed(tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    (vendor / "acme/bin").mkdir(parents=True, mode=0o750)
    program, code = vendor / "acme/bin/tool", vendor / "acme/code.php"
    for file, mode in ((program, 0o770), (code, 0o660)):
        file.write_text("<?php")
        file.chmod(mode)
    (vendor / "tool").symlink_to("acme/bin/tool")
    build.adopt(vendor, tmp_path, os.geteuid())
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (vendor, vendor / "acme", program, code)}
    assert modes == {vendor: 0o755, vendor / "acme": 0o755, program: 0o755, code: 0o644}


@pytest.mark.parametrize("left", ["link", "folder", "fifo", "names"])
def test_what_composer_may_not_leave_is_refused_and_not_followed(tmp_path: Path, left: str) -> None:
    release, outside = tmp_path / "release", tmp_path / "outside"
    vendor = release / "vendor"
    vendor.mkdir(parents=True)
    outside.mkdir()
    (outside / "file").write_text("")
    (outside / "file").chmod(0o600)
    outside.chmod(0o700)
    if left == "fifo":
        os.mkfifo(vendor / "x")
    elif left == "names":
        os.link(outside / "file", vendor / "x")
    else:
        (vendor / "x").symlink_to(outside / "file" if left == "link" else outside)
    with pytest.raises(ReleaseError, match="Composer left"):
        build.adopt(vendor, release, os.geteuid())
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700
    assert stat.S_IMODE((outside / "file").stat().st_mode) == 0o600
