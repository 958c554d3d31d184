"""dump_url: a URL that a host without rights gets one dump by."""

from __future__ import annotations

import gzip
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest

from .conftest import Aws
from .modules import run_module

BUCKET = "academia-test-dumps"
DUMP = gzip.compress(b"INSERT\n-- Dump completed\n")
OLD, NEW = "laravel/2026-11-01T031000Z.sql.gz", "laravel/2026-11-24T031004Z-v1.2.sql.gz"
KEPT = "kept/laravel/2026-11-20T031004Z-last.sql.gz"
DUMPS = {"bucket": BUCKET, "prefix": "laravel/"}


@pytest.fixture
def s3(fresh_aws: Aws) -> Any:
    client = fresh_aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    for key in (OLD, NEW, KEPT, "other/2026-12-01T000000Z.sql.gz"):
        client.put_object(Bucket=BUCKET, Key=key, Body=DUMP, Metadata={"andamio-hmac-sha256": "0a"})
    return client


def get(aws: Aws, url: str) -> Any:
    """Ask the tests' own server, in the name of AWS's, to which the URL belongs."""
    there = urlsplit(url)
    request = Request(f"{aws.endpoint}{there.path}?{there.query}", headers={"Host": there.netloc})
    return urlopen(request, timeout=30)


def test_the_url_alone_gives_the_dump_and_its_signature(s3: Any, fresh_aws: Aws) -> None:
    made = run_module("dump_url", **DUMPS, expires=600)
    assert (made["key"], made["size"], made["changed"]) == (NEW, len(DUMP), False)
    there = urlsplit(made["url"])
    # It is for another machine: AWS's own address, not the endpoint that this one uses.
    assert (there.scheme, there.netloc.endswith(".amazonaws.com")) == ("https", True)
    assert parse_qs(there.query)["X-Amz-Expires"] == ["600"]
    with get(fresh_aws, made["url"]) as answer:
        assert answer.read() == DUMP
        assert answer.headers["x-amz-meta-andamio-hmac-sha256"] == "0a"
    with pytest.raises(HTTPError, match="403"):
        get(fresh_aws, made["url"].replace(NEW, OLD))


@pytest.mark.parametrize(
    ("asked", "key"),
    [("latest", NEW), (OLD, OLD), (KEPT, KEPT), ("", NEW)],
    ids=["latest", "old", "kept", "none"],
)
def test_the_dump_that_is_asked_for(s3: Any, asked: str, key: str) -> None:
    plan = run_module("dump_url", check=True, **DUMPS, key=asked)
    assert (plan["key"], f"/{key}?" in plan["url"]) == (key, True)


def test_no_dump_is_told_with_those_there_are(s3: Any, fresh_aws: Aws) -> None:
    assert run_module("dump_url", fails=True, **DUMPS, key="laravel/x")["msg"] == (
        f"dumps in {BUCKET}: there is no dump laravel/x. The newest are {OLD}, {KEPT}, {NEW}."
        " Nothing was changed."
    )
    # Of another database.
    assert run_module("dump_url", fails=True, **DUMPS, key="other/2026-12-01T000000Z.sql.gz")["msg"]
    for where in ({"bucket": BUCKET, "prefix": "none/"}, {"bucket": "no-such-bucket", "prefix": "laravel/"}):
        assert "there is none below" in run_module("dump_url", fails=True, **where)["msg"]
