"""A key pair's plan, and what is no public key."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _key_pair
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Change, Refused


def key(letter: bytes, kind: str = "ssh-ed25519") -> str:
    body = len(kind).to_bytes(4) + kind.encode() + (32).to_bytes(4) + letter * 32
    return f"{kind} {base64.b64encode(body).decode()}"


def goal(public_key: str = key(b"a"), tags: Any = None) -> Any:
    return _key_pair.desired({"name": "web", "public_key": f"{public_key} me@home\n", "tags": tags})


def current(public_key: str = key(b"a")) -> Any:
    return _key_pair.normalise(
        {
            "KeyName": "web",
            "KeyPairId": "key-1",
            "KeyFingerprint": "x",
            "PublicKey": f"{public_key} web\n",
            "Tags": [{"Key": "Project", "Value": "academia"}],
        }
    )


def test_from_nothing() -> None:
    tags = [{"ResourceType": "key-pair", "Tags": [{"Key": "Project", "Value": "academia"}]}]
    arguments = {"KeyName": "web", "PublicKeyMaterial": key(b"a").encode(), "TagSpecifications": tags}
    assert _key_pair.plan(None, goal(tags={"Project": "academia"})) == [
        Change("ec2.import_key_pair", arguments)
    ]


def test_the_comment_makes_no_difference() -> None:
    assert _key_pair.plan(current(), goal(tags={"Project": "academia"})) == []


def test_another_key_replaces_it() -> None:
    assert _key_pair.plan(current(), goal(key(b"b"))) == [
        Change("ec2.delete_key_pair", {"KeyName": "web"}),
        Change("ec2.import_key_pair", {"KeyName": "web", "PublicKeyMaterial": key(b"b").encode()}),
    ]


def test_tags_change_in_place() -> None:
    changes = _key_pair.plan(current(), goal(tags={"Phase": "1"}))
    assert [(change.call, change.arguments["Resources"]) for change in changes] == [
        ("ec2.create_tags", ["key-1"]),
        ("ec2.delete_tags", ["key-1"]),
    ]


def test_absent() -> None:
    assert _key_pair.plan(None, None) == []
    assert _key_pair.plan(current(), None) == [Change("ec2.delete_key_pair", {"KeyName": "web"})]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "doesn't begin with ssh-ed25519 or ssh-rsa"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "this is a private key"),
        (key(b"a", "ecdsa-sha2-nistp256"), "doesn't begin with"),
        ("ssh-ed25519 !!!", "it was cut off or changed"),
        ("ssh-ed25519 AAAA", "it was cut off or changed"),
        (f"ssh-rsa {key(b'a').split()[1]}", "it was cut off or changed"),
    ],
)
def test_what_is_no_public_key_is_refused(text: str, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        _key_pair.public_key(text)
