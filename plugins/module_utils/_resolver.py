# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of DNS (RFC 1035) as it takes to ask a resolver what the world sees.

The C library would answer from /etc/hosts first, where a host's own name often is 127.0.1.1.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from dataclasses import dataclass

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "AAAA": 28}
_NAMES = {number: name for name, number in TYPES.items()}
_RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_RECURSION_DESIRED = 0x0100
_TRUNCATED = 0x0200
_POINTER = 0xC0


class LookupFailed(Exception):
    """No usable answer from any resolver."""


@dataclass(frozen=True)
class Record:
    """One record of an answer; C(value) is an address, or a lower-case name without its last dot."""

    name: str
    type: str
    value: str


@dataclass(frozen=True)
class Reply:
    """What a resolver said: its verdict (NOERROR, NXDOMAIN, ...) and the records we understand."""

    identifier: int
    verdict: str
    truncated: bool
    records: tuple[Record, ...]


def nameservers(resolv_conf: str) -> list[str]:
    """Return the addresses on the nameserver lines of a resolv.conf."""
    lines = (line.split() for line in resolv_conf.splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def question(name: str, record_type: str, identifier: int) -> bytes:
    """Return the message that asks a recursive resolver for the records of a name.

    Raises ValueError for what can't be a name.
    """
    try:
        labels = [label.encode("idna") for label in name.rstrip(".").split(".")]
    except UnicodeError as error:
        raise ValueError(f"{name!r} is no host name: {error}") from error
    if not all(labels):
        raise ValueError(f"{name!r} is no host name")
    header = struct.pack("!6H", identifier, _RECURSION_DESIRED, 1, 0, 0, 0)
    encoded = b"".join(bytes([len(label)]) + label for label in labels)
    return header + encoded + b"\0" + struct.pack("!2H", TYPES[record_type], 1)


def parse(message: bytes) -> Reply:
    """Return what a message says. Raises ValueError when it is damaged."""
    try:
        identifier, flags, questions, answers = struct.unpack_from("!4H", message)
        at = 12
        for _question in range(questions):
            at = _read_name(message, at)[1] + 4
        records = []
        for _answer in range(answers):
            name, at = _read_name(message, at)
            number, _class, _ttl, length = struct.unpack_from("!2HIH", message, at)
            at += 10
            value = _value(message, at, number, length)
            if value is not None:
                records.append(Record(name, _NAMES[number], value))
            at += length
    except (IndexError, struct.error) as error:
        raise ValueError("a damaged DNS message") from error
    verdict = _RCODES.get(flags & 0xF, f"RCODE{flags & 0xF}")
    return Reply(identifier, verdict, bool(flags & _TRUNCATED), tuple(records))


def lookup(name: str, record_type: str, servers: list[str], timeout: float = 3.0) -> Reply:
    """Ask resolvers in turn until one answers; C(timeout) is in seconds, for each.

    A resolver is an address, or address#port.

    Raises LookupFailed when none does, ValueError for what can't be a name.
    """
    message = question(name, record_type, secrets.randbelow(0x10000))
    failures = []
    for server in servers:
        try:
            reply = _ask(server, message, timeout)
        except (OSError, ValueError) as error:
            failures.append(f"{server}: {error or type(error).__name__}")
            continue
        if reply.verdict in ("NOERROR", "NXDOMAIN"):
            return reply
        failures.append(f"{server}: {reply.verdict}")
    raise LookupFailed("; ".join(failures) or "no resolver is set in /etc/resolv.conf")


def _ask(server: str, message: bytes, timeout: float) -> Reply:
    """Ask by UDP and, when the answer doesn't fit, by TCP."""
    host, _separator, port = server.partition("#")
    address = (host, int(port or 53))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(timeout)
        udp.connect(address)
        udp.send(message)
        answer = udp.recv(4096)
        while answer[:2] != message[:2]:  # the late answer to another question
            answer = udp.recv(4096)
    reply = parse(answer)
    if reply.truncated:
        with socket.create_connection(address, timeout) as tcp, tcp.makefile("rb") as stream:
            tcp.sendall(struct.pack("!H", len(message)) + message)
            length = int.from_bytes(stream.read(2), "big")
            reply = parse(stream.read(length))
    return reply


def _read_name(message: bytes, at: int) -> tuple[str, int]:
    """Return the name at an offset, and the offset after it; names may point back into the message."""
    labels: list[str] = []
    after = 0
    for _step in range(128):  # a name has no more labels; a loop of pointers has no end
        length = message[at]
        if length >= _POINTER:
            after = after or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
        elif length:
            labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
        else:
            return ".".join(labels).lower(), after or at + 1
    raise ValueError("a DNS name that never ends")


def _value(message: bytes, at: int, number: int, length: int) -> str | None:
    data = message[at : at + length]
    if len(data) != length:
        raise IndexError("a record that is cut off")
    match _NAMES.get(number):
        case "A" if length == 4:
            return str(ipaddress.IPv4Address(data))
        case "AAAA" if length == 16:
            return str(ipaddress.IPv6Address(data))
        case "NS" | "CNAME":
            return _read_name(message, at)[0]
    return None
