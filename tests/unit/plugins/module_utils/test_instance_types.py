"""Architecture, credits and image parameters of instance types."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _instance_types as types


@pytest.mark.parametrize(
    "name",
    [
        "t4g.micro",
        "a1.medium",
        "m7g.large",
        "c7gn.xlarge",
        "m6gd.metal",
        "g5g.xlarge",
        "im4gn.large",
        "is4gen.medium",
    ],
)
def test_graviton_is_arm(name: str) -> None:
    assert types.architecture(name) == "arm64"


@pytest.mark.parametrize(
    "name", ["t3.micro", "t3a.small", "g4dn.xlarge", "g6e.xlarge", "m7i-flex.large", "x2iedn.xlarge"]
)
def test_the_rest_is_not(name: str) -> None:
    assert types.architecture(name) == "x86_64"


def test_only_t_types_have_credits() -> None:
    assert [types.is_burstable(name) for name in ("t2.nano", "t3.micro", "t3a.micro", "t4g.micro")] == [
        True
    ] * 4
    assert [types.is_burstable(name) for name in ("trn1.2xlarge", "m7g.large")] == [False] * 2


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("t4g.micro", True),
        ("m7i-flex.8xlarge", True),
        ("c7g.metal", True),
        ("u-6tb1.112xlarge", True),
        ("t4g", False),
        ("micro", False),
        ("t4g.mikro", False),
        ("", False),
        ("t4g.micro ", False),
    ],
)
def test_shape(name: str, valid: bool) -> None:
    assert types.is_instance_type(name) is valid


def test_image_parameters() -> None:
    assert types.image_parameter("debian-13", "t4g.micro") == "/aws/service/debian/release/13/latest/arm64"
    assert types.image_parameter("debian-13", "t3.micro") == "/aws/service/debian/release/13/latest/amd64"
    assert types.image_parameter("ubuntu-26.04", "t4g.micro") == (
        "/aws/service/canonical/ubuntu/server/26.04/stable/current/arm64/hvm/ebs-gp3/ami-id"
    )
    assert types.image_parameter("ubuntu-24.04", "t3.micro") == (
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
    )
