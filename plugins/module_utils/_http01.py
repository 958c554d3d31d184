# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true of a name before a CA is asked to validate it by HTTP-01."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Observation:
    """What one name looks like from here.

    C(addresses) are those DNS gives; C(failures) has, for each of them that didn't serve the
    challenge, what it did instead; C(resolution) says why there are no addresses.
    """

    name: str
    addresses: tuple[str, ...] = ()
    failures: dict[str, str] = field(default_factory=dict)
    resolution: str = ""


def expected_addresses(public: Iterable[str], interfaces: Iterable[str]) -> tuple[str, ...]:
    """Return where this host can be reached, public addresses first, each once and normalised.

    Raises ValueError for what is no address.
    """
    parsed = [ipaddress.ip_address(address) for address in (*public, *interfaces)]
    reachable = [str(address) for address in parsed if not (address.is_loopback or address.is_link_local)]
    return tuple(dict.fromkeys(reachable))


def problem(seen: Observation, expected: tuple[str, ...], advised: tuple[str, ...] = ()) -> str | None:
    """Return why the CA would refuse this name, and what to do; None when it wouldn't.

    C(expected) are this host's addresses, C(advised) those of them that a record should name.
    An address that isn't ours but serves our challenge is a proxy in front of this host: fine.
    """
    here = " or ".join(advised or expected) or "unknown"
    if not seen.addresses:
        return f"{seen.name} does not resolve ({seen.resolution}). Point it to this host: {here}."
    elsewhere = [address for address in seen.failures if address not in expected]
    if elsewhere:
        return (
            f"{seen.name} resolves to {', '.join(elsewhere)}, but this host is {here}. "
            f"Change the record of {seen.name} to this host's address. "
            f"(Asked for the challenge, {elsewhere[0]} said: {seen.failures[elsewhere[0]]}.)"
        )
    if seen.failures:
        address, said = next(iter(seen.failures.items()))
        return (
            f"{seen.name} resolves to this host, but port 80 of {address} did not serve the challenge: "
            f"{said}. "
            "Is nginx running, and is port 80 open to the world in the security group and the firewall?"
        )
    return None


def report(problems: list[str], name_servers: list[str], delegated: dict[str, list[str]]) -> str:
    """Return the message of a failed check.

    C(name_servers) are those of our zone, C(delegated) those that DNS names, by domain.
    """
    lines = ["The CA was not asked for a certificate, because it would refuse:", *problems]
    if name_servers:
        lines.append(f"Name servers to set at the registrar: {', '.join(name_servers)}.")
    for domain, servers in delegated.items():
        lines.append(f"Name servers of {domain} now: {', '.join(servers) or 'none'}.")
    return "\n".join(lines)
