# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One DNS question, asked of a resolver: which name servers has this zone? (RFC 1035, over UDP)"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NS = 2
_IN = 1
_RECURSION_DESIRED = 0x0100
_RESPONSE = 0x8000
_TRUNCATED = 0x0200
_NOERROR, _NXDOMAIN = 0, 3
_POINTER = 0xC0
_RCODES = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}


class NoAnswer(Exception):
    """No resolver gave an answer that says anything about the zone."""


@dataclass(frozen=True)
class Delegation:
    """Whether the world finds a zone at its name servers: None when that couldn't be found out, and why."""

    live: bool | None
    found: list[str]
    problem: str | None = None

    def as_dict(self) -> dict[str, object]:
        return {"live": self.live, "found": self.found, "problem": self.problem}


def delegation(
    zone: str, expected: Sequence[str], resolvers: Sequence[str], timeout: float = 2
) -> Delegation:
    """Ask resolvers, one after the other, until one answers.

    A resolver is "address" or "address#port"; without any, those of /etc/resolv.conf are asked. ``timeout``
    is seconds for each.
    """
    try:
        found = name_servers(zone, resolvers or system_resolvers(), timeout)
    except NoAnswer as error:
        return Delegation(None, [], str(error))
    return Delegation(bool(found) and found == sorted({_bare(name) for name in expected}), found)


def name_servers(zone: str, resolvers: Sequence[str], timeout: float = 2) -> list[str]:
    """Return a zone's name servers, none if the name has none. Raises NoAnswer."""
    problems = []
    for resolver in resolvers:
        try:
            return _ask(zone, resolver, timeout)
        except (OSError, ValueError, NoAnswer) as error:
            problems.append(f"{resolver}: {error}")
    raise NoAnswer("; ".join(problems) or "this machine has no resolver in /etc/resolv.conf")


def system_resolvers(path: Path = Path("/etc/resolv.conf")) -> list[str]:
    """Return the resolvers of this machine."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [words[1] for words in map(str.split, lines) if words[:1] == ["nameserver"] and len(words) > 1]


def _ask(zone: str, resolver: str, timeout: float) -> list[str]:
    host, _, port = resolver.partition("#")
    family = socket.AF_INET6 if ipaddress.ip_address(host.partition("%")[0]).version == 6 else socket.AF_INET
    number = secrets.randbelow(0x10000)
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.settimeout(timeout)
        link.connect((host, int(port or 53)))
        link.send(question(number, zone))
        while True:
            message = link.recv(4096)
            # Another question's late answer is not ours.
            if message[:2] == struct.pack("!H", number):
                return answer(message)


def question(number: int, zone: str) -> bytes:
    """Return the message that asks for a zone's NS records."""
    labels = _bare(zone).encode("idna").split(b".")
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return struct.pack("!6H", number, _RECURSION_DESIRED, 1, 0, 0, 0) + name + struct.pack("!2H", NS, _IN)


def answer(message: bytes) -> list[str]:
    """Return the sorted names of a message's NS records, none if the zone doesn't exist.

    Raises NoAnswer when the message says neither.
    """
    try:
        return _answer(message)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise NoAnswer("the answer is no DNS message") from None


def _answer(message: bytes) -> list[str]:
    _number, flags, questions, answers = struct.unpack_from("!4H", message)
    rcode = flags & 0xF
    if not flags & _RESPONSE or flags & _TRUNCATED:
        raise NoAnswer("the answer is cut off")
    if rcode not in (_NOERROR, _NXDOMAIN):
        raise NoAnswer(_RCODES.get(rcode, f"error {rcode}"))
    position = 12
    for _ in range(questions):
        position = _name(message, position)[1] + 4
    found = set()
    for _ in range(answers):
        position = _name(message, position)[1]
        kind, _class, _ttl, length = struct.unpack_from("!2HIH", message, position)
        position += 10
        if kind == NS:
            found.add(_bare(_name(message, position)[0]))
        position += length
    return sorted(found)


def _name(message: bytes, position: int) -> tuple[str, int]:
    """Return the name at a position, and the position after it."""
    labels: list[str] = []
    after = None
    for _ in range(128):  # a name has 127 labels at most; a loop of pointers has no end
        length = message[position]
        if length >= _POINTER:
            after = after or position + 2
            position = struct.unpack_from("!H", message, position)[0] & 0x3FFF
        elif length:
            labels.append(message[position + 1 : position + 1 + length].decode("ascii"))
            position += 1 + length
        else:
            return ".".join(labels), after or position + 1
    raise NoAnswer("the answer is no DNS message")


def _bare(name: str) -> str:
    return name.rstrip(".").lower()
