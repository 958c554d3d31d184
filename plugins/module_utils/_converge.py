# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change is data: what a module does to AWS, as plain values that can be compared, shown and applied.

Nothing here knows AWS. A module's ``plan`` turns what is and what should be into a list of ``Change``;
check mode shows that list, a real run applies it. ``converge`` is the loop between the two.

A change often needs what an earlier one made (an identifier, an ETag). Two placeholders keep the plan
complete, from an empty account too:

``Answer(call, path)``
    A value in the answer of an earlier change of the same run. ``converge`` puts it in.
``AFTER_APPLY``
    A value that only another reading can tell. ``converge`` applies what comes before it, reads, and
    plans again; by then the plan holds the value. A precondition that an earlier change moves is one, too:
    a distribution has another ETag once its function is published.

A precondition that moved for any other reason (``Stale``) is read anew as well, and planned from again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

AFTER_APPLY = "(known after apply)"

State = dict[str, Any]
"""A resource in its module's normal form."""


class Refused(Exception):
    """A person has to decide or to act first; the message says what, and nothing was changed after it."""


class NotConverging(Exception):
    """AWS took the changes, yet what it reads back still asks for some."""

    def __init__(self, pending: list[Change]) -> None:
        self.pending = pending
        calls = ", ".join(change.call for change in pending)
        super().__init__(
            f"AWS accepted every change, but reading it back still asks for: {calls}. Either AWS needs "
            "longer than we waited (run it again), or another tool changes the same resource."
        )


class Stale(Exception):
    """AWS refused a change since what it was planned from has moved: its ETag isn't the one that was read."""


@dataclass(frozen=True)
class Answer:
    """The value at ``path`` in the answer of the last change named ``call``, as "Instances.0.InstanceId"."""

    call: str
    path: str


@dataclass(frozen=True)
class Wait:
    """Ask ``call`` until every value at ``path`` is one of ``until`` (or is there at all, if empty).

    ``path`` is dotted; ``*`` stands for each element of a list. A value out of ``failed`` ends the wait at
    once. An answer "not found" counts as not yet. ``hint`` is what a person should look at when it fails.
    Times are seconds.
    """

    call: str
    arguments: Mapping[str, Any]
    path: str = ""
    until: tuple[Any, ...] = ()
    failed: tuple[Any, ...] = ()
    timeout: int = 300
    every: float = 5
    hint: str = ""


@dataclass(frozen=True)
class Change:
    """One boto3 call that changes something, such as ``Change("s3.delete_bucket", {"Bucket": "b"})``.

    ``wait`` says when the change has taken effect. ``retry`` names error codes that pass by themselves in
    a minute (an IAM role that EC2 doesn't know yet). ``region`` is only for a region other than the module's.
    """

    call: str
    arguments: Mapping[str, Any]
    wait: Wait | None = None
    retry: tuple[str, ...] = ()
    region: str | None = None


@dataclass
class Outcome:
    """What ``converge`` found, did and left."""

    before: State | None
    after: State | None
    changes: list[Change] = field(default_factory=list)


SETTLE_ATTEMPTS = 4


def converge(
    read: Callable[[], State | None],
    plan: Callable[[State | None], list[Change]],
    apply: Callable[[Change], Mapping[str, Any]],
    *,
    wait: Callable[[Wait, Change], None] = lambda wait, change: None,
    pause: Callable[[int], None] = lambda attempt: None,
    rounds: int = 3,
) -> Outcome:
    """Read, plan, apply and read again, until there is nothing left to change.

    A change that was just applied isn't applied again at once, since AWS may show it late and a create
    done twice makes two things: ``pause(attempt)`` is called and the state is read anew, a few times. The
    same when ``apply`` raises Stale: AWS may move a precondition seconds after the change that moves it.

    Raises NotConverging when after ``rounds`` rounds the plan still isn't empty, and Stale when it stays so.
    """
    current = read()
    outcome = Outcome(before=current, after=current)
    answers: dict[str, Mapping[str, Any]] = {}
    applied: list[Change] = []
    conflicts = 0
    while rounds:
        outcome.after, pending = _settle(current, read, plan, applied, pause)
        if not pending:
            return outcome
        applied = []
        try:
            for change in pending:
                answers[change.call] = apply(replace(change, arguments=resolve(change.arguments, answers)))
                applied.append(change)
                outcome.changes.append(change)
                if change.wait:
                    wait(replace(change.wait, arguments=resolve(change.wait.arguments, answers)), change)
            rounds -= 1
        except Stale:
            if conflicts == SETTLE_ATTEMPTS:
                raise
            pause(conflicts)
            conflicts += 1
        current = read()
    outcome.after, pending = _settle(current, read, plan, applied, pause)
    if pending:
        raise NotConverging(pending)
    return outcome


def _settle(
    current: State | None,
    read: Callable[[], State | None],
    plan: Callable[[State | None], list[Change]],
    applied: list[Change],
    pause: Callable[[int], None],
) -> tuple[State | None, list[Change]]:
    """Return the state and the changes to apply now, once AWS shows what was applied before."""
    for attempt in range(SETTLE_ATTEMPTS):
        pending = plan(current)
        ready = _ready(pending)
        if not pending or (ready and not any(change in applied for change in ready)):
            return current, ready
        pause(attempt)
        current = read()
    raise NotConverging(pending)


def _ready(pending: list[Change]) -> list[Change]:
    """Return the changes before the first one that needs another reading."""
    ready = []
    for change in pending:
        if is_unknown(change.arguments):
            break
        ready.append(change)
    return ready


def is_unknown(value: Any) -> bool:
    """Tell whether AFTER_APPLY is anywhere in a value."""
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(is_unknown(item) for item in value)
    return isinstance(value, str) and AFTER_APPLY in value


def values_at(tree: Any, path: str) -> list[Any]:
    """Return the values at a dotted path: none if it leads nowhere, several if ``*`` is in it."""
    if not path:
        return [tree]
    step, _dot, rest = path.partition(".")
    return [value for branch in _branches(tree, step) for value in values_at(branch, rest)]


def _branches(tree: Any, step: str) -> Iterator[Any]:
    if isinstance(tree, Mapping):
        if step in tree:
            yield tree[step]
    elif isinstance(tree, list):
        if step == "*":
            yield from tree
        elif int(step) < len(tree):
            yield tree[int(step)]


def resolve(value: Any, answers: Mapping[str, Any]) -> Any:
    """Replace each Answer whose call has been made; leave those that haven't.

    Raises KeyError when a call was made and its answer has nothing at the path.
    """
    if isinstance(value, Answer):
        if value.call not in answers:
            return value
        found = values_at(answers[value.call], value.path)
        if not found:
            raise KeyError(f"the answer of {value.call} has no {value.path}")
        return found[0]
    if isinstance(value, Mapping):
        return {key: resolve(item, answers) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, answers) for item in value]
    return value
