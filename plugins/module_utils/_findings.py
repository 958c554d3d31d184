# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at something found: good or bad, in one line, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

OK = "ok"
WRONG = "wrong"
WARNING = "warning"
UNKNOWN = "unknown"
"""It couldn't be looked at, or wasn't."""
ABSENT = "absent"
"""It isn't there yet, which is no fault."""

MARKS = {OK: "✔", WRONG: "✘", WARNING: "!", UNKNOWN: "?", ABSENT: "○"}

_SEVERITY = (OK, ABSENT, UNKNOWN, WARNING, WRONG)


@dataclass(frozen=True)
class Finding:
    """``says`` is a line, ``fix`` a sentence; ``subject`` is what it is about."""

    state: str
    subject: str
    says: str
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Section:
    """Findings under a title."""

    title: str
    findings: Sequence[Finding]

    def as_dict(self) -> dict[str, Any]:
        return {"title": self.title, "findings": [finding.as_dict() for finding in self.findings]}


def sections_from(given: Iterable[Mapping[str, Any]]) -> list[Section]:
    """Return the sections out of their dicts. Raises KeyError and TypeError for other dicts."""
    return [Section(item["title"], [Finding(**finding) for finding in item["findings"]]) for item in given]


def worst(findings: Iterable[Finding]) -> str:
    """Return the worst state of all; ok when there are none."""
    return max((finding.state for finding in findings), key=_SEVERITY.index, default=OK)


def count(sections: Iterable[Section], state: str) -> int:
    return sum(finding.state == state for section in sections for finding in section.findings)


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters: what comes from outside draws no screen."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


@dataclass(frozen=True)
class Line:
    """A line for the terminal. ``state`` colours its mark; without one it is a title or a fix."""

    text: str
    mark: str = ""
    state: str = ""


def lines(sections: Iterable[Section]) -> list[Line]:
    """Return the lines that a terminal shows: a mark, what it is about, what was found, and the fix below."""
    listed = [section for section in sections if section.findings]
    subjects = [len(finding.subject) for section in listed for finding in section.findings]
    width = max(subjects, default=0)
    found = []
    for section in listed:
        if section.title:
            found.append(Line(section.title))
        for finding in section.findings:
            text = f"{one_line(finding.subject):{width}}  {one_line(finding.says)}".rstrip()
            found.append(Line(text, MARKS[finding.state], finding.state))
            if finding.fix and finding.state != OK:
                found.append(Line(f"    {'':{width}}→ {one_line(finding.fix)}"))
    return found


def plain(line: Line) -> str:
    """Return a line without colours."""
    return f"  {line.mark} {line.text}" if line.mark else line.text
