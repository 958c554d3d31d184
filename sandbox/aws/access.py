"""Whether a caller may do what a call asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.backends import get_backend

from sandbox.aws.call import Call
from sandbox.aws.errors import AwsError, access_denied
from sandbox.aws.keys import decryption_targets, key_of
from sandbox.aws.policy import Decision, Request, evaluate, is_public
from sandbox.aws.principals import PARTITION, Caller
from sandbox.aws.targets import Place, Target, targets
from sandbox.aws.trust import by_trust, check_chaining

Context = dict[str, tuple[str, ...]]

_ACL_READS = {"s3:GetObject": "READ", "s3:GetObjectVersion": "READ", "s3:ListBucket": "READ"}
_ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


def authorise(call: Call, caller: Caller, account: str, source_ip: str, secure: bool) -> None:
    """Raise `AwsError` unless the caller may do all that the call asks for."""
    if caller.principal.owner and (call.service != "s3" or call.model is None):
        return
    if call.model is None:
        raise access_denied(call, "Access Denied")
    place = Place(call.region, account)
    parameters = call.parameters
    if call.service == "kms" and (key := key_of(parameters, place)):
        parameters = {**parameters, "KeyId": key}
    asked = targets(call.service, call.operation, parameters, place)
    if not caller.principal.owner:
        asked += decryption_targets(call.service, call.operation, parameters, place)
    if call.name == "sts:AssumeRole":
        check_chaining(sorted(caller.principal.arns), parameters)
    context = _request_context(call, caller, source_ip, secure)
    for target in asked:
        refused = refusal(target, caller, context, account)
        if refused:
            raise _denied(call, caller, target, refused)


def may_list(call: Call, caller: Caller, account: str, source_ip: str, secure: bool) -> bool:
    """Whether the caller may list the bucket of an S3 call, and so learn that an object is missing."""
    target = Target("s3:ListBucket", f"arn:aws:s3:::{call.parameters['Bucket']}")
    context = _request_context(call, caller, source_ip, secure)
    return refusal(target, caller, context, account) is None


def refusal(target: Target, caller: Caller, base: Context, account: str) -> str | None:
    """Say why a caller may not do something; None if it may."""
    request = Request(target.action, target.resource, caller.principal, {**base, **target.context})
    bucket = _bucket(target.resource, account)
    by_resource = _by_bucket_policy(bucket, request)
    if by_resource is Decision.DENY:
        return "with an explicit deny in a resource-based policy"
    if caller.principal.owner:
        return None
    by_identity = evaluate(caller.policies, request)
    if by_identity is Decision.DENY:
        return "with an explicit deny in an identity-based policy"
    for limit in caller.limits:
        if evaluate([limit], request) is not Decision.ALLOW:
            return "because no permissions boundary or session policy allows it"
    trusted = by_trust(request, account) if target.action == "sts:AssumeRole" else None
    if trusted in (Decision.NONE, Decision.DENY):
        return "because no trust policy allows it"
    granted = Decision.ALLOW in (by_identity, by_resource, trusted) or _by_acl(bucket, request)
    return None if granted else f"because no identity-based policy allows the {target.action} action"


def _request_context(call: Call, caller: Caller, source_ip: str, secure: bool) -> Context:
    now = datetime.now(UTC)
    context: Context = {
        "aws:currenttime": (now.isoformat(),),
        "aws:epochtime": (str(int(now.timestamp())),),
        "aws:requestedregion": (call.region,),
        "aws:securetransport": (str(secure).lower(),),
        "aws:sourceip": (source_ip,),
        **caller.context,
    }
    if caller.principal.account:
        context["aws:principalaccount"] = (caller.principal.account,)
    context["aws:principalisawsservice"] = (str(caller.principal.service is not None).lower(),)
    if secure:
        context["s3:tlsversion"] = ("1.3",)
    if agent := call.environ.get("HTTP_USER_AGENT"):
        context["aws:useragent"] = (agent,)
    if referer := call.environ.get("HTTP_REFERER"):
        context["aws:referer"] = (referer,)
    return context


# S3's resource side: the bucket policy, the ACL and Block Public Access


def _bucket(resource: str, account: str) -> Any:
    if not resource.startswith("arn:aws:s3:::"):
        return None
    name = resource.removeprefix("arn:aws:s3:::").split("/", 1)[0]
    return get_backend("s3")[account][PARTITION].buckets.get(name)


def _by_bucket_policy(bucket: Any, request: Request) -> Decision:
    if bucket is None or not bucket.policy:
        return Decision.NONE
    policy: Mapping[str, Any] = json.loads(bucket.policy)
    decision = evaluate([policy], request)
    if decision is Decision.ALLOW and request.principal.anonymous:
        block = bucket.public_access_block
        if block and block.restrict_public_buckets and is_public(policy):
            return Decision.NONE
    return decision


def _by_acl(bucket: Any, request: Request) -> bool:
    """Whether an ACL gives everybody the right to read."""
    permission = _ACL_READS.get(request.action)
    if bucket is None or permission is None or _acls_ignored(bucket):
        return False
    _, _, key = request.resource.partition("/")
    holder = bucket.keys.get(key) if key else bucket
    acl = getattr(holder, "acl", None)
    return acl is not None and any(
        grantee.uri == _ALL_USERS and {permission, "FULL_CONTROL"} & set(grant.permissions)
        for grant in acl.grants
        for grantee in grant.grantees
    )


def _acls_ignored(bucket: Any) -> bool:
    block = bucket.public_access_block
    return bucket.ownership_rule == "BucketOwnerEnforced" or bool(block and block.ignore_public_acls)


def _denied(call: Call, caller: Caller, target: Target, why: str) -> AwsError:
    if caller.principal.anonymous and call.service == "s3":
        return access_denied(call, "Access Denied")
    return access_denied(
        call,
        f"User: {caller.name} is not authorized to perform: {target.action} "
        f"on resource: {target.resource} {why}",
    )
