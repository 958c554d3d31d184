"""What must be true of a name before a CA is asked."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._http01 import (
    Observation,
    expected_addresses,
    problem,
    report,
)

HERE = ("203.0.113.10", "10.0.0.5")


def test_addresses_are_public_first_once_and_reachable() -> None:
    found = expected_addresses(
        ["203.0.113.10"], ["127.0.0.1", "10.0.0.5", "203.0.113.10", "fe80::1", "::1", "2001:DB8::1"]
    )
    assert found == ("203.0.113.10", "10.0.0.5", "2001:db8::1")


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="example"):
        expected_addresses([], ["example.com"])


@pytest.mark.parametrize("address", ["203.0.113.10", "198.51.100.7"], ids=["ours", "proxy"])
def test_a_name_that_serves_the_challenge_is_fine(address: str) -> None:
    assert problem(Observation("a.test", (address,)), HERE) is None


def test_a_name_without_addresses() -> None:
    found = problem(Observation("a.test", resolution="DNS doesn't know it"), HERE, ("203.0.113.10",))
    assert found == "a.test does not resolve (DNS doesn't know it). Point it to this host: 203.0.113.10."


def test_a_name_that_points_elsewhere_names_both_addresses() -> None:
    seen = Observation("a.test", ("198.51.100.7",), {"198.51.100.7": "Connection refused"})
    found = problem(seen, HERE, ("203.0.113.10",))
    assert found is not None
    assert "a.test resolves to 198.51.100.7, but this host is 203.0.113.10." in found
    assert "Connection refused" in found


def test_one_wrong_address_among_right_ones_is_wrong() -> None:
    seen = Observation("a.test", ("203.0.113.10", "2001:db8::9"), {"2001:db8::9": "Network is unreachable"})
    found = problem(seen, HERE)
    assert found is not None
    assert "resolves to 2001:db8::9, but this host is 203.0.113.10 or 10.0.0.5" in found


def test_a_host_that_does_not_answer_is_told_of_its_firewall() -> None:
    seen = Observation("a.test", ("203.0.113.10",), {"203.0.113.10": "HTTP status 404"})
    found = problem(seen, HERE)
    assert found is not None
    assert "port 80 of 203.0.113.10 did not serve the challenge: HTTP status 404" in found
    assert "security group" in found


def test_the_report_names_the_name_servers_to_set_and_those_there_are() -> None:
    text = report(["a.test is wrong."], ["ns-1.test", "ns-2.test"], {"test": ["old.test"], "b.test": []})
    assert text.splitlines() == [
        "The CA was not asked for a certificate, because it would refuse:",
        "a.test is wrong.",
        "Name servers to set at the registrar: ns-1.test, ns-2.test.",
        "Name servers of test now: old.test.",
        "Name servers of b.test now: none.",
    ]
