"""Parameters held to AWS's models."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.model import DenormalizedStructureBuilder

from sandbox.aws import model

# Those that Andamio calls, in this phase and the next ones.
SERVICES = (
    *("acm", "autoscaling", "backup", "budgets", "ce", "cloudfront", "cloudtrail", "cloudwatch", "codebuild"),
    *(
        "codeconnections",
        "codedeploy",
        "codepipeline",
        "ec2",
        "elbv2",
        "events",
        "iam",
        "kms",
        "lambda",
        "logs",
    ),
    *("pinpoint-sms-voice-v2", "pricing", "rds", "route53", "s3", "scheduler", "secretsmanager"),
    *("service-quotas", "sesv2", "sns", "sqs", "ssm", "stepfunctions", "sts"),
)
# Ranges of surrogates, of which Java's texts are made.
NOT_HELD_TO = {
    ("autoscaling", "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*"),
    ("cloudtrail", "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*"),
}

SHAPE = (
    DenormalizedStructureBuilder()
    .with_members(
        {
            "Name": {"type": "string", "min": 2, "max": 4, "pattern": "[a-z]+"},
            "Secret": {"type": "string", "max": 3, "sensitive": True},
            "Kind": {"type": "string", "enum": ["one", "two"]},
            "Size": {"type": "integer", "min": 1, "max": 10},
            "Data": {"type": "blob", "max": 2},
            "On": {"type": "boolean"},
            "Items": {
                "type": "list",
                "min": 1,
                "max": 2,
                "member": {
                    "type": "structure",
                    "members": {"Key": {"type": "string", "max": 3}},
                    "required": ["Key"],
                },
            },
            "Words": {
                "type": "map",
                "max": 2,
                "key": {"type": "string", "pattern": "[a-z]+"},
                "value": {"type": "string", "max": 2},
            },
        }
    )
    .build_model()
)


def told(**parameters: Any) -> list[str]:
    return [str(problem) for problem in model.problems(SHAPE, parameters)]


def test_what_is_as_the_model_says() -> None:
    assert not told(
        Name="abc",
        Secret="abc",
        Kind="two",
        Size=10,
        Data=b"ab",
        On=False,
        Items=[{"Key": ""}],
        Words={"a": "b"},
    )
    assert not told(Unknown=1, Name=None)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"Name": "a"}, "Value 'a' at 'name' {}: Member must have length greater than or equal to 2"),
        ({"Name": "abcde"}, "Value 'abcde' at 'name' {}: Member must have length less than or equal to 4"),
        ({"Name": "ab1"}, "Value 'ab1' at 'name' {}: Member must satisfy regular expression pattern: [a-z]+"),
        ({"Name": "añ"}, "Value 'añ' at 'name' {}: Member must satisfy regular expression pattern: [a-z]+"),
        ({"Secret": "abcd"}, "Value at 'secret' {}: Member must have length less than or equal to 3"),
        ({"Kind": "One"}, "Value 'One' at 'kind' {}: Member must satisfy enum value set: [one, two]"),
        ({"Size": 0}, "Value '0' at 'size' {}: Member must have value greater than or equal to 1"),
        ({"Size": 11}, "Value '11' at 'size' {}: Member must have value less than or equal to 10"),
        ({"Size": True}, "Value 'True' at 'size' {}: Member must be of type integer"),
        ({"On": "true"}, "Value 'true' at 'on' {}: Member must be of type boolean"),
        ({"Data": b"abc"}, "Value at 'data' {}: Member must have length less than or equal to 2"),
        ({"Items": []}, "Value '[]' at 'items' {}: Member must have length greater than or equal to 1"),
        ({"Items": {}}, "Value '{{}}' at 'items' {}: Member must be of type list"),
        ({"Items": [{"Key": "a"}, {}]}, "Value null at 'items.2.member.key' {}: Member must not be null"),
        (
            {"Items": [{"Key": "abcd"}]},
            "Value 'abcd' at 'items.1.member.key' {}: Member must have length less than or equal to 3",
        ),
        (
            {"Words": {"1": "b"}},
            "Value '1' at 'words.1.key' {}: Member must satisfy regular expression pattern: [a-z]+",
        ),
        (
            {"Words": {"a": "bcd"}},
            "Value 'bcd' at 'words.a.member' {}: Member must have length less than or equal to 2",
        ),
    ],
)
def test_what_is_not(parameters: dict[str, Any], problem: str) -> None:
    assert told(**parameters) == [problem.format("failed to satisfy constraint")]


def test_a_map_that_is_too_large_is_told_without_what_it_holds() -> None:
    problem = "Value at 'words' failed to satisfy constraint: Member must have length less than or equal to 2"
    assert told(Words={"a": "", "b": "", "c": ""}) == [problem]


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "José 1", "a;b"),
        (r"[\w+=,.@-]+", "a_b@c", "ñ"),
        (r"[\w-\/]+", "a/b", "a b"),
        (r"\p{ASCII}+", "abc", "ñ"),
        (r"^a++$|^b$", "aaa", "ab"),
        (r"a", "a", "ba"),
        (r"^(?![^:\\]*/action/|(?i).*<script>.*</script>.*)[^:\\]+$", "budget", "a:b"),
    ],
)
def test_javas_patterns(pattern: str, fits: str, fits_not: str) -> None:
    compiled = model.compiled_pattern(pattern)
    assert compiled.fullmatch(fits)
    assert not compiled.fullmatch(fits_not)


def test_the_patterns_that_nothing_is_held_to_are_counted() -> None:
    session, skipped, held = botocore.session.Session(), set(), 0
    for service in SERVICES:
        found = session.get_service_model(service)
        patterns = {found.shape_for(name).metadata.get("pattern") for name in found.shape_names} - {None}
        held += len(patterns)
        skipped |= {(service, one) for one in patterns if model.compiled_pattern(one) is None}
    assert skipped == NOT_HELD_TO
    assert held > 400
