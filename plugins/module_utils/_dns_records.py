# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DNS names and record values in one spelling, whoever wrote them: a person or Route 53."""

from __future__ import annotations

import ipaddress
import re

_ESCAPED_STAR = "\\052"
_TXT_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_TXT_ESCAPE = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
_TXT_LIMIT = 255  # bytes in one string of a TXT record
_CAA = re.compile(r'(\d+)\s+([A-Za-z0-9]+)\s+(?:"(.*)"|(\S+))', re.DOTALL)
_HOST_LAST = frozenset({"CNAME", "NS", "PTR", "MX", "SRV"})


def fqdn(name: str) -> str:
    """Return a full name in lower case with its trailing dot."""
    return name.replace(_ESCAPED_STAR, "*").rstrip(".").lower() + "."


def in_zone(name: str, zone: str) -> str:
    """Return the full name of a record of a zone.

    '' and '@' are the zone itself; a name that ends with the zone's is full; others are relative to it.

    Raises ValueError for a full name (with a dot at its end) of another zone.
    """
    apex = fqdn(zone)
    if name in ("", "@"):
        return apex
    full = fqdn(name)
    if full == apex or full.endswith("." + apex):
        return full
    if name.endswith("."):
        raise ValueError(f"{name} isn't in the zone {apex}")
    return full + apex


def value(kind: str, text: str) -> str:
    """Return a record's value in one spelling. Raises ValueError when it can't be one of its type."""
    text = text.strip()
    if kind in ("A", "AAAA"):
        return _address(kind, text)
    if kind in ("TXT", "SPF"):
        return _txt(text)
    if kind == "CAA":
        return _caa(text)
    if kind in _HOST_LAST:
        *numbers, host = text.split()
        return " ".join([*numbers, fqdn(host)])
    return text


def _address(kind: str, text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address") from None
    if address.version != (4 if kind == "A" else 6):
        raise ValueError(f"{text} is an IPv{address.version} address; {kind} takes the other kind")
    return str(address)


def _caa(text: str) -> str:
    match = _CAA.fullmatch(text)
    if not match:
        raise ValueError(f'{text!r} is no CAA value such as 0 issue "letsencrypt.org"')
    flags, tag, quoted, bare = match.groups()
    return f'{int(flags)} {tag.lower()} "{bare if quoted is None else quoted}"'


def _txt(text: str) -> str:
    """Quote a TXT value: a plain text is cut where a string's length ends, quoted strings stay as cut."""
    if text.startswith('"'):
        strings = [_unescaped(piece) for piece in _TXT_PIECE.findall(text)]
        if _TXT_PIECE.sub("", text):
            raise ValueError(f"{text!r} has a quote that isn't closed, or a text outside of quotes")
    else:
        data = text.encode()
        strings = [data[start : start + _TXT_LIMIT] for start in range(0, len(data), _TXT_LIMIT)] or [b""]
    if any(len(string) > _TXT_LIMIT for string in strings):
        raise ValueError(f"a string in quotes has more than {_TXT_LIMIT} bytes; cut it into several")
    return " ".join(f'"{_escaped(string)}"' for string in strings)


def _unescaped(text: str) -> bytes:
    """Undo Route 53's escapes: \\ooo is a byte in octal, \\" and \\\\ are themselves."""
    data = bytearray()
    position = 0
    for match in _TXT_ESCAPE.finditer(text):
        data += text[position : match.start()].encode()
        code = match.group(1)
        data += bytes([int(code, 8) & 0xFF]) if len(code) == 3 else code.encode()
        position = match.end()
    return bytes(data + text[position:].encode())


def _escaped(data: bytes) -> str:
    out = []
    for byte in data:
        character = chr(byte)
        if character in '"\\':
            out.append("\\" + character)
        elif 0x20 <= byte < 0x7F:
            out.append(character)
        else:
            out.append(f"\\{byte:03o}")
    return "".join(out)
