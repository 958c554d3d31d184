# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents, in a form where two that mean the same are equal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_LISTS = ("Action", "NotAction", "Resource", "NotResource")
_ACCOUNT = re.compile(r"^\d{12}$")


def canonical(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy with lists for single values, sorted where order means nothing; {} for no policy.

    AWS reads back what it was given, except that it writes an account's principal as its root's ARN.
    """
    statements = policy.get("Statement") or []
    if isinstance(statements, Mapping):
        statements = [statements]
    if not statements:
        return {}
    return {
        "Version": policy.get("Version", "2008-10-17"),
        "Statement": sorted(map(_statement, statements), key=json.dumps),
    }


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(sorted(statement.items()))
    for key in _LISTS:
        if key in result:
            result[key] = _values(result[key])
    for key in ("Principal", "NotPrincipal"):
        if key in result:
            result[key] = _principal(result[key])
    if "Condition" in result:
        result["Condition"] = {
            operator: {key: _values(value) for key, value in sorted(keys.items())}
            for operator, keys in sorted(result["Condition"].items())
        }
    return result


def _values(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return sorted({str(item).lower() if isinstance(item, bool) else str(item) for item in items})


def _principal(principal: Any) -> Any:
    if not isinstance(principal, Mapping):
        return principal
    return {
        kind: [f"arn:aws:iam::{item}:root" if _ACCOUNT.match(item) else item for item in _values(value)]
        for kind, value in sorted(principal.items())
    }
