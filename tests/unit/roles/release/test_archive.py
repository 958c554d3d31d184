"""Unpacking: every honest archive as it is, and nothing outside its folder."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from andamio_release.archive import hash_file
from andamio_release.errors import ReleaseError, RequestError
from hypothesis import given, settings
from hypothesis import strategies as st

from .archives import APP, PACKINGS, Tar, Yard, Zip, mode, tree


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
