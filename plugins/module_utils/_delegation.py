# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the world finds a zone at its own name servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import _resolver

RESOLV_CONF = Path("/etc/resolv.conf")


@dataclass(frozen=True)
class Delegation:
    """``live`` is None when it couldn't be found out, and ``problem`` says why."""

    live: bool | None
    found: list[str]
    problem: str | None = None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def delegation(
    zone: str, expected: Sequence[str], resolvers: Sequence[str], timeout: float = 2
) -> Delegation:
    """Ask resolvers for the zone's name servers, one after the other until one answers.

    Without any, this machine's are asked. ``timeout`` is in seconds, for each.
    """
    try:
        reply = _resolver.lookup(zone, "NS", list(resolvers) or _own_resolvers(), timeout)
    except (_resolver.LookupFailed, ValueError) as error:
        return Delegation(None, [], str(error))
    found = sorted({record.value for record in reply.records if record.type == "NS"})
    return Delegation(bool(found) and found == sorted({_bare(name) for name in expected}), found)


def _own_resolvers() -> list[str]:
    try:
        return _resolver.nameservers(RESOLV_CONF.read_text(encoding="utf-8"))
    except OSError:
        return []


def _bare(name: str) -> str:
    return name.rstrip(".").lower()
