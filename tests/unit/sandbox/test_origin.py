"""Whose word counts about where a request came from."""

from __future__ import annotations

import pytest

from sandbox.aws.origin import Origin, origin_of
from sandbox.aws.s3_address import bucket_of_host

EDGES = ("10.97.0.2",)


def test_the_edge_is_believed() -> None:
    environ = {
        "REMOTE_ADDR": "10.97.0.2",
        "HTTP_X_FORWARDED_FOR": "192.0.2.1, 10.97.0.20",
        "HTTP_X_FORWARDED_PROTO": "http",
    }
    # Only the last hop is the edge's own word: what is before it, the client wrote.
    assert origin_of(environ, EDGES) == Origin("10.97.0.20", secure=False, trusted=True)
    assert origin_of({"REMOTE_ADDR": "10.97.0.2"}, EDGES) == Origin("10.97.0.2", secure=True, trusted=True)


def test_nobody_else_is() -> None:
    environ = {"REMOTE_ADDR": "10.97.0.20", "HTTP_X_FORWARDED_FOR": "10.97.0.21"}
    assert origin_of(environ, EDGES) == Origin("10.97.0.20", secure=True, trusted=False)


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("documents.s3.amazonaws.com", "documents"),
        ("documents.s3.us-east-1.amazonaws.com:443", "documents"),
        ("academia.test.s3.us-east-1.amazonaws.com", "academia.test"),
        ("documents.s3-us-west-2.amazonaws.com", "documents"),
        ("documents.s3.dualstack.us-east-1.amazonaws.com", "documents"),
        ("s3.us-east-1.amazonaws.com", None),
        ("s3.amazonaws.com", None),
        ("127.0.0.1:4566", None),
        ("ssm.us-east-1.amazonaws.com", None),
    ],
)
def test_buckets_in_host_names(host: str, bucket: str | None) -> None:
    assert bucket_of_host(host) == bucket
