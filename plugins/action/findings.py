# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints findings. A module can't: what it prints is its result."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc

from ..module_utils import _findings

COLOURS = {
    _findings.OK: "green",
    _findings.WRONG: "bright red",
    _findings.WARNING: "bright yellow",
    _findings.UNKNOWN: "bright gray",
    _findings.ABSENT: "bright gray",
}
FINDING = {
    "state": {"required": True, "choices": list(_findings.MARKS)},
    "subject": {"required": True},
    "says": {"required": True},
    "fix": {"default": ""},
}
SECTION = {
    "title": {"default": ""},
    "findings": {"type": "list", "elements": "dict", "required": True, "options": FINDING},
}
ARGUMENT_SPEC = {
    "sections": {"type": "list", "elements": "dict", "required": True, "options": SECTION},
    "head": {"type": "list", "elements": "str", "default": []},
    "foot": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, params = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        lines = [
            *(_findings.Line(_findings.one_line(text)) for text in params["head"]),
            *_findings.lines(_findings.sections_from(params["sections"])),
            *(_findings.Line(_findings.one_line(text)) for text in params["foot"]),
        ]
        self._display.display("\n".join(["", *map(coloured, lines), ""]))
        return result | {"changed": False, "lines": [_findings.plain(line) for line in lines]}


def coloured(line: _findings.Line) -> str:
    """Return a line with its mark in colour, where Ansible uses colours at all."""
    if not line.mark:
        return line.text
    return f"  {stringc(line.mark, COLOURS[line.state])} {line.text}"
