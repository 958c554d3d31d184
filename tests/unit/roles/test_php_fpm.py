"""What the php_fpm role writes on each supported distribution, and its arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.roles.render import DISTRIBUTIONS, evaluate, render

VERSIONS = {"Debian-13": "8.4", "Ubuntu-24": "8.3", "Ubuntu-26": "8.5"}


@pytest.fixture(params=DISTRIBUTIONS.values(), ids=DISTRIBUTIONS.keys())
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def ini(text: str) -> dict[str, str]:
    lines = (
        line.partition(" = ") for line in text.splitlines() if " = " in line and not line.startswith(";")
    )
    return {key: value for key, _equals, value in lines}


def pool(facts: dict[str, Any], memory_mb: int = 916, **overrides: Any) -> dict[str, str]:
    return ini(
        render("php_fpm", "pool.conf.j2", facts, __php_fpm_memory={"memory_mb": memory_mb}, **overrides)
    )


@pytest.mark.parametrize("distribution", VERSIONS)
def test_the_version_is_the_distributions(distribution: str) -> None:
    version = VERSIONS[distribution]
    packages = evaluate("php_fpm", "__php_fpm_packages", DISTRIBUTIONS[distribution])
    assert {f"php{version}-{part}" for part in ("cli", "fpm", "mysql", "mbstring", "curl", "xml")} <= set(
        packages
    )
    assert pool(DISTRIBUTIONS[distribution])["error_log"] == f"/var/log/php{version}-fpm.log"


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
    assert found["listen"] == "/run/php/laravel.sock"
    assert (found["listen.owner"], found["listen.mode"]) == ("www-data", "0660")
    assert found["pm.max_requests"] == "500"
    assert found["process_control_timeout"] == "30s"
    assert found["security.limit_extensions"] == ".php"


def test_php_tells_strangers_nothing(facts: dict[str, Any]) -> None:
    found = ini(render("php_fpm", "php.ini.j2", facts))
    assert found["expose_php"] == "Off"
    assert found["display_errors"] == "Off"
    assert found["allow_url_include"] == "Off"
    assert "open_basedir" not in found


def test_opcache_is_made_for_deploys_by_symlink(facts: dict[str, Any]) -> None:
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


def test_memory_runs_out_for_requests_first(facts: dict[str, Any]) -> None:
    assert "OOMScoreAdjust=200" in render("php_fpm", "service.conf.j2", facts).splitlines()


def test_logs_are_rotated(facts: dict[str, Any]) -> None:
    text = render("php_fpm", "logrotate.j2", facts)
    assert text.splitlines()[1] == "/var/log/php-fpm/*.log {"
    assert "create 0640 laravel adm" in text
