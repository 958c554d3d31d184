"""Deploy: build beside the live release, prove, switch, prove again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from andamio_release import build, decide, dumps, maintenance, preload
from andamio_release.archive import hash_file
from andamio_release.commands import KilledError
from andamio_release.env import Env
from andamio_release.errors import ReleaseError, RequestError
from andamio_release.records import Record
from andamio_release.run import SOON_SECONDS, Run

# Where an artifact is unpacked: what it is called is known when its .env is here.
UNPACKED = ".unpacked"


def deploy(run: Run, live: str) -> None:
    """Make the request's artifact live. Raises ReleaseError; what was live before is live then."""
    maintenance.bypass(run.settings)
    env = Env(run.settings, run.records.staging)
    env.start()
    try:
        record = prepare(run, live, env)
    finally:
        env.cancel()
    if record is None:
        return
    release = record.id
    run.answer.release, run.answer.previous = release, live
    run.note(release=release, previous=live)
    try:
        make_ready(run, record, live)
        if run.request.check:
            return
        migrate_after = run.settings.migrate == "after_switch" and wanted(run)
        run.go_live(
            release, live, after=(lambda: migrate(run, record, "migrate_after")) if migrate_after else None
        )
    except (ReleaseError, OSError) as error:
        if run.answer.outcome not in ("put_back", "stuck"):
            drop(run, record, str(error))
        raise
    finally:
        run.tidy("ending the maintenance", lambda: run.lift(run.host.live()))
    finish(run, record, live)


def prepare(run: Run, live: str, env: Env) -> Record | None:
    """The release that is wanted, its code in place; None when it is live already."""
    records, artifact = run.records.all(), run.request.artifact
    with run.step("receive"):
        if artifact:
            received = build.receive(artifact, run.stream, run.records.staging)
            sha256 = artifact.sha256 or hash_file(received)
            name = run.request.name
        elif live:
            sha256, name = records[live].sha256, records[live].name
        else:
            raise RequestError(
                "the request names no artifact, and nothing is live that could be deployed again"
            )
    # Most runs find what is wanted live already: those wait for .env alone.
    same_code = bool(live) and (records[live].sha256, records[live].name) == (sha256, name)
    digest, versions = env.finish() if same_code else ("", {})
    if same_code and records[live].env_digest == digest:
        run.answer.outcome, run.answer.release, run.answer.previous = "unchanged", live, live
        run.answer.message = f"{live} is live already."
        return None
    unpacked = run.settings.release(UNPACKED)
    free = run.host.free_mb()
    if free < run.settings.min_free_mb:
        raise ReleaseError(
            f"{run.settings.releases} has {free} MiB free, and {run.settings.min_free_mb} are to stay free:"
            " remove what isn't needed there, or make the volume larger (ec2_host_volume_size)"
        )
    build.remove(run.settings.releases, UNPACKED)
    with run.step("unpack"):
        if artifact:
            build.make(run.settings, received, artifact.format, unpacked)
        else:
            build.copy_release(run.settings.release(live), unpacked)
    with run.step("env"):
        if not digest:
            digest, versions = env.finish()
        before = records[live].env if live else {}
        run.answer.env = sorted(name for name in before | versions if before.get(name) != versions.get(name))
    release = decide.release_id(name, sha256, digest, records)
    if release in records:
        build.remove(run.settings.releases, UNPACKED)
        return records[release]
    with run.step("link"):
        if dropped := build.dropped(unpacked):
            run.warn(dropped)
        build.link(run.settings, unpacked, env.path)
        record = Record(
            *(release, "building", run.time, name, run.request.commit, run.request.owner, sha256),
            env=versions,
            env_digest=digest,
            previous=live,
        )
        run.records.put(record)
        unpacked.rename(run.settings.release(release))
    return record


def make_ready(run: Run, record: Record, live: str) -> None:
    """Have the release compiled, its database migrated, and proven on its private socket."""
    settings, release = run.settings, record.id
    folder = settings.release(release)
    if record.state == "building" and not (folder / "vendor" / "autoload.php").exists():
        with run.step("composer"):
            build.composer(settings, run.commands, folder)
    with run.step("check"):
        if problems := build.platform_problems(settings, run.commands, folder):
            raise ReleaseError("this host can't run the release: " + "; ".join(problems))
    with run.step("compile"):
        commands = [] if record.state != "building" else compiling(settings.cache_commands, folder)
        found = run.commands.laravel(folder, *commands, migrations=settings.migrate != "never")
        run.answer.migrations["pending"] = decide.pending(found["known"], found["ran"])
    if run.request.check:
        checked(run, record, live)
        return
    start(run, release, live)
    if run.request.maintenance:
        run.take_down()
    if settings.migrate == "before_switch" and wanted(run):
        dump(run, release)
        migrate(run, record, "migrate", isolated=bool(found["ran"]))
    elif settings.migrate == "after_switch" and wanted(run):
        dump(run, release)
    elif run.answer.migrations["pending"] and settings.migrate == "never":
        run.warn(
            "laravel_app_migrate is never, and these migrations are pending: "
            + ", ".join(run.answer.migrations["pending"])
        )
    with run.step("gate"):
        prove(run, release, live)
    run.records.put(replace(record, state="ready"))
    run.commands.root("sync", "--file-system", str(folder))


def compiling(commands: list[str], folder: Path) -> list[str]:
    """The commands that compile a release; an application without views has none to compile."""
    return [
        command
        for command in commands
        if command != "view:cache" or (folder / "resources" / "views").is_dir()
    ]


def wanted(run: Run) -> bool:
    """Whether this run migrates: one host of several does, and only where something is pending."""
    return run.request.migrate and bool(run.answer.migrations["pending"])


def start(run: Run, release: str, live: str) -> None:
    """Start the release's PHP-FPM, with the classes preloaded that the live one has compiled."""
    settings = run.settings
    with run.step("start"):
        files = preload.compiled(settings, live) if live and settings.preload else []
        if files:
            preload.prepare(
                settings, release, preload.translate(files, settings.release(live), settings.release(release))
            )
        try:
            run.host.start_fpm(release)
        except ReleaseError as error:
            if not files:
                raise
            without_preload(run, release, str(error))


def without_preload(run: Run, release: str, why: str) -> None:
    """Start the release's PHP-FPM again, without preloading."""
    run.warn(f"preloading is left out: {why}")
    preload.drop(run.settings, release)
    run.host.restart_fpm(release)


def prove(run: Run, release: str, live: str) -> None:
    """The gate; a preload that is in the way is left out. Then what visitors will need is compiled."""
    settings = run.settings
    preloads = preload.options_file(settings, release).exists()
    try:
        # With all its time, but where it may be the preload that is wrong.
        run.prove_privately(release, min(SOON_SECONDS, settings.gate_seconds) if preloads else 0)
    except ReleaseError as error:
        if not preloads:
            raise
        without_preload(run, release, str(error))
        run.prove_privately(release)
    if not live and settings.preload:
        # The first release: what its own probes have compiled is all there is to go by.
        own = preload.compiled(settings, release)
        preload.prepare(
            settings, release, preload.translate(own, settings.release(release), settings.release(release))
        )
        try:
            run.host.restart_fpm(release)
            run.prove_privately(release, min(SOON_SECONDS, settings.gate_seconds))
        except ReleaseError as error:
            without_preload(run, release, str(error))
            run.prove_privately(release)
    elif live:
        files = preload.translate(
            preload.compiled(settings, live), settings.release(live), settings.release(release)
        )
        run.tidy("compiling ahead", lambda: preload.warm(settings, release, files))


def dump(run: Run, release: str) -> None:
    """Keep the database as it is before the migrations."""
    if not run.settings.dump:
        return
    with run.step("dump"):
        key, why_not = dumps.make(run.commands, release, run.settings.dump_limit_mb)
        run.answer.dump = key
        if why_not:
            run.warn(f"no dump was made before the migrations: {why_not}")
        run.note(dump=key)


def migrate(run: Run, record: Record, step: str, *, isolated: bool = True) -> None:
    """Run the pending migrations. Another host that migrates is waited for by nobody: that is an error.

    The very first has no cache to lock by. The lock of this run is the child's too: a migration that
    outlives its engine keeps other runs out.
    """
    pending = run.answer.migrations["pending"]
    folder = run.settings.release(record.id)
    isolation = ("--isolated=75",) if isolated and run.settings.isolated else ()
    run.note(ran=pending)
    with run.step(step), unfinished(run, folder):
        run.commands.artisan(folder, "migrate", "--force", *isolation, seconds=3600, pass_fds=(run.lock,))
        run.answer.migrations = {"pending": [], "ran": pending}


@contextmanager
def unfinished(run: Run, folder: Path) -> Iterator[None]:
    """Remember a migration until it has ended by itself, and clean up after one that hasn't.

    A migration that is killed leaves Laravel's own lock for an hour. It is surely gone: it would hold the
    lock of this run.
    """
    mark = run.records.state / "migrating"
    if mark.exists():
        run.commands.laravel(folder, unlock=True)
    mark.touch()
    try:
        yield
    except KilledError:
        raise
    except ReleaseError:
        mark.unlink()
        raise
    mark.unlink()


def checked(run: Run, record: Record, live: str) -> None:
    """What a run would do, without doing it; the half-made release goes again."""
    run.answer.pruned = prunable(run, record.id, live)
    run.answer.outcome, run.answer.changed = "checked", True
    pending = run.answer.migrations["pending"]
    run.answer.message = (
        f"{record.id} would go live in place of {live or 'nothing'};"
        f" pending migrations: {', '.join(pending) or 'none'};"
        f" would be pruned: {', '.join(run.answer.pruned) or 'none'}."
    )
    if record.state == "building":
        run.host.remove_release(record.id)
        run.records.forget(record.id)


def drop(run: Run, record: Record, why: str) -> None:
    """A release that has failed before its switch: stopped; kept to be looked at when it was whole."""
    run.tidy("stopping it", lambda: run.host.stop_fpm(record.id))
    if record.state == "good":
        return
    if run.step_name in ("composer", "check", "compile"):
        run.tidy("removing it", lambda: run.host.remove_release(record.id))
        run.tidy("forgetting it", lambda: run.records.forget(record.id))
    else:
        run.tidy("marking it", lambda: run.records.mark(record.id, "bad", why))


def finish(run: Run, record: Record, live: str) -> None:
    """The release is live and proven: note that, and remove what isn't needed."""
    with run.step("record"):
        run.records.put(replace(record, state="good", previous=live))
        run.note(switching=False)
    run.answer.outcome, run.answer.changed = "live", True
    run.answer.message = f"{record.id} is live."
    with run.step("prune"):
        run.tidy("pruning", lambda: prune(run, record.id, live))
    if live and live != record.id:
        run.tidy("retiring the release before", lambda: run.host.retire_fpm(live))


def prunable(run: Run, live: str, before: str) -> list[str]:
    """What can go once a release is live in place of the one before it."""
    records = run.records.all()
    last = before if before in records and records[before].state == "good" else ""
    last = last or decide.last_good(records, run.records.entries(), live)
    return decide.prunable(records, run.settings.keep, live, last, run.host.in_use())


def prune(run: Run, live: str, before: str) -> None:
    """Remove old releases."""
    for release in prunable(run, live, before):
        if run.settings.release(release).exists():
            run.host.remove_release(release)
        run.records.forget(release)
        run.answer.pruned.append(release)
    logs = sorted(run.records.logs.iterdir(), key=os.path.getmtime)
    for log in logs[:-50]:
        log.unlink()
