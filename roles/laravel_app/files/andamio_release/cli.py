"""The command line: andamio-release deploy|rollback|settle|status|history.

With --json a request is read from standard input, one line of JSON, and one line of JSON is the answer;
for a deploy with an artifact of source stdin, the artifact's bytes follow the request's line.

Exit codes: 0 done, or nothing to do; 1 failed, and what was live before is live; 2 the request or the
settings are wrong, nothing was done; 3 another run is under way; 4 failed, and a person is needed.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from andamio_release import report
from andamio_release.commands import Commands
from andamio_release.deploy import deploy
from andamio_release.errors import ReleaseError, RequestError
from andamio_release.host import Host
from andamio_release.lock import LockedError, lock
from andamio_release.records import Records
from andamio_release.rollback import rollback
from andamio_release.run import Answer, Run, fail
from andamio_release.settings import SETTINGS, Request, Settings, read_settings, request_from
from andamio_release.settle import settle

DONE, FAILED, WRONG, LOCKED, STUCK = 0, 1, 2, 3, 4
ACTIONS = {"deploy": deploy, "rollback": rollback, "settle": None}


def main(arguments: list[str] | None = None) -> int:
    given = options(arguments)
    os.umask(0o022)
    # A connection that is lost must not end a run in the middle.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    stream = sys.stdin.buffer
    try:
        settings = read_settings(Path(given.settings))
        if given.command in ("status", "history"):
            return show(given, settings)
        request = request_of(given, stream)
    except RequestError as error:
        return tell(given, report.dumps(wrong(error)) if given.json else f"andamio-release: {error}", WRONG)
    code, answer = act(settings, request, stream)
    drain(given, stream)
    return tell(given, report.dumps(answer) if given.json else report.answer_text(answer), code)


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="andamio-release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--settings", default=str(SETTINGS), help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("deploy", "deploy the artifact of a request, or what is live once more, with .env as it is now"),
        ("rollback", "make an earlier good release live"),
        ("settle", "make good what a cut-off run has left, and have what is live run"),
        ("status", "the releases there are"),
        ("history", "the runs there have been"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--json", action="store_true", help="JSON in, JSON out")
        if name == "rollback":
            command.add_argument("release", nargs="?", default="", help="default: the last good one")
        if name == "history":
            command.add_argument("--last", type=int, default=30, help="how many runs")
    return parser.parse_args(arguments)


def request_of(given: argparse.Namespace, stream: IO[bytes]) -> Request:
    """The request: a line of JSON, or what the command line says. Raises RequestError."""
    if given.json:
        line = stream.readline()
        try:
            return request_from(given.command, json.loads(line or b"{}"))
        except ValueError as error:
            raise RequestError(f"the request is no line of JSON: {error}") from error
    owner = f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"
    return request_from(given.command, {"owner": owner, "release": getattr(given, "release", "")})


def act(settings: Settings, request: Request, stream: IO[bytes]) -> tuple[int, dict[str, Any]]:
    """Do one run under the lock; its exit code and answer."""
    if os.geteuid() != 0:
        return WRONG, wrong(RequestError("run it as root"))
    records = Records(Path(settings.state))
    try:
        records.prepare()
        settings.releases.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        who = {
            "action": request.action,
            "what": request.name or request.release,
            "owner": request.owner,
            "reason": request.reason,
            "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        }
        log_file = records.logs / f"{now:%Y%m%dT%H%M%S}-{request.action}-{os.getpid()}.log"
        with lock(records.state / "lock", who) as held, log_file.open("w") as log:
            run = Run(settings, request, records, lock=held, log=log, stream=stream)
            run.commands.end_left_over()
            code = carry_out(run)
            return code, run.as_json()
    except LockedError as error:
        return LOCKED, wrong(error)
    except RequestError as error:
        return WRONG, wrong(error)
    except OSError as error:
        return FAILED, wrong(error)


def carry_out(run: Run) -> int:
    """Settle, then do what is asked for; the exit code."""
    cut_off = run.records.under()
    answer = run.answer
    try:
        if run.request.check:
            # Nothing is put right, only told.
            live = run.host.live()
            if cut_off:
                run.warn(f"an earlier run ({cut_off.action} by {cut_off.owner}, {cut_off.time}) was cut off")
        else:
            with run.step("settle"):
                live = settle(run, cut_off)
            run.records.clear_under()
            run.begin()
        answer.release = live
        action = ACTIONS[run.request.action]
        if action:
            action(run, live)
        else:
            answer.outcome, answer.message = "unchanged", f"{live or 'nothing'} is live."
            answer.changed = cut_off is not None
    except (ReleaseError, OSError) as error:
        fail(run, error)
    run.tidy("the journal", run.end)
    if answer.outcome == "stuck":
        return STUCK
    if answer.outcome in ("failed", "put_back"):
        return WRONG if run.wrong else FAILED
    return DONE


def wrong(error: Exception) -> dict[str, Any]:
    """The answer of a run that did nothing."""
    answer = Answer(message=str(error))
    return {**vars(answer), "warnings": []}


def show(given: argparse.Namespace, settings: Settings) -> int:
    """Print the status or the history."""
    records = Records(Path(settings.state))
    if os.geteuid() != 0:
        raise RequestError("run it as root: the state is for root's eyes")
    records.prepare()
    if given.command == "history":
        runs = report.history(records, given.last)
        return tell(given, report.dumps(runs) if given.json else report.history_table(runs), DONE)
    with open(os.devnull, "w") as log:
        found = report.status(settings, Host(settings, Commands(settings, log)), records)
    return tell(given, report.dumps(found) if given.json else report.status_table(found), DONE)


def drain(given: argparse.Namespace, stream: IO[bytes]) -> None:
    """Read what wasn't asked for, so that its sender doesn't meet a closed pipe."""
    while given.json and stream.read(2**20):
        pass


def tell(given: argparse.Namespace, text: str, code: int) -> int:
    """Print the answer; errors of people go to standard error."""
    where = sys.stderr if code and not given.json else sys.stdout
    print(text, file=where, flush=True)
    return code
