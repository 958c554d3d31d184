"""What the base role writes on each supported distribution."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.roles.render import DISTRIBUTIONS, evaluate, render

CONTAINER = {"virtualization_type": "podman", "virtualization_tech_guest": ["container", "podman"]}


@pytest.fixture(params=DISTRIBUTIONS.values(), ids=DISTRIBUTIONS.keys())
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def settings(text: str) -> dict[str, str]:
    """The keys and values of an ini-like file."""
    lines = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(" -"): value.strip() for key, _equals, value in lines}


def test_only_security_updates_are_taken(facts: dict[str, Any]) -> None:
    text = render("base", "52andamio-unattended-upgrades.j2", facts)
    origins = [line.strip() for line in text.splitlines() if line.strip().startswith('"origin=')]
    assert origins
    assert all("ecurity" in origin and facts["distribution"] in origin for origin in origins)
    assert "#clear Unattended-Upgrade::Origins-Pattern;" in text
    assert 'Automatic-Reboot "true";' in text


def test_another_source_of_updates_is_added() -> None:
    text = render(
        "base",
        "52andamio-unattended-upgrades.j2",
        DISTRIBUTIONS["Debian-13"],
        base_unattended_upgrades_origins=["origin=MySQL"],
    )
    assert '  "origin=MySQL";\n' in text


def test_updates_can_be_turned_off(facts: dict[str, Any]) -> None:
    text = render("base", "20auto-upgrades.j2", facts, base_unattended_upgrades=False)
    assert 'Unattended-Upgrade "0";' in text


def test_a_host_gets_every_kernel_setting(facts: dict[str, Any]) -> None:
    kernel = settings(render("base", "sysctl.conf.j2", facts))
    assert kernel["vm.swappiness"] == "10"
    assert kernel["net.ipv4.tcp_syncookies"] == "1"


def test_a_container_leaves_the_machine_underneath_alone(facts: dict[str, Any]) -> None:
    kernel = settings(render("base", "sysctl.conf.j2", facts | CONTAINER))
    assert kernel
    assert {key.split(".")[0] for key in kernel} == {"net"}


def test_kernel_settings_are_added_changed_and_taken_away(facts: dict[str, Any]) -> None:
    wanted = {"vm.swappiness": 30, "kernel.sysrq": None, "vm.overcommit_memory": 1}
    kernel = settings(render("base", "sysctl.conf.j2", facts, base_sysctl=wanted))
    assert kernel["vm.swappiness"] == "30"
    assert kernel["vm.overcommit_memory"] == "1"
    assert "kernel.sysrq" not in kernel


def test_router_advertisements_are_believed(facts: dict[str, Any]) -> None:
    """EC2 hands out IPv6 routes by them."""
    assert "accept_ra" not in render("base", "sysctl.conf.j2", facts)


def test_ssh_takes_keys_and_nothing_else(facts: dict[str, Any]) -> None:
    lines = render("base", "sshd.conf.j2", facts).splitlines()
    for line in (
        "PermitRootLogin no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "AuthenticationMethods publickey",
    ):
        assert line in lines
    assert not [line for line in lines if line.startswith("AllowUsers")]


def test_ssh_for_some_users_only(facts: dict[str, Any]) -> None:
    assert "\nAllowUsers admin ops\n" in render(
        "base", "sshd.conf.j2", facts, base_ssh_allow_users=["admin", "ops"]
    )


def test_the_firewall_opens_two_ports(facts: dict[str, Any]) -> None:
    text = render("base", "nftables.conf.j2", facts)
    assert "hook input priority filter; policy drop;" in text
    assert [line.strip() for line in text.splitlines() if "dport" in line] == [
        "udp sport 67 udp dport 68 accept",
        "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
        "tcp dport { 80, 443 } accept",
    ]


def test_the_firewall_leaves_the_tables_of_others(facts: dict[str, Any]) -> None:
    text = render("base", "nftables.conf.j2", facts)
    assert "flush ruleset" not in text
    assert text.index("table inet andamio\n") < text.index("delete table inet andamio\n")


def test_the_metadata_service_is_for_root_alone(facts: dict[str, Any]) -> None:
    text = render("base", "nftables.conf.j2", facts)
    assert "type filter hook output priority filter; policy accept;" in text
    assert [line.strip() for line in text.splitlines() if "jump" in line] == [
        "ip daddr 169.254.169.254 jump metadata",
        "ip6 daddr fd00:ec2::254 jump metadata",
    ]
    # What has no socket, and so no user, is refused as well.
    chain = text.partition("chain metadata {")[2].split("\n")
    assert [line.strip() for line in chain if "#" not in line][1:5] == [
        "meta skuid { root } accept",
        "meta l4proto tcp reject with tcp reset",
        "reject",
        "}",
    ]


def test_the_metadata_service_for_others_too(facts: dict[str, Any]) -> None:
    text = render("base", "nftables.conf.j2", facts, base_metadata_users=["root", "ec2-instance-connect"])
    assert "meta skuid { root, ec2-instance-connect } accept\n" in text
    assert "output" not in render("base", "nftables.conf.j2", facts, base_metadata_users=[])


def test_the_firewall_takes_more_rules(facts: dict[str, Any]) -> None:
    text = render(
        "base",
        "nftables.conf.j2",
        facts,
        base_firewall_udp_ports=[443],
        base_firewall_tcp_ports=[],
        base_firewall_input_rules=["ip saddr 10.0.0.0/16 tcp dport 9100 accept"],
    )
    assert "    udp dport { 443 } accept\n" in text
    assert "    ip saddr 10.0.0.0/16 tcp dport 9100 accept\n" in text
    assert "tcp dport {" not in text


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("modprobe.conf.j2", "install dccp /bin/false"),
        ("coredump.conf.j2", "Storage=none"),
        ("limits.conf.j2", "* hard core 0"),
        ("journald.conf.j2", "SystemMaxUse=200M"),
        ("umask.sh.j2", "umask 027"),
    ],
)
def test_the_small_files(template: str, line: str, facts: dict[str, Any]) -> None:
    assert line in render("base", template, facts).splitlines()


def test_a_container_is_known_by_its_facts(facts: dict[str, Any]) -> None:
    assert evaluate("base", "__base_in_container", facts) is False
    assert evaluate("base", "__base_in_container", facts | CONTAINER) is True
