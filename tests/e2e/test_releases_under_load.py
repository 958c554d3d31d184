"""Visitors, students among them, come at a constant rate while releases come and go, good and bad ones.

The engine is run as the module runs it, but without Ansible: its own work on this machine, which is
elsewhere in earnest, would count as the host's. The rate is a third of what the host can answer just then,
between two limits, since other tests may run on the same machine; fewer visitors a second come for longer.
.cache/e2e/load.json has every answer, load-summary.json what they say together.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import pytest

from .answers import Answer, acknowledged, summary
from .apps import App, build
from .conftest import LOGS, ROOT
from .host import Host, until
from .load import Driver, Target

LEAST_RATE, MOST_RATE = 38.0, 76.0
FIRST = 12.0
ANSWERS = 20_000
# Some more than are asked for: what is counted are answers.
VISITS = 20_520
JOBS = "/srv/laravel/shared/storage/app/jobs.txt"


class Story:
    """What is done while visitors come, and when."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.busy: list[tuple[float, float]] = []
        self.good: list[App] = []

    def run(self, begins: float, seconds: float) -> None:
        """Do it all, one after the other, spread over so many seconds."""
        deeds: list[Callable[[], None]] = [
            self.deploy,
            lambda: self.deploy("migration"),
            lambda: self.fail("fails_gate", "gate"),
            self.rollback,
            self.deploy,
            lambda: self.fail("fails_migration", "migrate"),
            lambda: self.fail("fails_in_public", "public_gate"),
            self.deploy,
            self.rollback,
            self.deploy,
        ]
        for number, deed in enumerate(deeds):
            due = FIRST + number * (seconds - FIRST) / len(deeds)
            time.sleep(max(0.0, begins + due - time.time()))
            started = time.time()
            deed()
            self.busy.append((started, time.time()))
        time.sleep(max(0.0, begins + seconds - time.time()))

    def deploy(self, *overlays: str) -> None:
        app = build(f"load{len(self.good)}", *overlays)
        told = self.host.deploy(app)
        assert (told.code, told.answer["release"]) == (0, app.release), told.all
        self.good.append(app)

    def fail(self, overlay: str, step: str) -> None:
        live = self.host.live()
        told = self.host.deploy(build(overlay, overlay))
        assert (told.code, told.answer["failed_step"], self.host.live()) == (1, step, live), told.all

    def rollback(self) -> None:
        told = self.host.rollback()
        assert (told.code, told.answer["release"]) == (0, self.good[-2].release), told.all
        del self.good[-1]


@pytest.fixture(scope="module")
def answers(host: Host) -> list[Answer]:
    """All the answers, once the story has been told."""
    host.sh(f"rm -f {JOBS}")
    story = Story(host)
    story.deploy()
    class_id, over = host.class_id(), LOGS / "load.over"
    for stale in (over, LOGS / "load.json"):
        stale.unlink(missing_ok=True)
    capacity = asyncio.run(Driver(Target(host.address), 0, class_id).capacity(10))
    rate = min(MOST_RATE, max(LEAST_RATE, capacity / 3))
    driver = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.e2e.load", "--address", host.address, "--until", str(over)),
            *("--rate", str(rate), "--seconds", "3600", "--class-id", str(class_id)),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        story.run(time.time(), VISITS / rate)
        over.touch()
        driver.wait(60)
    finally:
        driver.terminate()
    kept = json.loads((LOGS / "load.json").read_text())
    found = [Answer(*row) for row in kept["answers"]]
    told = {**summary(found, story.busy), "cpu": kept["cpu"], "lag_p99": kept["lag_p99"]}
    told |= {"capacity": round(capacity), "rate": round(rate, 1)}
    told["deeds"] = [round(end - start, 2) for start, end in story.busy]
    (LOGS / "load-summary.json").write_text(json.dumps(told, indent=1))
    print(json.dumps(told, indent=1))
    return found


def test_no_answer_failed_or_was_wrong(answers: list[Answer]) -> None:
    told = json.loads((LOGS / "load-summary.json").read_text())
    assert told["failed"] == 0, "\n".join(told["failures"])
    assert told["answers"] >= ANSWERS
    # Five deploys and two rollbacks. What failed in public was live for a moment: there and back.
    assert 7 <= told["switches"] <= 9


def test_the_driver_was_not_what_was_measured(answers: list[Answer]) -> None:
    told = json.loads((LOGS / "load-summary.json").read_text())
    assert told["cpu"] < 0.5
    assert told["lag_p99"] < 0.1


def test_each_enrolment_that_was_acknowledged_is_there_once(host: Host, answers: list[Answer]) -> None:
    rows = host.sql(
        "SELECT students.email, COUNT(*) FROM students JOIN enrolments ON student_id = students.id "
        "WHERE students.email LIKE 'load-%' GROUP BY students.email"
    )
    there = {email: int(count) for email, count in rows}
    known = acknowledged(answers)
    assert len(known) == len(set(known)) >= ANSWERS // 21
    assert {email: there.get(email) for email in known} == dict.fromkeys(known, 1)
    asked = {answer.email for answer in answers}
    assert set(there) & asked == set(known)


def test_each_job_was_done_once(host: Host, answers: list[Answer]) -> None:
    until("an empty queue", lambda: host.sql("SELECT COUNT(*) FROM jobs") == [["0"]], seconds=600)
    emails = set(acknowledged(answers))
    rows = host.sql(
        "SELECT students.email, enrolments.id FROM students JOIN enrolments ON student_id = students.id "
        "WHERE students.email LIKE 'load-%'"
    )
    enrolments = {row[1] for row in rows if row[0] in emails}
    done = Counter(host.sh(f"cat {JOBS}").splitlines())
    wanted = {f"{what} {enrolment}": 1 for enrolment in enrolments for what in ("begun", "done")}
    assert {line: done[line] for line in wanted} == wanted
    noticed = host.sql("SELECT enrolment_id, COUNT(*) FROM notices GROUP BY enrolment_id")
    assert {row[0]: row[1] for row in noticed if row[0] in enrolments} == dict.fromkeys(enrolments, "1")
    assert host.sql("SELECT COUNT(*) FROM failed_jobs") == [["0"]]


def test_visitors_hardly_notice_a_switch(answers: list[Answer]) -> None:
    waited = json.loads((LOGS / "load-summary.json").read_text())["ms"]
    ratio = waited["switch"]["p99"] / waited["quiet"]["p99"]
    print(f"p99 {waited['quiet']['p99']} ms, around switches {waited['switch']['p99']} ms: {ratio:.1f} times")
    if os.environ.get("ANDAMIO_QUIET"):
        assert ratio <= 3
