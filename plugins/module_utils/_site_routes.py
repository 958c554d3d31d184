# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of site a build is, by its files: which paths are files, and what answers for all others.

A single-page application (``spa``) has one page, which routes all paths itself. A static export (``static``)
has a page for each path: ``about/index.html`` (pages in folders) or ``about.html`` (pages as files).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ._site_files import EXTENSIONS, Unusable, find, known_extension

SPA, STATIC = "spa", "static"
NOT_FOUND = "404.html"
INDEX = "index.html"
_SOURCE_MAPS = (".js.map", ".mjs.map", ".css.map")

# What generators of static sites leave in each export: Next.js, Astro.
_EXPORTERS = ("_next/", "_astro/")
MOST_FILES = 100
"""So many files without a known extension fit into a function of 10 KB."""


@dataclass(frozen=True)
class Build:
    """A build, as far as its routing goes.

    exists: whether it was built already; if not, nothing below is known.
    routing: SPA or STATIC, as it looks.
    folders: whether a static export's pages are in folders.
    not_found: whether it has a page for what is missing, which isn't the application itself.
    files: paths that only this list tells from a route, since they have no known extension.
    too_many: whether there are more of these than a function can hold, and ``files`` is empty.
    pages: other pages below the root, that a single-page application's routing would hide.
    source_maps: paths of source maps.
    extensions: endings of names that are files, in any site.
    """

    exists: bool = False
    routing: str = SPA
    folders: bool = True
    not_found: bool = False
    files: list[str] = field(default_factory=list)
    too_many: bool = False
    pages: list[str] = field(default_factory=list)
    source_maps: list[str] = field(default_factory=list)
    extensions: list[str] = field(default_factory=lambda: list(EXTENSIONS))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def look(folder: Path) -> Build:
    """Look at a folder; what is wrong with it, the upload says. Raises OSError."""
    try:
        found = [path for path, *_rest in find(folder, "", ["Thumbs.db"])]
    except Unusable:
        return Build()
    own = folder / NOT_FOUND
    # Where a host knows no other way, an application's own page is copied there.
    not_found = own.is_file() and not _same(own, folder / INDEX)
    return recognise(found, not_found=not_found)


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def recognise(paths: Collection[str], *, not_found: bool) -> Build:
    """Return what a build with these files is."""
    pages = sorted(
        path for path in paths if path.endswith(f"/{INDEX}") and not path.startswith(("404/", "_"))
    )
    single = [path for path in paths if "/" not in path and path.endswith(".html")]
    exported = any(path.startswith(_EXPORTERS) for path in paths) and bool(
        pages or set(single) - {INDEX, NOT_FOUND}
    )
    files = sorted(
        path for path in paths if not known_extension(path) and not path.startswith(".well-known/")
    )
    return Build(
        exists=True,
        routing=STATIC if not_found or exported else SPA,
        folders=bool(pages) or not set(single) - {INDEX, NOT_FOUND},
        not_found=not_found,
        files=files if len(files) <= MOST_FILES else [],
        too_many=len(files) > MOST_FILES,
        pages=pages,
        source_maps=sorted(path for path in paths if path.endswith(_SOURCE_MAPS)),
    )
