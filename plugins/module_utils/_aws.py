# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place where plans meet AWS: check mode, diff, retries, waiting, errors and redaction.

How a module is made
--------------------
``module_utils/_<resource>.py`` is pure: ``desired(params)`` and ``normalise(answers)`` give the same shape
(the normal form: a flat dict whose keys a person would name), and ``plan(current, desired)`` compares the
two. ``modules/<resource>.py`` has the documentation, ``read`` and a ``main`` of a few lines::

    # module_utils/_log_group.py
    def desired(params):
        return {"name": params["name"], "days": params["days"], "tags": params["tags"]}

    def plan(current, desired):
        if desired is None:
            return [Change("logs.delete_log_group", {"logGroupName": current["name"]})] if current else []
        name = {"logGroupName": desired["name"]}
        changes = [] if current else [Change("logs.create_log_group", name)]
        if (current or {}).get("days") != desired["days"]:
            changes.append(Change("logs.put_retention_policy", name | {"retentionInDays": desired["days"]}))
        return changes

    # modules/log_group.py
    def read(aws, name):
        groups = aws.pages("logs.describe_log_groups", "logGroups", logGroupNamePrefix=name)
        return next((normalise(group) for group in groups if group["logGroupName"] == name), None)

    def main():
        module = AnsibleAWSModule(argument_spec=_aws.argument_spec(name={"required": True}, days={…}),
                                  supports_check_mode=True)
        name = module.params["name"]
        run(module, f"log group {name}", desired=_log_group.desired(module.params),
            read=lambda aws: read(aws, name), plan=_log_group.plan, predicted={"arn": AFTER_APPLY})

Rules: ``plan`` is a function of its arguments alone, and complete: from nothing it lists every call, with
``Answer`` or ``AFTER_APPLY`` for what AWS decides (see ``_converge``). A key that is absent from ``desired``
(or None) is none of the module's business: it is neither changed nor shown. A key that begins with "_" is
the plan's own (an ETag, a list of objects to delete): it isn't shown either. ``run`` does ``state: absent``
by giving ``plan`` a ``desired`` of None, and ``purge_tags`` by giving it the tags the resource ends up with
(under "tags", and under every key that ends in "_tags": those of its parts).
With ``state: absent``, a resource stays whose tags Project, Environment and ManagedBy aren't the given ones,
and ``hand_work`` names it; ``read`` may put sentences of its own about what stays under "_left". Raise
``Refused`` where a person has to act first.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, Protocol

from . import _errors, _tags
from ._converge import AFTER_APPLY, Change, NotConverging, Refused, State, Wait, converge, values_at
from ._planned import planned

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so, with the version that is needed


class Module(Protocol):
    """What this file uses of AnsibleAWSModule, which has no types."""

    params: dict[str, Any]
    check_mode: bool
    _diff: bool

    def client(self, service: str, **options: Any) -> Any: ...
    def exit_json(self, **result: Any) -> NoReturn: ...
    def fail_json(self, **result: Any) -> NoReturn: ...


def argument_spec(**own: Any) -> dict[str, Any]:
    """Return a module's arguments with the ones that all our resources have: state, tags, purge_tags."""
    return {
        "state": {"choices": ["present", "absent"], "default": "present"},
        "tags": {"type": "dict", "aliases": ["resource_tags"]},
        "purge_tags": {"type": "bool", "default": True},
        **own,
    }


# Requests at once. AWS throttles whoever asks for much more.
MOST_AT_ONCE = 10


def together(*reads: Callable[[], Any]) -> list[Any]:
    """Do reads at the same time and return what they return, in order; the first one's error is raised.

    An answer takes as long as the way to its region: what needs no other answer isn't asked after it.
    """
    if not reads:
        return []
    with ThreadPoolExecutor(min(len(reads), MOST_AT_ONCE)) as pool:
        return list(pool.map(lambda read: read(), reads))


class Aws:
    """boto3 clients by service and region, called by "service.operation". Threads may share one."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._lock = threading.Lock()  # a client is made by one thread at a time, as boto3 demands

    def call(
        self, name: str, missing: Collection[str] = (), region: str | None = None, **arguments: Any
    ) -> Any:
        """Make one call and return its answer; None if the error's code is in ``missing``.

        Raises CallFailed.
        """
        try:
            return self._operation(name, region)(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in missing:
                return None
            raise _errors.CallFailed(name, error) from error
        except BotoCoreError as error:
            raise _errors.CallFailed(name, error) from error

    def pages(
        self, name: str, key: str, region: str | None = None, missing: Collection[str] = (), **arguments: Any
    ) -> Iterator[Any]:
        """Yield the items under ``key`` (dotted) of every page of a list call.

        None if the error's code is in ``missing``. Raises CallFailed.
        """
        service, operation = name.split(".")
        try:
            for page in self._client(service, region).get_paginator(operation).paginate(**arguments):
                for items in values_at(page, key):
                    yield from items
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in missing:
                return
            raise _errors.CallFailed(name, error) from error

    def apply(self, change: Change) -> Mapping[str, Any]:
        """Make a change and return the answer, riding out the errors it says will pass (60 s).

        Raises StaleCall when its precondition no longer holds, and CallFailed.
        """
        for delay in (1, 2, 4, 8, 15, 30):
            try:
                return self._applied(change)
            except _errors.CallFailed as error:
                if error.code in _errors.STALE:
                    raise _errors.StaleCall(error.call, error.error) from error
                if error.code not in change.retry:
                    raise
                time.sleep(delay)
        return self._applied(change)

    def _applied(self, change: Change) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.call(change.call, region=change.region, **change.arguments)
        failed = answer.get("Errors")  # calls on many things, such as s3.delete_objects, fail in part
        if failed:
            raise Refused(f"{change.call} failed for {len(failed)} items; the first: {failed[0]}")
        return answer

    def wait(self, wait: Wait, subject: str, region: str | None = None) -> None:
        """Return when what ``wait`` waits for has come. Raises Refused when it failed or took too long."""
        end = time.monotonic() + wait.timeout
        while True:
            found = self._found(wait, region)
            bad = [value for value in found if value in wait.failed]
            if bad:
                raise Refused(f"{subject} ended as {bad[0]}. {wait.hint}".strip())
            if found and all(value in wait.until if wait.until else value is not None for value in found):
                return
            if time.monotonic() >= end:
                state = ", ".join(sorted({str(value) for value in found})) or "not there"
                raise Refused(f"{subject}: still {state} after {wait.timeout} s. {wait.hint}".strip())
            time.sleep(wait.every)

    def _found(self, wait: Wait, region: str | None) -> list[Any]:
        try:
            return values_at(self.call(wait.call, region=region, **wait.arguments), wait.path)
        except _errors.CallFailed as error:
            if error.is_missing:
                return []
            raise

    def _operation(self, name: str, region: str | None) -> Any:
        service, operation = name.split(".")
        return getattr(self._client(service, region), operation)

    def _client(self, service: str, region: str | None) -> Any:
        key = (service, region)
        with self._lock:
            if key not in self._clients:
                options: dict[str, Any] = {"region": region} if region else {}
                if "AWS_MAX_ATTEMPTS" not in os.environ:
                    options["config"] = Config(
                        retries={"mode": "standard", "max_attempts": 8}, max_pool_connections=MOST_AT_ONCE
                    )
                self._clients[key] = self._module.client(service, **options)
            return self._clients[key]


def run(
    module: Module,
    subject: str,
    *,
    desired: State | None,
    read: Callable[[Aws], State | None],
    plan: Callable[[State | None, State | None], list[Change]],
    predicted: Mapping[str, Any] | None = None,
    secrets: Collection[str] = (),
    maker: str = "",
    stays: Callable[[State], State | None] | None = None,
    hand_work: Callable[[State], list[str]] | None = None,
    told: Callable[[State], State] | None = None,
    paid: Callable[[State, State | None], State] | None = None,
) -> NoReturn:
    """Converge one resource and end the module.

    subject: what a person calls it, such as "bucket academia-sandbox-dumps-1", for messages and the diff.
    desired: the normal form it should have; keys that are None are left alone.
    predicted: what ``resource`` also has in check mode, when there is nothing yet: ``{"id": AFTER_APPLY}``.
    secrets: keys whose values are shown as a digest only, in the diff and in ``resource``.
    maker: the call that makes the resource, such as "ec2.run_instances": where there is one already, the
        plan says that it is replaced.
    stays: with ``state: absent``, what stays of a resource; None when all of it goes. By default all of it
        stays when it has other tags than the given ones.
    hand_work: what is left for a person to do about the resource as it is after the run (in check mode: as it
        will be), a sentence each.
    told: how the plan and the diff tell what there was, where its normal form has that in another place;
        nothing where what there was is no more than a part that the resource is made around.
    paid: what the bill also counts of a state, beside what the goal (the second argument; None for what there
        was) has an opinion on.
    """
    aws = Aws(module)
    opinion: State | None = None
    if module.params.get("state", "present") != "absent":
        opinion = {key: value for key, value in (desired or {}).items() if value is not None}

    def goal(current: State | None) -> State | None:
        if opinion is None:
            return None
        purge = module.params.get("purge_tags", True)
        return opinion | {
            key: _tags.wanted((current or {}).get(key, {}), opinion[key], purge)
            for key in opinion
            if key == "tags" or key.endswith("_tags")
        }

    def left(current: State | None) -> State | None:
        """Return what stays of a resource that should be absent."""
        if opinion is not None or current is None:
            return None
        return stays(current) if stays else _strangers(current, module.params.get("tags"))

    def todo(current: State | None) -> list[Change]:
        return [] if current and left(current) == current else plan(current, goal(current))

    try:
        if module.check_mode:
            before = read(aws)
            changes = todo(before)
            after = (
                left(before)
                if opinion is None
                else {**(predicted or {}), **(before or {}), **(goal(before) or {})}
            )
        else:
            outcome = converge(
                lambda: read(aws),
                todo,
                aws.apply,
                wait=lambda wait, change: aws.wait(wait, change.call, change.region),
                pause=lambda attempt: time.sleep(2**attempt),
            )
            before, after, changes = outcome.before, outcome.after, outcome.changes
    except _errors.CallFailed as error:
        module.fail_json(
            msg=_scrubbed(error.message(subject), desired, secrets), call=error.call, error_code=error.code
        )
    except (Refused, NotConverging) as error:
        module.fail_json(msg=_scrubbed(f"{subject}: {error}", desired, secrets))

    calls = [change.call for change in changes]
    key = digest_key(module) if secrets else b""
    aim = left(before) if opinion is None else goal(before)
    there = before
    if told and before:
        there = told(before) or (before if aim is None else None)
    seen = None if there is None else _redacted(_shown(_restricted(there, aim)), secrets, key)
    wanted = None if aim is None else _redacted(_shown(aim), secrets, key)
    result: dict[str, Any] = {
        "changed": bool(changes),
        "calls": calls,
        "resource": _redacted(_shown(after), secrets, key),
        "planned": planned(subject, seen, wanted, changed=bool(changes), replaced=maker in calls),
    }
    if paid and before:
        result["planned"]["before"] = {**(seen or {}), **paid(before, None)}
    if paid and after and wanted:
        result["planned"]["after"] = {**wanted, **paid(after, aim)}
    work: list[str] = []
    if opinion is None and before:
        work = _hand_work(subject, before, before == aim and not stays)
    elif opinion is not None and after and hand_work:
        work = hand_work(after)
    if work:
        result["hand_work"] = work
    if module._diff:
        result["diff"] = {
            "before_header": subject,
            "after_header": subject,
            "before": seen or {},
            "after": wanted or {},
        }
    module.exit_json(**result)


def _strangers(current: State, tags: Mapping[str, Any] | None) -> State | None:
    return current if "tags" in current and not _tags.has(current["tags"], tags) else None


def _hand_work(subject: str, before: State, strange: bool) -> list[str]:
    """Return a sentence for each thing that was left since somebody else made it."""
    return [*before.get("_left", ()), *([left_alone(subject)] if strange else [])]


def left_alone(subject: str) -> str:
    """Return what is said of a thing that has our name, but not our tags."""
    return (
        f"{subject} doesn't have the tags that Andamio gives what it makes: it was left. If nobody needs it, "
        "delete it by hand."
    )


def _restricted(current: State | None, goal: State | None) -> dict[str, Any]:
    """Return what the goal has an opinion on; all of it if the resource goes."""
    if not current or goal is None:
        return current or {}
    return {key: current[key] for key in goal if key in current}


def _shown(state: State | None) -> dict[str, Any]:
    return {key: value for key, value in (state or {}).items() if not key.startswith("_")}


def _redacted(tree: Any, secrets: Collection[str], key: bytes, hide: bool = False) -> Any:
    """Replace the leaves under the secret keys by a digest: it shows a difference, and nothing else."""
    if isinstance(tree, Mapping):
        return {name: _redacted(item, secrets, key, hide or name in secrets) for name, item in tree.items()}
    if isinstance(tree, list | tuple):
        return [_redacted(item, secrets, key, hide) for item in tree]
    if not hide or tree is None or tree == AFTER_APPLY:
        return tree
    return "hmac:" + hmac.new(key, str(tree).encode(), hashlib.sha256).hexdigest()[:12]


def _scrubbed(message: str, desired: State | None, secrets: Collection[str]) -> str:
    """Take secret values out of an error message: botocore quotes the arguments it finds wrong."""
    for secret in sorted(_leaves({key: (desired or {}).get(key) for key in secrets}), key=len, reverse=True):
        message = message.replace(secret, "********")
    return message


def _leaves(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for item in tree:
            yield from _leaves(item)
    elif tree:
        yield str(tree)


def digest_key(module: Module) -> bytes:
    """Return a key that only someone with the same AWS credentials has, so a digest can't be guessed at."""
    secret = module.params.get("secret_key")
    if not secret:
        credentials = boto3.session.Session(profile_name=module.params.get("profile")).get_credentials()
        secret = credentials.secret_key if credentials else os.urandom(16).hex()
    return hashlib.sha256(f"andamio digest {secret}".encode()).digest()
