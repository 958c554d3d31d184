# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that change the tags of anything that EC2 tags."""

from __future__ import annotations

from collections.abc import Mapping

from . import _tags
from ._converge import Change


def changes(resource: str, current: Mapping[str, str], goal: Mapping[str, str] | None) -> list[Change]:
    """Return the calls that turn a resource's tags into ``goal``; none where that is None."""
    if goal is None:
        return []
    put, remove = _tags.differences(current, goal)
    calls = []
    if put:
        calls.append(Change("ec2.create_tags", {"Resources": [resource], "Tags": _tags.to_list(put)}))
    if remove:
        keys = [{"Key": key} for key in remove]
        calls.append(Change("ec2.delete_tags", {"Resources": [resource], "Tags": keys}))
    return calls
