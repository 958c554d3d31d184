# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags as a dict, whatever shape an API gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

IDENTITY = ("Project", "Environment", "ManagedBy")
"""The tags that say whose a resource is; the others may change."""


def to_dict(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Turn ``[{"Key": k, "Value": v}]`` into a dict; None, an API's word for no tags, is an empty one."""
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def to_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Turn a dict into ``[{"Key": k, "Value": v}]``, sorted so that a plan is the same each time."""
    return [{"Key": key, "Value": str(value)} for key, value in sorted(tags.items())]


def wanted(current: Mapping[str, str], tags: Mapping[str, Any], purge: bool) -> dict[str, str]:
    """Return the tags a resource ends up with; those that AWS sets itself (``aws:…``) always stay."""
    kept = {key: value for key, value in current.items() if not purge or key.startswith("aws:")}
    return kept | {key: str(value) for key, value in tags.items()}


def differences(current: Mapping[str, str], desired: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys to remove, to get from one to the other."""
    put = {key: value for key, value in sorted(desired.items()) if current.get(key) != value}
    return put, sorted(key for key in current if key not in desired)


def identity(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """Return those of the tags that say whose a resource is; all of them if none does."""
    given = {key: str(value) for key, value in (tags or {}).items()}
    return {key: value for key, value in given.items() if key in IDENTITY} or given


def has(current: Mapping[str, str], tags: Mapping[str, Any] | None) -> bool:
    """Tell whether a resource's tags say that it is ours; without tags of ours, every resource is."""
    return identity(tags).items() <= dict(current).items()
