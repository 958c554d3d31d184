"""Make good what a run has left that was cut off, and have what is live run."""

from __future__ import annotations

from andamio_release import maintenance
from andamio_release.build import remove_tree
from andamio_release.errors import ReleaseError
from andamio_release.records import Entry, Record, Under
from andamio_release.run import Run

# Steps of a run after its switch: what is live then is what it has chosen, not what it found.
AFTER_SWITCH = ("migrate_after", "workers", "public_gate")
# The step that replaces the database.
RESTORE = "restore"
# Steps of a run whose release has been proven in public.
PROVEN = ("record", "prune")


def settle(run: Run, cut_off: Under | None) -> str:
    """The id of the live release, running; leftovers are gone. Raises ReleaseError when it can't run."""
    live = run.host.live()
    if live:
        if live not in run.records.all():
            run.records.put(Record(live, "good", run.time))
        run.host.start_fpm(live)
    if cut_off:
        live = make_good(run, cut_off, live)
    stop_others(run, live)
    remove_leftovers(run, live)
    return live


def make_good(run: Run, under: Under, live: str) -> str:
    """Decide on a run that was cut off, and give it its line in the journal."""
    outcome, message = "cut off", f"cut off at the step {under.step or 'first'}; {live or 'nothing'} is live."
    if under.switching and live == under.release:
        outcome, message, live = judge(run, under)
    elif live == under.release and under.step in PROVEN:
        outcome, message = "live", f"{live} is live and proven; cut off at the step {under.step}."
    elif under.switching and live == under.previous and under.step in AFTER_SWITCH:
        run.records.mark(under.release, "bad", f"put back at the step {under.step}, then cut off")
        outcome, message = "put_back", f"{live} had been put back when the run was cut off."
    if under.step == RESTORE:
        message += (
            " The database may be half restored, so the application stays down for maintenance: run the"
        )
        message += " rollback with database=restore again."
    elif maintenance.end(run.settings):
        message += " Its maintenance mode is ended."
    if live and any(run.host.worker(unit, live)[1] for unit in run.settings.workers):
        run.host.restart_workers()
    run.warn(f"an earlier run ({under.action} by {under.owner}, {under.time}) was cut off: {message}")
    run.records.add(
        Entry(
            *(under.run, under.time, under.action, under.owner, under.reason),
            *(under.release, under.previous, under.commit, outcome),
            *(0.0, under.step, message),
            ran=under.ran,
            dump=under.dump,
        )
    )
    return live


def judge(run: Run, under: Under) -> tuple[str, str, str]:
    """A release went live and wasn't proven: prove it now, or put the one before it back.

    Gives outcome, message and what is live. Where neither is well (the database is away, say), it is not the
    release's fault: all stays as it is.
    """
    run.host.restart_workers()
    try:
        run.prove_publicly(under.release)
    except ReleaseError as error:
        why = str(error)
    else:
        run.records.mark(under.release, "good")
        return "live", f"{under.release} is proven now.", under.release
    try:
        if not under.previous:
            raise ReleaseError("there is none before it")
        run.host.start_fpm(under.previous)
        run.prove_privately(under.previous)
    except ReleaseError as error:
        return (
            "cut off",
            f"{under.release} is not well ({why}), nor can another be live: {error}",
            under.release,
        )
    run.host.switch(under.previous)
    run.host.restart_workers()
    run.records.mark(under.release, "bad", why)
    return "put_back", f"{under.release} is not well ({why}); {under.previous} is live again.", under.previous


def stop_others(run: Run, live: str) -> None:
    """Stop the PHP-FPM of each release that isn't live."""
    for release in run.host.running_fpm():
        if release != live:
            run.host.stop_fpm(release)


def remove_leftovers(run: Run, live: str) -> None:
    """Remove half-made releases and what was staged."""
    records = run.records.all()
    for path in run.settings.releases.iterdir():
        if path.name != live and (path.name not in records or records[path.name].state == "building"):
            remove_tree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for record in records.values():
        if record.state == "building" or not run.settings.release(record.id).is_dir():
            run.records.forget(record.id)
    for path in run.records.staging.iterdir():
        path.unlink()
