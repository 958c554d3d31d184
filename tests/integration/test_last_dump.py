"""last_dump against the AWS API: kept in the bucket, or fetched to this machine."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from .conftest import Aws
from .modules import run_module

BUCKET = "academia-test-dumps"
DUMP = gzip.compress(b"INSERT\n-- Dump completed\n")
OLD, NEW = "laravel/2026-11-01T031000Z.sql.gz", "laravel/2026-11-24T031004Z-last.sql.gz"
LAST = {"bucket": BUCKET, "prefix": "laravel/"}


@pytest.fixture
def s3(fresh_aws: Aws) -> Any:
    """A bucket with two dumps of ours, and a newer one of another database."""
    client = fresh_aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    for key in (OLD, NEW, "other/2026-12-01T000000Z.sql.gz"):
        client.put_object(Bucket=BUCKET, Key=key, Body=DUMP)
    return client


def keys(s3: Any) -> set[str]:
    return {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}


def test_the_newest_is_kept_once(s3: Any) -> None:
    before = keys(s3)
    plan = run_module("last_dump", check=True, **LAST)
    assert keys(s3) == before
    done = run_module("last_dump", **LAST)
    assert (plan["changed"], plan["place"], plan["diff"]) == (True, done["place"], done["diff"])
    assert (done["key"], done["place"]) == (NEW, f"s3://{BUCKET}/kept/{NEW}")
    assert keys(s3) == {*before, f"kept/{NEW}"}
    assert not run_module("last_dump", **LAST)["changed"]
    # The daily ones have expired: what is kept is the newest there is.
    s3.delete_object(Bucket=BUCKET, Key=NEW)
    assert not run_module("last_dump", **LAST)["changed"]


def test_it_is_fetched_to_where_only_its_owner_reads(s3: Any, tmp_path: Path) -> None:
    folder = tmp_path / "last"
    assert run_module("last_dump", check=True, **LAST, folder=str(folder))["changed"]
    assert not folder.exists()
    done = run_module("last_dump", **LAST, folder=str(folder))
    file = folder / "2026-11-24T031004Z-last.sql.gz"
    assert (done["place"], file.read_bytes()) == (str(file), DUMP)
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    assert not run_module("last_dump", **LAST, folder=str(folder))["changed"]
    assert run_module("last_dump", **LAST, key=OLD, folder=str(folder))["key"] == OLD


def test_one_that_is_not_whole_is_not_left_behind(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=NEW, Body=DUMP[:-9])
    failed = run_module("last_dump", fails=True, **LAST, folder=str(tmp_path))
    assert failed["msg"].endswith("Nothing was deleted.")
    assert list(tmp_path.iterdir()) == []
    assert "no dump laravel/x" in run_module("last_dump", fails=True, **LAST, key="laravel/x")["msg"]


def test_no_bucket_and_no_dump(fresh_aws: Aws) -> None:
    nothing = {"changed": False, "key": "", "place": "", "size": 0}
    assert nothing.items() <= run_module("last_dump", **LAST).items()
    fresh_aws.client("s3").create_bucket(Bucket=BUCKET)
    assert nothing.items() <= run_module("last_dump", **LAST).items()
