"""The laravel_app role's units and formulas, for every supported distribution."""

from __future__ import annotations

import configparser
import hashlib
import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.render import DISTRIBUTIONS, evaluate, render

DEBIAN = DISTRIBUTIONS["Debian-13"]
FILES = Path(__file__).parents[3] / "roles/laravel_app/files"
UNITS = [
    *("laravel-worker@.service.j2", "laravel-scheduler.service.j2", "laravel-scheduler.timer.j2"),
    *("laravel-live.service.j2", "andamio-credentials.service.j2"),
]


@pytest.fixture(params=DISTRIBUTIONS.values(), ids=list(DISTRIBUTIONS))
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def unit(template: str, facts: dict[str, Any] = DEBIAN, **overrides: Any) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(render("laravel_app", template, facts, **overrides))
    return parser


@pytest.mark.parametrize("template", UNITS)
def test_units_are_well_formed_and_set_nothing_twice(template: str, facts: dict[str, Any]) -> None:
    assert "Unit" in unit(template, facts)


def test_the_php_is_the_distributions() -> None:
    assert [
        unit("laravel-worker@.service.j2", facts)["Service"]["ExecStart"].split(" sh ")[1].split()[0]
        for facts in DISTRIBUTIONS.values()
    ] == ["/usr/bin/php8.4", "/usr/bin/php8.3", "/usr/bin/php8.5"]


def test_a_worker_starts_in_the_release_that_is_live_by_then() -> None:
    service = unit("laravel-worker@.service.j2", laravel_app_worker_queues=["high", "default"])["Service"]
    assert service["WorkingDirectory"] == "/srv/laravel"
    # systemd makes one dollar of two.
    assert service["ExecStart"].startswith("""/bin/sh -c 'cd -P current && exec "$$@"' sh /usr/bin/php8.4 """)
    assert " artisan queue:work " in service["ExecStart"]
    assert "--queue=high,default " in service["ExecStart"]


def test_a_worker_gets_the_time_of_a_job_to_stop() -> None:
    service = unit("laravel-worker@.service.j2", laravel_app_worker_timeout=300)["Service"]
    assert "--timeout=300 " in service["ExecStart"]
    assert service["TimeoutStopSec"] == "310"
    assert service["KillMode"] == "mixed"


def test_memory_is_limited_above_where_a_worker_renews_itself() -> None:
    service = unit("laravel-worker@.service.j2", laravel_app_worker_memory_mb=200)["Service"]
    assert service["ExecStart"].endswith("--memory=200")
    assert service["MemoryMax"] == "300M"


@pytest.mark.parametrize("template", UNITS[:2])
def test_units_write_to_storage_and_what_is_named(template: str) -> None:
    service = unit(template, laravel_app_write_paths=["/srv/exports"])["Service"]
    assert service["ReadWritePaths"] == "/srv/laravel/shared/storage /srv/exports"
    assert service["User"] == "laravel"


def test_all_units_that_run_the_applications_code_are_confined_by_one_file() -> None:
    roles = FILES.parents[1]
    hardening = (roles / "php_fpm/files/hardening.conf").read_text()
    confined = [line.partition("=")[0] for line in hardening.splitlines() if "=" in line and line[0] != "#"]
    assert len(confined) == len(set(confined))
    for name, value in (
        *(("ProtectSystem", "strict"), ("CapabilityBoundingSet", ""), ("PrivateUsers", "yes")),
        *(("EnvironmentFile", "-/etc/andamio/app.env"), ("NoNewPrivileges", "yes"), ("ProtectHome", "yes")),
        ("IPAddressDeny", "169.254.169.254 fd00:ec2::254"),
    ):
        assert f"{name}={value}" in hardening.splitlines()
    # PCRE's compiler needs memory that is written and run.
    assert "MemoryDenyWriteExecute" not in confined
    for role, units in (
        ("php_fpm/tasks/service.yml", ["php-fpm@"]),
        ("laravel_app/tasks/units.yml", ["laravel-worker@", "laravel-scheduler", "laravel-command-"]),
    ):
        tasks = (roles / role).read_text()
        assert all(f"/etc/systemd/system/{name}.service.d/hardening.conf" in tasks for name in units)
    # What is confined by the drop-in isn't said, and perhaps otherwise, by a unit.
    for template in (
        *roles.glob("*/templates/laravel-*.service.j2"),
        *roles.glob("*/templates/php-fpm@*.j2"),
    ):
        said = {line.partition("=")[0] for line in template.read_text().splitlines()}
        # These two add to what the drop-in says.
        assert not (said & set(confined)) - {"SystemCallFilter", "EnvironmentFile"}, template


def test_background_tasks_outlive_the_schedulers_run() -> None:
    assert unit("laravel-scheduler.service.j2")["Service"]["KillMode"] == "process"


def test_workers_are_as_many_as_asked_for() -> None:
    assert evaluate("laravel_app", "__laravel_app_worker_units | list", DEBIAN, laravel_app_workers=2) == [
        "laravel-worker@1.service",
        "laravel-worker@2.service",
    ]
    assert evaluate("laravel_app", "__laravel_app_worker_units | list", DEBIAN, laravel_app_workers=0) == []


def test_what_asks_aws_needs_boto3() -> None:
    assert "python3-boto3" in evaluate("laravel_app", "__laravel_app_packages", DEBIAN)
    assert "python3-boto3" in evaluate(
        "laravel_app", "__laravel_app_packages", DEBIAN, laravel_app_env_source="file"
    )
    assert "python3-boto3" not in evaluate(
        "laravel_app",
        "__laravel_app_packages",
        DEBIAN,
        laravel_app_env_source="file",
        laravel_app_aws_role="",
    )


def test_the_log_is_rotated_as_the_application() -> None:
    text = render("laravel_app", "logrotate.j2", DEBIAN, laravel_app_log_days=3)
    assert text.splitlines()[3] == "/srv/laravel/shared/storage/logs/laravel.log {"
    assert "su laravel laravel" in text
    assert "rotate 3" in text


def test_the_engine_is_told_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FILES))
    settings_from = importlib.import_module("andamio_release.settings").settings_from
    given = evaluate(
        "laravel_app", "__laravel_app_settings", DEBIAN, laravel_app_workers=2, laravel_app_keep_releases=7
    )
    settings = settings_from(given, "here")
    assert settings.workers == ["laravel-worker@1.service", "laravel-worker@2.service"]
    assert (settings.keep, settings.php, settings.env_path) == (
        7,
        "/usr/bin/php8.4",
        "/academia/sandbox/env/",
    )
    assert settings.probes == [{"path": "/up"}]
    # Engine, nginx and units look at one flag.
    flag = f"{settings.maintenance}/down"
    assert f"if (-f {flag}) {{" in render("nginx", "site.conf.j2", DEBIAN)
    for unit in ("laravel-worker@", "laravel-scheduler"):
        text = render("laravel_app", f"{unit}.service.j2", DEBIAN)
        assert f"ConditionPathExistsGlob=!{flag}\n" in text


def test_the_engines_files_are_compared_with_what_sha256sum_prints() -> None:
    wanted = evaluate("laravel_app", "__laravel_app_engine_wanted", DEBIAN)
    path = FILES / "andamio_release" / "cli.py"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert f"{digest}  /usr/local/lib/andamio/andamio_release/cli.py" in wanted
    files = [path for path in (FILES / "andamio_release").iterdir() if path.is_file()]
    assert len(wanted) == len(files)
