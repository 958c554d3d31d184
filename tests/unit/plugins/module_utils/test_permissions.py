"""The table of permissions names what the code calls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _permissions
from ansible_collections.andamio.laravel_aws.plugins.module_utils._errors import action

from sandbox.aws.targets import Place, targets

ROOT = Path(__file__).resolve().parents[4]
CALL = re.compile(r'"(acm|cloudfront|ec2|iam|route53|s3|ssm)\.([a-z0-9_]+)"')
# Read by status and doctor, which do without.
OPTIONAL = {"iam:SimulatePrincipalPolicy", "ec2:DescribeInstanceStatus", "ec2:DescribeInstanceTypes"}
WORDS = {
    "name": "academia-test",
    "project": "academia",
    "environment": "test",
    "account": "123456789012",
    "region": "us-east-1",
    "partition": "aws",
}


def called() -> set[str]:
    """The IAM actions of all calls that the modules name."""
    text = "".join(path.read_text() for path in (ROOT / "plugins").rglob("*.py"))
    found = set()
    for service, operation in CALL.findall(text):
        name = action(operation).replace("Withtags", "WithTags")
        (first, *_rest) = targets(service, name, {"Bucket": "b"}, Place("us-east-1", "123456789012"))
        found.add(first.action.replace("WithTags", ""))
    return found


def test_every_call_is_in_the_table() -> None:
    known = {name for needs in _permissions.PHASES.values() for need in needs for name in need.actions}
    assert called() - known - OPTIONAL == set()


def test_every_phase_has_its_needs() -> None:
    playbooks = {int(path.stem[5:]) for path in (ROOT / "playbooks").glob("phase[0-9].yml")}
    assert playbooks == set(_permissions.PHASES)


def test_the_names_are_filled_in() -> None:
    resources = [need.resource for need in _permissions.needs(1, WORDS)]
    assert "arn:aws:iam::123456789012:role/academia-test-host" in resources
    assert not [name for name in resources if "{" in name]


@pytest.mark.parametrize(
    ("arn", "role", "source"),
    [
        ("arn:aws:iam::1:user/team/ana", None, "arn:aws:iam::1:user/team/ana"),
        ("arn:aws:iam::1:root", None, ""),
        ("arn:aws:sts::1:federated-user/ana", None, ""),
        ("arn:aws-cn:sts::1:assumed-role/Admin/ana", None, "arn:aws-cn:iam::1:role/Admin"),
        (
            "arn:aws:sts::1:assumed-role/Admin/ana",
            "arn:aws:iam::1:role/sso/Admin",
            "arn:aws:iam::1:role/sso/Admin",
        ),
    ],
)
def test_whose_policies_are_simulated(arn: str, role: str | None, source: str) -> None:
    assert _permissions.principal(arn, role) == source
    assert _permissions.session_role(arn) == ("Admin" if "assumed-role" in arn else "")
