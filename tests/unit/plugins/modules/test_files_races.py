"""files as root, in a folder of another user who exchanges what is there meanwhile."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.integration.modules import run_module
from tests.unit.adversary import NOBODY, exchange, exchanging, link, theirs, watching

PASSES = 400
NOBODYS = {"owner": "nobody", "group": "nogroup"}


def apply(*entries: dict[str, Any]) -> str:
    """Let the module act; what it says when it refuses."""
    with contextlib.suppress(AssertionError):
        return str(run_module("files", fails=True, files=list(entries))["msg"])
    return ""


def states(*paths: Path) -> list[tuple[int, int]]:
    return [(one.st_uid, stat.S_IMODE(one.st_mode)) for one in (path.stat() for path in paths)]


@pytest.mark.parametrize("inner", ["", "/app"])
def test_a_folder_of_roots_is_never_given_to_who_owns_the_one_above(tmp_path: Path, inner: str) -> None:
    """The last name is exchanged with a link, or one on the way."""
    storage = theirs(tmp_path, "logs", "logs/app")
    secret = tmp_path / "secret"
    (secret / "app").mkdir(parents=True)
    for folder in (secret, secret / "app"):
        folder.chmod(0o700)
    link(storage / "link", secret)
    entry = {"path": f"{storage}/logs{inner}", "state": "directory", "mode": "0750", **NOBODYS}
    with exchanging(storage / "logs", storage / "link"):
        for _ in range(PASSES):
            apply(entry)
            assert states(secret, secret / "app") == [(0, 0o700), (0, 0o700)]


@pytest.mark.parametrize("moment", range(1, 13))
def test_nor_when_it_is_exchanged_at_the_worst_moment(tmp_path: Path, moment: int) -> None:
    """Just before the module's first operation on a path, or its second, and so on."""
    storage = theirs(tmp_path, "logs")
    secret = tmp_path / "secret"
    secret.mkdir(mode=0o700)
    link(storage / "link", secret)
    left = moment

    def seen(_event: str, _arguments: tuple[object, ...]) -> None:
        nonlocal left
        left -= 1
        if not left:
            exchange(storage / "logs", storage / "link")

    with watching(seen):
        apply({"path": f"{storage}/logs", "state": "directory", "mode": "0750", **NOBODYS})
    assert states(secret) == [(0, 0o700)]


def test_no_file_is_written_or_deleted_where_a_link_leads(tmp_path: Path) -> None:
    storage = theirs(tmp_path, "logs")
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "kept").write_text("root's")
    link(storage / "link", etc)
    entries = [
        {"path": f"{storage}/logs/conf", "content": "x", "mode": "0644", **NOBODYS},
        {"path": f"{storage}/logs/other", "link": "conf"},
        {"path": f"{storage}/logs/kept", "state": "absent"},
    ]
    with exchanging(storage / "logs", storage / "link"):
        for _ in range(PASSES):
            for entry in entries:
                apply(entry)
            assert [path.name for path in etc.iterdir()] == ["kept"]


def test_a_link_on_the_way_counts_only_where_root_alone_could_make_it(tmp_path: Path) -> None:
    storage = theirs(tmp_path, "app")
    etc = tmp_path / "etc"
    etc.mkdir()
    link(storage / "link", etc)
    (tmp_path / "roots").symlink_to("etc/../etc")
    entry = {"content": "x", "mode": "0644"}
    said = apply({"path": f"{storage}/link/conf", **entry})
    assert f"{storage}/link/conf: link is a link that another user may have made" in said
    assert list(etc.iterdir()) == []
    assert apply({"path": f"{tmp_path}/roots/conf", **entry}) == ""
    assert (etc / "conf").read_text() == "x"


def test_no_reader_is_kept_waiting_and_no_other_name_of_a_file_is_given_away(tmp_path: Path) -> None:
    storage = theirs(tmp_path, "app")
    os.mkfifo(storage / "pipe")
    said = apply({"path": f"{storage}/pipe", "content": "x", "mode": "0644", "validate": "true %s"})
    assert "validate needs a folder that no other user may exchange" in said
    assert apply({"path": f"{storage}/pipe", "content": "x", "mode": "0644"}) == ""
    assert (storage / "pipe").read_text() == "x"
    secret = tmp_path / "secret"
    secret.write_text("x")
    os.link(secret, storage / "linked")
    said = apply({"path": f"{storage}/linked", "content": "x", "mode": "0666", **NOBODYS})
    assert "it is a hard link that another user may have made" in said
    assert secret.stat().st_uid != NOBODY
