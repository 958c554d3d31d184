"""What the engine tells of the application's log, which the application can make anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from andamio_release import applog, gate, maintenance
from andamio_release.errors import ReleaseError

from tests.unit.adversary import NOBODY, exchanging, link, theirs
from tests.unit.roles.release.world import World, app, install


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    install(monkeypatch, made)
    theirs(made.settings.shared, "framework", "logs")
    return made


def entry(folder: Path, message: str, level: str = "ERROR", kind: str = "App\\\\Boom") -> str:
    return (
        f'[2026-12-01 02:03:04] production.{level}: {message} {{"exception":"[object] ({kind}(code: 0):'
        f" {message} at {folder}/routes/web.php:12)\n[stacktrace]\n#0 {folder}/vendor/x.php(3): f()\n"
        '#1 {main}\n"} \n'
    )


def test_a_release_that_fails_its_gate_says_what_laravel_has_logged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = world.settings.release(world.deploy("v1"))
    log = world.settings.shared / "storage/logs/laravel.log"

    def private(_socket: Path, release_root: Path, *_rest: object, **_more: object) -> None:
        with log.open("a") as file:
            file.write(entry(release_root, "no table\nhere \x1b[31m") + entry(release_root, "fine", "INFO"))
            file.write(entry(live, "a visitor's"))
        raise ReleaseError("/up answered 500, not 200: Server Error")

    log.write_text("".join(entry(world.settings.release("v2"), "of long ago") for _ in range(3)))
    monkeypatch.setattr(gate, "private", private)
    _, answer = world.act("deploy", app("v2"), name="v2")
    lines = answer["message"].splitlines()
    assert lines[0] == "/up answered 500, not 200: Server Error"
    assert lines[1] == "Its log says: App\\Boom: no table here [31m (routes/web.php:12)"
    assert lines[2].startswith("(X-Request-ID of these requests: 20")


def test_an_error_without_an_exception_is_told_by_its_first_line() -> None:
    text = "[2026-12-01T02:03:04.123456+00:00] production.CRITICAL: no /r/v2/ here\nmore\n"
    assert applog.last_of(text, "/r/v2/") == "no /r/v2/ here"
    assert applog.last_of(text, "/r/v3/") == ""


@pytest.mark.parametrize("what", ["pipe", "link", "folder's link", "large", "endless line", "nothing"])
def test_a_log_that_is_none_stops_and_feeds_nobody(world: World, what: str) -> None:
    logs = world.settings.shared / "storage/logs"
    log = logs / "laravel.log"
    before = applog.sizes(world.settings)
    secret = entry(world.settings.release("v2"), "secret")
    (world.root / "laravel.log").write_text(secret)
    if what == "pipe":
        os.mkfifo(log)
    elif what == "link":
        log.symlink_to(world.root / "laravel.log")
    elif what == "folder's link":
        logs.rmdir()
        logs.symlink_to(world.root)
        os.chown(logs, NOBODY, NOBODY, follow_symlinks=False)
    elif what == "large":
        with log.open("wb") as sparse:
            sparse.truncate(2**40)
    elif what == "endless line":
        log.write_text("[2026-12-01 02:03:04] production.ERROR: [object] (" * 40000)
    assert applog.last_error(world.settings, "v2", before) == ""
    applog.sizes(world.settings)


def test_only_what_is_new_is_told_also_when_the_log_was_rotated(world: World) -> None:
    log = world.settings.shared / "storage/logs/laravel.log"
    log.write_text(entry(world.settings.release("v2"), "old") * 3)
    before = applog.sizes(world.settings)
    assert applog.last_error(world.settings, "v2", before) == ""
    log.write_text(entry(world.settings.release("v2"), "new"))
    assert applog.last_error(world.settings, "v2", before).startswith("App\\Boom: new")


def test_roots_own_files_are_never_read_while_a_folder_is_exchanged(world: World) -> None:
    """As two users: one owns storage, and exchanges its folders with links to one of root's."""
    storage = world.settings.shared / "storage"
    roots = world.root / "roots"
    roots.mkdir()
    (roots / "down").write_text('{"secret": "roots"}')
    (roots / "laravel.log").write_text(entry(world.settings.release("v2"), "of root's"))
    since = {str(storage / "logs/laravel.log"): 0}
    for folder in ("framework", "logs"):
        link(storage / f"{folder}-link", roots)
        with exchanging(storage / folder, storage / f"{folder}-link"):
            for _ in range(1000):
                assert "'roots'" not in str(maintenance.theirs(world.settings))
                assert applog.last_error(world.settings, "v2", since) == ""
