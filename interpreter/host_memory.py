# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the process on a host has in memory: the module_utils that payloads have brought, and compiled code.

It is sent to the host along with host.py.
"""

from __future__ import annotations

import base64
import gc
import importlib.machinery
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Sequence
from types import CodeType, ModuleType
from typing import Any

TOPS = frozenset({"ansible", "ansible_collections"})
# What is imported here beforehand; a module itself never is.
UTILS = re.compile(r"ansible/module_utils/|ansible_collections/\w+/\w+/plugins/module_utils/")
# Stands for a payload's path in files' names: that is another for each task, and code isn't. Never a folder.
ROOT = "/dev/null/payload"
Content = tuple[int, int]  # a file's checksum and size


class Payload:
    """The zip of one module: where its files are. Raises BadZipFile where it isn't one."""

    def __init__(self, packed: bytes) -> None:
        self.encoded = base64.b64encode(packed)
        self.zip = zipfile.ZipFile(io.BytesIO(packed))
        self.infos = {info.filename: info for info in self.zip.infolist()}
        self.content = {name: (info.CRC, info.file_size) for name, info in self.infos.items()}
        self.paths: dict[str, str] = {}
        for path in self.infos:
            name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if path.endswith(".py") and name.partition(".")[0] in TOPS:
                self.paths[name] = path


class Memory:
    """Code by its content, and the module_utils that are imported."""

    def __init__(self) -> None:
        self._pieces: dict[str, bytes] = {}
        self._payloads: dict[str, Payload] = {}
        self._code: dict[tuple[str, Content], CodeType] = {}
        self._imported: dict[str, tuple[str, Content]] = {}  # by name
        self._unknown: list[tuple[Payload, str]] = []

    @property
    def is_learning(self) -> bool:
        """Whether there is something to learn."""
        return bool(self._unknown)

    def request(self, data: bytes) -> tuple[dict[str, str], bytes, Payload | None]:
        """Return a task's environment, program and payload; none where it isn't a module of Ansible's.

        data: what pieces.py has made of them.
        """
        size = int.from_bytes(data[:4], "big")
        head = json.loads(data[4 : 4 + size])
        blob = io.BytesIO(zlib.decompress(data[4 + size :]))
        before = self._joined(head["text"], blob)
        if "zip" not in head:
            return head["environment"], before, None
        whole = head["whole"]
        if whole not in self._payloads:
            try:
                payload = self._payloads[whole] = Payload(self._joined(head["zip"], blob))
            except zipfile.BadZipFile:
                return head["environment"], before, None
            self._unknown += [(payload, name) for name in payload.paths]
        payload = self._payloads[whole]
        program = before + payload.encoded + self._joined(head["rest"], blob)
        return head["environment"], program, payload

    def _joined(self, items: list[tuple[str, int]], blob: io.BytesIO) -> bytes:
        """Put pieces together; those that are new are remembered, if they are to be."""
        data = []
        for name, size in items:
            if name not in self._pieces or size:
                data.append(blob.read(size))
                if name:
                    self._pieces[name] = data[-1]
            else:
                data.append(self._pieces[name])
        return b"".join(data)

    def lend(self, payload: Payload) -> None:
        """Have a task find what its payload has, and nothing else. This is the task's process."""
        names = [name for name in sys.modules if name.partition(".")[0] in TOPS]
        if not all(self._is_same(payload, name) for name in names if name in payload.paths):
            forgotten = names  # for what has imported it, too
        else:
            forgotten = [name for name in names if name not in payload.paths]
        for name in forgotten:
            forget(name)
        sys.meta_path.insert(0, Finder(self, payload))

    def learn(self) -> None:
        """Import one of the module_utils that are new here, or compile a file of another kind."""
        payload, name = self._unknown.pop(0)
        path = payload.paths[name]
        if UTILS.match(path):
            finder = Finder(self, payload)
            sys.meta_path.insert(0, finder)
            written = sys.dont_write_bytecode
            try:
                importlib.import_module(name)
            except BaseException:  # noqa: S110 - the task that needs it says what is missing
                pass
            finally:
                sys.meta_path.remove(finder)
                sys.dont_write_bytecode = written
        else:
            self.code(payload, path)
        if not self._unknown:
            gc.collect()
            gc.freeze()

    def code(self, payload: Payload, path: str) -> CodeType:
        """Return a file's code. Raises SyntaxError."""
        key = path, payload.content[path]
        if key not in self._code:
            source = payload.zip.read(path)
            self._code[key] = compile(source, f"{ROOT}/{path}", "exec", dont_inherit=True)
        return self._code[key]

    def imports(self, payload: Payload, name: str) -> None:
        """Note what a module that is being imported is made of."""
        path = payload.paths[name]
        self._imported[name] = path, payload.content[path]

    def _is_same(self, payload: Payload, name: str) -> bool:
        path = payload.paths[name]
        return self._imported.get(name) == (path, payload.content[path])


class Finder:
    """Finds and loads what is in a payload's zip. It is the importer and the loader."""

    def __init__(self, memory: Memory, payload: Payload) -> None:
        self._memory = memory
        self._payload = payload

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return where a module is; None if it isn't in the payload."""
        path = self._payload.paths.get(name)
        if path is None:
            return None
        package = path.endswith("/__init__.py")
        loader: Any = self  # all that Python asks of one is here
        spec = importlib.machinery.ModuleSpec(name, loader, origin=f"{ROOT}/{path}", is_package=package)
        spec.has_location = True
        if package and spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(f"{ROOT}/{path.rpartition('/')[0]}")
        return spec

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        """Have Python make it."""

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code. Raises what that raises."""
        self._memory.imports(self._payload, module.__name__)
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 - that is what a loader does

    def get_code(self, name: str) -> CodeType:
        """Return a module's code. Raises SyntaxError."""
        return self._memory.code(self._payload, self._payload.paths[name])

    def get_source(self, name: str) -> str:
        """Return a module's source, for tracebacks."""
        return self._payload.zip.read(self._payload.paths[name]).decode()

    def is_package(self, name: str) -> bool:
        """Whether a module is a package."""
        return self._payload.paths[name].endswith("/__init__.py")


def forget(name: str) -> None:
    """Have a module imported anew, should it be."""
    sys.modules.pop(name, None)
    parent: Any = sys.modules.get(name.rpartition(".")[0])
    if parent is not None and hasattr(parent, name.rpartition(".")[2]):
        delattr(parent, name.rpartition(".")[2])
