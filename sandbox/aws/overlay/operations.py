"""Operations that the overlay answers itself, held to botocore's model in what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.validate import ParamValidator
from moto.core.serialize import get_serializer_class

from sandbox.aws.call import Call
from sandbox.aws.errors import Answer, as_bytes

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Context:
    """The account and region that an operation works in."""

    account: str
    region: str


Operation = Callable[[Parameters, Context], Mapping[str, Any]]

Guard = Callable[[Parameters, Context], None]

_operations: dict[str, Operation] = {}
_guards: dict[str, Guard] = {}


def answers(name: str) -> Callable[[Operation], Operation]:
    """Let the decorated function answer an operation: ``@answers("cloudfront:CreateFunction")``."""

    def register(function: Operation) -> Operation:
        _operations[name] = function
        return function

    return register


def guards(*names: str) -> Callable[[Guard], Guard]:
    """Let the decorated function see calls before moto does, and raise `AwsError` where AWS would."""

    def register(function: Guard) -> Guard:
        _guards.update(dict.fromkeys(names, function))
        return function

    return register


def check(call: Call, account: str) -> None:
    """Raise `AwsError` if AWS refuses a call that moto would accept."""
    if guard := _guards.get(call.name):
        guard(call.parameters, Context(account, call.region))


def is_ours(call: Call) -> bool:
    return call.name in _operations


def answer(call: Call, account: str) -> Answer:
    """Answer a call whose parameters have been checked.

    Raises `AwsError`, or `ValueError` if an answer isn't as botocore's model says.
    """
    result = _operations[call.name](call.parameters, Context(account, call.region))
    wrong = _differences(result, call.model.output_shape)
    if wrong:
        raise ValueError(f"{call.name} answers against its model: {wrong}")
    serializer = get_serializer_class(call.service, str(call.model.service_model.protocol))
    sent = serializer(operation_model=call.model).serialize(result)
    headers = {name: str(value) for name, value in sent["headers"].items()}
    return int(sent["status_code"]), headers, as_bytes(sent["body"])


def _differences(value: Any, shape: Any) -> str:
    if shape is None:
        return ""
    report = ParamValidator().validate(value, shape)
    return str(report.generate_report()) if report.has_errors() else ""
