# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules as Ansible has built them to be sent, kept from run to run.

Ansible parses a hundred files to find what one module needs, builds a zip of them, and keeps it until the
run ends, in a folder ``ansiballz_cache`` of its own. Here such zips are kept, each with the files it was
built from. One is given back only while each file, each folder around one (where a new file could take its
place), each collection and Ansible itself are the same.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import os
import pickle
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ansible
from ansible.release import __version__

Mark = list[int] | None
# Ansible makes these two itself; they are the same for one version of it.
MADE = frozenset({"ansible/__init__.py", "ansible/module_utils/__init__.py"})


class Payloads:
    """The kept ones, and those of this run."""

    def __init__(self, folder: str, local_tmp: str) -> None:
        """Raises PermissionError when others could put something into the folder: Ansible unpickles it."""
        self._kept = Path(folder)
        self._run = Path(local_tmp) / "ansiballz_cache"
        self._marks: dict[str, Mark] = {}
        self._roots: dict[str, str | None] = {}
        self._restored: set[Path] = set()
        self._kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._kept.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(f"{folder} isn't a folder of this user alone")

    def restore(self, module: str) -> None:
        """Give this run what was kept of a module and is current; remove what isn't.

        module: its last name, or * for all.
        """
        self._run.mkdir(exist_ok=True)
        for note in self._kept.glob(f"*.{module}-*.json"):
            if note in self._restored:
                continue
            self._restored.add(note)
            payload = note.with_suffix("")
            if payload.exists() and self._is_current(json.loads(note.read_text())):
                target = self._run / payload.name
                if not target.exists():
                    target.symlink_to(payload.resolve())
            else:
                note.unlink(missing_ok=True)
                payload.unlink(missing_ok=True)

    def keep(self) -> None:
        """Keep what this run has built."""
        for built in self._run.iterdir():
            if built.is_symlink() or not built.is_file() or built.suffix == ".lock":
                continue
            data = built.read_bytes()
            sources = self._sources(base64.b64decode(pickle.loads(data).zip_data))  # noqa: S301 - Ansible's own
            if sources is not None:
                note = {
                    "ansible": __version__,
                    "python": sys.version,
                    "collections": {name: root for name, root in self._roots.items() if root},
                    "marks": {path: self._mark(path) for path in sources},
                }
                self._write(built.name, data)
                self._write(f"{built.name}.json", json.dumps(note).encode())

    def _write(self, name: str, data: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self._kept, prefix=".", delete=False) as file:
            file.write(data)
        os.replace(file.name, self._kept / name)

    def _is_current(self, note: dict[str, Any]) -> bool:
        return (
            (note["ansible"], note["python"]) == (__version__, sys.version)
            and all(self._root(name) == root for name, root in note["collections"].items())
            and all(self._mark(path) == mark for path, mark in note["marks"].items())
        )

    def _sources(self, payload: bytes) -> set[str] | None:
        """Return the files that a zip was built from, and their folders; None if one isn't found."""
        sources: set[str] = set()
        with zipfile.ZipFile(io.BytesIO(payload)) as file:
            for entry in file.infolist():
                name = entry.filename
                collection = ".".join(name.split("/")[1:3]) if name.startswith("ansible_collections/") else ""
                root = self._root(collection) if name.count("/") > 2 and collection else None
                path = self._path(name, root)
                if root:
                    sources.add(f"{root}/meta/runtime.yml")
                if path is not None and is_same(path, entry):
                    sources |= {str(path), str(path.parent)}
                elif name not in MADE and entry.file_size:
                    return None  # made up from something else, such as a redirect
        return sources

    @staticmethod
    def _path(name: str, root: str | None) -> Path | None:
        if name.startswith("ansible/"):
            return Path(ansible.__file__).parents[1] / name
        return Path(root, *name.split("/")[3:]) if root else None

    def _root(self, collection: str) -> str | None:
        """Where Ansible finds a collection."""
        if collection not in self._roots:
            try:
                found: Iterable[str] = importlib.import_module(f"ansible_collections.{collection}").__path__
                self._roots[collection] = next(iter(found))
            except (ImportError, StopIteration):
                self._roots[collection] = None
        return self._roots[collection]

    def _mark(self, path: str) -> Mark:
        if path not in self._marks:
            try:
                found = os.stat(path)
                self._marks[path] = [found.st_mtime_ns, found.st_size, found.st_ino]
            except OSError:
                self._marks[path] = None
        return self._marks[path]


def is_same(path: Path, entry: zipfile.ZipInfo) -> bool:
    """Whether a file is what a zip has."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return (zlib.crc32(data), len(data)) == (entry.CRC, entry.file_size)
