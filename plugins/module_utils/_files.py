# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's file, folder or link should be, and what of it differs from what is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FILE = "file"
DIRECTORY = "directory"
LINK = "link"
ABSENT = "absent"
OTHER = "other"
NAMES = {FILE: "a file", DIRECTORY: "a directory", LINK: "a link", ABSENT: "nothing", OTHER: "something else"}

_MODE = re.compile(r"0?[0-7]{3,4}")


@dataclass(frozen=True)
class Wanted:
    """What should be at a path.

    kind: FILE, DIRECTORY, LINK or ABSENT. content: of a file. target: of a link.
    owner, group: names; mode: permission bits. None leaves them as they are.
    validate: a command that accepts the file first; ``%s`` in it is the candidate's path.
    once: a file that is there keeps its content.
    """

    path: str
    kind: str
    content: bytes = b""
    target: str = ""
    owner: str | None = None
    group: str | None = None
    mode: int | None = None
    validate: str | None = None
    once: bool = False


@dataclass(frozen=True)
class Found:
    """What is at a path. kind: as of Wanted, or OTHER. content: of a file that was read."""

    kind: str
    content: bytes | None = None
    target: str = ""
    owner: str = ""
    group: str = ""
    mode: int = 0


def wanted(entries: Iterable[Mapping[str, Any]], defaults: Mapping[str, Any]) -> list[Wanted]:
    """Return what the module's options ask for, in their order.

    defaults: owner and group of entries without their own. Raises ValueError with the entry that is wrong.
    """
    result: list[Wanted] = []
    for entry in entries:
        path = entry["path"]
        if not path.startswith("/") or path.endswith("/") or "//" in path or "/../" in f"{path}/":
            raise ValueError(f"path: {path!r} is no absolute path in its plain form")
        if path in (each.path for each in result):
            raise ValueError(f"path: {path} is there twice")
        result.append(_wanted(path, entry, defaults))
    return result


def _wanted(path: str, entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> Wanted:
    content, link, state = (entry.get(key) for key in ("content", "link", "state"))
    kind = FILE if content is not None else LINK if link is not None else str(state)
    if kind != FILE and (entry.get("validate") or entry.get("once")):
        raise ValueError(f"{path}: validate and once go with content")
    if kind in {LINK, ABSENT}:
        return Wanted(path, kind, target=link or "")
    mode = entry.get("mode")
    if mode is None or not _MODE.fullmatch(str(mode)):
        raise ValueError(f'{path}: mode: {mode!r} is no string of octal digits such as "0644"')
    if entry.get("validate") and "%s" not in entry["validate"]:
        raise ValueError(f"{path}: validate: there is no %s in it, for the candidate's path")
    return Wanted(
        path,
        kind,
        (content or "").encode(),
        owner=entry.get("owner") or defaults.get("owner"),
        group=entry.get("group") or defaults.get("group"),
        mode=int(str(mode), 8),
        validate=entry.get("validate"),
        once=bool(entry.get("once")),
    )


def differences(want: Wanted, found: Found) -> list[str]:
    """Return what must change: "kind" (all of it), or some of "content", "target", "owner", "group", "mode".

    Raises ValueError where a person must decide: a folder in the place of a file, or a file in a folder's.
    """
    if want.kind != found.kind:
        if found.kind == DIRECTORY or (want.kind == DIRECTORY and found.kind != ABSENT):
            raise ValueError(
                f"{want.path}: there is {NAMES[found.kind]} where {NAMES[want.kind]} should be; move it away"
            )
        return ["kind"]
    if want.kind == ABSENT:
        return []
    if want.kind == LINK:
        return [] if want.target == found.target else ["target"]
    parts = []
    if want.kind == FILE and not want.once and want.content != found.content:
        parts.append("content")
    if want.owner not in (None, found.owner):
        parts.append("owner")
    if want.group not in (None, found.group):
        parts.append("group")
    if want.mode not in (None, found.mode):
        parts.append("mode")
    return parts


def rewritten(parts: Iterable[str]) -> bool:
    """Return whether a file gets new content, rather than another owner, group or mode alone."""
    return bool({"kind", "content"} & set(parts))


def diff(want: Wanted, found: Found, parts: Iterable[str]) -> dict[str, str]:
    """Return the diff of one path, as Ansible shows it: its content, and a line for what else differs."""
    headers = {"before_header": want.path, "after_header": want.path}
    before, after = [], []
    if found.kind != want.kind:
        before.append(f"{found.kind}{f' to {found.target}' if found.kind == LINK else ''}\n")
        after.append(f"{want.kind}{f' to {want.target}' if want.kind == LINK else ''}\n")
    for part in parts:
        if part in {"owner", "group"}:
            before.append(f"{part}: {getattr(found, part)}\n")
            after.append(f"{part}: {getattr(want, part)}\n")
        elif part == "mode":
            before.append(f"mode: {found.mode:04o}\n")
            after.append(f"mode: {want.mode or 0:04o}\n")
        elif part == "target":
            before.append(f"link to {found.target}\n")
            after.append(f"link to {want.target}\n")
    if want.kind == FILE and rewritten(parts):
        before.append(text(found.content or b""))
        after.append(text(want.content))
    return {**headers, "before": "".join(before), "after": "".join(after)}


def text(content: bytes) -> str:
    """Return a file's content for a diff."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "(not text)\n"
