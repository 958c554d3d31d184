"""The engine's smaller parts: maintenance, building, preloading, reports, the command line."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from andamio_release import build, cli, dumps, maintenance, preload, report
from andamio_release.commands import Commands
from andamio_release.errors import RequestError
from andamio_release.fastcgi import Answer
from andamio_release.host import Host
from andamio_release.settings import Artifact

from tests.unit.adversary import NOBODY
from tests.unit.roles.release.archives import Tar
from tests.unit.roles.release.world import World, app, install

# Laravel's own check of the cookie (MaintenanceModeBypassCookie::isValid), in a few words.
CHECK = """
[$value, $secret] = [$argv[1], $argv[2]];
$payload = json_decode(base64_decode($value), true);
exit(is_numeric($payload['expires_at'] ?? null) && hash_equals(hash_hmac('sha256',
    (string) $payload['expires_at'], $secret), $payload['mac']) && $payload['expires_at'] > time() ? 0 : 1);
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    install(monkeypatch, made)
    return made


def is_valid(header: str, secret: str) -> bool:
    value = unquote(header.removeprefix("laravel_maintenance="))
    done = subprocess.run(["php", "-r", CHECK, "--", value, secret], capture_output=True, check=False)
    return done.returncode == 0


def test_laravel_takes_the_bypass_cookie(world: World) -> None:
    assert maintenance.bypass(world.settings) == ""
    world.settings.down_file.write_text('{"secret": "word"}')
    header = maintenance.bypass(world.settings)
    assert is_valid(header, "word")
    assert not is_valid(header, "another")
    assert not is_valid(maintenance.cookie("x", 1), "x")
    assert not set(header.partition("=")[2]) & set("=+/ ;")


def test_the_engines_maintenance_is_a_flag_of_roots_and_a_word_that_passes(world: World) -> None:
    path = maintenance.begin(world.settings)
    folder = Path(world.settings.maintenance)
    assert sorted(entry.name for entry in folder.iterdir()) == ["down", f"pass-{path[1:]}"]
    assert folder.stat().st_mode & 0o777 == 0o711
    assert re.fullmatch(r"/[0-9a-f]{32}", path)
    assert maintenance.bypass(world.settings) == f"andamio_maintenance={path[1:]}"
    assert maintenance.begin(world.settings) == path
    assert maintenance.end(world.settings)
    assert not maintenance.end(world.settings)
    assert list(folder.iterdir()) == []


def test_a_maintenance_of_artisans_goes_on_beside_the_engines(world: World) -> None:
    world.settings.down_file.write_text('{"secret": "theirs"}')
    assert maintenance.begin(world.settings)
    assert re.fullmatch("andamio_maintenance=.*; laravel_maintenance=.*", maintenance.bypass(world.settings))
    assert maintenance.end(world.settings)
    assert world.settings.down_file.exists()
    assert maintenance.is_down(world.settings)


def a_pipe(file: Path) -> None:
    os.mkfifo(file)


def a_link(file: Path) -> None:
    file.symlink_to("/dev/zero")


def a_folders_link(file: Path) -> None:
    file.parent.rmdir()
    file.parent.symlink_to("/etc")
    os.chown(file.parent, NOBODY, NOBODY, follow_symlinks=False)


def a_large_one(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(2**40)


@pytest.mark.parametrize("make", [a_pipe, a_link, a_folders_link, a_large_one])
def test_what_the_application_puts_in_artisans_place_stops_and_feeds_nobody(
    world: World, make: Callable[[Path], None]
) -> None:
    os.chown(world.settings.down_file.parent.parent, NOBODY, NOBODY)
    make(world.settings.down_file)
    found = maintenance.theirs(world.settings)
    if make is a_folders_link:
        (world.settings.down_file.parent).unlink()
    assert found is not None
    assert "storage/framework/down" in found["problem"]


@pytest.mark.parametrize("content", ["no JSON", "[" * 60000, "[]", "{}"])
def test_artisans_file_without_a_secret_is_told(world: World, content: str) -> None:
    world.settings.down_file.write_text(content)
    with pytest.raises(RequestError, match="artisan up"):
        maintenance.bypass(world.settings)


def application(root: Path) -> Path:
    for name in ("public", "bootstrap"):
        (root / name).mkdir(parents=True)
    return root


def deep(folder: Path) -> None:
    """As deep as the application's code likes to make it: far below Python's limit of recursion."""
    here = os.open(folder, os.O_RDONLY)
    for _level in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


@pytest.mark.parametrize("state", ["good", "building"])
def test_a_release_goes_however_deep_the_application_has_made_its_folders(world: World, state: str) -> None:
    live = world.deploy("one")
    old = world.settings.release("older")
    cache = old / "bootstrap/cache"
    cache.mkdir(parents=True)
    try:
        deep(cache)
        if state == "good":
            host = Host(world.settings, Commands(world.settings, io.StringIO()))
            host.remove_release(old.name)
        else:
            assert world.deploy("two") != live
        assert not old.exists()
    finally:
        subprocess.run(["rm", "-rf", str(old)], check=True)


def test_what_cannot_be_removed_is_told(world: World) -> None:
    with pytest.raises(OSError, match=r"/proc/self/fdinfo"):
        build.remove_tree(Path("/proc/self/fdinfo"))


def test_what_an_artifact_brings_of_the_hosts_own_goes(world: World, tmp_path: Path) -> None:
    root = application(tmp_path / "app")
    (root / ".env").write_text("theirs")
    (root / "storage/logs").mkdir(parents=True)
    (root / "bootstrap/cache").mkdir()
    (root / "bootstrap/cache/config.php").write_text("theirs")
    env = tmp_path / "env"
    env.write_text("ours")
    build.link(world.settings, root, env)
    assert (root / ".env").read_text() == "ours"
    assert (root / "storage").is_symlink()
    assert list((root / "bootstrap/cache").iterdir()) == []


def test_a_link_through_a_folder_that_a_link_replaces_is_refused(world: World, tmp_path: Path) -> None:
    world.settings.public_links["storage"] = "../storage/app/public"
    artifact = tmp_path / "app.tar"
    made = Tar().link("a", "public/storage/../index.php")
    artifact.write_bytes(made.bytes())
    with pytest.raises(RequestError, match="leads out of a folder that is the host's own"):
        build.make(world.settings, artifact, "tar", tmp_path / "out")


def test_files_of_an_artifacts_storage_are_named_when_they_are_left_out(world: World) -> None:
    buffer = io.BytesIO(app("v1"))
    names = [
        ".gitignore",
        "app/.gitignore",
        "app/fees.csv",
        *(f"fonts/{number:02}.ttf" for number in range(12)),
    ]
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(f"storage/{name}"))
    _, answer = world.act("deploy", buffer.getvalue(), name="v1")
    assert answer["outcome"] == "live"
    assert len(answer["warnings"]) == 1
    assert "storage/app/fees.csv, storage/fonts/00.ttf," in answer["warnings"][0]
    assert ", storage/fonts/08.ttf, and 3 more. What the code needs" in answer["warnings"][0]
    assert "storage" not in str(world.act("deploy", app("v2"), name="v2")[1]["warnings"])


@pytest.mark.parametrize("name", ["bootstrap", "public"])
def test_a_link_in_the_place_of_a_folder_is_refused(world: World, tmp_path: Path, name: str) -> None:
    """Root would write through it."""
    root = application(tmp_path / "app")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / name).rmdir()
    (root / name).symlink_to(elsewhere)
    env = tmp_path / "env"
    env.write_text("ours")
    world.settings.public_links["storage"] = "../storage/app/public"
    with pytest.raises(RequestError, match=f"{name} must be a folder"):
        build.link(world.settings, root, env)
    assert list(elsewhere.iterdir()) == []


def test_an_env_that_is_a_link_is_replaced_not_followed(world: World, tmp_path: Path) -> None:
    root = application(tmp_path / "app")
    victim = tmp_path / "victim"
    victim.write_text("whole")
    (root / ".env").symlink_to(victim)
    env = tmp_path / "env"
    env.write_text("ours")
    build.link(world.settings, root, env)
    assert victim.read_text() == "whole"
    assert not (root / ".env").is_symlink()


def test_the_same_code_is_copied_without_what_is_the_hosts(tmp_path: Path) -> None:
    root = application(tmp_path / "app")
    (root / "bootstrap/cache").mkdir()
    (root / "bootstrap/cache/config.php").write_text("secrets")
    (root / ".env").write_text("secrets")
    (root / "storage").symlink_to("../../shared/storage")
    (root / "public/.env").write_text("no secret")
    build.copy_release(root, tmp_path / "copy")
    found = sorted(str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*"))
    assert found == ["bootstrap", "public", "public/.env"]


def test_what_comes_is_what_was_announced(tmp_path: Path) -> None:
    artifact = Artifact("stdin", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", bytes=5)
    assert build.receive(artifact, io.BytesIO(b"hello, and more"), tmp_path).read_bytes() == b"hello"
    with pytest.raises(RequestError, match="SHA-256 is not the one"):
        build.receive(artifact, io.BytesIO(b"hallo"), tmp_path)
    with pytest.raises(RequestError, match="only 3 of 5 bytes came"):
        build.receive(artifact, io.BytesIO(b"hel"), tmp_path)
    with pytest.raises(RequestError, match="there is no file"):
        build.receive(Artifact("file", "", path=str(tmp_path / "x")), io.BytesIO(), tmp_path)


def test_extensions_are_named_as_php_names_them() -> None:
    require = {"php": "^8.2", "ext-PDO": "*", "ext-opcache": "*", "laravel/framework": "^13", "ext-gd": "*"}
    assert build.extensions(require) == ["pdo", "zend-opcache", "gd"]


def put(root: Path, name: str, *, owner: int = 0) -> str:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("<?php")
    os.chown(file, owner, owner)
    return str(file)


def test_only_what_is_roots_is_preloaded_of_what_the_live_release_has_compiled(
    tmp_path: Path,
) -> None:
    """The live release may be in other hands: what it could have written isn't code of the next one."""
    live, new = tmp_path / "releases/v1", tmp_path / "releases/v2"
    put(tmp_path, "shared/storage/framework/views/abc.php")
    put(new, "bootstrap/cache/config.php", owner=NOBODY)
    os.chown(new / "bootstrap/cache", NOBODY, NOBODY)
    put(new, "bootstrap/cache/roots.php")
    (new / "storage").symlink_to("../../shared/storage")
    elsewhere = "/etc/passwd"
    files = [
        str(live / "app/Models/Course.php"),
        str(live / "app/Gone.php"),
        str(live / "bootstrap/cache/config.php"),
        str(live / "bootstrap/cache/roots.php"),
        str(live / "storage/framework/views/abc.php"),
        str(live / "../../etc/passwd"),
        put(tmp_path, "releases/v10/app/Other.php"),
        put(tmp_path, "shared/storage/app/Roots.php"),
        put(tmp_path, "share/Theirs.php", owner=NOBODY),
        put(tmp_path, "theirs/Roots.php"),
        str(preload.ASK),
        "/dev/shm/User.php",  # noqa: S108
        "/usr/share/a\nb.php",
        "/usr/share/\0.php",
        "relative.php",
        elsewhere,
    ]
    os.chown(tmp_path / "theirs", NOBODY, NOBODY)
    course = put(new, "app/Models/Course.php")
    roots = put(tmp_path, "share/Str.php")
    assert preload.translate([*files, roots], live, new) == sorted([course, elsewhere])


@pytest.mark.parametrize("body", [b"[" * 60000, b"[]", b'{"files": 3}', b'{"files": [1, {}, null]}', b"x"])
def test_what_the_live_release_says_of_itself_stops_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(preload, "ask", lambda *_given, **_more: Answer(200, {}, body))
    assert preload.compiled(world.settings, "v1") == []


def test_preloading_is_an_option_of_the_release_alone(world: World) -> None:
    preload.prepare(world.settings, "v1", ["/a.php", "/b\n.php"])
    text = preload.options_file(world.settings, "v1").read_text()
    assert f"opcache.preload={preload.SCRIPT}" in text
    assert (world.root / "fpm/v1.files").read_text() == "/a.php\n"
    assert not preload.options_file(world.settings, "v2").exists()
    preload.drop(world.settings, "v1")
    assert not preload.options_file(world.settings, "v1").exists()


def test_only_files_with_one_class_of_their_name_are_preloaded(tmp_path: Path) -> None:
    """With PHP itself, the compiling replaced by saying what would be compiled."""
    files = {
        "Course.php": "<?php\nnamespace App;\nfinal class Course\n{\n}\n",
        "Shape.php": "<?php\ninterface Shape {}\n",
        "helpers.php": "<?php\nfunction now() {}\n",
        "Two.php": "<?php\nclass Two {}\nclass Three {}\n",
        "Other.php": "<?php\nclass Another {}\n",
        "Mixed.php": "<?php\nclass Mixed {}\nfunction mixed_up() {}\n",
        "config.php": "<?php return [];\n",
    }
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    listed = tmp_path / "list"
    listed.write_text("".join(f"{tmp_path / name}\n" for name in [*files, "gone.php"]))
    script = preload.SCRIPT.read_text().replace("@opcache_compile_file($file)", "print(basename($file).' ')")
    (tmp_path / "preload.php").write_text(script)
    done = subprocess.run(
        ["php", str(tmp_path / "preload.php")],
        env={"PATH": "/usr/bin:/bin", "ANDAMIO_PRELOAD": str(listed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["Course.php", "Shape.php"]


def test_the_status_and_the_history_are_tables_and_json(world: World) -> None:
    first = world.deploy("v1", commit="0123456789abcdef")
    found = report.history(world.records)
    assert [entry["outcome"] for entry in found] == ["live"]
    table = report.history_table(found)
    assert table.splitlines()[0].split() == ["time", "what", "outcome", "release", "took", "by"]
    assert first in table
    status: dict[str, Any] = {
        "releases": [
            {"state": "live", "id": first, "created": "2026", "commit": "0123456789abcdef", "owner": "ana"}
        ],
        "workers": {"laravel-worker@1.service": "ok"},
        "maintenance": True,
        "under_way": {"action": "deploy", "owner": "bob"},
    }
    text = report.status_table(status)
    assert "0123456789ab " in text
    assert "0123456789abc" not in text
    assert "down for maintenance" in text
    assert "deploy by bob" in text


def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: bytes, *words: str) -> Any:
    class Input:
        buffer = io.BytesIO(line)

    monkeypatch.setattr("sys.stdin", Input())
    code = cli.main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_command_answers_in_json_with_its_exit_code(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = world.root / "release.json"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("signal.signal", lambda *given: None)
    where = ("--settings", str(settings), "deploy")
    code, answer = ask(monkeypatch, capsys, b"{}\n", *where)
    assert (code, answer["outcome"]) == (2, "failed")
    assert "run the role laravel_app first" in answer["message"]
    settings.write_text(json.dumps({**vars(world.settings)}))
    for line, message in (
        (b"{\n", "no line of JSON"),
        (b'{"x": 1}\n', "unknown key x"),
        (b"{}\n", "no artifact"),
    ):
        code, answer = ask(monkeypatch, capsys, line, *where)
        assert code == 2
        assert message in answer["message"]
    with cli.lock(
        Path(world.settings.state) / "lock", {"owner": "bob@desk", "action": "deploy", "what": "v9"}
    ):
        code, answer = ask(monkeypatch, capsys, b"{}\n", *where)
    assert code == 3
    assert "deploy v9 is under way: by bob@desk" in answer["message"]
    code, answer = ask(monkeypatch, capsys, b"{}\n", "--settings", str(settings), "settle")
    assert (code, answer["message"]) == (0, "nothing is live.")


def test_only_root_may(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = world.root / "release.json"
    settings.write_text(json.dumps({**vars(world.settings)}))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("signal.signal", lambda *given: None)
    code, answer = ask(monkeypatch, capsys, b"{}\n", "--settings", str(settings), "settle")
    assert (code, answer["message"]) == (2, "run it as root")


def test_a_host_that_can_make_no_dump_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "db.json"
    monkeypatch.setattr(dumps, "SETTINGS", settings)
    monkeypatch.setattr(dumps, "PROGRAM", tmp_path)
    assert "isn't this host's" in dumps.why_not()
    settings.write_text('{"bucket": "", "directory": ""}')
    assert "names no place" in dumps.why_not()
    settings.write_text('{"bucket": "dumps"}')
    assert dumps.why_not() == ""
