"""andamio-db: dumps that are whole or not there, and restores that lose nothing."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import boto3
import pytest
from moto import mock_aws

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "roles/mysql/files"))

from andamio_db import cli, definers, signature
from andamio_db import dump as dumping
from andamio_db import load as loading
from andamio_db import settings as host_settings
from andamio_db.errors import DumpError, HalfRestoredError
from andamio_db.restore import insist_on_whole, restore, restore_if_empty
from andamio_db.stores import Bucket, store

NOW = datetime(2026, 11, 24, 3, 10, 5, tzinfo=UTC)
KEY = "laravel/2026-11-24T031005Z.sql.gz"
SQL = b"CREATE TABLE t (id INT);\n-- Dump completed on 2026-11-24  3:10:05\n"


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
        self.settings = host_settings.Settings(
            database="laravel",
            user="laravel",
            dump=[program(root / "mysqldump", f"cat {self.sql}")],
            client=[program(root / "mysql", self.client())],
            work=str(root / "work"),
            directory=str(root / "dumps"),
            keep=3,
        )
        self.place = store(self.settings)

    def client(self) -> str:
        answers = f'case "$sql" in *information_schema*) cat {self.tables} ;; esac'
        return f'sql=$(cat); echo "$* < $sql" >>{self.log}; {answers}'

    def break_program(self, name: str, script: str) -> None:
        program(self.root / name, script)

    def dumps(self) -> list[str]:
        keys: list[str] = self.place.keys("laravel/")
        return keys

    def given(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host without systemd and server; molecule's test has both."""
    before = os.umask(0o022)
    monkeypatch.setattr(loading, "tidy", lambda settings: None)
    monkeypatch.setattr(loading, "command", lambda settings, database: [*settings.client, database])
    monkeypatch.setattr(definers, "give", lambda settings, database, old, new: None)
    yield Host(tmp_path)
    os.umask(before)


def write_dump(path: Path, sql: bytes) -> Path:
    path.write_bytes(gzip.compress(sql))
    return path


def test_a_dump_is_put_away_whole_and_for_root_alone(host: Host) -> None:
    assert dumping.make_dump(host.settings, host.place, NOW) == KEY
    dump = Path(host.settings.directory) / KEY
    assert gzip.decompress(dump.read_bytes()) == SQL
    assert dump.stat().st_mode & 0o777 == 0o600
    # The key that signs, which the first dump makes, is all that stays.
    assert [(path.name, path.stat().st_mode & 0o777) for path in (host.root / "work").iterdir()] == [
        ("hmac_key", 0o600)
    ]


def test_a_mysqldump_that_fails_leaves_no_dump(host: Host) -> None:
    host.break_program("mysqldump", f"cat {host.sql}; exit 3")
    with pytest.raises(DumpError, match="ended with 3"):
        dumping.make_dump(host.settings, host.place, NOW)
    assert host.dumps() == []


@pytest.mark.parametrize("sql", [b"", b"\n", b"CREATE TABLE t (id INT);\n", SQL + b"more\n"])
def test_a_dump_without_its_last_line_is_not_put_away(host: Host, sql: bytes) -> None:
    host.sql.write_bytes(sql)
    with pytest.raises(DumpError, match="isn't whole"):
        dumping.make_dump(host.settings, host.place, NOW)
    assert host.dumps() == []


def test_a_dump_that_was_cut_short_is_told(tmp_path: Path) -> None:
    dump = write_dump(tmp_path / "dump.sql.gz", SQL)
    dump.write_bytes(dump.read_bytes()[:-9])
    with pytest.raises(DumpError, match="can't be unpacked"):
        dumping.check(dump)


def test_the_last_line_is_found_in_a_large_dump(tmp_path: Path) -> None:
    rows = b"INSERT INTO t VALUES (1);\n" * 200_000
    assert dumping.check(write_dump(tmp_path / "dump.sql.gz", rows + SQL)) == len(rows + SQL)


def test_a_folder_keeps_the_newest(host: Host) -> None:
    for day in range(1, 6):
        dumping.make_dump(host.settings, host.place, NOW.replace(day=day))
    days = ["2026-11-03", "2026-11-04", "2026-11-05"]
    assert [key[8:18] for key in host.dumps()] == days
    names = sorted(path.name[:10] for path in Path(host.settings.directory, "laravel").iterdir())
    assert names == sorted(days * 2)


def test_a_restore_into_a_new_database(host: Host) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    restore(host.settings, host.place, "latest", "check", NOW)
    assert "CREATE DATABASE `check`" in host.given()
    assert "check < CREATE TABLE t (id INT);" in host.given()
    assert "`laravel`" not in host.given()


def test_another_database_with_tables_is_left_alone(host: Host) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    with pytest.raises(DumpError, match="has tables already"):
        restore(host.settings, host.place, "latest", "check", NOW)
    assert "check < CREATE TABLE" not in host.given()
    assert "DROP" not in host.given()


def test_the_live_database_is_dumped_before_it_is_replaced(host: Host) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    restore(host.settings, host.place, KEY, "laravel", NOW.replace(hour=9))
    assert host.dumps() == [KEY, KEY.replace("T03", "T09")]
    assert host.given().index("DROP DATABASE IF EXISTS `laravel`") < host.given().index(
        "laravel < CREATE TABLE t"
    )


def test_an_empty_live_database_gets_the_dump_and_one_with_tables_is_left_alone(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    restore_if_empty(host.settings, host.place, "latest", NOW)
    assert host.given().count("laravel < CREATE TABLE t (id INT);") == 1
    assert "is loaded into laravel" in capsys.readouterr().out
    host.tables.write_text("t\n")
    restore_if_empty(host.settings, host.place, "latest", NOW)
    assert host.given().count("laravel < CREATE TABLE t (id INT);") == 1
    assert host.given().count("DROP DATABASE") == 1
    assert host.dumps() == [KEY]
    assert "has tables already" in capsys.readouterr().out


def test_the_live_database_stays_when_it_cant_be_dumped(host: Host) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    host.break_program("mysqldump", "exit 2")
    with pytest.raises(DumpError, match="ended with 2"):
        restore(host.settings, host.place, KEY, "laravel", NOW.replace(hour=9))
    assert "DROP" not in host.given()


def test_a_load_that_fails_names_the_way_back(host: Host) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    host.break_program("mysql", f'{host.client()}; [ "$1" != laravel ] || exit 1')
    with pytest.raises(HalfRestoredError, match=r"what was there before is in .*T09"):
        restore(host.settings, host.place, KEY, "laravel", NOW.replace(hour=9))


@pytest.mark.parametrize("name", ["", "a b", "a`b", "a'b", "x" * 65])
def test_a_name_that_is_none_is_refused_before_anything_happens(host: Host, name: str) -> None:
    with pytest.raises(DumpError, match="no name"):
        restore(host.settings, host.place, "latest", name, NOW)
    assert host.given() == ""


@pytest.mark.parametrize(("into", "said"), [("laravel", "the live database"), ("", "no name")])
def test_the_live_database_is_replaced_by_no_other_word(
    into: str, said: str, host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.host, "read", lambda _path: host.settings)
    assert cli.main(["dump"]) == 0
    before = host.given()
    assert cli.main(["restore", "latest", "--into", into]) == 1
    assert said in capsys.readouterr().err
    assert "DROP DATABASE" not in host.given().removeprefix(before)


def test_no_dump_is_told(host: Host) -> None:
    with pytest.raises(DumpError, match="no dump"):
        restore(host.settings, host.place, "latest", "check", NOW)
    with pytest.raises(DumpError, match="no dump"):
        restore(host.settings, host.place, KEY, "check", NOW)


def test_one_run_at_a_time(host: Host) -> None:
    with (
        dumping.alone(host.settings),
        pytest.raises(DumpError, match="another"),
        dumping.alone(host.settings),
    ):
        pass


def test_what_a_killed_run_left_is_deleted(host: Host) -> None:
    stale = host.root / "work/tmp123.sql.gz"
    stale.write_bytes(b"half a dump")
    with dumping.alone(host.settings):
        assert not stale.exists()


def served(monkeypatch: pytest.MonkeyPatch, s3: Any) -> list[str]:
    """Have a URL give what the bucket has, as S3 does; the URLs that were asked for."""
    asked: list[str] = []

    @contextmanager
    def urlopen(url: str, timeout: float) -> Iterator[Any]:
        asked.append(url)
        if "Expires=0" in url:
            raise HTTPError(url, 403, "Forbidden", Message(), None)
        answer = s3.get_object(Bucket="dumps", Key=urlsplit(url).path.lstrip("/"))
        yield SimpleNamespace(read=answer["Body"].read, headers=answer["ResponseMetadata"]["HTTPHeaders"])

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return asked


@mock_aws
def test_a_bucket_is_written_to_and_read_by_a_url_alone(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    s3, ssm = (boto3.client(service, region_name="us-east-1") for service in ("s3", "ssm"))
    s3.create_bucket(Bucket="dumps")
    ssm.put_parameter(Name="/academia/test/dumps/hmac_key", Value="ab" * 32, Type="SecureString")
    settings = replace(host.settings, hmac_parameter="/academia/test/dumps/hmac_key", region="us-east-1")
    place = Bucket("dumps", "us-east-1")
    dumping.make_dump(settings, place, NOW)
    assert place.keys("laravel/") == [KEY]
    with pytest.raises(DumpError, match=r"may not read s3://dumps/.*playbooks/restore\.yml -e key=laravel/"):
        restore(settings, place, "latest", "check", NOW)
    asked = served(monkeypatch, s3)
    url = f"https://dumps.test/{KEY}?X-Amz-Signature=secret"
    restore(settings, place, KEY, "check", NOW, url=url)
    assert "check < CREATE TABLE t" in host.given()
    assert asked == [url]
    for wrong in (url + "&Expires=0", url.replace("https", "http")):
        with pytest.raises(DumpError) as failed:
            restore(settings, place, KEY, "again", NOW, url=wrong)
        assert "secret" not in str(failed.value)
    assert "`again`" not in host.given()
    with pytest.raises(DumpError, match="could not put s3://none/"):
        dumping.make_dump(settings, Bucket("none", "us-east-1"), NOW)
    ssm.delete_parameter(Name="/academia/test/dumps/hmac_key")
    with pytest.raises(DumpError, match="could not read the key that signs dumps, /academia/test/dumps"):
        dumping.make_dump(settings, place, NOW.replace(hour=4))
    assert place.keys("laravel/") == [KEY]


def test_a_dump_that_is_not_this_environments_is_refused_before_anything_is_changed(host: Host) -> None:
    key = dumping.make_dump(host.settings, host.place, NOW)
    folder = Path(host.settings.directory)
    other = key.replace("11-24", "11-25")
    for name, content, sidecar in (
        # Another's content, by another's hand, by another name, and from before dumps were signed.
        (key, gzip.compress(b"DROP TABLE t;\n" + SQL), (folder / f"{key}.hmac-sha256").read_text()),
        (other, (folder / key).read_bytes(), "00" * 32),
        (other, (folder / key).read_bytes(), (folder / f"{key}.hmac-sha256").read_text()),
        (other, (folder / key).read_bytes(), ""),
    ):
        (folder / name).write_bytes(content)
        (folder / f"{name}.hmac-sha256").write_text(sidecar)
        with pytest.raises(DumpError, match=r"Nothing was changed.*--unsigned"):
            restore(host.settings, host.place, name, "check", NOW)
    assert host.given() == ""
    restore(host.settings, host.place, other, "check", NOW, unsigned=True)
    assert "check < CREATE TABLE t" in host.given()
    # Where a dump is kept doesn't count.
    assert signature.name_of(f"kept/{key}") == signature.name_of(key) == key


def test_a_restore_that_was_cut_off_is_done_again_and_never_dumped(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n")
    (Path(host.settings.work) / "restoring-laravel").touch()
    settings = host.root / "db.json"
    settings.write_text(json.dumps(vars(host.settings)))
    monkeypatch.setattr(host_settings, "SETTINGS", settings)
    assert cli.main(["dump"]) == 1
    assert "laravel is half restored" in capsys.readouterr().err
    restore_if_empty(host.settings, host.place, "latest", NOW)
    assert host.given().count("laravel < CREATE TABLE t (id INT);") == 1
    assert host.dumps() == [KEY]


def test_the_application_cannot_say_that_its_database_is_half_restored(host: Host) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    host.tables.write_text("t\n__andamio_restoring\n")
    insist_on_whole(host.settings)
    restore_if_empty(host.settings, host.place, "latest", NOW)
    assert "DROP DATABASE" not in host.given()


def test_a_restore_that_fails_is_noted_and_one_that_succeeds_is_not(host: Host) -> None:
    dumping.make_dump(host.settings, host.place, NOW)
    note = Path(host.settings.work) / "restoring-copy"
    host.break_program("mysql", f'{host.client()}; [ "$1" != copy ] || exit 1')
    with pytest.raises(HalfRestoredError):
        restore(host.settings, host.place, KEY, "copy", NOW)
    assert note.exists()
    host.break_program("mysql", host.client())
    restore(host.settings, host.place, KEY, "copy", NOW)
    assert not note.exists()


def test_the_command_says_what_is_wrong(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = host.root / "db.json"
    monkeypatch.setattr(host_settings, "SETTINGS", settings)
    assert cli.main(["dump"]) == 1
    known = {
        "database": "laravel",
        "user": "laravel",
        "dump": host.settings.dump,
        "client": host.settings.client,
    }
    settings.write_text(json.dumps(known | {"work": host.settings.work}))
    assert cli.main(["dump"]) == 1
    assert "no place for dumps" in capsys.readouterr().err
    settings.write_text(
        json.dumps(known | {"work": host.settings.work, "directory": host.settings.directory})
    )
    assert cli.main(["dump"]) == 0
    assert cli.main(["list"]) == 0
    assert "laravel/20" in capsys.readouterr().out


def test_a_labelled_dump_carries_its_label_and_sorts_by_time(host: Host) -> None:
    key = dumping.make_dump(host.settings, host.place, NOW, "v1.2-abc")
    assert key == KEY.replace(".sql.gz", "-v1.2-abc.sql.gz")
    assert host.dumps() == [key]


@pytest.mark.parametrize("label", ["a/b", "../x", "a b", "x" * 81])
def test_a_label_that_is_no_word_is_refused(host: Host, label: str) -> None:
    with pytest.raises(DumpError, match="is no word"):
        dumping.make_dump(host.settings, host.place, NOW, label)
    assert host.dumps() == []


@pytest.mark.parametrize(("size", "dumped"), [(0, 1), (500, 1), (501, 0)])
def test_a_database_above_the_limit_is_skipped_and_that_is_said(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], size: int, dumped: int
) -> None:
    host.break_program("mysql", f"cat >/dev/null; echo {size}")
    settings = host.root / "db.json"
    settings.write_text(json.dumps(vars(host.settings)))
    monkeypatch.setattr(host_settings, "SETTINGS", settings)
    assert cli.main(["dump", "--limit-mb", "500"]) == 0
    assert len(host.dumps()) == dumped
    assert ("skipped: laravel takes 501 MiB, more than 500" in capsys.readouterr().out) == (not dumped)


HELP = {
    "mariadb 10.11": "  --binary-mode   x\n  --sandbox   x\n  --local-infile   x\n",
    "mariadb 10.5": "  --binary-mode       Binary\n  --local-infile      Enable\n",
    "mysql 8.0": "  --binary-mode   x\n  --local-infile   x\n  -c, --comments   x\n",
    "mysql 9.7": "  --binary-mode   x\n  --commands   x\n  --system-command   x\n  --local-infile   x\n",
}
TOLD = {
    "mariadb 10.11": ["--binary-mode", "--sandbox", "--skip-local-infile"],
    "mariadb 10.5": ["--binary-mode", "--skip-local-infile"],
    "mysql 8.0": ["--binary-mode", "--skip-local-infile"],
    "mysql 9.7": ["--binary-mode", "--skip-system-command", "--skip-commands", "--skip-local-infile"],
}


@pytest.mark.parametrize("client", HELP)
def test_a_client_is_told_to_do_nothing_by_itself_as_far_as_it_knows(tmp_path: Path, client: str) -> None:
    (tmp_path / "help").write_text(HELP[client])
    assert loading.harmless(program(tmp_path / "client", f"cat {tmp_path}/help")) == TOLD[client]


def test_a_client_that_would_run_commands_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match="has no --binary-mode"):
        loading.harmless(program(tmp_path / "client", "echo '  --batch   x'"))


def test_a_dump_is_read_by_nobody_who_sees_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "ROOT", tmp_path / "root")
    host = Host(tmp_path)
    host.break_program("mysql", "echo '  --binary-mode  x'")
    command = loading.command(host.settings, "check")
    client = os.path.realpath(host.settings.client[0])
    where = command.index(client)
    assert command[0] == "systemd-run"
    assert command[where + 1 :] == ["--defaults-file=/run/client.cnf", "--batch", "--binary-mode", "check"]
    properties = [word.removeprefix("--property=") for word in command[:where]]
    for wanted in (
        "DynamicUser=yes",
        "PrivateNetwork=yes",
        "CapabilityBoundingSet=",
        "RootDirectory=/run/andamio-restore",
    ):
        assert wanted in properties
    # No shell, no settings of the host, and no password in an argument.
    seen = [word.partition("=")[2] for word in properties if word.startswith("BindReadOnlyPaths=")]
    assert not [place for place in seen if place.lstrip("-").startswith(("/bin", "/usr/bin", "/etc", "/var"))]
    assert "password" not in " ".join(command)


def test_the_database_user_has_one_database_and_is_gone_afterwards(host: Host) -> None:
    options = Path(host.settings.work) / "client.cnf"
    with suppress(RuntimeError), loading.database_user(host.settings, "a_b"):
        assert "user=andamio_restore\n" in options.read_text()
        raise RuntimeError
    assert not options.exists()
    made, dropped = host.given().strip().splitlines()
    # An underscore in a grant would stand for any character.
    assert "GRANT ALL ON `a\\_b`.* TO 'andamio_restore'@'localhost'" in made
    assert dropped.endswith("DROP USER IF EXISTS 'andamio_restore'@'localhost'")


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (
            "/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `t` BEFORE",
            "/*!50003 CREATE*/  /*!50003 TRIGGER `t` BEFORE",
        ),
        (
            "/*!50106 CREATE*/ /*!50117 DEFINER=`a``b`@`%`*/ /*!50106 EVENT `e`",
            "/*!50106 CREATE*/  /*!50106 EVENT `e`",
        ),
        ("CREATE DEFINER=`root`@`localhost` PROCEDURE `p`()", "CREATE  PROCEDURE `p`()"),
        ("/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */", "/*!50013  SQL SECURITY DEFINER */"),
        *[
            (line, line)
            for line in (
                "INSERT INTO `t` VALUES (1,'CREATE DEFINER=`root`@`localhost` PROCEDURE');",
                " CREATE DEFINER=`root`@`localhost` PROCEDURE",
                "CREATE /**/ DEFINER=`root`@`localhost` PROCEDURE",
            )
        ],
    ],
)
def test_definers_are_left_out_and_data_is_left_alone(line: str, left: str) -> None:
    before = BytesIO(f"-- first\n{line}\nlast".encode())
    assert b"".join(definers.without(before)).decode() == f"-- first\n{left}\nlast"


def test_a_line_that_is_read_in_pieces_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definers, "CHUNK", 8)
    row = b"INSERT INCREATE DEFINER=`root`@`localhost` x\n"
    assert b"".join(definers.without(BytesIO(row))) == row


class Modes:
    """A cursor of a server with triggers that were made with ANSI_QUOTES: it quotes by a mode."""

    description = (("Trigger",), ("sql_mode",), ("SQL Original Statement",))

    def __init__(self, quote: str) -> None:
        self.quote = quote
        self.ran: list[str] = []

    def execute(self, sql: str, _values: tuple[str, ...] = ()) -> None:
        self.ran.append(sql)

    def fetchone(self) -> tuple[str, str, str]:
        definer = "`old`@`localhost`".replace("`", self.quote)
        return "t", "ANSI_QUOTES", f"CREATE DEFINER={definer} TRIGGER t BEFORE INSERT"


@pytest.mark.parametrize("quote", ["`", '"'])
def test_what_was_made_with_other_quotes_gets_its_definer_too(quote: str) -> None:
    server = Modes(quote)
    definers._make_again(server, "TRIGGER", "t", "`old`@`localhost`", "`app`@`localhost`")
    assert server.ran[-1] == "CREATE DEFINER=`app`@`localhost` TRIGGER t BEFORE INSERT"
