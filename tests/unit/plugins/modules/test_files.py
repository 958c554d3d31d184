"""files in a folder of the test's own."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.modules import files

from tests.integration.modules import run_module

ME = {"owner": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(os.getegid()).gr_name}


def run(*entries: dict[str, Any], check: bool = False, fails: bool = False, **more: Any) -> dict[str, Any]:
    return run_module("files", check=check, fails=fails, files=list(entries), **ME, **more)


def entries(root: Path) -> list[dict[str, Any]]:
    return [
        {"path": f"{root}/a/b", "state": "directory", "mode": "0750"},
        {"path": f"{root}/a/b/conf", "content": "é\n", "mode": "0640", "validate": "grep -q é %s"},
        {"path": f"{root}/a/log", "content": "", "mode": "0600", "once": True},
        {"path": f"{root}/a/link", "link": "b/conf"},
        {"path": f"{root}/old", "state": "absent"},
    ]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_made_from_nothing_and_then_unchanged(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    wanted = entries(tmp_path)
    planned = run(*wanted, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    made = run(*wanted)
    assert made["paths"] == planned["paths"] == [entry["path"] for entry in wanted]
    assert made["made"] == planned["made"] == made["paths"][:-1]
    assert made["diff"] == planned["diff"]
    assert (tmp_path / "a/b/conf").read_text() == "é\n"
    assert [mode(tmp_path / "a" / name) for name in ("b", "b/conf", "log")] == [0o750, 0o640, 0o600]
    assert (tmp_path / "a/link").readlink() == Path("b/conf")
    assert not (tmp_path / "old").exists()
    again = run(*wanted)
    assert (again["changed"], again["paths"], again["diff"]) == (False, [], [])


def test_drift_is_put_right_and_a_log_is_kept(tmp_path: Path) -> None:
    wanted = entries(tmp_path)
    run(*wanted)
    (tmp_path / "a/b/conf").write_text("other\n")
    (tmp_path / "a/b").chmod(0o700)
    (tmp_path / "a/log").write_text("a line\n")
    (tmp_path / "a/link").unlink()
    (tmp_path / "a/link").write_text("a file in a link's place")
    done = run(*wanted)
    assert [Path(path).name for path in done["paths"]] == ["b", "conf", "link"]
    assert done["made"] == []
    assert (tmp_path / "a/b/conf").read_text() == "é\n"
    assert mode(tmp_path / "a/b") == 0o750
    assert (tmp_path / "a/log").read_text() == "a line\n"
    assert not run(*wanted)["changed"]


def test_contents_are_neither_logged_nor_sent_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr(files.FilesModule, "log", lambda self, words, **_more: logged.append(words))
    wanted = entries(tmp_path)
    told = run(*wanted, _ansible_inject_invocation=True)
    paths = [entry["path"] for entry in wanted]
    assert told["invocation"] == {"module_args": {"files": paths}}
    assert logged == [" ".join(paths)]


def test_what_is_refused_never_takes_its_place(tmp_path: Path) -> None:
    good = {"path": f"{tmp_path}/conf", "content": "good\n", "mode": "0644"}
    run(good)
    refused = run(good | {"content": "bad\n", "validate": "grep good %s"}, fails=True)
    assert f"{tmp_path}/conf: grep good" in refused["msg"]
    assert (tmp_path / "conf").read_text() == "good\n"
    assert [path.name for path in tmp_path.iterdir()] == ["conf"]


def test_an_unknown_owner_is_an_error_but_in_check_mode(tmp_path: Path) -> None:
    entry = {"path": f"{tmp_path}/log", "content": "", "mode": "0644", "owner": "nobody-of-that-name"}
    assert run(entry, check=True)["changed"]
    assert "there is no user nobody-of-that-name" in run(entry, fails=True)["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    refused = run({"path": f"{tmp_path}/data", "state": "absent"}, fails=True)
    assert "data: there is a directory" in refused["msg"]


def test_one_entry_is_one_thing(tmp_path: Path) -> None:
    for wrong in ({}, {"link": "b", "content": "b"}):
        run({"path": f"{tmp_path}/a", **wrong}, fails=True)
