"""Who signed a call, and the policies that person or role is held to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.backends import get_backend

from sandbox.aws import signature
from sandbox.aws.call import Call
from sandbox.aws.errors import AwsError, expired_session, unknown_key, wrong_signature
from sandbox.aws.policy import ANONYMOUS, Principal

OWNER_KEY = "sandbox"
"""The access key of the account's owner, who may do anything; its secret is the sandbox's."""

PARTITION = "aws"

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Caller:
    """A principal, what its own policies are, and the limits (boundary, session policy) on top of them."""

    principal: Principal
    policies: Sequence[Policy] = ()
    limits: Sequence[Policy] = ()
    name: str = "anonymous"
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def caller_of(call: Call, account: str, secret: str, trusted: bool) -> Caller:
    """Return who makes a call. ``secret`` is the owner's.

    ``trusted`` says that its X-Andamio headers come from the edge.
    Raises `AwsError` for an unknown key, an expired session or a wrong signature.
    """
    service = call.environ.get("HTTP_X_ANDAMIO_PRINCIPAL", "") if trusted else ""
    if call.credential is None:
        if service:
            return _service(service, call.environ.get("HTTP_X_ANDAMIO_SOURCE_ARN", ""), account)
        if call.name == "sts:GetCallerIdentity":
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        if "AWSAccessKeyId=" in call.environ.get("QUERY_STRING", ""):
            raise AwsError(
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. "
                "Please use AWS4-HMAC-SHA256.",
            )
        return Caller(ANONYMOUS)
    expiry = signature.presigned_expiry(call.environ)
    if expiry and expiry < datetime.now(UTC):
        raise AwsError("AccessDenied", "Request has expired", 403)
    key = call.credential.access_key
    if key == OWNER_KEY:
        _check_signature(call, secret)
        names = frozenset({owner_arn(account), f"arn:aws:iam::{account}:root"})
        return Caller(Principal(names, account, owner=True), name=owner_arn(account))
    session = get_backend("sts")[account][PARTITION].get_assumed_role_from_access_key(key)
    if session is not None:
        return _session(call, session, account)
    user = _iam(account).get_user_from_access_key_id(key)
    if user is not None:
        return _user(call, user, key, account)
    raise unknown_key(call)


def owner_arn(account: str) -> str:
    return f"arn:aws:iam::{account}:user/{OWNER_KEY}"


def role_policies(name: str, account: str) -> tuple[list[Policy], list[Policy]]:
    """Return a role's policies and its permissions boundary."""
    role = _iam(account).get_role(name)
    return _policies_of(role, role.policies.values()), _boundary(role.permissions_boundary_arn, account)


def _iam(account: str) -> Any:
    return get_backend("iam")[account][PARTITION]


def user_policies(user: Any, account: str) -> list[Policy]:
    """Return a user's policies and its groups'."""
    policies = _policies_of(user, user.policies.values())
    for group in _iam(account).get_groups_for_user(user.name):
        policies += _policies_of(group, group.policies.values())
    return policies


def _service(service: str, source_arn: str, account: str) -> Caller:
    context = {"aws:sourcearn": (source_arn,), "aws:sourceaccount": (account,)} if source_arn else {}
    return Caller(Principal(service=service), name=service, context=context)


def _session(call: Call, session: Any, account: str) -> Caller:
    token = call.environ.get("HTTP_X_AMZ_SECURITY_TOKEN") or call.request.args.get("X-Amz-Security-Token")
    if token != session.session_token:
        raise unknown_key(call)
    if session.expiration.replace(tzinfo=UTC) < datetime.now(UTC):
        raise expired_session(call)
    _check_signature(call, session.secret_access_key)
    role = session.role_arn.rsplit("/", 1)[-1]
    policies, limits = role_policies(role, account)
    if session.policy:
        limits = [*limits, json.loads(session.policy)]
    return Caller(
        Principal(frozenset({session.role_arn, session.arn}), account),
        policies,
        limits,
        session.arn,
        {"aws:principalarn": (session.role_arn,), "aws:userid": (session.user_id,)},
    )


def _user(call: Call, user: Any, access_key: str, account: str) -> Caller:
    key = next(key for key in user.access_keys if key.access_key_id == access_key)
    _check_signature(call, key.secret_access_key)
    return Caller(
        Principal(frozenset({user.arn}), account),
        user_policies(user, account),
        name=user.arn,
        context={
            "aws:principalarn": (user.arn,),
            "aws:username": (user.name,),
            "aws:userid": (user.id,),
        },
    )


def _check_signature(call: Call, secret: str) -> None:
    if not signature.matches(call.environ, call.body, secret):
        raise wrong_signature(call)


def _policies_of(holder: Any, inline: Any) -> list[Policy]:
    attached = [_document(policy) for policy in holder.managed_policies.values()]
    return [_parsed(policy) for policy in inline] + attached


def _boundary(arn: str | None, account: str) -> list[Policy]:
    if not arn:
        return []
    return [_document(_iam(account).get_policy(arn))]


def _document(policy: Any) -> Policy:
    return _parsed(next(version.document for version in policy.versions if version.is_default))


def _parsed(policy: Any) -> Policy:
    text = policy if isinstance(policy, str | Mapping) else policy.policy_document
    document: Policy = json.loads(text) if isinstance(text, str) else text
    return document
