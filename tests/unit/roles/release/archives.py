"""Archives to unpack, honest and dishonest ones, and a yard to unpack them in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from andamio_release.archive import Limits, unpack
from andamio_release.errors import RequestError

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE),
}
LIMITS = Limits(max_bytes=1_000_000, max_files=100)
APP = {"artisan": b"#!/usr/bin/env php\n", "vendor/autoload.php": b"<?php\n"}


class Tar:
    """A tar that is written member by member, in any order and with any lie."""

    def __init__(self, app: dict[str, bytes] | None = None, form: int = tarfile.PAX_FORMAT) -> None:
        self.file = io.BytesIO()
        self.tar = tarfile.TarFile(fileobj=self.file, mode="w", format=form, errors="surrogateescape")
        for name, content in (APP if app is None else app).items():
            self.add(name, content, mode=0o755 if name == "artisan" else 0o644)

    def add(self, name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: Any) -> Tar:
        info = tarfile.TarInfo(name)
        info.size, info.type = len(content), kind
        for key, value in more.items():
            setattr(info, key, value)
        self.tar.addfile(info, io.BytesIO(content))
        return self

    def folder(self, name: str, mode: int = 0o755) -> Tar:
        return self.add(name, kind=tarfile.DIRTYPE, mode=mode)

    def link(self, name: str, target: str) -> Tar:
        return self.add(name, kind=tarfile.SYMTYPE, linkname=target)

    def hard_link(self, name: str, target: str) -> Tar:
        return self.add(name, kind=tarfile.LNKTYPE, linkname=target)

    def bytes(self) -> bytes:
        self.tar.close()
        return self.file.getvalue()


class Zip:
    def __init__(self) -> None:
        self.file = io.BytesIO()
        self.zip = zipfile.ZipFile(self.file, "w")
        for name, content in APP.items():
            self.add(name, content, mode=0o100755 if name == "artisan" else 0o100644)

    def add(self, name: str, content: bytes = b"", mode: int = 0, packed: int = zipfile.ZIP_DEFLATED) -> Zip:
        info = zipfile.ZipInfo("x")
        info.filename = name
        info.external_attr, info.compress_type = mode << 16, packed
        self.zip.writestr(info, content)
        return self

    def bytes(self) -> bytes:
        self.zip.close()
        return self.file.getvalue()


class Yard:
    """A folder with something beside the target that nothing may touch."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.target = root / "releases/new"
        self.target.parent.mkdir()
        (root / "beside").mkdir()
        (root / "beside/secret").write_text("secret")

    def outside(self) -> list[tuple[str, int, bytes]]:
        found = []
        for folder, folders, files in os.walk(self.root):
            if self.target in (Path(folder), *Path(folder).parents):
                continue
            for name in [*folders, *files]:
                path = Path(folder, name)
                if path not in (self.target, self.root / "artifact"):
                    content = path.read_bytes() if path.is_file() else b""
                    found.append((str(path), path.lstat().st_mode, content))
        return sorted(found)

    def unpack(self, made: bytes, form: str = "tar", limits: Limits = LIMITS) -> Path:
        artifact = self.root / "artifact"
        artifact.write_bytes(made)
        before = self.outside()
        try:
            unpack(artifact, form, self.target, limits)
        finally:
            assert self.outside() == before
            self.links_stay_inside()
        return self.target

    def links_stay_inside(self) -> None:
        for folder, folders, files in os.walk(self.target):
            for path in (Path(folder, name) for name in [*folders, *files]):
                assert path.resolve().is_relative_to(self.target.resolve()), path

    def refusal(self, made: bytes, form: str = "tar", limits: Limits = LIMITS) -> str:
        with pytest.raises(RequestError) as caught:
            self.unpack(made, form, limits)
        return str(caught.value)


def tree(root: Path) -> dict[str, Any]:
    """What is in a folder: contents of files, targets of links, None for a folder."""
    found: dict[str, Any] = {}
    for folder, folders, files in os.walk(root):
        for path in (Path(folder, name) for name in [*folders, *files]):
            name = str(path.relative_to(root))
            if path.is_symlink():
                found[name] = str(path.readlink())
            else:
                found[name] = None if path.is_dir() else path.read_bytes()
    return found


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"
