"""What the account's owner is told of itself: the user ``sandbox``."""

from __future__ import annotations

from typing import Any

from moto.sts.models import STSBackend

from sandbox.aws.principals import owner_arn

_get_caller_identity = STSBackend.get_caller_identity


def _identity(backend: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
    found: tuple[str, str, str] = _get_caller_identity(backend, access_key_id, region)
    if found[1].endswith(":user/moto"):
        return "AIDASANDBOXOWNER", owner_arn(backend.account_id), backend.account_id
    return found


STSBackend.get_caller_identity = _identity
