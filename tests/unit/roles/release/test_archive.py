"""Unpacking: every honest archive as it is, no dishonest one outside its folder."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from andamio_release import archive
from andamio_release.archive import Limits, hash_file, unpack
from andamio_release.errors import ReleaseError, RequestError
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


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


# -- what is unpacked ------------------------------------------------------------------------------------


@pytest.mark.parametrize("packing", ["", *PACKINGS])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_of_any_compression(yard: Yard, packing: str, form: int) -> None:
    made = Tar(form=form).add("app/ñ/Pago.php", b"<?php" * 200_00).link("public/app", "../app").bytes()
    if packing:
        made = PACKINGS[packing](made)
    assert tree(yard.unpack(made)) == {
        **APP,
        "vendor": None,
        "app": None,
        "app/ñ": None,
        "app/ñ/Pago.php": b"<?php" * 200_00,
        "public": None,
        "public/app": "../app",
    }


def test_a_tar_as_tar_itself_makes_it(yard: Yard, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "vendor").mkdir(parents=True)
    for name, content in APP.items():
        (source / name).write_bytes(content)
    (source / ("long-" * 30 + ".php")).write_bytes(b"long")
    os.link(source / "artisan", source / "same")
    subprocess.run(["tar", "-C", source, "-czf", tmp_path / "made.tar.gz", "."], check=True)
    expected = tree(source)
    assert tree(yard.unpack((tmp_path / "made.tar.gz").read_bytes())) == expected


def test_a_zip(yard: Yard) -> None:
    made = Zip().add("app/").add("app/ñ.php", b"x" * 5000).add("public/app", b"../app", stat.S_IFLNK | 0o777)
    assert tree(yard.unpack(made.add("stored", b"s", packed=0).bytes(), "zip")) == {
        **APP,
        "vendor": None,
        "app": None,
        "app/ñ.php": b"x" * 5000,
        "public": None,
        "public/app": "../app",
        "stored": b"s",
    }


def test_a_zip_whose_maker_does_not_say_that_names_are_utf8(yard: Yard) -> None:
    made = Zip().add("ñ.php", b"x").bytes()
    # The flag is in the local header and in the table of contents.
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = made.rindex(start) + offset
        assert struct.unpack_from("<H", made, at)[0] & 0x800
        made = made[:at] + struct.pack("<H", 0) + made[at + 2 :]
    assert (yard.unpack(made, "zip") / "ñ.php").read_bytes() == b"x"


def test_modes_are_made_plain(yard: Yard) -> None:
    old = os.umask(0o077)
    try:
        root = yard.unpack(
            Tar()
            .folder("bin", 0o4700)
            .add("bin/sh", mode=0o6711)
            .add("bin/group", mode=0o610)
            .add("open", mode=0o666)
            .add("shut", mode=0)
            .bytes()
        )
    finally:
        os.umask(old)
    modes = {name: mode(root / name) for name in ("", "bin", "bin/sh", "bin/group", "open", "shut", "vendor")}
    assert modes == {
        "": "0755",
        "bin": "0755",
        "bin/sh": "0755",
        "bin/group": "0755",
        "open": "0644",
        "shut": "0644",
        "vendor": "0755",
    }
    assert {path.stat().st_uid for path in root.rglob("*")} == {os.geteuid()}


def test_zip_modes(yard: Yard) -> None:
    root = yard.unpack(Zip().add("run", mode=stat.S_IFREG | 0o4711).add("dos").bytes(), "zip")
    assert [mode(root / name) for name in ("run", "dos", "artisan")] == ["0755", "0644", "0755"]


def test_a_single_folder_is_left_out(yard: Yard) -> None:
    made = Tar({f"repo-1a2b/{name}": content for name, content in APP.items()})
    made.add("repo-1a2b/repo-1a2b", b"of its own name").link("repo-1a2b/public/app", "../vendor")
    root = yard.unpack(made.hard_link("repo-1a2b/same", "repo-1a2b/artisan").bytes())
    assert tree(root) == {
        **APP,
        "vendor": None,
        "repo-1a2b": b"of its own name",
        "public": None,
        "public/app": "../vendor",
        "same": APP["artisan"],
    }
    assert mode(root) == "0755"


def test_a_folder_beside_another_is_no_top_folder(yard: Yard) -> None:
    made = Tar({f"repo/{name}": content for name, content in APP.items()}).add("README.md")
    assert yard.refusal(made.bytes()) == (
        "the artifact is no Laravel application: there is no artisan at its top"
    )


def test_a_link_out_of_the_folder_that_is_left_out(yard: Yard) -> None:
    made = Tar({f"repo/{name}": content for name, content in APP.items()}).link("repo/up", "../repo/vendor")
    assert "'up' is refused: it is a link to '../repo/vendor', which is outside" in yard.refusal(made.bytes())


def test_composer_lock_will_do(yard: Yard) -> None:
    assert yard.unpack(Tar({"artisan": b"", "composer.lock": b"{}"}).bytes()) == yard.target


def test_what_is_no_application(yard: Yard) -> None:
    assert yard.refusal(Tar({"artisan": b""}).bytes()) == (
        "the artifact is no Laravel application: it has neither vendor/autoload.php nor a composer.lock to"
        " install from"
    )


def test_the_later_of_two_files_counts(yard: Yard) -> None:
    made = Tar().add("a", b"first").hard_link("b", "a").add("a", b"2nd").link("l", "a").link("l", "b").bytes()
    root = yard.unpack(made)
    assert [(root / name).read_bytes() for name in "abl"] == [b"2nd", b"first", b"first"]


def test_the_target_must_be_new(yard: Yard) -> None:
    yard.target.mkdir()
    with pytest.raises(ReleaseError, match=r"can't be unpacked: .*File exists") as caught:
        yard.unpack(Tar().bytes())
    assert not isinstance(caught.value, RequestError)


def test_a_hash(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert hash_file(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# -- what is refused -------------------------------------------------------------------------------------

A_IS_LINK = "'a' is a link in the same artifact"
SPECIAL = "it is neither a file nor a folder nor a link"
MANY_LINKS = "it is a link that leads through too many links"
SPARSE = "it is a sparse file: pack it without --sparse"
THERE_IS = "there is a {} of that name already"
ROOT_LINK = "it is a link to '/etc': only a relative link stays in the release"
REFUSED: dict[str, tuple[Tar, str, str]] = {
    "absolute": (Tar().add("/etc/passwd"), "/etc/passwd", "its path is absolute"),
    "up": (Tar().add("a/../../b"), "a/../../b", "there is '..' in its path"),
    "up, a folder": (Tar().folder("../b"), "../b", "there is '..' in its path"),
    "up, and in again": (Tar().add("a/../b"), "a/../b", "there is '..' in its path"),
    "backslash": (Tar().add("..\\b"), "..\\b", "there is a backslash in its path"),
    "line": (Tar().add("a\nb"), "a\nb", "there is a control character in its path"),
    "nul": (Tar().add("x", pax_headers={"path": "a\0b"}), "a\0b", "there is a control character in its path"),
    "not utf-8": (Tar().add("a\udcff"), "a\udcff", "its path isn't UTF-8"),
    "long": (Tar().add(f"{'a' * 240}/" * 5), "a" * 200 + "…", "its path is longer than 1000 bytes"),
    "long name": (Tar().add("ñ" * 128), "ñ" * 128, "a part of its path is longer than 255 bytes"),
    "deep": (Tar().add("a/" * 50 + "b"), "a/" * 50 + "b", "it lies more than 50 folders deep"),
    "no name": (Tar().add("./"), "./", "it has no name"),
    "link": (Tar().link("a", "/etc"), "a", ROOT_LINK),
    "link up": (Tar().link("a/b", "../../x"), "a/b", "it is a link to '../../x', which is outside"),
    "link by links": (Tar().link("here", ".").link("a", "here/../x"), "a",
                      "it is a link to 'here/../x', which is outside"),
    "link by a later link": (Tar().link("a", "b/c/../../x").link("b/c", "../vendor"), "a",
                             "it is a link to 'b/c/../../x', which is outside"),
    "links round": (Tar().link("a", "b").link("b", "a"), "a", MANY_LINKS),
    "link to nothing": (Tar().link("a", ""), "a", "it is a link to nothing"),
    "link nul": (Tar().add("a", kind=tarfile.SYMTYPE, pax_headers={"linkpath": "b\0c"}), "a",
                 "there is a control character in its path"),
    "below a link": (Tar().link("a", "vendor").add("a/b"), "a/b", A_IS_LINK),
    "folder below a link": (Tar().link("a", "vendor").folder("a/b/"), "a/b", A_IS_LINK),
    "link below a link": (Tar().link("a", "vendor").link("a/b", "c"), "a/b", A_IS_LINK),
    "link over a folder": (Tar().add("a/b").link("a", "vendor"), "a", THERE_IS.format("folder")),
    "file over a link": (Tar().link("a", "b").add("a"), "a", THERE_IS.format("link")),
    "folder over a link": (Tar().link("a", "vendor").folder("a"), "a", A_IS_LINK),
    "link over a file": (Tar().add("a").link("a", "b"), "a", THERE_IS.format("file")),
    "file over a folder": (Tar().folder("a").add("a"), "a", THERE_IS.format("folder")),
    "folder over a file": (Tar().add("a").folder("a"), "a", "'a' is a file in the same artifact"),
    "below a file": (Tar().add("a").add("a/b"), "a/b", "'a' is a file in the same artifact"),
    "other spelling": (Tar().link("a", "vendor").add(".//a/./b"), ".//a/./b", A_IS_LINK),
    "hard link": (Tar().hard_link("a", "/etc/passwd"), "a", "its path is absolute"),
    "hard link up": (Tar().hard_link("a", "../beside/secret"), "a", "there is '..' in its path"),
    "hard link to a link": (Tar().link("l", "artisan").hard_link("a", "l"), "a",
                            "it is a hard link to 'l', which is no file before it"),
    "hard link below a link": (Tar().link("l", "vendor").hard_link("a", "l/autoload.php"), "a",
                               "it is a hard link to 'l/autoload.php', which is no file before it"),
    "hard link to nothing": (Tar().hard_link("a", "b").add("b"), "a",
                             "it is a hard link to 'b', which is no file before it"),
    "hard link to itself": (Tar().add("a").hard_link("a", "a"), "a",
                            "it is a hard link to 'a', which is no file before it"),
    "hard link over a link": (Tar().link("a", "b").hard_link("a", "artisan"), "a",
                              THERE_IS.format("link")),
    "device": (Tar().add("a", kind=tarfile.CHRTYPE), "a", SPECIAL),
    "disk": (Tar().add("a", kind=tarfile.BLKTYPE), "a", SPECIAL),
    "fifo": (Tar().add("a", kind=tarfile.FIFOTYPE), "a", SPECIAL),
    "unknown": (Tar().add("a", kind=b"Z"), "a", SPECIAL),
    "sparse": (Tar().add("a", kind=tarfile.GNUTYPE_SPARSE), "a", SPARSE),
    "bytes": (Tar().add("a", bytes(600_000)).add("b", bytes(500_000)), "b",
              "the artifact's files have more than 1000000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_member_is_refused_by_name(yard: Yard, case: str) -> None:
    made, name, why = REFUSED[case]
    assert yard.refusal(made.bytes()) == f"the artifact's member {name!r} is refused: {why}"


FOLDER, LINK, SOCKET = stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777, stat.S_IFSOCK | 0o755
ZIP_REFUSED: dict[str, tuple[Zip, str, str]] = {
    "absolute": (Zip().add("/etc/x"), "/etc/x", "its path is absolute"),
    "up": (Zip().add("../x"), "../x", "there is '..' in its path"),
    "backslash": (Zip().add("a\\..\\x"), "a\\..\\x", "there is a backslash in its path"),
    "link": (Zip().add("a", b"/etc", LINK), "a", ROOT_LINK),
    "link up": (Zip().add("a", b"../x", LINK), "a", "it is a link to '../x', which is outside"),
    "link of bytes": (Zip().add("a", b"\xff", LINK), "a", "its path isn't UTF-8"),
    "long link": (Zip().add("a", b"x" * 2000, LINK), "a", "its path is longer than 1000 bytes"),
    "below a link": (Zip().add("a", b"vendor", LINK).add("a/b"), "a/b", A_IS_LINK),
    "socket": (Zip().add("a", mode=SOCKET), "a", SPECIAL),
    "file/": (Zip().add("a/", b"x", stat.S_IFREG), "a/", "it is a file with a folder's name"),
    "bzip2": (Zip().add("a", b"x", packed=zipfile.ZIP_BZIP2), "a",
              "it is packed with something else than deflate"),
    "bytes": (Zip().add("a", bytes(1_000_000)), "a", "the artifact's files have more than 1000000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", ZIP_REFUSED)
def test_a_zip_member_is_refused_by_name(yard: Yard, case: str) -> None:
    made, name, why = ZIP_REFUSED[case]
    assert yard.refusal(made.bytes(), "zip") == f"the artifact's member {name!r} is refused: {why}"


def test_a_zip_member_with_a_nul(yard: Yard) -> None:
    made = Zip().add("aXb/evil").bytes().replace(b"aXb/evil", b"a\0b/evil")
    assert "there is a control character in its path" in yard.refusal(made, "zip")


def test_a_zip_member_that_is_not_utf8(yard: Yard) -> None:
    made = Zip().add("aXb").bytes().replace(b"aXb", b"a\xffb")
    assert yard.refusal(made, "zip") == r"the artifact's member 'a\udcffb' is refused: its path isn't UTF-8"


def test_an_encrypted_zip(yard: Yard) -> None:
    made = Zip().add("a", b"x").bytes()
    at = made.rindex(b"PK\x01\x02") + 8
    made = made[:at] + b"\x01" + made[at + 1 :]
    assert yard.refusal(made, "zip") == "the artifact's member 'a' is refused: it is encrypted"


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_too_many_members(yard: Yard, form: str) -> None:
    made: Any = Tar() if form == "tar" else Zip()
    for number in range(98):
        made.add(f"f{number}")
    assert yard.refusal(made.bytes(), form) == (
        "the artifact's member 'f97' is refused: the artifact has more than 100 members"
    )


def test_folders_count_and_so_does_what_is_there_twice(yard: Yard) -> None:
    deep = Tar().add("/".join("abcdefgh"))
    assert "more than 10 members" in yard.refusal(deep.bytes(), limits=replace(LIMITS, max_files=10))
    yard.target = yard.target.with_name("other")
    twice = Tar()
    for turn in range(20):
        twice.add("a", str(turn).encode())
    assert "more than 10 members" in yard.refusal(twice.bytes(), limits=replace(LIMITS, max_files=10))


def test_a_zip_that_says_it_is_smaller_than_it_is(yard: Yard) -> None:
    made = Zip().add("a", b"x" * 2_000_000).bytes()
    size = struct.pack("<L", 2_000_000)
    assert made.count(size) == 2
    assert "can't be unpacked: Bad CRC-32" in yard.refusal(made.replace(size, struct.pack("<L", 7)), "zip")
    assert (yard.target / "a").stat().st_size < 1000


def test_bytes_are_counted_and_not_believed(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    def lies(*_: object) -> Iterator[archive.Member]:
        yield archive.Member("a", "file", size=0, blocks=iter([bytes(600_000)] * 2))

    monkeypatch.setattr(archive, "tar_members", lies)
    assert "'a' is refused: the artifact's files have more than 1000000 bytes" in yard.refusal(b"")
    assert (yard.target / "a").stat().st_size <= 1_000_000


def test_a_bomb_is_refused_before_it_is_unpacked(yard: Yard) -> None:
    made = gzip.compress(Tar().add("bomb", b"").bytes())
    raw = bytearray(gzip.decompress(made))
    at = raw.rindex(b"bomb\0")
    info = tarfile.TarInfo("bomb")
    info.size = 10**12
    raw[at : at + 512] = info.tobuf(tarfile.GNU_FORMAT)
    assert "'bomb' is refused: the artifact's files have more" in yard.refusal(gzip.compress(bytes(raw)))
    assert not (yard.target / "bomb").exists()


def test_a_header_of_gigabytes(yard: Yard) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 3 * 2**30
    made = info.tobuf(tarfile.GNU_FORMAT) + bytes(2**21)
    assert yard.refusal(made) == "the artifact can't be unpacked: a header says impossible things"


def test_a_size_below_nothing(yard: Yard) -> None:
    """A negative size once sent tarfile round in circles (CVE-2025-8194)."""
    made = Tar().add("a", pax_headers={"size": "-1024"}).add("b").bytes()
    assert "can't be unpacked: a header says impossible things" in yard.refusal(made)


def test_tarfile_may_neither_go_back_nor_ask_for_everything() -> None:
    forward = archive.Forward(io.BytesIO(bytes(1000)))
    forward.allowed = 600
    forward.seek(100)
    for wrong in (lambda: forward.seek(99), forward.read, lambda: forward.read(501)):
        with pytest.raises(tarfile.ReadError):
            wrong()
    assert (len(forward.read(500)), forward.tell()) == (500, 600)


def test_a_sparse_map_that_never_ends(yard: Yard) -> None:
    headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "a",
        "GNU.sparse.realsize": "9",
    }
    made = Tar().add("a", b"999999\n1\n", pax_headers=headers).bytes()
    cut = made[: made.index(b"999999\n") + 512]
    assert "can't be unpacked" in yard.refusal(cut)


def test_a_long_table_of_contents(yard: Yard) -> None:
    made = Zip()
    for number in range(1000):
        made.add(f"{number:04}" + "x" * 240)
    assert "its table of contents is too long" in yard.refusal(
        made.bytes(), "zip", replace(LIMITS, max_files=9)
    )


@pytest.mark.parametrize("packing", ["", *PACKINGS])
def test_a_tar_that_ends_too_early(yard: Yard, packing: str) -> None:
    """At every length: in the middle of a header, of a file, between two members."""
    made = Tar().add("a", random.Random(7).randbytes(1500)).bytes()
    # Of the zeros at a tar's end the first block is enough.
    packed, least = (
        (PACKINGS[packing](made), 0) if packing else (made, len(made.rstrip(b"\0")) // 512 * 512 + 512)
    )
    least = least + 512 if least else len(packed)
    for length in {*range(0, least, 211), *range(0, least, 512), least - 1}:
        yard.target = yard.root / f"releases/{length}"
        message = yard.refusal(packed[:length])
        assert message.startswith("the artifact can't be unpacked: "), (length, message)


def test_a_tar_that_ends_in_a_file(yard: Yard) -> None:
    made = Tar().add("a.php", bytes(700)).bytes()
    message = "the artifact can't be unpacked: it ends in the middle of 'a.php'"
    assert yard.refusal(made[: made.rindex(b"a.php") + 1000]) == message


def test_a_zip_whose_members_begin_before_it_does(yard: Yard) -> None:
    made = bytearray(Zip().bytes())
    at = made.rindex(b"PK\x05\x06") + 16
    struct.pack_into("<L", made, at, struct.unpack_from("<L", made, at)[0] + 1000)
    assert "can't be unpacked" in yard.refusal(bytes(made), "zip")


def test_a_zip_that_ends_too_early(yard: Yard) -> None:
    made = Zip().add("a", b"abc" * 500).bytes()
    for length in range(0, len(made), 7):
        yard.target = yard.root / f"releases/{length}"
        assert "can't be unpacked" in yard.refusal(made[:length], "zip")


def test_a_broken_header_is_not_the_end(yard: Yard) -> None:
    made = Tar().add("last.php", b"x").bytes()
    at = made.rindex(b"last.php")
    made = made[:at] + b"l?st" + made[at + 4 :]
    assert yard.refusal(made) == "the artifact can't be unpacked: it is broken or ends too early"


def test_a_tar_that_goes_on(yard: Yard) -> None:
    made = Tar().bytes()
    assert yard.refusal(made + made) == "the artifact can't be unpacked: it goes on after its end"


def test_a_tar_that_goes_on_with_nothing(yard: Yard) -> None:
    made = gzip.compress(Tar().bytes() + bytes(50_000_000))
    assert yard.refusal(made) == "the artifact can't be unpacked: it goes on after its end"


@pytest.mark.parametrize("form", ["tar", "zip"])
@pytest.mark.parametrize("made", [b"", b"hello", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"PK\x05\x06"])
def test_what_is_no_archive(yard: Yard, form: str, made: bytes) -> None:
    assert "can't be unpacked" in yard.refusal(made, form)


def test_zstd_needs_a_python_that_has_it(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    message = "the artifact can't be unpacked: this host's Python is too old for zstd, pack it with gzip"
    assert yard.refusal(b"\x28\xb5\x2f\xfd123") == message


def test_an_unknown_format(yard: Yard) -> None:
    assert yard.refusal(b"", "rar") == "the artifact's format is 'rar': it must be tar or zip"


def test_a_full_disk_is_not_the_artifacts_fault(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(ReleaseError, match="No space left on device") as caught:
        yard.unpack(Tar().bytes())
    assert not isinstance(caught.value, RequestError)


# -- anything at all -------------------------------------------------------------------------------------

names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\x7f", min_codepoint=32), min_size=1, max_size=12
)
paths = st.lists(names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4).map("/".join)


def fits(files: dict[str, bytes]) -> bool:
    """No path is both a file and a folder."""
    return not any(other.startswith(f"{path}/") for path in files for other in files)


@given(st.dictionaries(paths, st.binary(max_size=2000), max_size=12).filter(fits), st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_tree_is_unpacked_as_it_was(files: dict[str, bytes], zipped: bool) -> None:
    files = {
        path: content for path, content in files.items() if path.split("/")[0] not in ("artisan", "vendor")
    }
    made: Any = Zip() if zipped else Tar()
    for path, content in files.items():
        made.add(path, content)
    with tempfile.TemporaryDirectory() as folder:
        root = Yard(Path(folder)).unpack(made.bytes(), "zip" if zipped else "tar")
        found = {name: content for name, content in tree(root).items() if content is not None}
        assert found == {**APP, **files}


parts = st.sampled_from(
    ["a", "b", "c", "..", ".", "", "beside", "secret", "\\", "x\0y", "releases", "new", "vendor"]
)
crafted = st.builds(
    lambda up, found: up + "/".join(found), st.sampled_from(["", "", "/", "../"]), st.lists(parts, max_size=5)
)
kinds = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
member = st.tuples(crafted, kinds, crafted)
# Members that are refused end an archive: most of it must be harmless for the rest to be tried.
quiet = st.tuples(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join), kinds,
    st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=4).map("/".join),
)  # fmt: skip


@given(st.lists(st.one_of(quiet, quiet, quiet, member), max_size=8), st.sampled_from(["", "top/"]))
@settings(max_examples=200, deadline=None)
def test_no_name_leads_out(members: list[tuple[str, bytes, str]], top: str) -> None:
    made = Tar({f"{top}{name}": content for name, content in APP.items()})
    for name, kind, target in members:
        content = b"evil" if kind == tarfile.REGTYPE else b""
        made.add(top + name, content, kind=kind, linkname=target if kind == tarfile.SYMTYPE else top + target)
    with tempfile.TemporaryDirectory() as folder, suppress(RequestError):
        Yard(Path(folder)).unpack(made.bytes())


@given(
    st.lists(st.tuples(st.integers(0, 9000), st.binary(min_size=1, max_size=6)), max_size=4), st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_a_damaged_archive_is_refused_or_harmless(damage: list[tuple[int, bytes]], zipped: bool) -> None:
    made: Any = Zip() if zipped else Tar().link("l", "a").hard_link("h", "artisan")
    raw = bytearray(made.add("a/" + "long" * 40, b"x" * 700).bytes())
    for place, patch in damage:
        at = place % len(raw)
        raw[at : at + len(patch)] = patch
    with tempfile.TemporaryDirectory() as folder, suppress(RequestError):
        Yard(Path(folder)).unpack(bytes(raw), "zip" if zipped else "tar")
