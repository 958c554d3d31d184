"""Roll back: an earlier release, proven again before and after it is live."""

from __future__ import annotations

from andamio_release import decide, dumps, maintenance
from andamio_release.errors import ReleaseError, RequestError
from andamio_release.run import Run


def rollback(run: Run, live: str) -> None:
    """Make an earlier good release live. Raises ReleaseError; what was live before is live then."""
    settings, request = run.settings, run.request
    if not live:
        raise RequestError("nothing is live, so there is nothing to go back from")
    maintenance.bypass(settings)
    records, entries = run.records.all(), run.records.entries()
    release = decide.target(request.release, records, decide.last_good(records, entries, live), live)
    run.answer.release, run.answer.previous = release, live
    run.note(release=release, previous=live)
    with run.step("check"):
        way = look(run, release)
        restore = request.database == "restore"
        if restore:
            insist(way, request.confirm, request.dump_url)
    run.say(f"rollback {way.sentence}")
    run.answer.message = f"rollback {way.sentence}"
    run.answer.dump = way.dump
    run.answer.migrations = {"pending": [], "ran": [], "since": way.since}
    if request.check:
        run.answer.outcome, run.answer.changed = "checked", True
        return
    try:
        with run.step("start"):
            run.host.start_fpm(release)
        if restore or request.maintenance:
            run.take_down()
        if restore:
            with run.step("restore"):
                dumps.restore(run.commands, way.dump, request.dump_url)
        with run.step("gate"):
            run.prove_privately(release)
        run.go_live(release, live)
    except (ReleaseError, OSError) as error:
        if run.answer.outcome not in ("put_back", "stuck"):
            run.tidy("stopping it", lambda: run.host.stop_fpm(release))
        if run.step_name == "restore" and not isinstance(error, dumps.UntouchedError):
            run.answer.outcome = "stuck"
            raise ReleaseError(
                f"{error}\nThe database may be half restored, so the application stays down for maintenance."
            ) from error
        run.tidy("ending the maintenance", lambda: run.lift(run.host.live()))
        raise
    with run.step("record"):
        run.note(switching=False)
    run.answer.outcome, run.answer.changed = "live", True
    run.answer.message = f"{release} is live; rollback {way.sentence}"
    if restore:
        run.answer.message = f"{release} is live, with the database as in {way.dump}."
    run.tidy("retiring the release before", lambda: run.host.retire_fpm(live))


def look(run: Run, release: str) -> decide.Way:
    """What going back means for the database, asked of the database itself where it can be."""
    if run.settings.migrate == "never":
        return decide.Way(release, [], "")
    found = run.commands.laravel(run.settings.release(release), migrations=True)
    return decide.way(release, found["known"], found["ran"], run.records.entries())


def insist(way: decide.Way, confirm: str, url: str) -> None:
    """Raise RequestError unless there is a dump to restore, and the person has said so twice."""
    if not way.since:
        raise RequestError(f"database: nothing to restore; rollback {way.sentence}")
    if not way.dump:
        raise RequestError(f"database: no dump to restore; rollback {way.sentence}")
    if confirm != way.target:
        raise RequestError(
            f"database: restoring {way.dump} loses all that was written since."
            f" To confirm it, give confirm={way.target}"
        )
    if dumps.is_remote(way.dump) and not url:
        raise RequestError(
            f"database: this host may not read {way.dump}. Roll back from the control machine, which"
            " hands the dump over: playbooks/rollback.yml -e database=restore"
        )
