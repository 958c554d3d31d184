"""What an answer of the API must be, and what many of them say together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

AROUND = 2.0
"""Seconds before and after a switch that count as its own."""

COURSE = {
    "id": int,
    "name": str,
    "teacher": str,
    "schedule": str,
    "fee_cents": int,
    "seats": int,
    "seats_left": int,
}


@dataclass
class Answer:
    """One answer. Times are in seconds; a status of 0 is none, and ``wrong`` is empty when all is well."""

    kind: str
    sent: float
    latency: float
    status: int
    release: str
    wrong: str
    email: str = ""


def wrong(kind: str, status: int, release: str, body: bytes, email: str = "") -> str:
    """Say what is wrong with an answer to a request of this kind; nothing, when nothing is.

    kind: up; alive, which is up but for a database that may be away; classes; or enrol.
    """
    wanted = 201 if kind == "enrol" else 200
    if status != wanted and (kind, status) != ("alive", 503):
        return f"{status} instead of {wanted}: {body[:200].decode(errors='replace')}"
    try:
        tree = json.loads(body)
    except ValueError:
        return f"no JSON: {body[:200]!r}"
    if not release:
        return "no X-Release"
    look = {"up": _up, "alive": _alive, "classes": _classes, "enrol": _enrolment}[kind]
    return look(tree, release, email)


def of_one_release(tree: Any, release: str) -> str:
    """The body of /up: its folder, its code, its cached settings and its files are of one release."""
    if not isinstance(tree, dict) or tree.get("release") != release:
        return f"X-Release is {release}, the body says {tree}"
    marks = set(tree.get("marks", []))
    return f"parts of several releases: {tree}" if len(marks) > 1 else ""


def _up(tree: Any, release: str, email: str) -> str:
    if mixed := of_one_release(tree, release):
        return mixed
    return "" if tree["status"] == tree["database"] == "ok" else f"not well: {tree}"


def _alive(tree: Any, release: str, email: str) -> str:
    return of_one_release(tree, release)


def _classes(tree: Any, release: str, email: str) -> str:
    if not isinstance(tree, list) or not tree:
        return f"no list of classes: {tree}"
    for entry in tree:
        if not isinstance(entry, dict) or entry.keys() != COURSE.keys():
            return f"no class: {entry}"
        if any(type(entry[key]) is not kind for key, kind in COURSE.items()):
            return f"a class of other types: {entry}"
        if not 0 <= entry["seats_left"] <= entry["seats"]:
            return f"seats don't add up: {entry}"
    numbers = [entry["id"] for entry in tree]
    return "" if numbers == sorted(set(numbers)) else f"classes out of order: {numbers}"


def _enrolment(tree: Any, release: str, email: str) -> str:
    student = tree.get("student") if isinstance(tree, dict) else None
    if not student or student.get("email") != email or not tree.get("id"):
        return f"no enrolment of {email}: {tree}"
    return ""


def quantile(values: Iterable[float], part: float) -> float:
    """The value below which this part of them lies; 0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def switches(answers: Iterable[Answer]) -> list[float]:
    """When visitors first saw another release than before."""
    moments: list[float] = []
    seen = ""
    for answer in sorted(answers, key=lambda one: one.sent):
        if answer.release and answer.release != seen:
            if seen and not (moments and answer.sent - moments[-1] < AROUND):
                moments.append(answer.sent)
            seen = answer.release
    return moments


def summary(answers: Sequence[Answer], busy: Sequence[tuple[float, float]] = ()) -> dict[str, Any]:
    """Totals, failures and latencies in ms: quiet, around switches, and in the times that were busy besides.

    busy: start and end of what else was going on, such as deploys.
    """
    moments = switches(answers)
    groups: dict[str, list[float]] = {"quiet": [], "switch": [], "busy": []}
    for answer in answers:
        if any(abs(answer.sent - moment) <= AROUND for moment in moments):
            groups["switch"].append(answer.latency)
        elif any(start <= answer.sent <= end for start, end in busy):
            groups["busy"].append(answer.latency)
        else:
            groups["quiet"].append(answer.latency)
    failed = [answer for answer in answers if answer.wrong]
    return {
        "answers": len(answers),
        "kinds": dict(Counter(answer.kind for answer in answers)),
        "failed": len(failed),
        "failures": [
            f"{answer.sent:.3f} +{answer.latency:.3f} {answer.kind} {answer.release}: {answer.wrong}"
            for answer in failed[:50]
        ],
        "switches": len(moments),
        "ms": {
            name: {
                "answers": len(values),
                **{f"p{part}": round(quantile(values, part / 100) * 1000, 1) for part in (50, 99)},
                "max": round(max(values, default=0.0) * 1000, 1),
            }
            for name, values in groups.items()
        },
    }


def acknowledged(answers: Iterable[Answer]) -> list[str]:
    """The e-mail addresses whose enrolment was answered as made."""
    return [answer.email for answer in answers if answer.kind == "enrol" and answer.status == 201]
