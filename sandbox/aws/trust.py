"""Who may assume a role: what its trust policy and the caller's own policies say together.

From the IAM user guide, "Methods to assume a role" and "Policy evaluation logic": the trust policy has to
allow it; where it names the account and not the caller, the caller's own policies have to, as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from moto.backends import get_backend

from sandbox.aws.errors import AwsError
from sandbox.aws.policy import Decision, Principal, Request, evaluate
from sandbox.aws.principals import PARTITION

CHAINED_SECONDS = 3600


def by_trust(request: Request, account: str) -> Decision | None:
    """Return what the trust policy of the role that is asked for says: ALLOW, DENY or NONE.

    None says that it lets the account decide, and so the caller's own policies. Raises `UnsupportedPolicy`.
    """
    policy = _trust_policy(request.resource, account)
    direct = evaluate([policy], request)
    if direct is not Decision.NONE or request.principal.account != account:
        return direct
    delegate = Principal(request.principal.arns, account, owner=True)
    return None if evaluate([policy], replace(request, principal=delegate)) is Decision.ALLOW else direct


def check_chaining(arns: Sequence[str], parameters: Mapping[str, Any]) -> None:
    """Raise `AwsError` when a role's session wants another role's for longer than AWS gives."""
    chained = any(":assumed-role/" in arn for arn in arns)
    if chained and (parameters.get("DurationSeconds") or CHAINED_SECONDS) > CHAINED_SECONDS:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
            "chaining",
            400,
        )


def _trust_policy(role_arn: str, account: str) -> Mapping[str, Any]:
    roles = get_backend("iam")[account][PARTITION].roles.values()
    found = next((role for role in roles if role.arn == role_arn), None)
    policy: Mapping[str, Any] = json.loads(found.assume_role_policy_document) if found else {}
    return policy
