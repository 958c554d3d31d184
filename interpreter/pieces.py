# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What goes to a host of a module's payload: only what the host wasn't sent before.

A payload has a zip with all module_utils that a module needs, 160 kB and more, and most of it is the same
for all. Where the way to a host is long or narrow, sending it takes longer than running it. host_memory.py
puts it together again, to the last byte.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterator

ZIP = re.compile(rb"^zip_data='([A-Za-z0-9+/=]+)',$", re.MULTILINE)
CALL = b"\n    _ansiballz_main(\n"  # what is before is the same for all
# A file's header in a zip: signature, flags, size of the data, of the name, and of what else there is.
MEMBER = struct.Struct("<4s2xH10xI4xHH")
LEAST = 64  # bytes that are worth a word of their own
Item = tuple[str, int]  # what a piece is remembered by, if it is, and its size; none is for one that is there


class Pieces:
    """One host, and what it has been sent."""

    def __init__(self) -> None:
        self._sent: set[str] = set()
        self._blob = bytearray()

    def request(self, data: bytes) -> bytes:
        """Return what goes to the host for a task's environment, after its size, and its program."""
        size = int.from_bytes(data[:4], "big")
        environment, program = json.loads(data[4 : 4 + size]), data[4 + size :]
        self._blob = bytearray()
        found = ZIP.search(program)
        packed = decoded(found[1]) if found else None
        if found is None or packed is None:
            request: dict[str, object] = {"text": self._items([(program, False)])}
        else:
            whole = digest(packed)
            start, end = found.span(1)
            call = program.find(CALL, 0, start) + 1
            request = {
                "text": self._items([(program[:call], True), (program[call:start], False)]),
                "zip": [(whole, 0)] if whole in self._sent else self._items(members(packed)),
                "rest": self._items([(program[end:], False)]),
                "whole": whole,
            }
            self._sent.add(whole)
        head = json.dumps({"environment": environment, **request}).encode()
        return len(head).to_bytes(4, "big") + head + zlib.compress(self._blob, 1)

    def _items(self, pieces: list[tuple[bytes, bool]]) -> list[Item]:
        """Return words for pieces; each may be worth remembering."""
        items: list[Item] = []
        for data, is_kept in pieces:
            name = digest(data) if is_kept and len(data) >= LEAST else ""
            if name in self._sent:
                items.append((name, 0))
                continue
            if name:
                self._sent.add(name)
            self._blob += data
            items.append((name, len(data)))
        return items


def decoded(encoded: bytes) -> bytes | None:
    """Return what base64 stands for, if it is written as it always is."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None
    return data if base64.b64encode(data) == encoded else None


def members(packed: bytes) -> list[tuple[bytes, bool]]:
    """Take a zip apart: the files' data are worth remembering."""
    return list(each_member(packed))


def each_member(packed: bytes) -> Iterator[tuple[bytes, bool]]:
    at = 0
    while len(packed) >= at + MEMBER.size:
        signature, flags, size, name, more = MEMBER.unpack_from(packed, at)
        if signature != b"PK\3\4" or flags & 8:
            break
        start = at + MEMBER.size + name + more
        yield packed[at:start], False
        yield packed[start : start + size], True
        at = start + size
    yield packed[at:], False


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
