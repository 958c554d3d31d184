"""andamio-db: dumps that are whole or not there, and restores that lose nothing."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

SCRIPT = Path(__file__).resolve().parents[3] / "roles/mysql/files/andamio_db.py"
NOW = datetime(2026, 11, 24, 3, 10, 5, tzinfo=UTC)
KEY = "laravel/2026-11-24T031005Z.sql.gz"
SQL = b"CREATE TABLE t (id INT);\n-- Dump completed on 2026-11-24  3:10:05\n"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("andamio_db", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


andamio_db: Any = load_script()


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


class Host:
    """A host with a mysqldump that prints ``sql`` and a client that keeps a log of what it was given."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sql = root / "live.sql"
        self.sql.write_bytes(SQL)
        self.log = root / "client.log"
        self.tables = root / "tables"
        self.tables.write_text("")
        (root / "work").mkdir()
        self.settings = andamio_db.Settings(
            database="laravel",
            dump=[program(root / "mysqldump", f"cat {self.sql}")],
            client=[program(root / "mysql", self.client())],
            work=str(root / "work"),
            directory=str(root / "dumps"),
            keep=3,
        )
        self.place = andamio_db.store(self.settings)

    def client(self) -> str:
        return f'sql=$(cat); echo "$* < $sql" >>{self.log}; [ "$sql" != "SHOW TABLES" ] || cat {self.tables}'

    def break_program(self, name: str, script: str) -> None:
        program(self.root / name, script)

    def dumps(self) -> list[str]:
        keys: list[str] = self.place.keys("laravel/")
        return keys

    def given(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def write_dump(path: Path, sql: bytes) -> Path:
    path.write_bytes(gzip.compress(sql))
    return path


def test_a_dump_is_put_away_whole_and_for_root_alone(host: Host) -> None:
    assert andamio_db.make_dump(host.settings, host.place, NOW) == KEY
    dump = Path(host.settings.directory) / KEY
    assert gzip.decompress(dump.read_bytes()) == SQL
    assert dump.stat().st_mode & 0o777 == 0o600
    assert list((host.root / "work").iterdir()) == []


def test_a_mysqldump_that_fails_leaves_no_dump(host: Host) -> None:
    host.break_program("mysqldump", f"cat {host.sql}; exit 3")
    with pytest.raises(andamio_db.DumpError, match="ended with 3"):
        andamio_db.make_dump(host.settings, host.place, NOW)
    assert host.dumps() == []


@pytest.mark.parametrize("sql", [b"", b"\n", b"CREATE TABLE t (id INT);\n", SQL + b"more\n"])
def test_a_dump_without_its_last_line_is_not_put_away(host: Host, sql: bytes) -> None:
    host.sql.write_bytes(sql)
    with pytest.raises(andamio_db.DumpError, match="isn't whole"):
        andamio_db.make_dump(host.settings, host.place, NOW)
    assert host.dumps() == []


def test_a_dump_that_was_cut_short_is_told(tmp_path: Path) -> None:
    dump = write_dump(tmp_path / "dump.sql.gz", SQL)
    dump.write_bytes(dump.read_bytes()[:-9])
    with pytest.raises(andamio_db.DumpError, match="can't be unpacked"):
        andamio_db.check(dump)


def test_the_last_line_is_found_in_a_large_dump(tmp_path: Path) -> None:
    rows = b"INSERT INTO t VALUES (1);\n" * 200_000
    assert andamio_db.check(write_dump(tmp_path / "dump.sql.gz", rows + SQL)) == len(rows + SQL)


def test_a_folder_keeps_the_newest(host: Host) -> None:
    for day in range(1, 6):
        andamio_db.make_dump(host.settings, host.place, NOW.replace(day=day))
    assert [key[8:18] for key in host.dumps()] == ["2026-11-03", "2026-11-04", "2026-11-05"]


def test_a_restore_into_a_new_database(host: Host) -> None:
    andamio_db.make_dump(host.settings, host.place, NOW)
    andamio_db.restore(host.settings, host.place, "latest", "check", NOW)
    assert "CREATE DATABASE IF NOT EXISTS `check`" in host.given()
    assert "check < CREATE TABLE t (id INT);" in host.given()
    assert "DROP" not in host.given()


def test_another_database_with_tables_is_left_alone(host: Host) -> None:
    andamio_db.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    with pytest.raises(andamio_db.DumpError, match="has tables already"):
        andamio_db.restore(host.settings, host.place, "latest", "check", NOW)
    assert "check < CREATE TABLE" not in host.given()
    assert "DROP" not in host.given()


def test_the_live_database_is_dumped_before_it_is_replaced(host: Host) -> None:
    andamio_db.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    andamio_db.restore(host.settings, host.place, KEY, "laravel", NOW.replace(hour=9))
    assert host.dumps() == [KEY, KEY.replace("T03", "T09")]
    assert host.given().index("DROP DATABASE `laravel`") < host.given().index("laravel < CREATE TABLE t")


def test_an_empty_live_database_gets_the_dump_and_one_with_tables_is_left_alone(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    andamio_db.make_dump(host.settings, host.place, NOW)
    andamio_db.restore_if_empty(host.settings, host.place, "latest", NOW)
    assert host.given().count("laravel < CREATE TABLE t (id INT);") == 1
    assert "is loaded into laravel" in capsys.readouterr().out
    host.tables.write_text("t\n")
    andamio_db.restore_if_empty(host.settings, host.place, "latest", NOW)
    assert host.given().count("laravel < CREATE TABLE t (id INT);") == 1
    assert "DROP" not in host.given()
    assert host.dumps() == [KEY]
    assert "has tables already" in capsys.readouterr().out


def test_the_live_database_stays_when_it_cant_be_dumped(host: Host) -> None:
    andamio_db.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    host.break_program("mysqldump", "exit 2")
    with pytest.raises(andamio_db.DumpError, match="ended with 2"):
        andamio_db.restore(host.settings, host.place, KEY, "laravel", NOW.replace(hour=9))
    assert "DROP" not in host.given()


def test_a_load_that_fails_names_the_way_back(host: Host) -> None:
    andamio_db.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    host.break_program("mysql", f'{host.client()}; [ "$1" != laravel ] || exit 1')
    with pytest.raises(andamio_db.DumpError, match=r"what was there before is in .*T09"):
        andamio_db.restore(host.settings, host.place, KEY, "laravel", NOW.replace(hour=9))


@pytest.mark.parametrize("name", ["", "a b", "a`b", "a'b", "x" * 65])
def test_a_name_that_is_none_is_refused_before_anything_happens(host: Host, name: str) -> None:
    with pytest.raises(andamio_db.DumpError, match="no name"):
        andamio_db.restore(host.settings, host.place, "latest", name, NOW)
    assert host.given() == ""


def test_no_dump_is_told(host: Host) -> None:
    with pytest.raises(andamio_db.DumpError, match="no dump"):
        andamio_db.restore(host.settings, host.place, "latest", "check", NOW)
    with pytest.raises(andamio_db.DumpError, match="no dump"):
        andamio_db.restore(host.settings, host.place, KEY, "check", NOW)


def test_one_run_at_a_time(host: Host) -> None:
    with (
        andamio_db.alone(host.settings),
        pytest.raises(andamio_db.DumpError, match="another"),
        andamio_db.alone(host.settings),
    ):
        pass


def test_what_a_killed_run_left_is_deleted(host: Host) -> None:
    stale = host.root / "work/tmp123.sql.gz"
    stale.write_bytes(b"half a dump")
    with andamio_db.alone(host.settings):
        assert not stale.exists()


@mock_aws
def test_a_bucket(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="dumps")
    place = andamio_db.Bucket("dumps", "us-east-1")
    andamio_db.make_dump(host.settings, place, NOW)
    assert place.keys("laravel/") == [KEY]
    andamio_db.restore(host.settings, place, "latest", "check", NOW)
    assert "check < CREATE TABLE t" in host.given()
    with pytest.raises(andamio_db.DumpError, match="could not put s3://none/"):
        andamio_db.make_dump(host.settings, andamio_db.Bucket("none", "us-east-1"), NOW)


def test_the_command_says_what_is_wrong(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = host.root / "db.json"
    monkeypatch.setattr(andamio_db, "SETTINGS", settings)
    assert andamio_db.main(["dump"]) == 1
    known = {"database": "laravel", "dump": host.settings.dump, "client": host.settings.client}
    settings.write_text(json.dumps(known | {"work": host.settings.work}))
    assert andamio_db.main(["dump"]) == 1
    assert "no place for dumps" in capsys.readouterr().err
    settings.write_text(
        json.dumps(known | {"work": host.settings.work, "directory": host.settings.directory})
    )
    assert andamio_db.main(["dump"]) == 0
    assert andamio_db.main(["list"]) == 0
    assert "laravel/20" in capsys.readouterr().out


def test_a_labelled_dump_carries_its_label_and_sorts_by_time(host: Host) -> None:
    key = andamio_db.make_dump(host.settings, host.place, NOW, "v1.2-abc")
    assert key == KEY.replace(".sql.gz", "-v1.2-abc.sql.gz")
    assert host.dumps() == [key]


@pytest.mark.parametrize("label", ["a/b", "../x", "a b", "x" * 81])
def test_a_label_that_is_no_word_is_refused(host: Host, label: str) -> None:
    with pytest.raises(andamio_db.DumpError, match="is no word"):
        andamio_db.make_dump(host.settings, host.place, NOW, label)
    assert host.dumps() == []


@pytest.mark.parametrize(("size", "dumped"), [(0, 1), (500, 1), (501, 0)])
def test_a_database_above_the_limit_is_skipped_and_that_is_said(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], size: int, dumped: int
) -> None:
    host.break_program("mysql", f"cat >/dev/null; echo {size}")
    settings = host.root / "db.json"
    settings.write_text(json.dumps(vars(host.settings)))
    monkeypatch.setattr(andamio_db, "SETTINGS", settings)
    assert andamio_db.main(["dump", "--limit-mb", "500"]) == 0
    assert len(host.dumps()) == dumped
    assert ("skipped: laravel takes 501 MiB, more than 500" in capsys.readouterr().out) == (not dumped)
