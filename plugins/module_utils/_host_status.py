# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host says of itself, read out of the texts that the kernel and systemd give."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

MIB = 1024 * 1024


def meminfo(text: str) -> dict[str, int]:
    """Return the numbers of ``/proc/meminfo``, in MiB."""
    found = {}
    for line in text.splitlines():
        name, _colon, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) // 1024
    return found


def memory(numbers: Mapping[str, int], limit_mb: int | None, group_mb: int | None) -> dict[str, int]:
    """Return total and used memory in MiB: the machine's or, within a limit, the control group's."""
    if limit_mb is not None and group_mb is not None:
        return {"total_mb": limit_mb, "used_mb": group_mb}
    total = numbers.get("MemTotal", 0)
    return {"total_mb": total, "used_mb": total - numbers.get("MemAvailable", total)}


def swap(numbers: Mapping[str, int]) -> dict[str, int]:
    total = numbers.get("SwapTotal", 0)
    return {"total_mb": total, "used_mb": total - numbers.get("SwapFree", total)}


def group_memory_mb(current: str, stat: str) -> int:
    """Return what a control group uses in MiB, without the file cache that it can let go."""
    cache = dict(line.split(maxsplit=1) for line in stat.splitlines() if " " in line)
    # Of version 1, the sums over the groups below.
    inactive = int(cache.get("total_inactive_file", cache.get("inactive_file", 0)))
    return max(int(current) - inactive, 0) // MIB


def disk(blocks: int, free: int, available: int, size: int) -> dict[str, int]:
    """Return a file system's numbers as ``df`` has them, in bytes."""
    return {"total": blocks * size, "used": (blocks - free) * size, "available": available * size}


def failed_units(text: str, ignored: Collection[str] = ()) -> list[str]:
    """Return the units of ``systemctl list-units --failed --output=json``, but for those that may fail."""
    try:
        units = json.loads(text)
    except ValueError:
        return []
    names = sorted(str(unit["unit"]) for unit in units)
    return [name for name in names if not {name, name.removesuffix(".service")} & set(ignored)]


def unit_states(units: list[str], text: str) -> dict[str, str]:
    """Return each unit's state out of ``systemctl is-active``, which prints a line for each."""
    return dict(zip(units, text.split(), strict=False))


def load(text: str) -> list[float]:
    """Return the load averages of ``/proc/loadavg``: over 1, 5 and 15 minutes."""
    return [float(word) for word in text.split()[:3]]


def uptime(text: str) -> int:
    """Return the seconds since the start, of ``/proc/uptime``."""
    return int(float(text.split(maxsplit=1)[0]))
