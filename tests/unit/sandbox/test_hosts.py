"""The names that the API answers by."""

from __future__ import annotations

import pytest

from sandbox.aws.hosts import is_own


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4566",
        "localhost",
        "10.97.0.1:4566",
        "169.254.169.254",
        "ec2.us-east-1.amazonaws.com",
        "a.dotted.bucket.s3.amazonaws.com:443",
        "AMAZONAWS.com",
    ],
)
def test_the_sandboxes_own_names(host: str) -> None:
    assert is_own(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "rebind.evil.example:4567",
        "evilamazonaws.com",
        "amazonaws.com.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:80:evil.example",
        "127.0.0.1\nx",
        "localhost.evil.example",
        "10.98.0.1",
        "evil.example/amazonaws.com",
        "192.168.1.2:4566",
    ],
)
def test_all_others_are_somebody_elses(host: str) -> None:
    assert not is_own(host)
