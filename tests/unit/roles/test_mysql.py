"""What the mysql role writes on each supported distribution, and its arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.roles.render import DISTRIBUTIONS, evaluate, render

SOURCES = ("distribution", "mysql_apt_repository", "debian_sid", "mariadb")


@pytest.fixture(params=DISTRIBUTIONS.values(), ids=DISTRIBUTIONS.keys())
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def server(facts: dict[str, Any], memory_mb: int = 916, **overrides: Any) -> dict[str, str]:
    """The server's settings on a host with this much memory."""
    text = render("mysql", "server.cnf.j2", facts, __mysql_memory={"memory_mb": memory_mb}, **overrides)
    assert text.splitlines()[1] == "[mysqld]"
    lines = (line.partition(" = ") for line in text.splitlines()[2:])
    return {key: value for key, _equals, value in lines}


def test_nothing_but_this_host_reaches_the_server(facts: dict[str, Any]) -> None:
    found = server(facts)
    assert found["bind_address"] == "127.0.0.1"
    assert found["mysqlx"] == "OFF"
    assert "skip_name_resolve" not in found


@pytest.mark.parametrize(
    ("memory_mb", "buffer_pool", "connections", "performance_schema"),
    [
        (512, "128M", "30", "OFF"),
        (916, "128M", "30", "OFF"),
        (1024, "128M", "30", "OFF"),
        (1906, "256M", "57", "OFF"),
        (3880, "768M", "119", "ON"),
        (7900, "1792M", "244", "ON"),
    ],
)
def test_the_server_follows_the_memory(
    facts: dict[str, Any], memory_mb: int, buffer_pool: str, connections: str, performance_schema: str
) -> None:
    found = server(facts, memory_mb)
    assert found["innodb_buffer_pool_size"] == buffer_pool
    assert found["max_connections"] == connections
    assert found["performance_schema"] == performance_schema


def test_a_memory_that_is_given_wins(facts: dict[str, Any]) -> None:
    assert server(facts, 916, mysql_memory_mb=3880)["innodb_buffer_pool_size"] == "768M"


def test_settings_are_added_changed_and_taken_away(facts: dict[str, Any]) -> None:
    wanted = {"long_query_time": 1, "max_connections": 50, "disable_log_bin": None, "skip_name_resolve": ""}
    found = server(facts, mysql_settings=wanted)
    assert found["long_query_time"] == "1"
    assert found["max_connections"] == "50"
    assert found["skip_name_resolve"] == ""
    assert "disable_log_bin" not in found


def test_a_bare_name_has_no_equals_sign(facts: dict[str, Any]) -> None:
    text = render("mysql", "server.cnf.j2", facts, __mysql_memory={"memory_mb": 916})
    assert "\ndisable_log_bin\n" in text


def test_mariadb_gets_no_setting_of_mysql(facts: dict[str, Any]) -> None:
    found = server(facts, mysql_source="mariadb")
    assert found["innodb_log_file_size"] == "64M"
    assert not {"mysqlx", "temptable_max_ram", "innodb_redo_log_capacity"} & set(found)


@pytest.mark.parametrize(
    ("distribution", "source"),
    [("Debian-13", "mysql_apt_repository"), ("Ubuntu-24", "distribution"), ("Ubuntu-26", "distribution")],
)
def test_where_the_server_comes_from_by_itself(distribution: str, source: str) -> None:
    assert evaluate("mysql", "__mysql_source", DISTRIBUTIONS[distribution]) == source


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_says_what_it_installs(source: str, facts: dict[str, Any]) -> None:
    flavour = evaluate("mysql", "__mysql_flavour", facts, mysql_source=source)
    assert flavour["package"] == ("mariadb-server" if source == "mariadb" else "mysql-server")
    assert "%s" in flavour["validate"]


def test_sid_gives_mysql_and_its_libraries_and_nothing_else() -> None:
    facts = DISTRIBUTIONS["Debian-13"]
    pins = render("mysql", "apt_preferences.j2", facts, mysql_source="debian_sid").split("\n\n")
    assert "Package: mysql-* " in pins[0]
    assert "libc6" not in pins[0]
    assert pins[1].splitlines() == ["Package: *", "Pin: release n=sid", "Pin-Priority: -1"]
    source = render("mysql", "apt_source.j2", facts, mysql_source="debian_sid").splitlines()
    assert "Suites: sid" in source
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" in source


def test_mysqls_own_repository(facts: dict[str, Any]) -> None:
    source = render("mysql", "apt_source.j2", facts, mysql_source="mysql_apt_repository").splitlines()
    assert f"URIs: https://repo.mysql.com/apt/{facts['distribution'].lower()}" in source
    assert f"Suites: {facts['distribution_release']}" in source
    assert "Check-Valid-Until: yes" in source
    pins = render("mysql", "apt_preferences.j2", facts, mysql_source="mysql_apt_repository")
    assert "Pin: origin repo.mysql.com\n" in pins


def test_the_salt_is_always_the_same_and_each_hosts_own(facts: dict[str, Any]) -> None:
    salt = evaluate("mysql", "__mysql_salt", facts)
    assert len(salt) == 20
    assert evaluate("mysql", "__mysql_salt", facts) == salt
    assert evaluate("mysql", "__mysql_salt", facts, inventory_hostname="another") != salt


def test_no_file_holds_the_password(facts: dict[str, Any]) -> None:
    secret = {"mysql_app_password": "t0p-s3cret", "__mysql_memory": {"memory_mb": 916}}
    for template in ("server.cnf.j2", "mysql-dump.service.j2", "mysql-dump.timer.j2"):
        assert "t0p-s3cret" not in render("mysql", template, facts, **secret)
    assert "t0p-s3cret" not in str(evaluate("mysql", "__mysql_dump_settings", facts, **secret))


def test_dumps_are_off_until_they_have_a_place(facts: dict[str, Any]) -> None:
    assert evaluate("mysql", "__mysql_dumps", facts) is False
    assert evaluate("mysql", "__mysql_dumps", facts, mysql_dump_bucket="dumps") is True
    assert evaluate("mysql", "__mysql_dumps", facts, mysql_dump_directory="/var/backups/mysql") is True


def test_the_dump_fits_the_server(facts: dict[str, Any]) -> None:
    dump = evaluate("mysql", "__mysql_dump_settings.dump", facts)
    assert dump[:2] == ["mysqldump", "--set-gtid-purged=OFF"]
    assert "--single-transaction" in dump
    dump = evaluate("mysql", "__mysql_dump_settings.dump", facts, mysql_source="mariadb")
    assert dump[0] == "mariadb-dump"
    assert "--set-gtid-purged=OFF" not in dump


def test_the_timer(facts: dict[str, Any]) -> None:
    lines = render("mysql", "mysql-dump.timer.j2", facts, mysql_dump_schedule="*-*-* 01:00:00").splitlines()
    assert "OnCalendar=*-*-* 01:00:00" in lines
    assert "Persistent=true" in lines


def test_the_dump_waits_for_the_server_it_dumps(facts: dict[str, Any]) -> None:
    assert "After=network-online.target mysql.service" in render("mysql", "mysql-dump.service.j2", facts)
    assert "mariadb.service" in render("mysql", "mysql-dump.service.j2", facts, mysql_source="mariadb")


KEY = """tru::1:1765000000:0:3:1:5
pub:-:4096:1:B7B3B788A8D3785C:1698085558:1824229558::-:::scESC::::::23::0:
fpr:::::::::BCA43417C3B485DD128EC6D4B7B3B788A8D3785C:
uid:-::::1761215158::0A::MySQL Release Engineering <mysql-build@oss.oracle.com>::::::::::0:
sub:-:4096:1:C952C9BCDC49A81A:1698085558:1824229558:::::e::::::23:
fpr:::::::::E2C6DE9B4F4B7F5E0C5C0A7CC952C9BCDC49A81A:
"""


def test_a_key_is_known_by_its_fingerprint(facts: dict[str, Any]) -> None:
    """What gpg --with-colons says: of each key the first, not the subkeys'."""
    for stdout, known in (
        (KEY, ["BCA43417C3B485DD128EC6D4B7B3B788A8D3785C"]),
        (KEY.replace("BCA4", "0000"), ["00003417C3B485DD128EC6D4B7B3B788A8D3785C"]),
        # A file with a second key in it is another file.
        (KEY + KEY, ["BCA43417C3B485DD128EC6D4B7B3B788A8D3785C"] * 2),
        ("", []),
    ):
        assert (
            evaluate("mysql", "__mysql_key_fingerprints", facts, __mysql_key_read={"stdout": stdout}) == known
        )
    wanted = evaluate("mysql", "mysql_apt_repository_key_fingerprint", facts)
    assert wanted.replace(" ", "") == "BCA43417C3B485DD128EC6D4B7B3B788A8D3785C"
