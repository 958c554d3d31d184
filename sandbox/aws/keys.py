"""KMS keys: which key a call uses, and the leave to use it that reading a secret parameter takes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from moto.backends import get_backend

from sandbox.aws.targets import Place, Target, parameter_arn

# Everybody who may read a parameter may use the account's own key for it: its key policy says so.
_ACCOUNT_KEY = "alias/aws/ssm"


def decryption_targets(
    service: str, operation: str, parameters: Mapping[str, Any], place: Place
) -> list[Target]:
    """Return the leave to decrypt that a Parameter Store call needs beside its own."""
    if service != "ssm" or not parameters.get("WithDecryption"):
        return []
    store = get_backend("ssm")[place.account][place.region]
    if path := parameters.get("Path"):
        names = [name for name in store._parameters if name.startswith(path.rstrip("/") + "/")]
    else:
        names = parameters.get("Names") or [parameters.get("Name", "")]
    found = [(name, store._parameters[name][-1]) for name in names if name in store._parameters]
    via = (f"ssm.{place.region}.amazonaws.com",)
    return [
        Target(
            "kms:Decrypt",
            key_arn(parameter.keyid, place),
            {
                "kms:viaservice": via,
                "kms:encryptioncontext:parameter_arn": (parameter_arn(name, place),),
            },
        )
        for name, parameter in found
        if parameter.parameter_type == "SecureString" and parameter.keyid != _ACCOUNT_KEY
    ]


def key_of(parameters: Mapping[str, Any], place: Place) -> str:
    """Return the ARN of the key that a KMS call names, or that its ciphertext was made with."""
    blob = parameters.get("CiphertextBlob", b"")
    if not parameters.get("KeyId") and blob:
        # moto puts the key's id in front of what it encrypts.
        return key_arn((blob if isinstance(blob, bytes) else base64.b64decode(blob))[:36].decode(), place)
    return key_arn(parameters["KeyId"], place) if parameters.get("KeyId") else ""


def key_arn(identifier: str, place: Place) -> str:
    """Return the ARN of a KMS key by its id, ARN or alias."""
    if identifier.startswith("arn:") and ":key/" in identifier:
        return identifier
    keys = get_backend("kms")[place.account][place.region]
    return place.arn("kms", f"key/{keys.any_id_to_key_id(identifier)}")
