# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a built site: which there are, what each is, and its content's digest.

The digest is the ETag S3 will give: the MD5 of a small file, and for one that is uploaded in parts the MD5
of the parts' MD5s with their number (``<md5>-<parts>``).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

MULTIPART_BYTES = 16 * 1024 * 1024
PART_BYTES = 8 * 1024 * 1024
BATCH = 100
"""Files hashed by one job: a thread a file costs more than hashing a small one."""

FIRST, MIDDLE, LAST, WORKERS = range(4)
"""When a file is uploaded: pages after what they refer to, service workers after the pages they read."""

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
AN_HOUR = "public, max-age=3600"

# What a name without a hash is made of: words in any case convention, numbers, versions (v2, 001, Oct2026a).
_SEGMENT = r"(?:(?:[A-Z]?[a-z]+)*[0-9]*[a-z]?|[A-Z]+[0-9]*)"
_WORDS = rf"{_SEGMENT}(?:[-_]{_SEGMENT})*\."
# Eight letters and digits that aren't words: Vite, Rollup, esbuild, Angular.
_MIXED = rf"[.-](?!{_WORDS})[A-Za-z0-9_-]{{8}}"
# The same, changing between small letters, capitals and digits four times at least: in a picture's name, a
# few capitals and digits are the camera's or a product's.
_CHANGE = (
    "(?:(?<=[a-z])(?=[A-Z0-9_-])|(?<=[A-Z])(?=[a-z0-9_-])|(?<=[0-9])(?=[A-Za-z_-])|(?<=[_-])(?=[A-Za-z0-9]))"
)
_RANDOM = rf"[.-](?!{_WORDS})(?=(?:[A-Za-z0-9_-]+?{_CHANGE}){{4}})[A-Za-z0-9_-]{{8}}"
# webpack, Parcel, Create React App: a hexadecimal hash, main.8e0f2a1b.js. Not a date, nor one with a letter.
_HEX = r"[._-](?=[0-9a-f]*(?:[0-9][a-f]+[0-9]|[a-f][0-9]+[a-f]))[0-9a-f]{8,64}"
_CODE = r"(?:\.[\w-]+)?\.(?:m?js|css|wasm)(?:\.map|\.LICENSE\.txt)?$"
_LOOK = r"(?:\.[\w-]+)?\.(?:avif|eot|gif|ico|jpe?g|otf|png|svg|ttf|webp|woff2?)$"
_ASSETS = r"(^|/)(?:assets|static|media|build)/(?:.*/)?[^/]*"
_TYPES = {
    "avif": "image/avif",
    "css": "text/css; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "md": "text/markdown; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "rss": "application/rss+xml",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
    "txt": "text/plain; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "wasm": "application/wasm",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xhtml": "application/xhtml+xml",
    "xml": "application/xml",
    "zip": "application/zip",
}
UNKNOWN_TYPE = "application/octet-stream"
_MORE_EXTENSIONS = (
    "7z aac atom bmp cur dmg doc docx eot epub exe flac geojson glb gltf heic ics jsonld m4a m4v mov odp ods "
    "odt ppt pptx rar tar tgz tiff vcf wav xls xlsx xsd xsl yaml yml "
    # What scanners look for: it isn't there, and no route of an application either.
    "asp aspx bak cgi env jsp log php sql"
)
EXTENSIONS = sorted({*_TYPES, *_MORE_EXTENSIONS.split()})
"""Endings of names that are files, not routes: /user/ana.perez and /courses/v1.2 are routes."""


@dataclass(frozen=True)
class Rule:
    """How files whose path (below the site's folder) matches a pattern are served, uploaded and refreshed."""

    pattern: str
    cache_control: str
    phase: int = MIDDLE
    invalidate: bool = False

    def matches(self, path: str) -> bool:
        return re.search(self.pattern, path) is not None


_STAYING_NAMES = r"(^|/)(manifest|asset-manifest|version|robots|sitemap[^/]*|registerSW)\.(json|txt|xml|js)$"
_SERVICE_WORKERS = r"(^|/)(sw|service-?worker|firebase-messaging-sw|ngsw-worker|ngsw)\.(js|json)$"

# The first that matches counts.
DEFAULT_RULES = (
    # Service workers, and the manifests they read.
    Rule(_SERVICE_WORKERS, REVALIDATE, WORKERS, invalidate=True),
    # Entry documents: what a browser asks for by a name that stays.
    Rule(r"\.(x?html?|webmanifest)$", REVALIDATE, LAST, invalidate=True),
    Rule(_STAYING_NAMES, REVALIDATE, LAST, invalidate=True),
    Rule(r"(^|/)\.well-known/", REVALIDATE, LAST, invalidate=True),
    # Folders in which all names are hashed: Next.js, Nuxt, Astro, SvelteKit.
    Rule(r"(^|/)(_next/static|_nuxt|_astro|_app/immutable)/", IMMUTABLE, FIRST),
    # Names with a hash: of what a page loads anywhere, of all else in folders of assets only.
    Rule(rf"(?:{_HEX}|{_MIXED}){_CODE}", IMMUTABLE, FIRST),
    Rule(rf"(?:{_HEX}|{_RANDOM}){_LOOK}", IMMUTABLE, FIRST),
    Rule(rf"{_ASSETS}(?:{_HEX}|{_RANDOM})\.[^/]+$", IMMUTABLE, FIRST),
    Rule("", AN_HOUR),
)


@dataclass(frozen=True)
class File:
    """One file of the site, ready to be compared."""

    path: str
    source: Path
    size: int
    digest: str
    content_type: str
    rule: Rule

    @property
    def headers(self) -> str:
        """What is stored beside the bytes, as one text to compare."""
        return f"{self.rule.cache_control} | {self.content_type}"


class Unusable(Exception):
    """The folder can't be uploaded; ``problems`` has a line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def find(folder: Path, index: str, exclude: Sequence[str]) -> list[tuple[str, Path, int]]:
    """Return (path, source, size) of all files to upload, by path. Raises Unusable with all that is wrong.

    exclude: patterns of paths, or of any folder or file name in them, that are left out.
    """
    if not folder.is_dir():
        state = "is not a folder" if folder.exists() else "doesn't exist"
        raise Unusable(
            [f"{folder} {state}: build the site first, or point path at the folder it is built into"]
        )
    problems: list[str] = []
    found = sorted(_walk(folder.resolve(), folder, exclude, problems))
    if not found and not problems:
        raise Unusable([f"{folder} has no files: did the build fail?"])
    if index and not any(path == index for path, *rest in found):
        problems.insert(0, f"{folder} has no {index}: this doesn't look like a built site")
    if problems:
        raise Unusable(problems)
    return found


def _walk(
    root: Path, folder: Path, exclude: Sequence[str], problems: list[str]
) -> Iterator[tuple[str, Path, int]]:
    def unreadable(error: OSError) -> None:
        problems.append(f"{error.filename}: {error.strerror}")

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        below = Path(parent).relative_to(folder)
        folders[:] = [name for name in folders if not _excluded((below / name).as_posix(), exclude)]
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        problems += [f"{Path(parent) / name} is a link to a folder, which isn't followed" for name in links]
        for name in names:
            source, path = Path(parent) / name, (below / name).as_posix()
            if _excluded(path, exclude):
                continue
            problem, size = _look(source, path, root)
            if problem:
                problems.append(f"{source} {problem}")
            else:
                yield path, source, size


def _excluded(path: str, exclude: Sequence[str]) -> bool:
    name = path.rpartition("/")[2]
    if name.startswith(".") and name != ".well-known":
        return True
    return any(fnmatchcase(path, pattern) or fnmatchcase(name, pattern) for pattern in exclude)


def _look(source: Path, path: str, root: Path) -> tuple[str, int]:
    """Return what makes the file unusable ("" if nothing does), and its size."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "has a name that isn't UTF-8", 0
    if source.is_symlink() and not source.resolve().is_relative_to(root):
        return f"is a link out of the folder, to {source.resolve()}", 0
    try:
        status = source.stat()
    except FileNotFoundError:
        return "is a link to nothing", 0
    except OSError as error:
        return f"can't be read: {error.strerror}", 0
    if not stat.S_ISREG(status.st_mode):
        return "is neither file nor folder", 0
    return ("" if os.access(source, os.R_OK) else "can't be read: permission denied"), status.st_size


def digests(found: Sequence[tuple[str, Path, int]], executor: Executor) -> Iterator[list[str]]:
    """Start reading all files in threads; the digests come in the same order, some at a time."""
    return executor.map(_digests, [found[first : first + BATCH] for first in range(0, len(found), BATCH)])


def describe(
    found: Sequence[tuple[str, Path, int]],
    batches: Iterable[list[str]],
    rules: Sequence[Rule],
    content_types: Mapping[str, str],
) -> dict[str, File]:
    """Return each file by its path. Raises OSError when one can't be read."""
    read = (digest for batch in batches for digest in batch)
    return {
        path: File(path, source, size, digest, content_type(path, content_types), rule_for(path, rules))
        for (path, source, size), digest in zip(found, read, strict=True)
    }


def rule_for(path: str, rules: Sequence[Rule]) -> Rule:
    return next(rule for rule in (*rules, *DEFAULT_RULES) if rule.matches(path))


def content_type(path: str, own: Mapping[str, str]) -> str:
    """Return the media type by extension. The machine's own tables have no say: it is the same anywhere."""
    name = path.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if name in own:
        return own[name]
    if not extension and "/.well-known/" in f"/{path}":
        return "application/json"
    return own.get(f".{extension}", _TYPES.get(extension, UNKNOWN_TYPE))


def known_extension(path: str) -> bool:
    """Tell whether a path's ending alone says that it is a file."""
    name = path.rpartition("/")[2]
    return "." in name and name.rpartition(".")[2].lower() in EXTENSIONS


def _digests(batch: Iterable[tuple[str, Path, int]]) -> list[str]:
    return [digest(source, size) for path, source, size in batch]


def digest(source: Path, size: int) -> str:
    """Return the ETag S3 gives this content."""
    with source.open("rb") as file:
        if size < MULTIPART_BYTES:
            return hashlib.md5(file.read(), usedforsecurity=False).hexdigest()
        digests = [hashlib.md5(part, usedforsecurity=False).digest() for part in parts(file)]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def parts(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(PART_BYTES):
        yield part
