"""IAM's policy simulator: the very evaluation that calls are held to, without the call."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend
from moto.iam.exceptions import NoSuchEntity, NotFoundException

from sandbox.aws.access import refusal
from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.operations import Context, Parameters, answers
from sandbox.aws.policy import Principal
from sandbox.aws.principals import PARTITION, Caller, owner_arn, role_policies, user_policies
from sandbox.aws.targets import Target


@answers("iam:SimulatePrincipalPolicy")
def simulate(parameters: Parameters, context: Context) -> dict[str, Any]:
    caller = _caller(parameters["PolicySourceArn"], context)
    given = {
        entry["ContextKeyName"].lower(): tuple(entry["ContextKeyValues"])
        for entry in parameters.get("ContextEntries", [])
    }
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": _decision(refusal(Target(action, resource), caller, given, context.account)),
            "MissingContextValues": [],
        }
        for action in parameters["ActionNames"]
        for resource in parameters.get("ResourceArns") or ["*"]
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


def _decision(refused: str | None) -> str:
    if refused is None:
        return "allowed"
    return "explicitDeny" if "explicit deny" in refused else "implicitDeny"


def _caller(arn: str, context: Context) -> Caller:
    name = arn.rsplit("/", 1)[-1]
    principal = Principal(frozenset({arn}), context.account)
    if arn == owner_arn(context.account):
        return Caller(Principal(principal.arns, context.account, owner=True), name=arn)
    try:
        if ":role/" in arn:
            policies, limits = role_policies(name, context.account)
            return Caller(principal, policies, limits, arn)
        user = get_backend("iam")[context.account][PARTITION].get_user(name)
    except (NoSuchEntity, NotFoundException) as error:
        raise AwsError("NoSuchEntity", f"{arn} cannot be found.", 404) from error
    return Caller(principal, user_policies(user, context.account), name=arn)
