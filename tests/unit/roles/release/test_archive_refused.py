"""Unpacking: no dishonest archive, none that is too large, and none that is broken."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import struct
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from andamio_release import archive
from andamio_release.errors import ReleaseError, RequestError

from .archives import LIMITS, PACKINGS, Tar, Yard, Zip

A_IS_LINK = "'a' is a link in the same artifact"
SPECIAL = "it is neither a file nor a folder nor a link"
HOSTS_OWN = "it is a link to '{}', which leads out of a folder that is the host's own"
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
    "link out of storage": (Tar().link("a", "storage/../.env"), "a", HOSTS_OWN.format("storage/../.env")),
    "link out of a folder in it": (Tar().add("storage/b/c").link("a", "storage/b/../../.env"), "a",
                                   HOSTS_OWN.format("storage/b/../../.env")),
    "link by a link into storage": (Tar().link("s", "storage").link("a", "s/../.env"), "a",
                                    HOSTS_OWN.format("s/../.env")),
    "link by storage as a link": (Tar().link("storage", "vendor").link("a", "storage/../.env"), "a",
                                  HOSTS_OWN.format("storage/../.env")),
    "link out of the cache": (Tar().link("a", "bootstrap/cache/../../.env"), "a",
                              HOSTS_OWN.format("bootstrap/cache/../../.env")),
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
