# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to upload, remove and refresh, from the site's files, the bucket's listing and our own record.

The record is one small object in the bucket. It says which objects we put there, with which content and
headers, and since when one is no longer part of the site. So no object needs a HEAD, what others put there is
never touched, and an old asset can be kept for as long as an open tab may want it.

It is written once a run, before the first upload: an object it names that isn't in the bucket as recorded
(a killed run) is simply uploaded by the next one. Only what a listing can't show, new headers on the same
bytes, or an ETag that isn't the content's digest (SSE-KMS), takes a second writing at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ._site_files import File

RECORD = ".andamio/site.json"
VERSION = 1
UNCERTAIN = ""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Item:
    """One object we put: its content's digest, its headers, and its ETag where that isn't the digest.

    headers: UNCERTAIN until the upload that sets them is known to have happened.
    gone: when it was first seen to be no longer part of the site, in seconds since 1970.
    before: ETag of the version that this one replaces, and that is still there if the run was killed.
    """

    digest: str
    headers: str
    etag: str = ""
    gone: int | None = None
    before: str = ""

    def is_in(self, listed: str | None) -> bool:
        """Tell whether the object listed with this ETag is as recorded."""
        return listed == (self.etag or self.digest)

    def is_ours(self, listed: str | None) -> bool:
        """Tell whether we put the object listed with this ETag."""
        return listed is not None and (self.is_in(listed) or listed == self.before)


Record = dict[str, Item]


class UnknownRecord(Exception):
    """The record isn't one this version can read."""


def load(text: bytes) -> Record:
    """Read the record. Raises UnknownRecord."""
    try:
        tree = json.loads(text)
        if tree["version"] != VERSION:
            raise UnknownRecord(f"its version is {tree['version']}, and this one reads {VERSION}")
        headers = tree["headers"]
        return {key: Item(item[0], headers[item[1]], *item[2:]) for key, item in tree["objects"].items()}
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UnknownRecord("it isn't a record of Andamio's") from error


def dump(record: Record) -> bytes:
    """Write the record, the same bytes for the same content."""
    headers = sorted({item.headers for item in record.values()})
    number = {text: index for index, text in enumerate(headers)}
    objects = {key: _row(item, number[item.headers]) for key, item in sorted(record.items())}
    tree = {"version": VERSION, "headers": headers, "objects": objects}
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()


def _row(item: Item, headers: int) -> list[Any]:
    row: list[Any] = [item.digest, headers, item.etag, item.gone, item.before]
    while row[-1] in ("", None):
        row.pop()
    return row


@dataclass
class Plan:
    """What a run does, in this order.

    record: what the bucket is to hold, written first if ``write_record``.
    uploads: files by key, and in the order of their phases.
    delete: keys whose grace period is over.
    foreign: keys of the site's files at which the bucket has an object of somebody else's.
    """

    record: Record
    write_record: bool = False
    uploads: dict[str, File] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    uncertain: set[str] = field(default_factory=set)

    @property
    def phases(self) -> list[dict[str, File]]:
        """The uploads, grouped by when they may start."""
        numbers = sorted({file.rule.phase for file in self.uploads.values()})
        return [
            {key: file for key, file in self.uploads.items() if file.rule.phase == number}
            for number in numbers
        ]

    @property
    def invalidate(self) -> list[str]:
        return sorted(key for key, file in self.uploads.items() if file.rule.invalidate)


def plan(
    files: Mapping[str, File], record: Record, listed: Mapping[str, str], *, now: int, prune_after: int
) -> Plan:
    """Compare the site with the bucket.

    files: the site's, by key. listed: the bucket's ETags, by key. Times are seconds.
    """
    result = Plan(record={})
    for key, file in files.items():
        item, there = record.get(key), listed.get(key)
        if item is None and there is not None:
            result.foreign.append(key)
        goal = Item(file.digest, file.headers)
        if item and item.is_in(there) and (item.digest, item.headers) == (goal.digest, goal.headers):
            result.record[key] = replace(item, gone=None)
            continue
        result.uploads[key] = file
        # The listing can't tell an upload of the same bytes from one that never happened.
        if there == file.digest:
            result.uncertain.add(key)
        result.record[key] = replace(
            goal,
            headers=UNCERTAIN if key in result.uncertain else goal.headers,
            before=there if there and item and item.is_ours(there) else "",
        )
    for key, item in record.items():
        if key in files or not item.is_ours(listed.get(key)):
            continue  # part of the site; or removed, or replaced, by somebody else: no longer ours
        since = now if item.gone is None else item.gone
        result.record[key] = replace(item, gone=since)
        if now - since >= prune_after:
            result.delete.append(key)
    forgotten = {key: item for key, item in record.items() if key not in result.record}
    # What is gone for good may linger in the record: alone, it is no reason to write it.
    result.write_record = {**result.record, **forgotten} != record
    return result


def removal(record: Record, listed: Mapping[str, str]) -> Plan:
    """Remove all that we put into the bucket and that is still as we put it; then the record itself."""
    ours = [key for key, item in sorted(record.items()) if item.is_ours(listed.get(key))]
    return Plan(record={key: record[key] for key in ours}, delete=[*ours, RECORD])


def settled(plan: Plan, etags: Mapping[str, str]) -> Record | None:
    """Return the record to write at the end, None if the one written first has come true.

    etags: what S3 answered to each upload.
    """
    changed = {
        key: Item(file.digest, file.headers, etag="" if etags[key] == file.digest else etags[key])
        for key, file in plan.uploads.items()
        if key in plan.uncertain or etags[key] != file.digest
    }
    return {**plan.record, **changed} if changed else None


def shown(plan: Plan, record: Record, listed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the diff, before and after: what happens to each key that something happens to."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for key, file in sorted(plan.uploads.items()):
        if key in listed:
            headers = record[key].headers if key in record else "not put here by Andamio"
            before[key] = f"{listed[key]} | {headers}"
        after[key] = f"{file.digest} | {file.headers}"
    for key, item in sorted(plan.record.items()):
        if key in plan.delete:
            before[key] = f"{listed[key]} | {item.headers}"
        elif item.gone is not None and record[key].gone is None:
            before[key] = "part of the site"
            after[key] = "no longer part of the site: removed after the grace period"
        elif item.gone is None and key in record and record[key].gone is not None and key not in plan.uploads:
            before[key] = "no longer part of the site"
            after[key] = "part of the site again"
    return before, after


def seconds(duration: str) -> int:
    """Read a duration: a number of seconds, or one with a unit, as in 90s, 30m, 12h, 7d or 1w."""
    match = re.fullmatch(r"\s*([0-9]+)\s*([smhdw]?)\s*", duration)
    if not match:
        raise ValueError(f"{duration!r} is no duration: use a number of seconds, or one like 30m, 12h or 7d")
    return int(match[1]) * _UNITS[match[2] or "s"]
