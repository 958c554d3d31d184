# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's report (``Report.as_dict`` of _plan_report) as lines of text and as Markdown."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ._plan_report import ACTIONS, PLAN
from ._planned import CHANGE, CREATE, DELETE, NONE, REPLACE

# A foreground colour as Ansible sets it, in a diff say; else a control character (C0, C1) other than tab and
# newline: with those a text sets a terminal's title, hides itself, or changes what the keys send.
_CONTROL = re.compile(r"(\x1b\[(?:0|[01];3[0-7]|38;5;[0-9]{1,3})m)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")

SYMBOLS = {CREATE: "+", CHANGE: "~", REPLACE: "±", DELETE: "-"}

WIDTH = 100
VALUE = 60
"""The longest a value may be, in characters."""
ATTRIBUTES = 12
"""How many attributes of a resource the text shows; JSON has all."""

_WILL = {CREATE: "create", CHANGE: "change", REPLACE: "replace", DELETE: "delete"}
_DID = {CREATE: "created", CHANGE: "changed", REPLACE: "replaced", DELETE: "deleted"}


class Line(NamedTuple):
    """A line of text, and its tone: an action, "title", "warning" or "" (plain)."""

    text: str
    tone: str = ""


def printable(text: str) -> str:
    """Return a text without control characters but tab, newline and colours: a host's words may have any."""
    return _CONTROL.sub(lambda found: found[1] or "", text)


def lines(report: Mapping[str, Any]) -> list[Line]:
    """Return the report as lines: changes in plan order, counts, money, what stands, what is left to do.

    The last is what a person wants next: the URLs and how to open them, and what nobody does for them.
    """
    told: list[Line] = []
    for phase, groups in _phases(report):
        told.append(Line(_phase_title(phase), "title"))
        for title, entries in groups:
            told.append(Line(f"  {title}"))
            told += entries
    if told:
        told.append(Line(""))
    told.append(Line(counted(report), "warning" if report["failed"] else "title"))
    told += [Line(f"  {text}", "warning") for text in _failures(report)]
    if report["costs"]:
        told += [Line(""), *money(report["costs"])]
    if report["stands"]:
        told += [Line(""), Line("What stands", "title"), *(Line(f"  {text}") for text in report["stands"])]
    if report["hand_work"]:
        told += [Line(""), Line("Left to do by hand", "title")]
        told += [Line(text) for item in report["hand_work"] for text in _wrapped(item, "  * ")]
    return told


def _wrapped(text: str, bullet: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _phase_title(phase: str) -> str:
    number = phase.removeprefix("phase")
    return f"Phase {number}" if number.isdigit() else phase or "Outside of the phases"


def _phases(report: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, list[Line]]]]]:
    """Yield each phase with its roles, each with its lines; nothing where nothing changes."""
    entries: dict[str, dict[str, list[Line]]] = {}
    for item in report["resources"]:
        if item["action"] != NONE:
            entries.setdefault(item["phase"], {}).setdefault(item["role"], []).extend(_resource(item))
    for (phase, role, tasks), hosts in _same_tasks(report["host"]).items():
        title = f"{role} on {', '.join(hosts)}"
        told = [Line(f"    {SYMBOLS[CHANGE]} {task}", CHANGE) for task in tasks]
        entries.setdefault(phase, {}).setdefault(title, []).extend(told)
    for item in report["later"]:
        entries.setdefault(item["phase"], {})
    for phase, roles in entries.items():
        groups = list(roles.items())
        waiting = [item["role"] for item in report["later"] if item["phase"] == phase]
        if waiting:
            groups.append((", ".join(waiting), [Line(f"    {_later(report)}")]))
        yield phase, groups


def _later(report: Mapping[str, Any]) -> str:
    return f"configured when the host {report['later_when']}"


def _same_tasks(host: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, tuple[str, ...]], list[str]]:
    """Return the hosts by phase, role and tasks: those on which the same is done are told of together."""
    together: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for item in host:
        together.setdefault((item["phase"], item["role"], tuple(item["tasks"])), []).append(item["host"])
    return together


def _resource(item: Mapping[str, Any]) -> Iterator[Line]:
    action = item["action"]
    yield Line(f"    {SYMBOLS[action]} {item['name']}", action)
    for attribute, before, after in _attributes(item):
        yield Line(f"        {attribute}: {before} → {after}" if attribute else f"        {after}")


def _attributes(item: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield attribute, before and after; and, with an empty attribute, how many aren't shown."""
    attributes = item["attributes"]
    for one in attributes[:ATTRIBUTES]:
        yield one["attribute"], *values(one["before"], one["after"])
    if len(attributes) > ATTRIBUTES:
        yield "", "", f"and {len(attributes) - ATTRIBUTES} more"


def values(before: Any, after: Any) -> tuple[str, str]:
    """Return two values that differ, short enough to read, so that the difference can be seen."""
    texts = [_text(before), _text(after)]
    if texts[0] == texts[1]:
        return texts[0], f"{texts[1]}, other"
    if max(map(len, texts)) > VALUE:
        start = len(_common(*texts)) - VALUE // 3
        if start > 0:
            texts = [f"…{text[start:]}" for text in texts]
    return _short(texts[0]), _short(texts[1])


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        if value.startswith("hmac:"):
            return "(secret)"
        if "\n" in value.rstrip("\n"):
            return f"({len(value.splitlines())} lines)"
        plain = re.fullmatch(r"[^\s\"'{}\[\],]+|\(known after apply\)", value)
        return value if plain else json.dumps(value, ensure_ascii=False)
    return _hidden(json.dumps(value, ensure_ascii=False, default=str))


def _hidden(text: str) -> str:
    return re.sub(r'"hmac:[0-9a-f]+"', "(secret)", text)


def _common(one: str, other: str) -> str:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return one[:place]
    return min(one, other, key=len)


def _short(text: str) -> str:
    return text if len(text) <= VALUE else f"{text[: VALUE - 1]}…"


def counted(report: Mapping[str, Any]) -> str:
    """Return the report in one sentence."""
    counts, plan = report["counts"], report["mode"] == PLAN
    words = _WILL if plan else _DID
    parts = [
        f"{counts[action]} {'to ' if plan else ''}{words[action]}" for action in ACTIONS if counts[action]
    ]
    if counts["host_tasks"]:
        hosts = "1 host" if counts["hosts"] == 1 else f"{counts['hosts']} hosts"
        steps = "1 step" if counts["host_tasks"] == 1 else f"{counts['host_tasks']} steps"
        parts.append(f"{steps} on {hosts}")
    if not parts:
        parts = ["nothing to change" if plan else "nothing changed"]
    if counts[NONE]:
        parts.append(f"{counts[NONE]} unchanged")
    if report["interrupted"]:
        start = "Interrupted; until then"
    elif report["failed"]:
        start = "Incomplete, since it failed" if plan else "Failed; until then"
    else:
        start = "Plan" if plan else "Done"
    return f"{start}: {', '.join(parts)}."


def _failures(report: Mapping[str, Any]) -> Iterator[str]:
    for item in report["failures"]:
        yield f"failed: {item['role']}: {item['task']} ({item['host']})"


def money(costs: Mapping[str, Any]) -> list[Line]:
    """Return what the costs say, as lines."""
    return [Line("Money", "title"), *(Line(f"  {text}") for text in costs.get("text", ()))]


def markdown(report: Mapping[str, Any]) -> str:
    """Return the report as Markdown, for a pull request."""
    told = [f"## {counted(report)}", ""]
    told += [f"- **{_escaped(text)}**" for text in _failures(report)] + [""]
    resources: dict[tuple[str, str], list[str]] = {}
    for item in report["resources"]:
        if item["action"] != NONE:
            place = (item["phase"], item["role"])
            resources.setdefault(place, []).extend(_markdown_resource(item))
    for (phase, role, tasks), hosts in _same_tasks(report["host"]).items():
        place = (phase, f"{role} on {', '.join(hosts)}")
        resources.setdefault(place, []).extend(f"- `~` {_escaped(task)}" for task in tasks)
    for item in report["later"]:
        resources.setdefault((item["phase"], item["role"]), []).append(f"- {_later(report)}")
    phase_before = None
    for phase in dict.fromkeys(phase for phase, _role in resources):
        for (_phase, role), entries in ((key, value) for key, value in resources.items() if key[0] == phase):
            if phase != phase_before:
                told += [f"### {_phase_title(phase)}", ""]
                phase_before = phase
            told += [f"**{_escaped(role)}**", "", *entries, ""]
    if report["costs"]:
        told += [
            "### Money",
            "",
            "```text",
            *(line.text.removeprefix("  ") for line in money(report["costs"])[1:]),
            "```",
            "",
        ]
    if report["hand_work"]:
        told += [
            "### Left to do by hand",
            "",
            *(f"- [ ] {_escaped(item)}" for item in report["hand_work"]),
            "",
        ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(told)).rstrip("\n") + "\n"


def _markdown_resource(item: Mapping[str, Any]) -> Iterator[str]:
    yield f"- `{SYMBOLS[item['action']]}` {_escaped(item['name'])}"
    for attribute, before, after in _attributes(item):
        if attribute:
            yield f"  - {_code(attribute)}: {_code(before)} → {_code(after)}"
        else:
            yield f"  - {after}"


def _code(text: str) -> str:
    return "`{}`".format(text.replace("`", "'"))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*\[\]<>|#])", r"\\\1", text)
