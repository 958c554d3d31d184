"""Whole runs of the engine on a host in a folder: what is live after each, and what is remembered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from andamio_release import dumps, maintenance, preload
from andamio_release import run as engine
from andamio_release.commands import EndedError
from andamio_release.errors import ReleaseError
from andamio_release.records import Record

from tests.unit.roles.release.world import World, app, install

DEPLOY_STEPS = (
    *("settle", "receive", "unpack", "env", "link", "check", "compile", "start", "dump", "migrate", "gate"),
    *("switch", "workers", "public_gate", "record", "prune"),
)
URL = "https://dumps.s3.us-east-1.amazonaws.com/laravel/v2.sql.gz?X-Amz-Signature=0a"
ROLLBACK_STEPS = ("settle", "check", "start", "gate", "switch", "workers", "public_gate", "record")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    install(monkeypatch, made)
    return made


def test_the_first_deploy_makes_a_release_live(world: World) -> None:
    release = world.deploy("v1", commit="abc", reason="first")
    assert release.startswith("v1-")
    assert (world.live, world.running, world.states) == (release, [release], {release: "good"})
    folder = world.settings.release(release)
    assert (folder / ".env").read_text() == "APP_NAME=one\n"
    assert (folder / ".env").stat().st_mode & 0o777 == 0o640
    assert (folder / "storage").readlink() == Path("../../shared/storage")
    assert (folder / "bootstrap/cache").stat().st_mode & 0o777 == 0o750
    (line,) = world.journal
    assert (line.action, line.outcome, line.release, line.owner, line.commit, line.reason) == (
        *("deploy", "live", release, "ana@laptop"),
        *("abc", "first"),
    )
    # There are no views, so view:cache is left out.
    assert (world.root / "compiled").read_text() == '["config:cache"]'


def test_the_steps_are_those_that_are_documented(world: World) -> None:
    world.deploy("v1")
    _, answer = world.act("deploy", app("v2", "m1"), name="v2")
    assert tuple(step["name"] for step in answer["steps"]) == DEPLOY_STEPS


def test_what_is_live_already_is_left_alone(world: World) -> None:
    release = world.deploy("v1")
    code, answer = world.act("deploy", app("v1"), name="v1")
    assert (code, answer["outcome"], answer["changed"], answer["release"]) == (0, "unchanged", False, release)
    assert len(world.journal) == 1
    # Without an artifact, what is live is meant.
    assert world.act("deploy")[1]["outcome"] == "unchanged"


def test_another_env_is_another_release_of_the_same_code(world: World) -> None:
    first = world.deploy("v1")
    (world.root / "srv/shared/.env").write_text("APP_NAME=two\n")
    code, answer = world.act("deploy")
    assert (code, answer["release"]) == (0, f"{first}-e2")
    assert (world.settings.release(world.live) / ".env").read_text() == "APP_NAME=two\n"
    assert (world.settings.release(first) / ".env").read_text() == "APP_NAME=one\n"
    assert (world.settings.release(world.live) / "public/index.php").read_text() == "v1"
    # And back, env and all.
    assert world.act("rollback")[0] == 0
    assert (world.settings.release(world.live) / ".env").read_text() == "APP_NAME=one\n"


def test_nothing_to_deploy_is_said(world: World) -> None:
    code, answer = world.act("deploy")
    assert code == 2
    assert "names no artifact" in answer["message"]


def test_the_release_before_is_stopped_and_the_oldest_are_pruned(world: World) -> None:
    releases = [world.deploy(f"v{number}") for number in range(5)]
    assert world.running == [releases[-1]]
    assert world.there == sorted(releases[-3:])
    assert sorted(world.states) == sorted(releases[-3:])


@pytest.mark.parametrize(
    ("breaks", "step", "kept"),
    [
        ("compile v2", "compile", False),
        ("start v2", "start", True),
        ("migrate v2", "migrate", True),
        ("gate v2", "gate", True),
    ],
)
def test_what_fails_before_the_switch_leaves_the_live_release_alone(
    world: World, breaks: str, step: str, kept: bool
) -> None:
    first = world.deploy("v1")
    world.breaks(breaks)
    code, answer = world.act("deploy", app("v2", "m1"), name="v2")
    assert (code, answer["outcome"], answer["failed_step"]) == (1, "failed", step)
    assert (world.live, world.running) == (first, [first])
    assert world.states.get(answer["release"]) == ("bad" if kept else None)
    assert world.journal[-1].outcome == "failed"
    # The next deploy of the same code works, and it is a release of its own.
    world.breaks()
    code, again = world.act("deploy", app("v2", "m1"), name="v2")
    assert (code, world.live) == (0, again["release"])
    assert (again["release"] == answer["release"]) == (not kept)


def test_what_fails_in_public_is_put_back(world: World) -> None:
    first = world.deploy("v1")
    world.breaks("public v2")
    code, answer = world.act("deploy", app("v2"), name="v2")
    assert (code, answer["outcome"], answer["failed_step"]) == (1, "put_back", "public_gate")
    assert f"{first} is live again" in answer["message"]
    assert (world.live, world.running, (world.root / "workers").read_text()) == (first, [first], first)
    assert world.states == {first: "good", answer["release"]: "bad"}
    code, refused = world.act("rollback", release=answer["release"])
    assert code == 2
    assert "is bad" in refused["message"]


def test_a_scheduler_that_does_not_tick_is_a_failure_in_public(world: World) -> None:
    first = world.deploy("v1")
    world.breaks("scheduler")
    code, answer = world.act("deploy", app("v2"), name="v2")
    assert (code, world.live) == (4, first)
    assert "scheduler doesn't tick" in answer["message"]


def test_a_first_release_that_fails_in_public_is_taken_away(world: World) -> None:
    world.breaks("public v1")
    code, answer = world.act("deploy", app("v1"), name="v1")
    assert (code, answer["outcome"], world.live, world.running) == (1, "failed", "", [])


def test_when_neither_is_well_a_person_is_needed(world: World) -> None:
    first = world.deploy("v1")
    world.breaks("public v")
    code, answer = world.act("deploy", app("v2"), name="v2")
    assert (code, answer["outcome"], world.live) == (4, "stuck", first)
    assert "not well either" in answer["message"]
    # Nobody waits for what is live again already: it has all of the gate's time.
    assert (world.root / "patience").read_text() == f"{first} 30 30"


def test_migrations_run_before_the_switch_after_a_dump(world: World) -> None:
    world.deploy("v1")
    _, answer = world.act("deploy", app("v2", "m1", "m2"), name="v2")
    assert answer["migrations"] == {"pending": [], "ran": ["m1", "m2"]}
    assert answer["dump"] == f"s3://dumps/laravel/{answer['release']}.sql.gz"
    assert (world.journal[-1].ran, world.journal[-1].dump) == (["m1", "m2"], answer["dump"])
    # Nothing pending: no dump, no migration.
    _, answer = world.act("deploy", app("v3", "m1", "m2"), name="v3")
    assert (answer["dump"], answer["migrations"]["ran"]) == ("", [])


@pytest.mark.parametrize(("breaks", "unlocks"), [("kill v2", True), ("migrate v2", False)])
def test_the_lock_of_a_killed_migration_is_let_go(world: World, breaks: str, unlocks: bool) -> None:
    """Laravel's own lock, which one that fails lets go of by itself."""
    world.deploy("v1")
    world.breaks(breaks)
    code, answer = world.act("deploy", app("v2", "m1"), name="v2")
    assert (code, answer["failed_step"]) == (1, "migrate")
    assert not (world.root / "unlocked").exists()
    world.breaks()
    world.act("deploy", app("v3", "m1"), name="v3")
    assert (world.root / "unlocked").exists() == unlocks
    (world.root / "unlocked").unlink(missing_ok=True)
    world.act("deploy", app("v4", "m2"), name="v4")
    assert not (world.root / "unlocked").exists()


def test_one_host_of_several_migrates(world: World) -> None:
    world.deploy("v1")
    _, answer = world.act("deploy", app("v2", "m1"), name="v2", migrate=False)
    assert (answer["migrations"], answer["dump"]) == ({"pending": ["m1"], "ran": []}, "")
    assert not list((world.root / "migrated").iterdir())


def test_check_mode_says_all_and_changes_nothing(world: World) -> None:
    first = world.deploy("v1")
    before = (world.there, world.states, len(world.journal))
    code, answer = world.act("deploy", app("v2", "m1"), name="v2", check=True)
    assert (code, answer["outcome"], answer["changed"]) == (0, "checked", True)
    assert answer["release"] in answer["message"]
    assert answer["migrations"]["pending"] == ["m1"]
    assert (world.live, world.running) == (first, [first])
    assert (world.there, world.states, len(world.journal)) == before
    assert world.act("deploy", app("v1"), name="v1", check=True)[1]["outcome"] == "unchanged"


def test_check_mode_names_what_the_real_run_then_prunes(world: World) -> None:
    for number in range(3):
        world.deploy(f"v{number}")
    _, planned = world.act("deploy", app("v3"), name="v3", check=True)
    _, done = world.act("deploy", app("v3"), name="v3")
    assert planned["pruned"] == done["pruned"]
    assert len(done["pruned"]) == 1


def test_a_rollback_goes_to_the_release_before_and_says_what_it_means(world: World) -> None:
    first = world.deploy("v1")
    _, second = world.act("deploy", app("v2", "m1"), name="v2")
    code, answer = world.act("rollback", reason="wrong totals")
    assert (code, answer["outcome"], world.live) == (0, "live", first)
    assert tuple(step["name"] for step in answer["steps"]) == ROLLBACK_STEPS
    assert "m1" in answer["message"]
    assert second["dump"] in answer["message"]
    assert world.running == [first]
    assert (world.journal[-1].action, world.journal[-1].reason) == ("rollback", "wrong totals")


def test_a_database_is_restored_only_when_confirmed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.deploy("v1")
    _, second = world.act("deploy", app("v2", "m1"), name="v2")
    restored: list[str] = []
    monkeypatch.setattr("andamio_release.dumps.restore", lambda commands, dump, url: restored.append(dump))
    code, answer = world.act("rollback", database="restore")
    assert (code, world.live, restored) == (2, second["release"], [])
    assert f"confirm={first}" in answer["message"]
    code, answer = world.act("rollback", database="restore", confirm=first)
    assert (code, world.live, restored) == (2, second["release"], [])
    assert "may not read s3://" in answer["message"]
    code, answer = world.act("rollback", database="restore", confirm=first, dump_url=URL)
    assert (code, world.live, restored) == (0, first, [second["dump"]])
    assert not maintenance.is_down(world.settings)


def test_a_rollback_that_fails_leaves_what_is_live(world: World) -> None:
    first = world.deploy("v1")
    second = world.deploy("v2")
    world.breaks("gate v1")
    code, answer = world.act("rollback")
    assert (code, answer["failed_step"], world.live, world.running) == (1, "gate", second, [second])
    world.breaks("public v1")
    code, answer = world.act("rollback")
    assert (code, answer["outcome"], world.live) == (1, "put_back", second)
    assert world.states[first] == "bad"


def test_maintenance_lasts_as_long_as_the_deploy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.deploy("v1")
    seen = []
    prove = engine.Run.prove_publicly

    def watched(run: engine.Run, release: str, *seconds: float) -> None:
        seen.append((maintenance.is_ours(world.settings), (world.root / "workers").read_text()))
        prove(run, release, *seconds)

    monkeypatch.setattr(engine.Run, "prove_publicly", watched)
    second = world.deploy("v2", maintenance=True)
    assert seen == [(True, "")]
    assert not maintenance.is_down(world.settings)
    assert (world.root / "workers").read_text() == second
    for broken in ("gate v3", "public v3"):
        world.breaks(broken)
        assert world.act("deploy", app(f"v3{broken[0]}"), name=f"v3{broken[0]}", maintenance=True)[0] == 1
        assert not maintenance.is_down(world.settings)
        assert (world.live, (world.root / "workers").read_text()) == (second, second)


def test_a_release_whose_workers_fail_after_the_maintenance_is_put_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.deploy("v1")

    def waits(host: engine.Host, release: str, seconds: float) -> None:
        if release != first:
            raise ReleaseError("laravel-worker@1.service has ended")

    monkeypatch.setattr(engine.Host, "wait_for_workers", waits)
    code, answer = world.act("deploy", app("v2"), name="v2", maintenance=True)
    assert (code, answer["outcome"], world.live) == (1, "put_back", first)
    assert "laravel-worker@1.service has ended" in answer["message"]
    assert not maintenance.is_down(world.settings)


def test_a_maintenance_of_somebodys_stays_and_must_let_probes_pass(world: World) -> None:
    world.deploy("v1")
    world.settings.down_file.write_text('{"secret": "x"}')
    world.deploy("v2")
    assert maintenance.theirs(world.settings) == {"secret": "x"}
    world.settings.down_file.write_text("{}")
    code, answer = world.act("deploy", app("v3"), name="v3")
    assert code == 2
    assert "artisan up" in answer["message"]


def test_a_host_without_space_is_told_before_anything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.deploy("v1")
    monkeypatch.setattr("andamio_release.host.Host.free_mb", lambda host: 0)
    code, answer = world.act("deploy", app("v2"), name="v2")
    assert (code, world.live, world.there) == (1, first, [first])
    assert "0 MiB free" in answer["message"]


def test_what_is_sent_by_half_is_refused(world: World) -> None:
    first = world.deploy("v1")
    whole = app("v2")
    request = {"source": "stdin", "sha256": "0" * 64, "bytes": len(whole)}
    code, answer = world.act("deploy", b"", artifact=request)
    assert (code, world.live) == (2, first)
    assert f"only 0 of {len(whole)} bytes came" in answer["message"]


# Kills: a visitor is always answered by one whole release, and the next run makes all good.
@pytest.mark.parametrize("step", DEPLOY_STEPS)
def test_a_deploy_that_is_killed_is_made_good_by_the_next(world: World, step: str) -> None:
    first = world.deploy("v1")
    assert world.killed_after(step, "deploy", app("v2", "m1"), name="v2")
    assert world.live in world.running
    switched = DEPLOY_STEPS.index(step) >= DEPLOY_STEPS.index("switch")
    assert (world.live == first) != switched
    third = world.deploy("v3")
    assert (world.live, world.running) == (third, [third])
    assert all(state in ("good", "ready") for state in world.states.values())
    assert set(world.there) == set(world.states)
    if step != "settle":
        outcome = "live" if switched else "cut off"
        assert [line.outcome for line in world.journal] == ["live", outcome, "live"]


@pytest.mark.parametrize("step", ROLLBACK_STEPS)
def test_a_rollback_that_is_killed_is_made_good_by_the_next(world: World, step: str) -> None:
    world.deploy("v1")
    world.deploy("v2")
    assert world.killed_after(step, "rollback")
    assert world.live in world.running
    third = world.deploy("v3")
    assert (world.live, world.running) == (third, [third])
    assert set(world.states.values()) == {"good"}


@pytest.mark.parametrize("step", ["switch", "workers"])
def test_a_bad_release_that_a_killed_run_left_live_is_put_back(world: World, step: str) -> None:
    first = world.deploy("v1")
    assert world.killed_after(step, "deploy", app("v2"), name="v2")
    world.breaks("public v2")
    code, answer = world.act("settle")
    assert (code, world.live, world.running) == (0, first, [first])
    assert [line.outcome for line in world.journal] == ["live", "put_back"]
    assert "bad" in world.states.values()
    assert "cut off" in answer["warnings"][0]


def test_a_database_that_is_away_makes_no_release_bad(world: World) -> None:
    first = world.deploy("v1")
    assert world.killed_after("switch", "deploy", app("v2"), name="v2")
    world.breaks("public v", "gate v")
    world.act("settle")
    assert world.live != first
    assert "bad" not in world.states.values()


def test_a_maintenance_that_a_killed_run_left_is_ended(world: World) -> None:
    world.deploy("v1")
    assert world.killed_after("migrate", "deploy", app("v2", "m1"), name="v2", maintenance=True)
    assert maintenance.is_ours(world.settings)
    world.act("settle")
    assert not maintenance.is_down(world.settings)


def test_check_mode_puts_nothing_right(world: World) -> None:
    first = world.deploy("v1")
    assert world.killed_after("start", "deploy", app("v2"), name="v2")
    before = (world.running, world.there, world.states, len(world.journal))
    assert len(world.running) == 2
    code, answer = world.act("deploy", app("v3"), name="v3", check=True)
    assert (code, answer["outcome"], world.live) == (0, "checked", first)
    assert "was cut off" in answer["warnings"][0]
    assert (world.running, world.there, world.states, len(world.journal)) == before
    # The next real run still knows.
    world.deploy("v3")
    assert [line.outcome for line in world.journal] == ["live", "cut off", "live"]


def with_a_dump(world: World, monkeypatch: pytest.MonkeyPatch, restore: Any) -> tuple[str, str]:
    first = world.deploy("v1")
    _, second = world.act("deploy", app("v2", "m1"), name="v2")
    monkeypatch.setattr("andamio_release.dumps.restore", restore)
    return first, str(second["release"])


def test_a_database_that_is_half_restored_keeps_visitors_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(commands: Any, dump: str, url: str) -> None:
        raise ReleaseError("andamio-db ended with 1")

    first, second = with_a_dump(world, monkeypatch, fails)
    code, answer = world.act("rollback", database="restore", confirm=first, dump_url=URL)
    assert (code, answer["outcome"], world.live) == (4, "stuck", second)
    assert "half restored" in answer["message"]
    assert maintenance.is_ours(world.settings)
    # Neither the next deploy nor a boot lets them in; the same rollback does, when it works.
    world.act("settle")
    world.deploy("v3")
    assert maintenance.is_ours(world.settings)
    monkeypatch.setattr("andamio_release.dumps.restore", lambda commands, dump, url: None)
    assert world.act("rollback", release=first, database="restore", confirm=first, dump_url=URL)[0] == 0
    assert not maintenance.is_down(world.settings)


def test_a_restore_that_is_refused_lets_visitors_in_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def refused(commands: Any, *command: str, **options: Any) -> str:
        given.extend((command, options["given"]))
        raise EndedError("andamio-db ended with 1: no signature", 1)

    first, second = with_a_dump(world, monkeypatch, dumps.restore)
    monkeypatch.setattr(engine.Commands, "root", refused)
    code, answer = world.act("rollback", database="restore", confirm=first, dump_url=URL)
    assert (code, answer["outcome"], world.live) == (1, "failed", second)
    assert "no signature" in answer["message"]
    assert not maintenance.is_down(world.settings)
    # The URL is in no argument, and in no log.
    assert given[0][-1] == "--url-from-stdin"
    assert URL not in " ".join(given[0])
    assert given[1] == URL
    assert URL not in Path(answer["log"]).read_text()


def test_a_restore_that_is_killed_keeps_visitors_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = with_a_dump(world, monkeypatch, lambda commands, dump, url: os.kill(os.getpid(), 9))
    assert world.killed_after("never", "rollback", database="restore", confirm=first, dump_url=URL)
    _, answer = world.act("settle")
    assert "half restored" in answer["warnings"][0]
    assert maintenance.is_ours(world.settings)


@pytest.mark.parametrize(
    ("breaks", "preloads"), [("nothing", True), ("preload v", False), ("preload-start v", False)]
)
def test_a_preload_that_is_in_the_way_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch, breaks: str, preloads: bool
) -> None:
    monkeypatch.setattr(preload, "compiled", lambda settings, release: ["/usr/share/php/Str.php"])
    monkeypatch.setattr(preload, "warm", lambda *given: None)
    world.breaks(breaks)
    first = world.deploy("v1")
    code, answer = world.act("deploy", app("v2"), name="v2")
    assert (code, world.live) == (0, answer["release"])
    assert preload.options_file(world.settings, answer["release"]).exists() == preloads
    assert any("preloading is left out" in text for text in answer["warnings"]) != preloads
    assert world.live != first


def test_leftovers_of_others_go_too(world: World) -> None:
    first = world.deploy("v1")
    (world.settings.releases / "half.tmp").mkdir()
    (world.root / "running" / "half.tmp").touch()
    world.records.put(Record("gone", "good", "2026"))
    world.act("settle")
    assert (world.there, world.running, list(world.states)) == ([first], [first], [first])


def test_status_of_unknown_requests_is_wrong(world: World) -> None:
    code, answer = world.act("rollback")
    assert code == 2
    assert "nothing is live" in answer["message"]


def test_an_answer_says_which_variables_changed_never_their_values(world: World) -> None:
    world.deploy("v1")
    (world.root / "srv/shared/.env").write_text("SECRET=hidden\n")
    _, answer = world.act("deploy")
    text: Any = str(answer)
    assert "hidden" not in text
