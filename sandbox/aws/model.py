"""What a request is held to before anything is done about it: AWS's published model of the service.

botocore carries the models. Its own check of parameters, in the client, knows types, what is required and
some minimums; AWS refuses more: values that are none of an enumeration, that don't match a pattern, or that
are too long, too large or too many. https://smithy.io/2.0/spec/constraint-traits.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import ParseError

import regex

from sandbox.aws.call import Call
from sandbox.aws.errors import AwsError, protocol_of

MISSING = "Member must not be null"
# What a parser of moto's stumbles over: a value that isn't of the type that it is to be.
_UNREADABLE = (AttributeError, KeyError, ParseError, TypeError, UnicodeDecodeError, ValueError)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "list": list,
    "map": dict,
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
}


@dataclass(frozen=True)
class Problem:
    """A member that isn't as the model says: its path, its value and the constraint in AWS's words."""

    path: str
    constraint: str
    value: Any
    sensitive: bool = False
    mistyped: bool = False

    def __str__(self) -> str:
        shown = " null" if self.value is None else f" '{self.value}'" if self.is_plain else ""
        return f"Value{shown} at '{self.path}' failed to satisfy constraint: {self.constraint}"

    @property
    def is_plain(self) -> bool:
        """Whether the value can be told: it is no secret, and nothing that may hold one."""
        return not self.sensitive and (isinstance(self.value, str | int | float) or self.value in ([], {}))


def check(call: Call) -> None:
    """Raise `AwsError`, as the service does, unless the parameters are as its model says."""
    if call.model is None or call.model.input_shape is None:
        return
    try:
        parameters = call.parameters
    except _UNREADABLE as error:
        raise _refused(
            call, [Problem("input", f"{type(error).__name__}: {error}", "", mistyped=True)]
        ) from error
    found = list(problems(call.model.input_shape, parameters))
    if found:
        raise _refused(call, found)


def problems(shape: Any, value: Any, path: str = "") -> Iterator[Problem]:
    """Give what of a value isn't as its shape says. ``shape`` is one of `botocore.model`."""
    kind = shape.type_name
    wanted = _TYPES.get(kind)
    if wanted and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        if not getattr(shape, "is_document_type", False):
            yield Problem(path, f"Member must be of type {kind}", value, _is_secret(shape), mistyped=True)
        return
    for constraint in _CONSTRAINTS.get(kind, _no_constraints)(shape, value):
        yield Problem(path, constraint, value, _is_secret(shape))
    yield from _MEMBERS.get(kind, _no_members)(shape, value, path)


# Members


def _of_structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[Problem]:
    if getattr(shape, "is_document_type", False):
        return
    members = shape.members
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield Problem(f"{prefix}{_camel(name)}", MISSING, None)
    for name, item in value.items():
        if item is not None and name in members:
            yield from problems(members[name], item, f"{prefix}{_camel(name)}")


def _of_list(shape: Any, value: list[Any], path: str) -> Iterator[Problem]:
    for number, item in enumerate(value, 1):
        if item is not None:  # some lists are sparse
            yield from problems(shape.member, item, f"{path}.{number}.member")


def _of_map(shape: Any, value: dict[str, Any], path: str) -> Iterator[Problem]:
    for key, item in value.items():
        yield from problems(shape.key, key, f"{path}.{key}.key")
        if item is not None:
            yield from problems(shape.value, item, f"{path}.{key}.member")


def _no_members(_shape: Any, _value: Any, _path: str) -> Iterator[Problem]:
    return iter(())


_MEMBERS: dict[str, Callable[[Any, Any, str], Iterator[Problem]]] = {
    "structure": _of_structure,
    "list": _of_list,
    "map": _of_map,
}


# Constraints, in AWS's words


def _of_length(shape: Any, value: Any) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield f"Member must have length greater than or equal to {least}"
    if most is not None and len(value) > most:
        yield f"Member must have length less than or equal to {most}"


def _of_size(shape: Any, value: Any) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield f"Member must have value greater than or equal to {least}"
    if most is not None and value > most:
        yield f"Member must have value less than or equal to {most}"


def _of_text(shape: Any, value: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    yield from _of_length(shape, value)
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := compiled_pattern(pattern)) and not compiled.fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {pattern}"


def _of_blob(shape: Any, value: Any) -> Iterator[str]:
    return _of_length(shape, value) if isinstance(value, bytes | bytearray | str) else iter(())


def _no_constraints(_shape: Any, _value: Any) -> Iterator[str]:
    return iter(())


_CONSTRAINTS: dict[str, Callable[[Any, Any], Iterator[str]]] = {
    "string": _of_text,
    "blob": _of_blob,
    "list": _of_length,
    "map": _of_length,
    **dict.fromkeys(("integer", "long", "float", "double"), _of_size),
}


@functools.cache
def compiled_pattern(pattern: str) -> Any:
    r"""A pattern of a model, compiled; None for the few that are no such expression here.

    They are Java's: ``\p{L}`` is a letter, ``\w`` and ``\d`` are ASCII's alone.
    """
    try:
        return regex.compile(pattern, regex.ASCII if "\\p{" not in pattern else regex.UNICODE)
    except regex.error:
        return None


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _is_secret(shape: Any) -> bool:
    return bool(shape.metadata.get("sensitive"))


# How services tell it

# By service, or by protocol: the code for a value that is refused, and for one that is missing.
_CODES = {
    "s3": ("InvalidArgument", "InvalidArgument"),
    # https://github.com/fog/fog-aws/issues/48, https://github.com/aws/aws-sdk-php/issues/1973
    "cloudfront": ("MalformedXML", "MalformedXML"),
    # https://github.com/hashicorp/terraform-provider-aws/pull/7606
    "route53": ("InvalidInput", "InvalidInput"),
    # https://github.com/fluent-plugins-nursery/fluent-plugin-cloudwatch-logs/issues/223
    "logs": ("InvalidParameterException", "InvalidParameterException"),
    "pricing": ("InvalidParameterException", "InvalidParameterException"),
    "sesv2": ("BadRequestException", "BadRequestException"),
    "cloudwatch": ("ValidationError", "ValidationError"),
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    "ec2": ("InvalidParameterValue", "MissingParameter"),
    "rds": ("InvalidParameterValue", "MissingParameter"),
    # https://github.com/NixOS/nixops/issues/328
    "query": ("ValidationError", "ValidationError"),
    "rest-xml": ("InvalidInput", "InvalidInput"),
}
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_DEFAULT = ("ValidationException", "ValidationException")
_BAD_XML = "The XML you provided was not well-formed or did not validate against our published schema"


def _refused(call: Call, found: list[Problem]) -> AwsError:
    protocol = protocol_of(call)
    first = found[0]
    if first.mistyped and protocol in ("json", "rest-json"):
        return AwsError("SerializationException", str(first), 400)
    if call.service == "s3" and _is_in_body(call, first):
        return AwsError("MalformedXML", _BAD_XML, 400)
    codes = _CODES.get(call.service) or _CODES.get(protocol, _DEFAULT)
    code = codes[first.constraint == MISSING]
    if protocol == "ec2":
        return AwsError(code, _ec2_message(first), 400)
    plural = "" if len(found) == 1 else "s"
    told = "; ".join(str(problem) for problem in found)
    return AwsError(code, f"{len(found)} validation error{plural} detected: {told}", 400)


def _ec2_message(problem: Problem) -> str:
    name = ".".join(part[:1].upper() + part[1:] for part in problem.path.split(".") if part != "member")
    if problem.constraint == MISSING:
        return f"The request must contain the parameter {name}"
    value = f"Value ({problem.value})" if problem.is_plain else "Value"
    return f"{value} for parameter {name} is invalid. {problem.constraint}"


def _is_in_body(call: Call, problem: Problem) -> bool:
    """Whether it is in an XML document and not in a header or the address."""
    payload = call.model.input_shape.serialization.get("payload", "")
    return bool(payload) and problem.path.split(".")[0] in (_camel(payload), "input")
