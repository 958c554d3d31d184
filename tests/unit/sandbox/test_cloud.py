"""The cloud's own services, as they are configured."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template

import pytest

from sandbox import cloud
from sandbox.world import names


@pytest.mark.parametrize(
    "name",
    [
        "*.amazonaws.com",
        "*.s3.amazonaws.com",
        "*.us-east-1.amazonaws.com",
        "*.s3.sa-east-1.amazonaws.com",
        "*.cloudfront.net",
        "127.0.0.1",
        "10.97.0.2",
    ],
)
def test_the_edge_answers_for_aws_names(name: str) -> None:
    assert name in cloud.edge_names()


def test_a_stub_on_loopback_is_passed_over_for_servers_that_containers_reach(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\nnameserver fd00::1\n")
    real.write_text("search lan\nnameserver 192.168.1.1\nnameserver 127.0.0.1\n")
    assert cloud.resolvers(stub, real) == ["192.168.1.1"]
    assert cloud.resolvers(stub, tmp_path / "none") == list(cloud.PUBLIC_RESOLVERS)


def test_pebbles_configuration_is_json() -> None:
    text = Template((cloud.TEMPLATES / "pebble.json").read_text()).substitute()
    assert json.loads(text)["pebble"]["httpPort"] == 80


def test_names_set_by_hand_are_local_data() -> None:
    assert names.render({"b.test": "10.97.0.9", "a.test": "10.97.0.8"}) == (
        '  local-data: "a.test. 60 IN A 10.97.0.8"\n  local-data: "b.test. 60 IN A 10.97.0.9"\n'
    )


@pytest.mark.parametrize("name", ["a b.test", '"', "a..b", ""])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a DNS name"):
        names.change(name, "10.97.0.9")


def test_what_was_trusted_stays_trusted_and_is_there_once() -> None:
    one, two, three = (
        f"-----BEGIN CERTIFICATE-----\n{n}\n-----END CERTIFICATE-----\n" for n in ("one", "two", "three")
    )
    assert cloud.bundle(one, three, one + two) == one + three + two
