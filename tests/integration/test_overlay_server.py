"""The server itself: health, reset, speed of a start."""

from __future__ import annotations

import json
import urllib.request

from .conftest import Aws


def test_health(aws: Aws) -> None:
    with urllib.request.urlopen(f"{aws.endpoint}/_sandbox/health", timeout=10) as answer:
        assert json.load(answer) == {"status": "ok", "region": aws.region, "account": aws.account}


def test_reset_empties_the_account(fresh_aws: Aws) -> None:
    s3 = fresh_aws.client("s3")
    s3.create_bucket(Bucket="things")
    fresh_aws.reset()
    assert s3.list_buckets()["Buckets"] == []
