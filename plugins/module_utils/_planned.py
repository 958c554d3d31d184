# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module tells the plan: one resource, what becomes of it, and which attributes.

A check run and the real run after it say the same of the same state. The callback ``plan`` collects what
the modules say, under the key ``planned`` of their results, into the summary of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CREATE = "create"
CHANGE = "change"
REPLACE = "replace"
DELETE = "delete"
NONE = "none"


def planned(
    name: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    *,
    changed: bool,
    replaced: bool = False,
) -> dict[str, Any]:
    """Return what the plan says of a resource.

    name: what a person calls it, such as "bucket academia-sandbox-dumps-1"; the same from run to run.
    before, after: the resource as it is and as it will be, in the module's normal form and fit to be seen
        (no secret); None or empty where there is nothing.
    replaced: whether another one takes its place, as an instance's.
    """
    before, after = before or None, after or None
    action = NONE
    if changed:
        action = CREATE if before is None else DELETE if after is None else REPLACE if replaced else CHANGE
    attributes = list(differences(before or {}, after or {})) if action in {CHANGE, REPLACE} else []
    return {
        "name": name,
        "action": action,
        "attributes": attributes,
        "before": before,
        "after": after,
    }


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield each attribute that ``after`` names and that differs: its dotted path, from what, to what.

    What only ``before`` has is told inside a mapping that both have (a tag that goes), not at the top,
    where it is none of the module's business.
    """
    names = [*after, *(name for name in before if path and name not in after)]
    for name in names:
        was, will = before.get(name), after.get(name)
        where = f"{path}.{name}" if path else str(name)
        if isinstance(was, Mapping) and isinstance(will, Mapping):
            yield from differences(was, will, where)
        elif was != will:
            yield {"attribute": where, "before": was, "after": will}
