"""Unpack an artifact, as root, without ever leaving the folder it is unpacked into.

The archive is believed in nothing: each member is checked before a byte of it is written, sizes are
counted as they are read, and symbolic links are made last of all, so nothing can be written through one.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, NoReturn, cast

from andamio_release.errors import ReleaseError, RequestError

CHUNK = 256 * 1024
BLOCK = tarfile.BLOCKSIZE
# What a member's headers may take: long names and extended attributes need a few KiB.
HEADER_BYTES = 256 * 1024
# The zeros that fill a tar up to its blocking factor.
PADDING_BYTES = 1024 * 1024
# A member's entry in a zip's table of contents, its name and extra fields included, on average.
ZIP_ENTRY_BYTES = 256
LINKS_FOLLOWED = 40

Kind = Literal["folder", "file", "link"]


@dataclass(frozen=True)
class Limits:
    """How much an artifact may be: bytes of all its files, and members with the folders they need.

    ``max_path`` is in bytes, ``max_depth`` in names.
    """

    max_bytes: int
    max_files: int
    max_path: int = 1000
    max_depth: int = 50
    # What becomes the host's own once it is unpacked, a link perhaps: `..` leads elsewhere from there then.
    replaced: tuple[str, ...] = ("storage", "bootstrap/cache")


@dataclass(frozen=True)
class Member:
    """A member as the archive has it. ``blocks`` must be read to its end before the next member."""

    name: str
    kind: Kind | Literal["hard link"]
    executable: bool = False
    target: str = ""
    size: int = 0
    blocks: Iterator[bytes] = field(default_factory=lambda: iter(()))


def unpack(artifact: Path, form: str, target: Path, limits: Limits) -> None:
    """Unpack ``artifact``, a "tar" (of any compression) or a "zip", into ``target``, which it makes.

    Folders get mode 0755, files 0644 or 0755; a single top folder is left out. Raises RequestError,
    which names the member that is refused, and ReleaseError when this host can't write; what was
    unpacked by then stays, for the caller to remove.
    """
    members = {"tar": tar_members, "zip": zip_members}.get(form)
    if members is None:
        raise RequestError(f"the artifact's format is {form!r}: it must be tar or zip")
    try:
        tree = Tree(target, limits)
        with artifact.open("rb") as file:
            for member in members(file, limits):
                tree.add(member)
        tree.strip_top()
        tree.make_links()
    except OSError as error:
        # Only the system's own errors have a number: the decompressors' are about what they read.
        kind = RequestError if error.errno is None else ReleaseError
        raise kind(f"the artifact can't be unpacked: {error}") from error
    except (
        tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error,
        ValueError, NotImplementedError, RecursionError, MemoryError,
    ) as error:  # fmt: skip
        raise RequestError(f"the artifact can't be unpacked: {error or type(error).__name__}") from error
    problem = why_not_laravel(target)
    if problem:
        raise RequestError(f"the artifact is no Laravel application: {problem}")


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def why_not_laravel(root: Path) -> str:
    """What a Laravel application has and ``root`` hasn't; '' when it has all."""
    if not (root / "artisan").is_file():
        return "there is no artisan at its top"
    if not (root / "vendor/autoload.php").is_file() and not (root / "composer.lock").is_file():
        return "it has neither vendor/autoload.php nor a composer.lock to install from"
    return ""


def refuse(name: str, why: str) -> NoReturn:
    """Raise RequestError for a member."""
    shown = name if len(name) <= 200 else f"{name[:200]}…"
    raise RequestError(f"the artifact's member {shown!r} is refused: {why}")


class Tree:
    """What is unpacked: on the disk, and in ``kinds`` by path, with '' for the top."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.root = root
        self.limits = limits
        self.kinds: dict[str, Kind] = {"": "folder"}
        self.links: dict[str, str] = {}
        self.members = 0
        self.bytes = 0
        self._make_folder(root)

    def add(self, member: Member) -> None:
        """Check a member and write it; a link is only noted. Raises RequestError."""
        self.members += 1
        if self.members > self.limits.max_files:
            self._too_many(member.name)
        path = self._path(member.name, member.name)
        if member.kind == "folder":
            self._folder(path, member.name)
            return
        if not path:
            refuse(member.name, "it has no name")
        self._folder(path.rpartition("/")[0], member.name)
        kind = self.kinds.get(path)
        if kind == "file" and member.kind != "link":
            (self.root / path).unlink()  # as tar does: the later one counts
        elif kind not in (None, member.kind):
            refuse(member.name, f"there is a {kind} of that name already")
        if member.kind == "link":
            self._note(path, "link", member.name)
            self.links[path] = self._link_target(member)
        elif member.kind == "hard link":
            self._hard_link(path, member, replaces=kind is not None)
        else:
            self._note(path, "file", member.name)
            self._file(path, member)

    def strip_top(self) -> None:
        """Move an application that lies in a single folder (as GitHub packs it) to the top."""
        top = next((path for path in self.kinds if path), "")
        top = top.partition("/")[0]
        inside = f"{top}/"
        if self.kinds.get(top) != "folder" or self.kinds.get(f"{inside}artisan") != "file":
            return
        if any(path not in ("", top) and not path.startswith(inside) for path in self.kinds):
            return
        # Under another name first: the folder may hold something of its own name.
        between = Path(tempfile.mkdtemp(dir=self.root))
        (self.root / top).rename(between / "top")
        for entry in list((between / "top").iterdir()):
            entry.rename(self.root / entry.name)
        (between / "top").rmdir()
        between.rmdir()
        self.kinds = {path.removeprefix(inside): kind for path, kind in self.kinds.items() if path != top}
        self.links = {path.removeprefix(inside): target for path, target in self.links.items()}

    def make_links(self) -> None:
        """Make the symbolic links, each of which must stay inside. Raises RequestError."""
        for path, target in self.links.items():
            self._check_link(path, target)
        for path, target in self.links.items():
            (self.root / path).symlink_to(target)

    def _path(self, text: str, name: str) -> str:
        """A path inside, without what means nothing. Raises RequestError for ``name`` when it isn't one."""
        self._check_text(text, name)
        if text.startswith("/"):
            refuse(name, "its path is absolute")
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if ".." in parts:
            refuse(name, "there is '..' in its path")
        if len(parts) > self.limits.max_depth:
            refuse(name, f"it lies more than {self.limits.max_depth} folders deep")
        if any(len(part.encode()) > 255 for part in parts):
            refuse(name, "a part of its path is longer than 255 bytes")
        return "/".join(parts)

    def _check_text(self, text: str, name: str) -> None:
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            refuse(name, "its path isn't UTF-8")
        if size > self.limits.max_path:
            refuse(name, f"its path is longer than {self.limits.max_path} bytes")
        if any(character < " " or character == "\x7f" for character in text):
            refuse(name, "there is a control character in its path")
        if "\\" in text:
            refuse(name, "there is a backslash in its path")

    def _note(self, path: str, kind: Kind, name: str) -> None:
        self.kinds[path] = kind
        # The folders that a path needs count as well: '' is one that every artifact has.
        if len(self.kinds) - 1 > self.limits.max_files:
            self._too_many(name)

    def _too_many(self, name: str) -> NoReturn:
        refuse(name, f"the artifact has more than {self.limits.max_files} members")

    def _folder(self, path: str, name: str) -> None:
        """Make a folder and those above it, where there are none. Raises RequestError."""
        parts = path.split("/") if path else []
        for count in range(1, len(parts) + 1):
            part = "/".join(parts[:count])
            kind = self.kinds.get(part)
            if kind is None:
                self._note(part, "folder", name)
                self._make_folder(self.root / part)
            elif kind != "folder":
                refuse(name, f"{part!r} is a {kind} in the same artifact")

    @staticmethod
    def _make_folder(path: Path) -> None:
        path.mkdir()
        path.chmod(0o755)  # whatever the umask is

    def _file(self, path: str, member: Member) -> None:
        self._check_bytes(member, member.size)  # what it says of itself, before any of it is read
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self.root / path, flags, 0o600), "wb") as file:
            for block in member.blocks:
                self._check_bytes(member, len(block))
                self.bytes += len(block)
                file.write(block)
            os.fchmod(file.fileno(), 0o755 if member.executable else 0o644)

    def _check_bytes(self, member: Member, more: int) -> None:
        if self.bytes + more > self.limits.max_bytes:
            refuse(member.name, f"the artifact's files have more than {self.limits.max_bytes} bytes")

    def _hard_link(self, path: str, member: Member, *, replaces: bool) -> None:
        target = self._path(member.target, member.name)
        if self.kinds.get(target) != "file" or (replaces and target == path):
            refuse(member.name, f"it is a hard link to {member.target!r}, which is no file before it")
        self._note(path, "file", member.name)
        os.link(self.root / target, self.root / path, follow_symlinks=False)

    def _link_target(self, member: Member) -> str:
        if not member.target:
            refuse(member.name, "it is a link to nothing")
        self._check_text(member.target, member.name)
        if member.target.startswith("/"):
            refuse(
                member.name, f"it is a link to {member.target!r}: only a relative link stays in the release"
            )
        return member.target

    def _check_link(self, path: str, target: str) -> None:
        """Follow a link as the kernel would, through other links too. Raises RequestError."""
        here = path.split("/")[:-1]
        stays = not self._is_replaced(path.split("/"))
        ahead = target.split("/")[::-1]
        followed = 0
        while ahead:
            part = ahead.pop()
            if part == "..":
                if stays and self._is_replaced(here):
                    refuse(
                        path,
                        f"it is a link to {target!r}, which leads out of a folder that is the host's own",
                    )
                if not here:
                    refuse(path, f"it is a link to {target!r}, which is outside")
                here.pop()
            elif part not in ("", "."):
                here.append(part)
                further = None if stays and self._is_replaced(here) else self.links.get("/".join(here))
                if further is not None:
                    followed += 1
                    if followed > LINKS_FOLLOWED:
                        refuse(path, "it is a link that leads through too many links")
                    here.pop()
                    ahead += further.split("/")[::-1]

    def _is_replaced(self, folder: list[str]) -> bool:
        """Whether a folder, in its parts, is one that becomes the host's own, or lies in one."""
        path = "/".join([*folder, ""])
        return any(path.startswith(f"{name}/") for name in self.limits.replaced)


class Forward:
    """A file that tarfile may only read forward, and never more of it than was allowed.

    tarfile takes lengths from headers as they are: it would read a "header" of gigabytes into memory, go
    back on a negative size, and ask for ever for what a truncated file hasn't got.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.position = 0
        self.allowed = 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self.allowed:
            raise tarfile.ReadError("a header says impossible things")
        self.allowed -= size
        self.last = self.file.read(size)
        self.position += len(self.last)
        return self.last

    def tell(self) -> int:
        return self.position

    def seek(self, position: int) -> None:
        if position < self.position:
            raise tarfile.ReadError("a header leads back")
        while position > self.position:
            if not self.read(min(position - self.position, CHUNK)):
                raise tarfile.ReadError("it ends too early")


def tar_members(file: IO[bytes], limits: Limits) -> Iterator[Member]:
    """The members of a tar, compressed or not. Raises RequestError, and what decompressors raise."""
    with decompressed(file) as plain:
        forward = Forward(plain)
        forward.allowed = HEADER_BYTES
        tar: Any = tarfile.TarFile(
            fileobj=cast(IO[bytes], forward), encoding="utf-8", errors="surrogateescape"
        )
        while (info := tar.next()) is not None:
            yield tar_member(info, forward)
            # Both only grow, and nothing asks them.
            tar.members.clear()
            tar.pax_headers.clear()
            forward.allowed = HEADER_BYTES
        # tarfile takes a broken header, or none, for the end as well.
        if forward.last != bytes(BLOCK):
            raise tarfile.ReadError("it is broken or ends too early")
        forward.allowed = PADDING_BYTES + CHUNK
        while rest := forward.read(CHUNK):
            if rest.strip(b"\0") or forward.allowed < CHUNK:
                raise tarfile.ReadError("it goes on after its end")


def decompressed(file: IO[bytes]) -> IO[bytes]:
    """The bytes in a compressed file, or the file's own. Raises RequestError for what can't be read here."""
    openers: dict[bytes, Callable[[IO[bytes]], Any]] = {
        b"\x1f\x8b": lambda packed: gzip.GzipFile(fileobj=packed),
        b"BZh": bz2.BZ2File,
        b"\xfd7zXZ\0": lzma.LZMAFile,
        b"\x5d\0\0": lzma.LZMAFile,
        b"\x28\xb5\x2f\xfd": zstd_file,
    }
    start = file.read(6)
    file.seek(0)
    for magic, opener in openers.items():
        if start.startswith(magic):
            return cast(IO[bytes], opener(file))
    return file


def zstd_file(file: IO[bytes]) -> Any:
    try:
        zstd: Any = import_module("compression.zstd")
    except ImportError as error:
        raise RequestError(
            "the artifact can't be unpacked: this host's Python is too old for zstd, pack it with gzip"
        ) from error
    return zstd.ZstdFile(file)


def tar_member(info: tarfile.TarInfo, forward: Forward) -> Member:
    if info.isdir():
        return Member(info.name, "folder")
    if info.issym():
        return Member(info.name, "link", target=info.linkname)
    if info.islnk():
        return Member(info.name, "hard link", target=info.linkname)
    # tarfile can be sent round in circles by the map of a sparse file.
    if info.issparse():
        refuse(info.name, "it is a sparse file: pack it without --sparse")
    if not info.isreg():
        refuse(info.name, "it is neither a file nor a folder nor a link")

    def blocks() -> Iterator[bytes]:
        left = info.size
        forward.allowed = left + CHUNK  # a read past the end is charged as well
        while left:
            block = forward.read(min(left, CHUNK))
            if not block:
                raise tarfile.ReadError(f"it ends in the middle of {info.name!r}")
            left -= len(block)
            yield block

    return Member(info.name, "file", bool(info.mode & 0o111), size=info.size, blocks=blocks())


class Modest(io.BufferedReader):
    """A zip's file, which gives so many bytes at once, no more: zipfile believes sizes and places."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        super().__init__(io.FileIO(os.dup(file.fileno())))
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise zipfile.BadZipFile("its table of contents is too long")
        return super().read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_SET and offset < 0:
            raise zipfile.BadZipFile("a member begins before it does")
        return super().seek(offset, whence)


def zip_members(file: IO[bytes], limits: Limits) -> Iterator[Member]:
    """The members of a zip. Raises RequestError, and what zipfile raises."""
    most = limits.max_files * ZIP_ENTRY_BYTES + CHUNK
    try:
        with Modest(file, most) as modest, zipfile.ZipFile(modest, metadata_encoding="utf-8") as packed:
            for info in packed.infolist():
                yield zip_member(packed, info, limits)
    except UnicodeDecodeError as error:
        refuse(os.fsdecode(bytes(error.object)), "its path isn't UTF-8")


def zip_member(packed: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> Member:
    # zipfile cuts `filename` at a NUL.
    name, mode = info.orig_filename, info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if info.flag_bits & 1:
        refuse(name, "it is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse(name, "it is packed with something else than deflate")
    if kind == stat.S_IFDIR or (kind == 0 and name.endswith("/")):
        return Member(name, "folder")
    if kind == stat.S_IFLNK:
        with packed.open(info) as content:
            target = content.read(limits.max_path + 1)
        return Member(name, "link", target=os.fsdecode(target))
    if kind not in (0, stat.S_IFREG):
        refuse(name, "it is neither a file nor a folder nor a link")
    if name.endswith("/"):
        refuse(name, "it is a file with a folder's name")

    def blocks() -> Iterator[bytes]:
        with packed.open(info) as content:
            while block := content.read(CHUNK):
                yield block

    return Member(name, "file", bool(mode & 0o111), size=info.file_size, blocks=blocks())
