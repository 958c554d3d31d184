"""One run: its steps, its log, its answer, and what the next run learns when it is cut off."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import IO, Any

from andamio_release import applog, gate, maintenance
from andamio_release.commands import Commands
from andamio_release.errors import ReleaseError, RequestError
from andamio_release.host import Host
from andamio_release.records import Entry, Records, Under
from andamio_release.settings import Request, Settings

# For the tests of what a killed run leaves: a step, after which the engine kills itself.
KILL_AFTER = "ANDAMIO_RELEASE_KILL_AFTER"
# What has answered on its own socket answers rightly in public at once: visitors don't wait longer for a put
# back. What is only late may take all the gate's time.
SOON_SECONDS = 5.0


@dataclass
class Answer:
    """How a run ended. ``outcome`` is live, unchanged, checked, failed, put_back or stuck."""

    outcome: str = "failed"
    changed: bool = False
    release: str = ""
    previous: str = ""
    message: str = ""
    failed_step: str = ""
    log: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    migrations: dict[str, list[str]] = field(default_factory=lambda: {"pending": [], "ran": []})
    dump: str = ""
    pruned: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)


class Run:
    """What the steps of one run share."""

    def __init__(
        self,
        settings: Settings,
        request: Request,
        records: Records,
        *,
        lock: int,
        log: IO[str],
        stream: IO[bytes],
    ) -> None:
        now = datetime.now(UTC)
        self.settings = settings
        self.request = request
        self.records = records
        self.lock = lock
        self.stream = stream
        self.commands = Commands(settings, log)
        self.host = Host(settings, self.commands)
        self.probes = [gate.probe_from(probe) for probe in settings.probes]
        self.started = time.monotonic()
        self.time = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        self.id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        self.answer = Answer(log=log.name)
        self.under: Under | None = None
        self.step_name = ""
        # Whether this run has taken the application down for maintenance, and is to end that.
        self.lifts = False
        # Whether it failed because it was asked for the wrong thing.
        self.wrong = False

    def begin(self) -> None:
        """From here on, a killed run is one that the next run has to make good."""
        request = self.request
        self.under = Under(
            *(self.id, self.time, request.action, request.owner, request.reason), commit=request.commit
        )
        self.records.set_under(self.under)

    def note(self, **changes: Any) -> None:
        """Keep what the next run needs to know if this one is cut off."""
        if self.under:
            self.under = replace(self.under, **changes)
            self.records.set_under(self.under)

    def end(self) -> None:
        """Write the run's line into the journal; then nothing is under way any more."""
        answer, request = self.answer, self.request
        if self.under is None:
            return
        if answer.outcome not in ("unchanged", "checked"):
            self.records.add(
                Entry(
                    *(self.id, self.time, request.action, request.owner, request.reason),
                    *(answer.release, answer.previous, request.commit, answer.outcome),
                    seconds=round(time.monotonic() - self.started, 2),
                    failed_step=answer.failed_step,
                    message=answer.message,
                    steps={step["name"]: step["seconds"] for step in answer.steps},
                    ran=answer.migrations["ran"],
                    dump=answer.dump,
                )
            )
        self.records.clear_under()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step: told, timed and noted."""
        self.step_name = name
        self.note(step=name)
        started = time.monotonic()
        try:
            yield
        except ReleaseError:
            self.answer.failed_step = self.answer.failed_step or name
            raise
        seconds = round(time.monotonic() - started, 2)
        self.answer.steps.append({"name": name, "seconds": seconds})
        self.say(f"{name}: {seconds:.1f} s")
        if os.environ.get(KILL_AFTER) == name:
            os.kill(os.getpid(), signal.SIGKILL)

    def say(self, text: str) -> None:
        """Tell whoever watches, and the log."""
        print(text, file=sys.stderr, flush=True)
        self.commands.log.write(f"-- {text}\n")

    def warn(self, text: str) -> None:
        """Something to know, that stops nothing."""
        self.answer.warnings.append(text)
        self.say(f"warning: {text}")

    def tidy(self, what: str, do: Callable[[], object]) -> None:
        """Do what only tidies up: when the release is live, a failure of that is no failure of the run."""
        try:
            do()
        except (OSError, ReleaseError) as error:
            self.warn(f"{what}: {error}")

    def take_down(self) -> None:
        """Take the application down for maintenance: nginx lets nobody in, and workers and scheduler rest."""
        self.lifts = True
        self.say(f"down for maintenance; a visit to {maintenance.begin(self.settings)} passes it")
        self.host.restart_workers()  # They finish their jobs; none starts while the flag is there.

    def lift(self, release: str) -> None:
        """End the maintenance that this run has begun. Raises ReleaseError when workers don't work then."""
        if self.lifts and maintenance.end(self.settings):
            self.host.restart_workers()
            if release:
                self.host.wait_for_workers(release, self.settings.gate_seconds)

    @contextmanager
    def explained(self, release: str) -> Iterator[None]:
        """Add to a failed proof what the application itself has logged of it."""
        before = applog.sizes(self.settings)
        try:
            yield
        except ReleaseError as error:
            said = applog.last_error(self.settings, release, before)
            logged = f"\nIts log says: {said}" if said else ""
            raise ReleaseError(f"{error}{logged}\n(X-Request-ID of these requests: {self.id})") from error

    def prove_privately(self, release: str, seconds: float = 0) -> None:
        """The release answers on its own socket, before a visitor sees it. Raises ReleaseError."""
        settings = self.settings
        cookies = maintenance.bypass(settings)
        with self.explained(release):
            gate.private(
                *(settings.socket(release), settings.release(release), settings.server_name, self.probes),
                seconds or settings.gate_seconds,
                cookies=cookies,
                request_id=self.id,
            )

    def prove_publicly(self, release: str, seconds: float = SOON_SECONDS) -> None:
        """The release answers visitors, workers work on it, the scheduler ticks. Raises ReleaseError.

        seconds: how long wrong answers are borne. During the engine's maintenance the workers rest.
        """
        settings = self.settings
        cookies = maintenance.bypass(settings)
        with self.explained(release):
            gate.public(
                *(settings.server_name, self.probes, release, min(seconds, settings.gate_seconds)),
                late_seconds=settings.gate_seconds,
                cookies=cookies,
                request_id=self.id,
            )
        if not maintenance.is_ours(settings):
            self.host.wait_for_workers(release, settings.gate_seconds)
        if not self.host.scheduler_ticks():
            raise ReleaseError("laravel-scheduler.timer is not active: the scheduler doesn't tick")

    def go_live(self, release: str, previous: str, *, after: Callable[[], None] | None = None) -> None:
        """Switch, and prove it in public; put the previous release back when that fails. Raises ReleaseError.

        ``after`` is done between the switch and its proof.
        """
        self.note(release=release, previous=previous, switching=True)
        try:
            with self.step("switch"):
                self.host.switch(release)
            if after:
                after()
            with self.step("workers"):
                self.host.restart_workers()
            with self.step("public_gate"):
                self.prove_publicly(release)
                self.lift(release)
        except (ReleaseError, OSError) as error:
            why = f"{release} was live for a moment and failed: {error}"
            self.answer.failed_step = self.answer.failed_step or self.step_name
            self.put_back(release, previous, why)
            raise ReleaseError(f"{why}\n{self.answer.message}".strip()) from error

    def put_back(self, release: str, previous: str, why: str) -> None:
        """Make the previous release live again and see that it is well. Never raises ReleaseError."""
        if not previous:
            # The first release there ever was. Nothing answered before it.
            self.settings.current.unlink(missing_ok=True)
            self.host.stop_fpm(release)
            self.records.mark(release, "bad", why)
            self.answer.message = "There was no release before it to put back."
            return
        try:
            self.host.start_fpm(previous)
            self.host.switch(previous)
            self.host.restart_workers()
            self.prove_publicly(previous, self.settings.gate_seconds)
            self.lift(previous)
        except (ReleaseError, OSError) as error:
            self.answer.outcome = "stuck"
            self.answer.message = f"{previous} is put back, but it is not well either: {error}"
        else:
            self.answer.outcome = "put_back"
            self.answer.message = f"{previous} is live again."
            self.tidy("stopping the failed release", lambda: self.host.stop_fpm(release))
        # Last, since a full disk can be why all this happens.
        self.tidy("marking the failed release", lambda: self.records.mark(release, "bad", why))
        self.tidy("noting that it is put back", lambda: self.note(switching=False))

    def as_json(self) -> dict[str, Any]:
        return asdict(self.answer)


def fail(run: Run, error: Exception) -> None:
    """Note in the answer how a run has failed."""
    answer = run.answer
    answer.failed_step = answer.failed_step or run.step_name
    answer.message = str(error)
    if answer.outcome not in ("put_back", "stuck"):
        answer.outcome = "failed"
    run.wrong = isinstance(error, RequestError)
