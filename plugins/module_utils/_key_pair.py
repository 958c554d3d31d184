# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key pair of EC2 whose private half never leaves its owner: the public key, imported.

The normal form::

    {"name": "web", "public_key": "ssh-ed25519 AAAA…", "tags": {...}}
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from . import _ec2_tags, _tags
from ._converge import Change, Refused, State

_TYPES = ("ssh-ed25519", "ssh-rsa")
"""The types that EC2 takes."""


def desired(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form that the module's parameters ask for. Raises Refused for what is no key."""
    return {
        "name": params["name"],
        "public_key": public_key(params["public_key"] or ""),
        "tags": params["tags"],
    }


def public_key(text: str) -> str:
    """Return a public key's type and body: EC2 doesn't keep the comment, and nobody is let in by it.

    Raises Refused when it isn't one that EC2 takes.
    """
    if "PRIVATE KEY" in text:
        raise Refused("public_key: this is a private key. Give its public half: the file that ends in .pub.")
    parts = text.split()
    if len(parts) < 2 or parts[0] not in _TYPES:
        raise Refused(f"public_key: it doesn't begin with {' or '.join(_TYPES)}, which is what EC2 takes.")
    try:
        body = base64.b64decode(parts[1], validate=True)
    except binascii.Error:
        body = b""
    # The body repeats the type, after four bytes with its length.
    if body[4 : 4 + len(parts[0])].decode(errors="replace") != parts[0]:
        raise Refused("public_key: it was cut off or changed. Copy the whole line of the .pub file.")
    return " ".join(parts[:2])


def normalise(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form of one key pair of DescribeKeyPairs, asked with IncludePublicKey."""
    return {
        "name": answer["KeyName"],
        "public_key": " ".join(answer.get("PublicKey", "").split()[:2]),
        "key_pair_id": answer["KeyPairId"],
        "fingerprint": answer["KeyFingerprint"],
        "tags": _tags.to_dict(answer.get("Tags")),
    }


def plan(current: State | None, goal: State | None) -> list[Change]:
    """Return the calls that turn ``current`` into ``goal``. EC2 can't change a key: it is replaced."""
    if goal is None:
        return [_delete(current["name"])] if current else []
    if current is None:
        return [_import(goal)]
    if current["public_key"] != goal["public_key"]:
        return [_delete(goal["name"]), _import(goal)]
    return _ec2_tags.changes(current["key_pair_id"], current["tags"], goal.get("tags"))


def _delete(name: str) -> Change:
    return Change("ec2.delete_key_pair", {"KeyName": name})


def _import(goal: Mapping[str, Any]) -> Change:
    arguments: dict[str, Any] = {
        "KeyName": goal["name"],
        "PublicKeyMaterial": goal["public_key"].encode(),
    }
    if goal.get("tags"):
        tags = _tags.to_list(goal["tags"])
        arguments["TagSpecifications"] = [{"ResourceType": "key-pair", "Tags": tags}]
    return Change("ec2.import_key_pair", arguments)
