"""packages on a host of four small scripts: a dpkg that knows what is installed, and an apt with lists."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _packages
from ansible_collections.andamio.laravel_aws.plugins.modules import packages

from tests.integration.modules import run_module

DPKG_QUERY = """
sed 's/$/ installed ok/' installed
[ ! -e broken ] || cat broken
"""
# Runs its command elsewhere, as systemd does: its output is in the file, and not its caller's.
SYSTEMD_RUN = """
if [ -s refusals ]; then
  sed -i 1d refusals
  echo "Failed to start transient service unit: Unit andamio-packages.service was already loaded" >&2
  exit 1
fi
while [ "$1" != -- ]; do shift; done
shift
"$@" >output 2>&1
"""
SYSTEMCTL = """
if [ -s work ]; then sed -i 1d work; echo active; exit 0; fi
rm -f transient/andamio-packages.service
echo inactive
exit 3
"""
# `mirror` is what there is to have, `lists` what apt has read of it, `failures` how often dpkg fails yet.
APT_GET = """
for word; do
  if [ "$word" = --fix-broken ]; then
    if [ -e no-archive ]; then
      echo "E: The package libheif needs to be reinstalled, but I can't find an archive for it."
      exit 100
    fi
    while read -r name rest; do echo "$name" >>installed; done <broken
    rm -f broken
    exit 0
  fi
done
while [ "$1" != update ] && [ "$1" != install ]; do shift; done
if [ "$1" = update ]; then
  [ ! -s locked ] || { : >locked; echo "E: Could not get lock /var/lib/apt/lists/lock." >&2; exit 100; }
  [ ! -e offline ] || { echo "E: The repository has no Release file." >&2; exit 100; }
  cp mirror lists/deb_Packages
  exit 0
fi
shift
if [ -e interrupted ]; then echo "E: dpkg was interrupted, you must manually run it" >&2; exit 100; fi
for name; do
  grep -qx "$name" lists/deb_Packages || { echo "E: Unable to locate package $name" >&2; exit 100; }
done
if [ -s failures ]; then
  sed -i 1d failures
  echo "Job for mysql.service failed"
  echo "E: Sub-process /usr/bin/dpkg returned an error code (1)" >&2
  exit 100
fi
for name; do echo "$name" >>installed; done
"""
APT_MARK = (
    'shift; for name; do sed -i "/^Package: $name$/,/^$/s/Installed: 1/Installed: 0/" extended_states; done'
)
PROGRAMS = {
    "dpkg-query": DPKG_QUERY,
    "apt-get": APT_GET,
    "apt-mark": APT_MARK,
    "dpkg": 'rm -f interrupted; [ "$2" != --force-depends ] || rm -f broken no-archive',
    "systemd-run": SYSTEMD_RUN,
    "systemctl": SYSTEMCTL,
}
HOUR = 3600


class Host:
    """A folder with the programs and what they remember."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("bin", "lists", "sources.list.d", "transient"):
            (root / name).mkdir()
        for name, script in PROGRAMS.items():
            program = root / "bin" / name
            program.write_text(f'#!/bin/sh\ncd {root}\nprintf "%s\\n" "{name} $*" >>calls\n{script}\n')
            program.chmod(0o755)
        self.write("installed", "bash\n")
        self.write("mirror", "nginx\nmysql-server\n")
        self.write("lists/deb_Packages", "nginx\n")
        self.write("sources.list", "deb http://deb.debian.org/debian trixie main\n")
        self.age("sources.list", 9 * HOUR)
        self.age("lists", HOUR / 2)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def age(self, name: str, seconds: float) -> None:
        then = time.time() - seconds
        os.utime(self.root / name, (then, then))

    def calls(self) -> list[str]:
        """What was run since the last look: each program, and apt-get's command."""
        file = self.root / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [
            line.split(" -", 1)[0]
            + "".join(f" {word}" for word in ("--fix-broken", "update", "install") if f" {word}" in line)
            for line in lines
            if not line.startswith("system")
        ]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(_packages, "LISTS", str(tmp_path / "lists"))
    monkeypatch.setattr(_packages, "SOURCES", str(tmp_path))
    monkeypatch.setattr(_packages, "EXTENDED_STATES", str(tmp_path / "extended_states"))
    for name, path in (("TRANSIENT", "transient"), ("OUTPUT", "output"), ("SYSTEMD", "transient")):
        monkeypatch.setattr(_packages, name, str(tmp_path / path))
    monkeypatch.setattr(_packages, "FRONTEND_LOCK", str(tmp_path / "lock-frontend"))
    monkeypatch.setattr(packages, "PAUSE", 0)
    return host


def run(**arguments: Any) -> dict[str, Any]:
    return run_module("packages", **arguments)


LOOK = ["dpkg-query", "dpkg-query"]
INSTALL = [*LOOK, "apt-get install", "dpkg-query"]
READ_AND_INSTALL = [*LOOK, "apt-get update", "apt-get install", "dpkg-query"]


def test_apt_is_not_asked_for_what_is_there(host: Host) -> None:
    result = run(name=["bash", "bash"])
    assert (result["changed"], result["missing"], result["installed"]) == (False, [], [])
    assert host.calls() == ["dpkg-query"]


def test_what_is_missing_is_installed_and_the_second_run_does_nothing(host: Host) -> None:
    result = run(name=["bash", "nginx"])
    assert (result["changed"], result["missing"], result["installed"]) == (True, ["nginx"], ["nginx"])
    assert (result["diff"]["before"], result["diff"]["after"]) == ("bash\n", "bash\nnginx\n")
    assert result["lists_read"] is False
    assert host.calls() == INSTALL
    assert run(name=["bash", "nginx"])["changed"] is False
    assert host.calls() == ["dpkg-query"]


def test_check_mode_tells_and_asks_apt_nothing(host: Host) -> None:
    host.age("lists", 9 * HOUR)
    plan = run(name=["bash", "nginx", "unknown-yet"], check=True)
    assert (plan["changed"], plan["missing"]) == (True, ["nginx", "unknown-yet"])
    assert plan["installed"] == []
    assert host.calls() == ["dpkg-query"]


def test_old_lists_are_read_first(host: Host) -> None:
    host.age("lists", 2 * HOUR)
    assert run(name=["nginx"])["lists_read"] is True
    assert host.calls() == READ_AND_INSTALL
    # apt says nothing of lists that were read and are the same: the folder's time is the module's.
    assert time.time() - (host.root / "lists").stat().st_mtime < HOUR


def test_an_empty_folder_is_no_lists_however_new(host: Host) -> None:
    (host.root / "lists/deb_Packages").unlink()
    run(name=["nginx"])
    assert host.calls() == READ_AND_INSTALL


def test_lists_older_than_a_source_are_read_first(host: Host) -> None:
    host.write("sources.list.d/mysql.sources", "Types: deb\n")
    run(name=["mysql-server"])
    assert host.calls() == READ_AND_INSTALL


def test_a_package_that_new_lists_do_not_know_is_looked_for_once_more(host: Host) -> None:
    run(name=["mysql-server"])
    assert host.calls() == [*LOOK, "apt-get install", "dpkg-query", *READ_AND_INSTALL[2:]]


def test_a_package_that_nobody_knows(host: Host) -> None:
    failed = run(name=["ngnix"], fails=True)
    assert failed["msg"].startswith("apt knows no package ngnix, and its lists were read just now")
    assert [call for call in host.calls() if call != "dpkg-query"] == [
        *("apt-get install", "apt-get update", "apt-get install")
    ]


def test_a_failed_installation_is_tried_again(host: Host) -> None:
    host.write("failures", "1\n2\n")
    assert run(name=["nginx"], retries=2)["changed"] is True
    assert host.calls().count("apt-get install") == 3


def test_a_failed_installation_says_what_apt_said(host: Host) -> None:
    host.write("failures", "1\n2\n3\n")
    failed = run(name=["nginx"], retries=1, fails=True)
    assert failed["msg"].startswith(
        "apt-get install nginx ended with 100: Sub-process /usr/bin/dpkg returned"
    )
    assert "Job for mysql.service failed" in failed["msg"]
    assert host.calls().count("apt-get install") == 2


def test_what_a_killed_run_left_is_completed(host: Host) -> None:
    host.write("interrupted", "")
    assert run(name=["nginx"])["changed"] is True
    assert "dpkg" in host.calls()


def test_each_change_outlives_its_caller(host: Host) -> None:
    host.age("lists", 2 * HOUR)
    run(name=["nginx"])
    lines = (host.root / "calls").read_text().splitlines()
    units = [line for line in lines if line.startswith("systemd-run")]
    assert [("update" in line, "install nginx" in line) for line in units] == [(True, False), (False, True)]
    for line in units:
        assert "--unit=andamio-packages.service" in line
        assert "--pipe" not in line
        assert "StandardOutput=truncate:" in line


def test_work_that_a_killed_run_left_under_way_is_waited_for(host: Host) -> None:
    host.write("transient/andamio-packages.service", "")
    host.write("work", "1\n2\n")
    run(name=["bash"])
    assert (host.root / "work").read_text() == ""
    # Another may begin between the look and the start.
    host.write("refusals", "1\n")
    assert run(name=["nginx"])["installed"] == ["nginx"]


def test_what_dpkg_was_killed_at_is_repaired_whatever_was_asked_for(host: Host) -> None:
    host.write("broken", "libheif half-installed reinstreq\n")
    assert run(name=["bash"], check=True)["repaired"] == ["libheif"]
    assert host.calls() == ["dpkg-query"]
    done = run(name=["bash"])
    assert (done["changed"], done["repaired"]) == (True, ["libheif"])
    assert host.calls() == [*LOOK, "dpkg", "apt-get --fix-broken install", "dpkg-query", "dpkg-query"]
    assert run(name=["bash"])["changed"] is False


def test_a_torn_package_that_nobody_has_any_more_makes_way(host: Host) -> None:
    host.write("broken", "libheif half-installed reinstreq\n")
    host.write("no-archive", "libheif")
    assert run(name=["nginx"])["repaired"] == ["libheif"]
    assert run(name=["nginx"])["changed"] is False


HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print(flush=True)
time.sleep(1)
"""


def test_a_lock_of_another_is_waited_for(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    lock = host.root / "lock-frontend"
    lock.write_text("")
    with subprocess.Popen(["python3", "-c", HOLDER, str(lock)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        run(name=["nginx"])
    assert "Another was using apt" in capsys.readouterr().err
    # A lock file that nobody holds, as a power cut leaves it, is none.
    run(name=["mysql-server"])
    assert "Another was using apt" not in capsys.readouterr().err


def test_a_host_without_systemd(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_packages, "SYSTEMD", str(host.root / "gone"))
    assert "systemd doesn't run this host" in run(name=["nginx"], fails=True)["msg"]
    assert run(name=["bash"])["changed"] is False


def test_another_reader_of_the_lists_is_waited_for(host: Host) -> None:
    host.write("locked", "yes")
    host.age("lists", 2 * HOUR)
    run(name=["nginx"])
    assert host.calls() == [*LOOK, "apt-get update", *READ_AND_INSTALL[2:]]


def test_lists_that_cannot_be_read(host: Host) -> None:
    host.write("offline", "")
    host.age("lists", 2 * HOUR)
    failed = run(name=["nginx"], fails=True)
    assert failed["msg"].startswith("apt can't read its package lists: The repository has no Release file.")


def test_a_dependency_that_is_asked_for_stays(host: Host) -> None:
    host.write("extended_states", "Package: bash\nAuto-Installed: 1\n\nPackage: dash\nAuto-Installed: 1\n")
    plan = run(name=["bash"], check=True)
    assert (plan["changed"], plan["marked"]) == (True, ["bash"])
    assert run(name=["bash"])["marked"] == ["bash"]
    assert run(name=["bash"])["changed"] is False


def test_a_virtual_package_is_refused_when_it_shows(host: Host) -> None:
    program = host.root / "bin/apt-get"
    program.write_text(program.read_text().replace('echo "$name" >>installed', "echo exim4 >>installed"))
    host.write("lists/deb_Packages", "mail-transport-agent\n")
    assert "dpkg has no mail-transport-agent" in run(name=["mail-transport-agent"], fails=True)["msg"]


def test_what_dpkg_cannot_be_asked_for_is_refused_first(host: Host) -> None:
    assert "'libc6:arm64', 'php*'" in run(name=["libc6:arm64", "php*"], fails=True)["msg"]
    assert host.calls() == []
