"""Which dump is the last, where it stays, and whether it is whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _last_dump
from ansible_collections.andamio.laravel_aws.plugins.module_utils._last_dump import Unusable

OLD, NEW = "laravel/2026-11-01T031000Z.sql.gz", "laravel/2026-11-24T031004Z-last.sql.gz"


def test_the_newest_by_its_name_wherever_it_is() -> None:
    assert _last_dump.choose({f"kept/{NEW}": 9, OLD: 9, "laravel/readme.txt": 9}, "") == f"kept/{NEW}"
    assert _last_dump.choose({f"kept/{OLD}": 9, NEW: 9}, "") == NEW
    assert _last_dump.choose({"laravel/readme.txt": 9}, "") is None
    assert _last_dump.choose({OLD: 9, NEW: 9}, OLD) == OLD


def test_one_that_is_of_no_use() -> None:
    with pytest.raises(Unusable, match=f"no dump {NEW}"):
        _last_dump.choose({OLD: 9}, NEW)
    with pytest.raises(Unusable, match="is empty"):
        _last_dump.choose({OLD: 0}, "")


def test_where_it_is_kept() -> None:
    assert _last_dump.kept_key(NEW, "kept/") == f"kept/{NEW}"
    assert _last_dump.kept_key(f"kept/{NEW}", "kept/") == f"kept/{NEW}"
    assert _last_dump.name(f"kept/{NEW}") == "2026-11-24T031004Z-last.sql.gz"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (gzip.compress(b"INSERT\n-- Dump completed on 2026-11-24\n"), ""),
        (gzip.compress(b"INSERT\n"), "isn't whole"),
        (gzip.compress(b""), "isn't whole"),
        (gzip.compress(b"INSERT\n-- Dump completed\n")[:-9], "can't be unpacked"),
        (b"no gzip", "can't be unpacked"),
    ],
    # gzip notes the time, and each of pytest's workers must find tests by the same names.
    ids=["whole", "cut in its text", "empty", "cut in its gzip", "no gzip"],
)
def test_whether_it_is_whole(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "dump.sql.gz"
    file.write_bytes(content)
    if problem:
        with pytest.raises(Unusable, match=problem):
            _last_dump.check(file)
    else:
        _last_dump.check(file)
