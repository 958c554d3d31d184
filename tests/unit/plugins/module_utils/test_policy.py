"""Policies that mean the same are equal, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._policy import canonical

READ: dict[str, Any] = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": {"AWS": "123456789012"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::b/*",
}
DENY: dict[str, Any] = {"Sid": "Deny", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def test_canonical_form() -> None:
    condition = {"Bool": {"aws:SecureTransport": False}, "StringEquals": {"k": ["b", "a"]}}
    assert canonical(policy(READ | {"Condition": condition})) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Action": ["s3:GetObject"],
                "Condition": {
                    "Bool": {"aws:SecureTransport": ["false"]},
                    "StringEquals": {"k": ["a", "b"]},
                },
                "Effect": "Allow",
                "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]},
                "Resource": ["arn:aws:s3:::b/*"],
                "Sid": "Read",
            }
        ],
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (policy(READ, DENY), policy(DENY, READ)),
        (policy(READ), {"Version": "2012-10-17", "Statement": READ}),
        (policy(READ), policy(READ | {"Action": ["s3:GetObject", "s3:GetObject"]})),
        (policy(READ), policy(READ | {"Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}})),
        ({"Statement": [READ]}, {"Version": "2008-10-17", "Statement": [READ]}),
        (policy(DENY), policy(dict(reversed(DENY.items())))),
        ({}, policy()),
    ],
)
def test_the_same(one: Any, other: Any) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    "other",
    [
        policy(READ | {"Effect": "Deny"}),
        policy(READ | {"Action": "s3:PutObject"}),
        policy(READ | {"Resource": "*"}),
        policy(READ | {"Principal": "*"}),
        policy(READ | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        policy(READ, DENY),
        {"Statement": [READ]},
    ],
)
def test_not_the_same(other: Any) -> None:
    assert canonical(policy(READ)) != canonical(other)


def test_canonical_of_canonical_is_itself() -> None:
    once = canonical(policy(DENY, READ))
    assert canonical(once) == once
