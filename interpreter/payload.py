# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Ansible sends: a wrapper with a zip of the module and of every module_utils file that it needs.

Plain Python imports those from the zip, which comes first in sys.path. Here most are in memory already; that
is the same only where each of them is, byte for byte, what the zip has.
"""

from __future__ import annotations

import base64
import binascii
import importlib.machinery
import io
import re
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePath
from types import CodeType, ModuleType

from .preload import LOADER, Preloaded, zip_name

ZIP = re.compile(rb"^zip_data='([A-Za-z0-9+/=]+)',$", re.MULTILINE)
VERSION = re.compile(rb'^__version__="(.+)"$', re.MULTILINE)
# Made for each payload by Ansible: the version, and paths that reach what is installed.
STUBS = {"ansible": "ansible/__init__.py", "ansible.module_utils": "ansible/module_utils/__init__.py"}


def is_preloaded(source: bytes, preloaded: Preloaded) -> bool:
    """Whether a program is a payload whose module_utils are the very ones in memory.

    Modules that the payload lacks are dropped from memory: for the task they mustn't be there.
    """
    found = ZIP.search(source)
    if b"_ANSIBALLZ_WRAPPER = True" not in source or found is None:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(found[1]))) as file:
            entries = {entry.filename: (entry.CRC, entry.file_size) for entry in file.infolist()}
            version = VERSION.search(file.read(STUBS["ansible"]))
    except (binascii.Error, zipfile.BadZipFile, KeyError):
        return False
    if version is None or version[1].decode() != sys.modules["ansible"].__version__:
        return False
    if any(entries.get(path, was) != was for path, was in preloaded.sources.items()):
        return False
    for name, module in list(sys.modules.items()):
        if name.startswith("ansible_collections") and zip_name(module) not in entries:
            forget(name)
    return all(path in entries for path in STUBS.values())


def forget(name: str) -> None:
    """Have a module imported anew, should it be."""
    sys.modules.pop(name, None)
    parent, _, last = name.rpartition(".")
    if parent in sys.modules and hasattr(sys.modules[parent], last):
        delattr(sys.modules[parent], last)


class Finder:
    """Finds the loader, the first thing that a payload imports from its zip; then all is found there."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != LOADER:
            return None
        sys.meta_path.remove(self)
        lead(sys.path[0])
        return importlib.machinery.PathFinder.find_spec(name, sys.modules[LOADER.rpartition(".")[0]].__path__)


class ModuleFinder(importlib.machinery.SourceFileLoader):
    """Finds one module, whose code is in memory."""

    def __init__(self, name: str, code: CodeType) -> None:
        super().__init__(name, code.co_filename)
        self._code = code

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=self.path)

    def get_code(self, _fullname: str) -> CodeType:
        return self._code


def lead(payload: str) -> None:
    """Have all that is in memory say that it comes from the payload's zip, and find the rest there.

    Ansible tells by its files' paths who warns of a deprecation, and where a respawned module finds it all.
    """
    installed = str(Path(sys.modules["ansible"].__file__ or "").parents[1])
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] not in {"ansible", "ansible_collections"}:
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, str | PurePath) and str(value).startswith(installed):
                setattr(module, key, type(value)(f"{payload}{str(value)[len(installed) :]}"))
        module.__file__ = f"{payload}/{zip_name(module)}"
        if hasattr(module, "__path__"):
            inside = f"{payload}/{name.replace('.', '/')}"
            # As the stubs do: what the payload lacks comes from what is installed.
            module.__path__ = [inside, *module.__path__] if name in STUBS else [inside]
