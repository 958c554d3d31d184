# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory a host may use, in MiB."""

from __future__ import annotations

from collections.abc import Iterable

MEMINFO = "/proc/meminfo"
# A container's own limit: control groups version 2, then 1.
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def total_mb(meminfo: str) -> int:
    """Memory of the machine, from the text of ``/proc/meminfo``. Raises ValueError without MemTotal."""
    for line in meminfo.splitlines():
        name, _colon, rest = line.partition(":")
        if name == "MemTotal":
            return int(rest.split()[0]) // 1024
    raise ValueError("no MemTotal in meminfo")


def limit_mb(total: int, limits: Iterable[str]) -> int | None:
    """The smallest limit below ``total``, from the texts of the control group's files; None: no limit.

    "max" (version 2) and a number beyond the machine's memory (version 1) both mean no limit.
    """
    values = (int(text) // 1048576 for text in (limit.strip() for limit in limits) if text.isdigit())
    return min((value for value in values if value < total), default=None)
