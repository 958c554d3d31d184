"""The policy evaluator, case by case against the IAM user guide."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.policy import (
    ANONYMOUS,
    Decision,
    Principal,
    Request,
    UnsupportedPolicy,
    arn_like,
    evaluate,
    is_public,
)

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/host"
HOST = Principal(arns=frozenset({ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/host/i-1"}), account=ACCOUNT)
OWNER = Principal(arns=frozenset({f"arn:aws:iam::{ACCOUNT}:root"}), account=ACCOUNT, owner=True)
STRANGER = Principal(arns=frozenset({"arn:aws:iam::999999999999:user/eve"}), account="999999999999")
CLOUDFRONT = Principal(service="cloudfront.amazonaws.com")

ALLOW, DENY, NONE = Decision.ALLOW, Decision.DENY, Decision.NONE


def allow(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*", **elements}


def deny(**elements: Any) -> dict[str, Any]:
    return allow(**elements) | {"Effect": "Deny"}


def decide(*statements: dict[str, Any], **request: Any) -> Decision:
    request.setdefault("action", "s3:GetObject")
    request.setdefault("resource", "arn:aws:s3:::documents/receipts/1.pdf")
    return evaluate([{"Statement": list(statements)}], Request(**request))


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("s3:GetObject", "s3:GetObject", ALLOW),
        ("S3:getobject", "s3:GetObject", ALLOW),
        ("s3:Get*", "s3:GetObject", ALLOW),
        ("s3:?etObject", "s3:GetObject", ALLOW),
        ("*", "s3:GetObject", ALLOW),
        ("s3:GetObject", "s3:GetObjectVersion", NONE),
        ("s3:Put*", "s3:GetObject", NONE),
        (["s3:PutObject", "s3:GetObject"], "s3:GetObject", ALLOW),
        ([], "s3:GetObject", NONE),
    ],
)
def test_action(pattern: Any, action: str, expected: Decision) -> None:
    assert decide(allow(Action=pattern), action=action) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ALLOW),
        ("arn:aws:s3:::documents/receipts/*", ALLOW),
        ("arn:aws:s3:::documents/receipts/?.pdf", ALLOW),
        ("arn:aws:s3:::documents/*", ALLOW),
        ("arn:aws:s3:::documents", NONE),
        ("arn:aws:s3:::documents/invoices/*", NONE),
        ("arn:aws:s3:::DOCUMENTS/*", NONE),
        ("arn:aws:*", NONE),
        (["arn:aws:s3:::other/*", "arn:aws:s3:::documents/receipts/*"], ALLOW),
    ],
)
def test_resource(pattern: Any, expected: Decision) -> None:
    assert decide(allow(Resource=pattern)) is expected


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        (
            "arn:aws:logs:*:123456789012:log-group:/app:*",
            "arn:aws:logs:eu:123456789012:log-group:/app:x:y",
            True,
        ),
        ("arn:aws:logs:*:log-group:/app", "arn:aws:logs:eu:123456789012:log-group:/app", False),
        ("arn:aws:ssm:*:*:parameter/a/*", "arn:aws:ssm:us-east-1:123456789012:parameter/a/b/c", True),
        ("arn:aws:ssm:*:*:parameter/a/*", "arn:aws:ssm:us-east-1:123456789012:parameter/ab", False),
        ("*", "*", True),
        ("arn:aws:s3:::x", "*", False),
    ],
)
def test_arns_match_part_by_part(pattern: str, arn: str, expected: bool) -> None:
    assert arn_like(pattern, arn) is expected


def test_negated_elements() -> None:
    assert decide(deny(NotAction="s3:Get*"), allow()) is ALLOW
    assert decide({"Effect": "Deny", "NotAction": "s3:Get*", "Resource": "*"}, allow()) is ALLOW
    assert decide({"Effect": "Deny", "NotAction": "s3:Put*", "Resource": "*"}, allow()) is DENY
    inside, outside = "arn:aws:s3:::documents/*", "arn:aws:s3:::other/*"
    assert decide({"Effect": "Allow", "Action": "*", "NotResource": inside}) is NONE
    assert decide({"Effect": "Allow", "Action": "*", "NotResource": outside}) is ALLOW


def test_a_deny_wins_whatever_the_order() -> None:
    assert decide(allow(), deny()) is DENY
    assert decide(deny(), allow()) is DENY
    assert evaluate([{"Statement": allow()}, {"Statement": deny()}], Request("s3:GetObject", "*")) is DENY
    assert decide() is NONE


@pytest.mark.parametrize(
    ("element", "principal", "expected"),
    [
        ("*", ANONYMOUS, ALLOW),
        ({"AWS": "*"}, ANONYMOUS, ALLOW),
        ({"AWS": ["*"]}, STRANGER, ALLOW),
        ({"AWS": ROLE}, HOST, ALLOW),
        ({"AWS": ROLE}, ANONYMOUS, NONE),
        ({"AWS": ROLE}, STRANGER, NONE),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, OWNER, ALLOW),
        ({"AWS": ACCOUNT}, OWNER, ALLOW),
        # The account may delegate, and the role needs a policy of its own.
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, HOST, NONE),
        ({"Service": "cloudfront.amazonaws.com"}, CLOUDFRONT, ALLOW),
        ({"Service": ["s3.amazonaws.com", "cloudfront.amazonaws.com"]}, CLOUDFRONT, ALLOW),
        ({"Service": "s3.amazonaws.com"}, CLOUDFRONT, NONE),
        ({"Service": "cloudfront.amazonaws.com"}, ANONYMOUS, NONE),
    ],
)
def test_principal(element: Any, principal: Principal, expected: Decision) -> None:
    assert decide(allow(Principal=element), principal=principal) is expected


def test_a_deny_of_the_account_reaches_its_roles() -> None:
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert decide(deny(Principal=account), allow(), principal=HOST) is DENY
    assert decide(deny(Principal=account), allow(), principal=STRANGER) is ALLOW


def test_not_principal() -> None:
    only = {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}
    assert decide(only, allow(), principal=HOST) is ALLOW
    assert decide(only, allow(), principal=STRANGER) is DENY


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws:securetransport": ["false"]}, True),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:securetransport": ["false"]}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws:securetransport": ["true"]}, False),
        ({"StringEquals": {"s3:prefix": "a"}}, {"s3:prefix": ["a"]}, True),
        ({"StringEquals": {"s3:prefix": ["a", "b"]}}, {"s3:prefix": ["b"]}, True),
        ({"StringEquals": {"s3:prefix": "a"}}, {"s3:prefix": ["A"]}, False),
        ({"StringEqualsIgnoreCase": {"s3:prefix": "a"}}, {"s3:prefix": ["A"]}, True),
        ({"StringEquals": {"S3:Prefix": "a"}}, {"s3:prefix": ["a"]}, True),
        ({"StringLike": {"s3:prefix": "receipts/*"}}, {"s3:prefix": ["receipts/2026"]}, True),
        ({"StringEquals": {"s3:prefix": "receipts/*"}}, {"s3:prefix": ["receipts/2026"]}, False),
        ({"StringNotEquals": {"s3:prefix": "a"}}, {"s3:prefix": ["b"]}, True),
        ({"StringNotEquals": {"s3:prefix": ["a", "b"]}}, {"s3:prefix": ["b"]}, False),
        ({"StringNotLike": {"s3:prefix": "a*"}}, {"s3:prefix": ["b"]}, True),
        # A key that is missing fails what is asserted and passes what is negated.
        ({"StringEquals": {"s3:prefix": "a"}}, {}, False),
        ({"StringNotEquals": {"s3:prefix": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"s3:prefix": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"s3:prefix": "a"}}, {"s3:prefix": ["b"]}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, {}, False),
        ({"Null": {"aws:SourceArn": "true"}}, {}, True),
        ({"Null": {"aws:SourceArn": "false"}}, {}, False),
        ({"Null": {"aws:SourceArn": False}}, {"aws:sourcearn": ["x"]}, True),
        (
            {"ArnEquals": {"aws:SourceArn": "arn:aws:cloudfront::1:distribution/E1"}},
            {"aws:sourcearn": ["arn:aws:cloudfront::1:distribution/E1"]},
            True,
        ),
        (
            {"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::1:distribution/*"}},
            {"aws:sourcearn": ["arn:aws:cloudfront::2:distribution/E1"]},
            False,
        ),
        (
            {"ArnNotLike": {"aws:SourceArn": "arn:aws:cloudfront::1:*"}},
            {"aws:sourcearn": ["arn:aws:cloudfront::2:distribution/E1"]},
            True,
        ),
        ({"IpAddress": {"aws:SourceIp": "10.97.0.0/24"}}, {"aws:sourceip": ["10.97.0.20"]}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.97.0.0/24"}}, {"aws:sourceip": ["10.97.0.20"]}, False),
        ({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::1"]}}, {"aws:sourceip": ["192.0.2.1"]}, True),
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, {"s3:tlsversion": ["1.3"]}, False),
        ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, {"s3:tlsversion": ["1.1"]}, True),
        ({"NumericNotEquals": {"s3:max-keys": 10}}, {"s3:max-keys": ["11"]}, True),
        ({"NumericGreaterThanEquals": {"s3:max-keys": 10}}, {"s3:max-keys": ["10"]}, True),
        (
            {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}},
            {"aws:currenttime": ["2026-11-24T00:00:00Z"]},
            True,
        ),
        (
            {"ForAnyValue:StringEquals": {"aws:TagKeys": ["Project"]}},
            {"aws:tagkeys": ["Phase", "Project"]},
            True,
        ),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["Project"]}}, {}, False),
        (
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["Project"]}},
            {"aws:tagkeys": ["Project", "X"]},
            False,
        ),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["Project"]}}, {}, True),
        ({"ForAnyValue:StringNotLike": {"k": "a*"}}, {"k": ["a1", "b"]}, True),
        ({"ForAllValues:StringNotLike": {"k": "a*"}}, {"k": ["a1", "b"]}, False),
        # All operators and all keys must hold.
        ({"StringEquals": {"a": "1", "b": "2"}}, {"a": ["1"], "b": ["3"]}, False),
        ({"StringEquals": {"a": "1"}, "Bool": {"c": "true"}}, {"a": ["1"], "c": ["true"]}, True),
        ({"StringEquals": {"a": "1"}, "Bool": {"c": "true"}}, {"a": ["1"]}, False),
        ({"StringEquals": {"owner": "${aws:username}"}}, {"owner": ["ana"], "aws:username": ["ana"]}, True),
        ({"StringEquals": {"owner": "${aws:username}"}}, {"owner": ["ana"]}, False),
        ({"StringEquals": {"owner": "${aws:username, 'ana'}"}}, {"owner": ["ana"]}, True),
    ],
)
def test_condition(condition: dict[str, Any], context: dict[str, list[str]], holds: bool) -> None:
    assert (decide(allow(Condition=condition), context=context) is ALLOW) is holds


def test_variables_in_a_resource() -> None:
    home = allow(Resource="arn:aws:s3:::documents/${aws:PrincipalTag/team}/*")
    mine = "arn:aws:s3:::documents/ops/1"
    assert decide(home, resource=mine, context={"aws:principaltag/team": ["ops"]}) is ALLOW
    assert decide(home, resource=mine, context={"aws:principaltag/team": ["dev"]}) is NONE
    assert decide(home, resource=mine) is NONE
    assert decide(allow(Resource="arn:aws:s3:::b/${*}"), resource="arn:aws:s3:::b/*") is ALLOW


@pytest.mark.parametrize("operator", ["StringMatches", "ForSomeValues:StringEquals", "BinaryEquals"])
def test_what_is_not_known_is_refused(operator: str) -> None:
    with pytest.raises(UnsupportedPolicy):
        decide(allow(Condition={operator: {"a": "1"}}), context={"a": ["1"]})


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow(Principal="*"), True),
        (allow(Principal={"AWS": "*"}), True),
        (deny(Principal="*"), False),
        (allow(Principal={"AWS": ROLE}), False),
        (allow(Principal={"Service": "cloudfront.amazonaws.com"}), False),
        (allow(Principal="*", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), False),
        (allow(Principal="*", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), True),
        (allow(Principal="*", Condition={"StringLike": {"aws:Referer": "https://academia.test/*"}}), True),
        (allow(Principal="*", Condition={"Bool": {"aws:SecureTransport": "true"}}), True),
        (allow(Principal="*", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:topic"}}), True),
        (allow(Principal="*", Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{ACCOUNT}:*"}}), False),
    ],
)
def test_public(statement: dict[str, Any], expected: bool) -> None:
    assert is_public({"Statement": [statement]}) is expected
