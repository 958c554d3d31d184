"""Evaluate IAM and resource policies. Pure: documents and a request in, a decision out.

The rules are those of the IAM user guide's "Policy evaluation logic" and "IAM JSON policy elements".
What isn't known here (an operator, say) raises `UnsupportedPolicy`: a policy is never half understood.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

Context = Mapping[str, Sequence[str]]
"""Condition keys in lower case and their values."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


class UnsupportedPolicy(ValueError):
    """A policy says something that this evaluator doesn't know."""


class Decision(Enum):
    """What policies say of a request."""

    ALLOW = "allow"
    DENY = "explicit deny"
    NONE = "no policy applies"


@dataclass(frozen=True)
class Principal:
    """Who asks. ``arns`` are the names by which a resource policy may call it."""

    arns: frozenset[str] = frozenset()
    account: str | None = None
    service: str | None = None
    owner: bool = False

    @property
    def anonymous(self) -> bool:
        return self.account is None and self.service is None


ANONYMOUS = Principal()


@dataclass(frozen=True)
class Request:
    """One action on one resource."""

    action: str
    resource: str
    principal: Principal = ANONYMOUS
    context: Context = field(default_factory=dict)


def evaluate(policies: Iterable[Mapping[str, Any]], request: Request) -> Decision:
    """Decide by the policies together: a deny wins, then an allow. Raises `UnsupportedPolicy`."""
    decision = Decision.NONE
    for policy in policies:
        for statement in listed(policy.get("Statement")):
            if not applies(statement, request):
                continue
            if statement["Effect"] == "Deny":
                return Decision.DENY
            decision = Decision.ALLOW
    return decision


def applies(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether a statement speaks of this request."""
    return (
        _principal_applies(statement, request.principal)
        and _action_applies(statement, request.action)
        and _resource_applies(statement, request)
        and _conditions_hold(statement.get("Condition", {}), request.context)
    )


def is_public(policy: Mapping[str, Any]) -> bool:
    """Whether S3's Block Public Access would call a bucket policy public.

    It is when it allows anybody without a condition that ties it to fixed accounts, networks or
    resources ("The meaning of public", S3 user guide).
    """
    return any(
        statement["Effect"] == "Allow"
        and ("NotPrincipal" in statement or "*" in _named(statement.get("Principal", {}), "AWS"))
        and not _tied_down(statement.get("Condition", {}))
        for statement in listed(policy.get("Statement"))
    )


def listed(value: Any) -> list[Any]:
    """Return a policy's value as a list, as IAM lets a single one stand alone."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


# Elements


def _principal_applies(statement: Mapping[str, Any], principal: Principal) -> bool:
    if "NotPrincipal" in statement:
        return not _principal_matches(statement["NotPrincipal"], principal, statement["Effect"])
    if "Principal" in statement:
        return _principal_matches(statement["Principal"], principal, statement["Effect"])
    return True


def _principal_matches(element: Any, principal: Principal, effect: str) -> bool:
    names = _named(element, "AWS")
    if "*" in names or principal.arns & names:
        return True
    if principal.service in _named(element, "Service"):
        return True
    if principal.account is None:
        return False
    # An account stands for all its users when denied; an allow only lets the account delegate.
    by_account = {principal.account, f"arn:aws:iam::{principal.account}:root"}
    return bool(by_account & names) and (effect == "Deny" or principal.owner)


def _named(element: Any, kind: str) -> set[str]:
    if element == "*":
        return {"*"} if kind == "AWS" else set()
    return set(listed(element.get(kind)))


def _action_applies(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not _any_like(listed(statement["NotAction"]), action, fold=True)
    return _any_like(listed(statement.get("Action")), action, fold=True)


def _resource_applies(statement: Mapping[str, Any], request: Request) -> bool:
    negated = "NotResource" in statement
    if not negated and "Resource" not in statement:
        return True  # a trust policy has none
    patterns = listed(statement["NotResource" if negated else "Resource"])
    found = any(
        arn_like(pattern, request.resource)
        for pattern in (_substitute(pattern, request.context) for pattern in patterns)
        if pattern is not None
    )
    return found != negated


# Wildcards


@functools.lru_cache(maxsize=4096)
def _wildcard(pattern: str, fold: bool) -> re.Pattern[str]:
    body = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.compile(body, re.DOTALL | (re.IGNORECASE if fold else 0))


def like(pattern: str, value: str, fold: bool = False) -> bool:
    """Whether a value matches a pattern of ``*`` and ``?``."""
    return _wildcard(pattern, fold).fullmatch(value) is not None


def arn_like(pattern: str, arn: str) -> bool:
    """Whether an ARN matches a pattern, part by part: a ``*`` doesn't reach over a colon."""
    if pattern == "*":
        return True
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    if len(patterns) != len(parts):
        return False
    return all(like(want, have) for want, have in zip(patterns, parts, strict=True))


def _any_like(patterns: Iterable[str], value: str, fold: bool = False) -> bool:
    return any(like(pattern, value, fold) for pattern in patterns)


def _substitute(pattern: str, context: Context) -> str | None:
    """Fill in policy variables (``${aws:username}``, ``${key, 'default'}``); None if one is missing."""
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = (part.strip() for part in match[1].partition(","))
        if name in _LITERALS:
            return _LITERALS[name]
        values = context.get(name.lower(), ())
        if len(values) == 1:
            return values[0]
        if default:
            return default.strip("'")
        missing = True
        return ""

    filled = _VARIABLE.sub(value, pattern)
    return None if missing else filled


# Conditions


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    return all(
        _condition_holds(operator, key, listed(values), context)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _condition_holds(operator: str, key: str, wanted: Sequence[Any], context: Context) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    have = context.get(key.lower())
    if name == "Null":
        return _text(wanted[0]) == ("true" if not have else "false")
    compare, negated = _operator(name)
    if quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnsupportedPolicy(f"condition operator {operator}")
    if not have:
        if quantifier:
            return quantifier == "ForAllValues"
        return if_exists or negated
    wants = [_substitute(_text(value), context) for value in wanted]

    def holds(value: str) -> bool:
        return any(want is not None and compare(want, value) for want in wants) != negated

    every = quantifier == "ForAllValues" or (not quantifier and negated)
    return all(map(holds, have)) if every else any(map(holds, have))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _operator(name: str) -> tuple[Callable[[str, str], bool], bool]:
    """Return the comparison of an operator and whether the operator negates it."""
    for negation, positive in _NEGATIONS.items():
        if name.startswith(negation):
            name, negated = positive + name.removeprefix(negation), True
            break
    else:
        negated = False
    if name not in _OPERATORS:
        raise UnsupportedPolicy(f"condition operator {name}")
    return _OPERATORS[name], negated


def _in_network(network: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


def _moment(value: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    return datetime.fromisoformat(value).timestamp()


_NEGATIONS = {
    "StringNot": "String",
    "ArnNot": "Arn",
    "NumericNot": "Numeric",
    "DateNot": "Date",
    "NotIp": "Ip",
}

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda want, have: want == have,
    "StringEqualsIgnoreCase": lambda want, have: want.lower() == have.lower(),
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda want, have: want.lower() == have.lower(),
    "IpAddress": _in_network,
    "NumericEquals": lambda want, have: float(have) == float(want),
    "NumericLessThan": lambda want, have: float(have) < float(want),
    "NumericLessThanEquals": lambda want, have: float(have) <= float(want),
    "NumericGreaterThan": lambda want, have: float(have) > float(want),
    "NumericGreaterThanEquals": lambda want, have: float(have) >= float(want),
    "DateEquals": lambda want, have: _moment(have) == _moment(want),
    "DateLessThan": lambda want, have: _moment(have) < _moment(want),
    "DateLessThanEquals": lambda want, have: _moment(have) <= _moment(want),
    "DateGreaterThan": lambda want, have: _moment(have) > _moment(want),
    "DateGreaterThanEquals": lambda want, have: _moment(have) >= _moment(want),
}

_FIXING_KEYS = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
}
_FIXING_OPERATORS = ("StringEquals", "StringLike", "ArnEquals", "ArnLike", "IpAddress")


def _tied_down(conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(
        operator in _FIXING_OPERATORS
        and key.lower() in _FIXING_KEYS
        and all(_fixed(key.lower(), _text(value)) for value in listed(values))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _fixed(key: str, value: str) -> bool:
    if key == "aws:sourceip":
        return not value.endswith("/0")
    # An ARN's resource may have a wildcard, not its account.
    parts = value.split(":", 5)
    return "*" not in (parts[4] if len(parts) == 6 else value)
