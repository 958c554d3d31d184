# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last dump of a database: which it is, where it is kept, and whether it is whole."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

SUFFIX = ".sql.gz"
TRAILER = b"-- Dump completed"
CHUNK = 1024 * 1024


class Unusable(Exception):
    """A dump that isn't there, or isn't whole; the message says which."""


def choose(sizes: Mapping[str, int], key: str) -> str | None:
    """Return the key of the dump that is asked for, or of the newest; None when there is none.

    sizes: the bytes of each object, by key. A dump's name begins with its time.
    Raises Unusable when the one that is asked for isn't there, or it is empty.
    """
    dumps = sorted((each for each in sizes if each.endswith(SUFFIX)), key=name)
    found = key or (dumps[-1] if dumps else None)
    if found is None:
        return None
    if found not in sizes:
        raise Unusable(f"there is no dump {found}")
    if not sizes[found]:
        raise Unusable(f"the dump {found} is empty")
    return found


def name(key: str) -> str:
    """Return a dump's own name."""
    return key.rpartition("/")[2]


def kept_key(key: str, prefix: str) -> str:
    """Return where a dump is kept for good: under the prefix, unless it is there already."""
    return key if key.startswith(prefix) else prefix + key


def check(path: Path) -> None:
    """Read a dump to its end. Raises Unusable when it isn't whole."""
    tail = b""
    try:
        with gzip.open(path) as dump:
            while block := dump.read(CHUNK):
                tail = (tail + block)[-4096:]
    except (OSError, EOFError) as error:
        raise Unusable(f"the dump can't be unpacked: {error}") from error
    last = tail.rstrip().splitlines()[-1:]
    if not last or not last[0].startswith(TRAILER):
        raise Unusable("the dump isn't whole: its last line is not mysqldump's own")
