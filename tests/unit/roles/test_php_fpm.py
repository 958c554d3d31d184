"""What the php_fpm role writes on each supported distribution, and its arithmetic."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.render import DISTRIBUTIONS, evaluate, render

VERSIONS = {"Debian-13": "8.4", "Ubuntu-24": "8.3", "Ubuntu-26": "8.5"}


@pytest.fixture(params=DISTRIBUTIONS.values(), ids=list(DISTRIBUTIONS))
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def ini(text: str) -> dict[str, str]:
    lines = (
        line.partition(" = ") for line in text.splitlines() if " = " in line and not line.startswith(";")
    )
    return {key: value for key, _equals, value in lines}


def service(facts: dict[str, Any], **overrides: Any) -> dict[str, str]:
    lines = render("php_fpm", "php-fpm@.service.j2", facts, **overrides).splitlines()
    return {key: value for key, equals, value in (line.partition("=") for line in lines) if equals}


def pool(facts: dict[str, Any], memory_mb: int = 916, **overrides: Any) -> dict[str, str]:
    return ini(
        render("php_fpm", "fpm.conf.j2", facts, __php_fpm_memory={"memory_mb": memory_mb}, **overrides)
    )


@pytest.mark.parametrize("distribution", VERSIONS)
def test_the_version_is_the_distributions(distribution: str) -> None:
    version = VERSIONS[distribution]
    packages = evaluate("php_fpm", "__php_fpm_packages", DISTRIBUTIONS[distribution])
    assert {f"php{version}-{part}" for part in ("cli", "fpm", "mysql", "mbstring", "curl", "xml")} <= set(
        packages
    )
    unit = service(DISTRIBUTIONS[distribution])
    assert unit["ExecStart"].startswith(f"/usr/sbin/php-fpm{version} --nodaemonize ")
    assert f"--fpm-config /etc/php/{version}/fpm/andamio.conf" in unit["ExecStart"]


def test_opcache_is_a_package_until_php_has_it_built_in() -> None:
    assert "php8.4-opcache" in evaluate("php_fpm", "__php_fpm_packages", DISTRIBUTIONS["Debian-13"])
    assert "php8.5-opcache" not in evaluate("php_fpm", "__php_fpm_packages", DISTRIBUTIONS["Ubuntu-26"])


@pytest.mark.parametrize(
    ("memory_mb", "children", "start", "spare"),
    [(512, 2, 1, 1), (916, 8, 2, 4), (1024, 11, 2, 5), (1906, 33, 8, 16), (3880, 83, 20, 41)],
)
def test_children_follow_the_memory(
    facts: dict[str, Any], memory_mb: int, children: int, start: int, spare: int
) -> None:
    found = pool(facts, memory_mb)
    assert found["pm.max_children"] == str(children)
    assert found["pm.start_servers"] == found["pm.min_spare_servers"] == str(start)
    assert found["pm.max_spare_servers"] == str(spare)


@pytest.mark.parametrize("children", [1, 2, 3, 50])
def test_fpm_accepts_the_spares_of_any_number_of_children(facts: dict[str, Any], children: int) -> None:
    found = {
        key: int(value) for key, value in pool(facts, php_fpm_children=children).items() if value.isdigit()
    }
    assert found["pm.max_children"] == children
    assert 0 < found["pm.min_spare_servers"] <= found["pm.start_servers"] <= found["pm.max_spare_servers"]
    assert found["pm.max_spare_servers"] <= children


def test_each_way_of_keeping_children_has_its_own_settings(facts: dict[str, Any]) -> None:
    dynamic, ondemand, static = (pool(facts, php_fpm_pm=pm) for pm in ("dynamic", "ondemand", "static"))
    assert "pm.start_servers" in dynamic
    assert "pm.process_idle_timeout" in ondemand
    assert not {"pm.start_servers", "pm.process_idle_timeout"} & set(static)


def test_the_pool(facts: dict[str, Any]) -> None:
    found = pool(facts)
    assert found["user"] == "laravel"
    assert found["listen"] == "/run/php/release-${RELEASE}.sock"
    socket = render("php_fpm", "php-fpm@.socket.j2", facts).splitlines()
    assert {"ListenStream=/run/php/release-%i.sock", "SocketUser=www-data", "SocketMode=0660"} <= set(socket)
    assert found["pm.max_requests"] == "500"
    assert found["process_control_timeout"] == "30s"
    # Every release writes these, and logrotate knows this folder.
    assert found["error_log"] == "/var/log/php-fpm/php-fpm.log"
    assert found["slowlog"] == "/var/log/php-fpm/laravel.slow.log"
    assert found["security.limit_extensions"] == ".php"


def test_php_tells_strangers_nothing(facts: dict[str, Any]) -> None:
    found = ini(render("php_fpm", "php.ini.j2", facts))
    assert found["expose_php"] == "Off"
    assert found["display_errors"] == "Off"
    assert found["allow_url_include"] == "Off"
    assert "open_basedir" not in found


def test_opcache_never_looks_at_files_again(facts: dict[str, Any]) -> None:
    found = ini(render("php_fpm", "php.ini.j2", facts))
    assert found["opcache.memory_consumption"] == "96"
    assert found["opcache.validate_timestamps"] == "0"
    assert found["opcache.file_update_protection"] == "0"


def test_a_form_with_the_largest_upload_still_fits(facts: dict[str, Any]) -> None:
    found = ini(render("php_fpm", "php.ini.j2", facts, php_fpm_upload_mb=50))
    assert (found["upload_max_filesize"], found["post_max_size"]) == ("50M", "51M")


def test_settings_are_added_and_taken_away(facts: dict[str, Any]) -> None:
    wanted = {"max_input_vars": 5000, "session.cookie_secure": None}
    found = ini(render("php_fpm", "php.ini.j2", facts, php_fpm_settings=wanted))
    assert found["max_input_vars"] == "5000"
    assert "session.cookie_secure" not in found


def test_each_release_has_a_service_of_its_own(facts: dict[str, Any]) -> None:
    unit = service(facts)
    assert unit["Type"] == "notify"
    assert (unit["User"], unit["Group"]) == ("laravel", "laravel")
    # The first descriptor that systemd hands over, by the name that the pool has for it.
    assert unit["Environment"] == "FPM_SOCKETS=/run/php/release-%i.sock=3"
    assert unit["Requires"] == "php-fpm@%i.socket"
    assert unit["ReadWritePaths"] == "/var/log/php-fpm -/srv/laravel/shared/storage"
    assert unit["EnvironmentFile"] == "-/var/lib/andamio/fpm/%i.env"
    # By itself, so that systemd splits it into words, or leaves it out.
    assert unit["ExecStart"].endswith(" $PRELOAD_OPTIONS")


def test_a_release_that_fails_is_started_again_without_preloading(facts: dict[str, Any]) -> None:
    unit = service(facts)
    assert unit["ExecStopPost"] == (
        """+/bin/sh -c 'test "$$SERVICE_RESULT" = success || rm -f /var/lib/andamio/fpm/%i.env'"""
    )
    assert unit["Restart"] == "on-failure"
    assert unit["StartLimitIntervalSec"] == "0"


@pytest.mark.parametrize(("wait", "limit", "longest"), [(30, 60, 65), (300, 60, 305)])
def test_stopping_lets_requests_end(facts: dict[str, Any], wait: int, limit: int, longest: int) -> None:
    unit = service(facts, php_fpm_reload_wait_seconds=wait, php_fpm_request_timeout_seconds=limit)
    assert (unit["KillMode"], unit["KillSignal"]) == ("mixed", "SIGQUIT")
    assert unit["TimeoutStopSec"] == f"{longest}s"
    assert unit["ExecReload"] == "/bin/kill -USR2 $MAINPID"


def test_memory_runs_out_for_requests_first(facts: dict[str, Any]) -> None:
    unit = service(facts)
    assert (unit["OOMScoreAdjust"], unit["OOMPolicy"]) == ("200", "continue")


def test_logs_are_rotated_and_keep_their_owners(facts: dict[str, Any]) -> None:
    lines = render("php_fpm", "logrotate.j2", facts).splitlines()
    assert lines[1] == "/var/log/php-fpm/*.log {"
    assert "    create" in lines


# What a host has, in a folder: programs that say what they were asked.
PROGRAMS = {
    "dpkg-query": 'cat "$HOST/installed"',
    "php-fpm": 'echo "test $RELEASE" >>"$HOST/done"; test ! -e "$HOST/broken"',
    "systemctl": 'echo "$*" >>"$HOST/done"',
}


class Host:
    """A folder in which php-fpm-refresh runs as on a host."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self.folder = folder
        for name, script in PROGRAMS.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        self.script = render(
            *("php_fpm", "php-fpm-refresh.j2", facts),
            __php_fpm_state=str(folder),
            __php_fpm_binary=str(folder / "php-fpm"),
        )

    def refresh(self, installed: str) -> tuple[int, list[str]]:
        """Run it with these packages: its exit status, and what it did."""
        (self.folder / "installed").write_text(f"{installed}\n")
        (self.folder / "done").write_text("")
        environment = {"HOST": str(self.folder), "PATH": f"{self.folder}:{os.environ['PATH']}"}
        ran = subprocess.run(["sh", "-c", self.script], env=environment, check=False)
        return ran.returncode, (self.folder / "done").read_text().splitlines()


RELOADED = ["test test", "try-reload-or-restart php-fpm@*.service"]


def test_a_new_php_is_used_once(facts: dict[str, Any], tmp_path: Path) -> None:
    host = Host(tmp_path, facts)
    assert host.refresh("php8.4-fpm 8.4.1") == (0, RELOADED)
    assert host.refresh("php8.4-fpm 8.4.1") == (0, [])
    assert host.refresh("php8.4-fpm 8.4.2") == (0, RELOADED)
    assert host.refresh("php8.4-fpm 8.4.2") == (0, [])


def test_a_php_that_would_not_start_is_not_used_until_it_would(facts: dict[str, Any], tmp_path: Path) -> None:
    host = Host(tmp_path, facts)
    host.refresh("php8.4-fpm 8.4.1")
    (tmp_path / "broken").touch()
    assert host.refresh("php8.4-fpm 8.4.2") == (1, ["test test"])
    (tmp_path / "broken").unlink()
    assert host.refresh("php8.4-fpm 8.4.2") == (0, RELOADED)


def test_nothing_is_done_where_php_was_removed(facts: dict[str, Any], tmp_path: Path) -> None:
    host = Host(tmp_path, facts)
    (tmp_path / "php-fpm").unlink()
    assert host.refresh("") == (0, [])


def test_apt_goes_on_when_refreshing_fails(facts: dict[str, Any]) -> None:
    assert render("php_fpm", "apt.conf.j2", facts).splitlines()[1:] == [
        'DPkg::Post-Invoke { "/usr/local/sbin/php-fpm-refresh || true"; };'
    ]
