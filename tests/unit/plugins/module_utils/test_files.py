"""What a host's files should be, and what of them differs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _files
from ansible_collections.andamio.laravel_aws.plugins.module_utils._files import Found, Wanted

ROOT = {"owner": "root", "group": "root"}
SITE = Wanted("/etc/site.conf", "file", b"listen 80\n", owner="root", group="root", mode=0o644)
THERE = Found("file", b"listen 80\n", owner="root", group="root", mode=0o644)


def test_options_become_what_is_wanted() -> None:
    entries = [
        {"path": "/etc/site", "state": "directory", "mode": "0755"},
        {"path": "/etc/site/a", "content": "é\n", "mode": "640", "owner": "web", "validate": "test %s"},
        {"path": "/etc/site/b", "content": "", "mode": "0600", "once": True},
        {"path": "/etc/localtime", "link": "/usr/share/zoneinfo/UTC"},
        {"path": "/etc/old", "state": "absent"},
    ]
    assert _files.wanted(entries, ROOT) == [
        Wanted("/etc/site", "directory", owner="root", group="root", mode=0o755),
        Wanted("/etc/site/a", "file", "é\n".encode(), "", "web", "root", 0o640, "test %s"),
        Wanted("/etc/site/b", "file", b"", "", "root", "root", 0o600, once=True),
        Wanted("/etc/localtime", "link", target="/usr/share/zoneinfo/UTC"),
        Wanted("/etc/old", "absent"),
    ]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"path": "etc/a", "content": "", "mode": "0644"}, "path: 'etc/a'"),
        ({"path": "/etc/a/", "state": "directory", "mode": "0755"}, "path: '/etc/a/'"),
        ({"path": "/etc/../a", "state": "absent"}, "path: '/etc/../a'"),
        ({"path": "/etc/..", "state": "absent"}, "path: '/etc/..'"),
        ({"path": "/etc/a", "content": ""}, "/etc/a: mode: None"),
        ({"path": "/etc/a", "content": "", "mode": "420x"}, "/etc/a: mode: '420x'"),
        ({"path": "/etc/a", "content": "", "mode": "0644", "validate": "true"}, "/etc/a: validate"),
        ({"path": "/etc/a", "link": "/b", "validate": "test %s"}, "/etc/a: validate and once"),
        ({"path": "/etc/a", "state": "absent", "once": True}, "/etc/a: validate and once"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r".") as told:
        _files.wanted([entry], ROOT)
    assert str(told.value).startswith(said)


def test_a_path_is_named_once() -> None:
    entry = {"path": "/etc/old", "state": "absent"}
    with pytest.raises(ValueError, match="/etc/old is there twice"):
        _files.wanted([entry, entry], ROOT)


def test_what_is_as_it_should_be_needs_nothing() -> None:
    assert _files.differences(SITE, THERE) == []
    assert _files.differences(Wanted("/a", "link", target="/b"), Found("link", target="/b")) == []
    assert _files.differences(Wanted("/a", "absent"), Found("absent")) == []
    assert _files.differences(Wanted("/a", "file", b"x", once=True), Found("file", b"y")) == []


def test_each_difference_is_told() -> None:
    other = Found("file", b"listen 81\n", owner="web", group="web", mode=0o600)
    assert _files.differences(SITE, other) == ["content", "owner", "group", "mode"]
    assert _files.differences(SITE, Found("absent")) == ["kind"]
    assert _files.differences(SITE, Found("link", target="/b")) == ["kind"]
    assert _files.differences(Wanted("/a", "link", target="/b"), Found("link", target="/c")) == ["target"]
    assert _files.differences(Wanted("/a", "absent"), THERE) == ["kind"]


def test_a_folder_is_never_taken_for_a_file_nor_a_file_for_a_folder() -> None:
    with pytest.raises(ValueError, match=r"/etc/site.conf: there is a directory where a file should be"):
        _files.differences(SITE, Found("directory"))
    with pytest.raises(ValueError, match="/a: there is a file where a directory should be"):
        _files.differences(Wanted("/a", "directory"), THERE)


def test_a_diff_shows_what_changes_and_no_more() -> None:
    other = Found("file", b"listen 81\n", owner="root", group="root", mode=0o600)
    told = _files.diff(SITE, other, ["content", "mode"])
    assert told["before"] == "mode: 0600\nlisten 81\n"
    assert told["after"] == "mode: 0644\nlisten 80\n"
    alone = _files.diff(SITE, other, ["mode"])
    assert (alone["before"], alone["after"]) == ("mode: 0600\n", "mode: 0644\n")
    new = _files.diff(SITE, Found("absent"), ["kind"])
    assert (new["before"], new["after"]) == ("absent\n", "file\nlisten 80\n")
    link = _files.diff(Wanted("/a", "link", target="/b"), Found("link", target="/c"), ["target"])
    assert (link["before"], link["after"]) == ("link to /c\n", "link to /b\n")
    assert _files.text(b"\xff") == "(not text)\n"
