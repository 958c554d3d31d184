"""What ``down`` takes away of what podman's network leaves, and what it leaves alone.

No command is ever run here: the texts are what iptables and nft would print, the runner only listens.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import config, traces
from sandbox.traces import Before

NETWORK = "andamio-a25e15fa"
NOTHING = Before("boot", (), (), (), "0")
# What is left when the last container of the sandbox is gone.
SHARED = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:NETAVARK_FORWARD - [0:0]
-A FORWARD -m comment --comment "netavark firewall plugin rules" -j NETAVARK_FORWARD
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:NETAVARK-HOSTPORT-DNAT - [0:0]
:NETAVARK-HOSTPORT-SETMARK - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT
-A NETAVARK-HOSTPORT-SETMARK -j MARK --set-xmark 0x2000/0x2000
COMMIT
"""
# What a container that was killed leaves beside that.
OWN = """\
*filter
:FORWARD ACCEPT [0:0]
:NETAVARK_FORWARD - [0:0]
-A FORWARD -j NETAVARK_FORWARD
-A NETAVARK_FORWARD -s 10.97.0.0/24 -j ACCEPT
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:NETAVARK-DN-FFABC0ADD8E6E - [0:0]
:NETAVARK-FFABC0ADD8E6E - [0:0]
:NETAVARK-HOSTPORT-DNAT - [0:0]
-A POSTROUTING -s 10.97.0.0/24 -j NETAVARK-FFABC0ADD8E6E
-A NETAVARK-FFABC0ADD8E6E -d 10.97.0.0/24 -j ACCEPT
-A NETAVARK-HOSTPORT-DNAT -p tcp --dport 4566 -m comment --comment "dnat name: andamio-a25e15fa id: a9" \
-j NETAVARK-DN-FFABC0ADD8E6E
COMMIT
"""
OTHER_CHAIN = (
    "*nat\n:NETAVARK-1D8721804F16F - [0:0]\n-A NETAVARK-1D8721804F16F -d 10.88.0.0/16 -j ACCEPT\nCOMMIT\n"
)
OTHER_RULE = "*filter\n:NETAVARK_FORWARD - [0:0]\n-A NETAVARK_FORWARD -s 10.88.0.0/16 -j ACCEPT\nCOMMIT\n"
FOREIGN = """\
*filter
:ufw-user-input - [0:0]
:DOCKER - [0:0]
-A FORWARD -j DOCKER
-A INPUT -s 10.97.0.0/24 -j DROP
COMMIT
"""


def lines(commands: list[tuple[str, ...]]) -> list[str]:
    return [" ".join(command).removeprefix("iptables -w -t ") for command in commands]


def test_shared_chains_go_with_the_rules_that_lead_to_them() -> None:
    assert lines(traces.removal(SHARED, NETWORK, NOTHING)) == [
        "filter -D FORWARD -m comment --comment netavark firewall plugin rules -j NETAVARK_FORWARD",
        "nat -D PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT",
        "filter -F NETAVARK_FORWARD",
        "nat -F NETAVARK-HOSTPORT-DNAT",
        "nat -F NETAVARK-HOSTPORT-SETMARK",
        "filter -X NETAVARK_FORWARD",
        "nat -X NETAVARK-HOSTPORT-DNAT",
        "nat -X NETAVARK-HOSTPORT-SETMARK",
    ]


def test_a_comment_of_several_words_is_one() -> None:
    [delete, *_rest] = traces.removal(SHARED, NETWORK, NOTHING)
    assert "netavark firewall plugin rules" in delete


def test_chains_that_were_there_before_stay() -> None:
    chains = tuple(f"{table} {chain}" for table, chain in traces.parse(SHARED)[0])
    assert traces.removal(SHARED, NETWORK, Before("boot", chains, (), (), "1")) == []


@pytest.mark.parametrize("other", [OTHER_CHAIN, OTHER_RULE])
def test_shared_chains_stay_while_another_network_uses_them(other: str) -> None:
    assert traces.others(SHARED + other, NETWORK)
    assert traces.removal(SHARED + other, NETWORK, NOTHING) == []


@pytest.mark.parametrize(
    "before", [None, Before("boot", ("filter NETAVARK_FORWARD", "nat NETAVARK-HOSTPORT-DNAT"), (), (), "1")]
)
def test_the_networks_own_chains_and_rules_always_go(before: Before | None) -> None:
    assert lines(traces.removal(OWN + OTHER_CHAIN, NETWORK, before)) == [
        "filter -D NETAVARK_FORWARD -s 10.97.0.0/24 -j ACCEPT",
        "nat -D POSTROUTING -s 10.97.0.0/24 -j NETAVARK-FFABC0ADD8E6E",
        "nat -D NETAVARK-HOSTPORT-DNAT -p tcp --dport 4566 -m comment --comment "
        "dnat name: andamio-a25e15fa id: a9 -j NETAVARK-DN-FFABC0ADD8E6E",
        "nat -F NETAVARK-DN-FFABC0ADD8E6E",
        "nat -F NETAVARK-FFABC0ADD8E6E",
        "nat -X NETAVARK-DN-FFABC0ADD8E6E",
        "nat -X NETAVARK-FFABC0ADD8E6E",
    ]


def test_rules_that_are_not_netavarks_are_nobodys_to_touch() -> None:
    assert traces.removal(FOREIGN, NETWORK, NOTHING) == []
    touched = lines(traces.removal(SHARED + FOREIGN, NETWORK, NOTHING))
    assert not [line for line in touched if "DOCKER" in line or "ufw" in line or "DROP" in line]


def test_tables_that_came_and_are_empty_go() -> None:
    empty = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"
    assert traces.empty_tables(empty, Before("boot", (), ("ip filter",), (), "0")) == [
        ("nft", "delete", "table", "ip", "nat")
    ]


@pytest.mark.parametrize("line", [":FORWARD DROP [0:0]", ":MINE - [0:0]", "-A INPUT -j ACCEPT"])
def test_a_table_with_anything_in_it_stays(line: str) -> None:
    assert traces.empty_tables(f"*filter\n:INPUT ACCEPT [0:0]\n{line}\nCOMMIT\n", NOTHING) == []


def test_netavarks_nft_table_goes_when_no_other_network_is_in_it() -> None:
    own = "table inet netavark {\n chain nv_a25e15fa_10_97_0_0_nm24 {\n }\n}\n"
    other = own + " chain nv_2f259bab_10_88_0_0_nm16 {\n }\n"
    assert traces.nft_table(own, NOTHING) == [("nft", "delete", "table", "inet", "netavark")]
    assert traces.nft_table(other, NOTHING) == []
    assert traces.nft_table(own, Before("boot", (), ("inet netavark",), (), "0")) == []
    assert traces.nft_table("", NOTHING) == []


class Listener:
    """A runner that runs nothing."""

    def __init__(self, saved: str) -> None:
        self.saved = saved
        self.ran: list[str] = []

    def __call__(self, *command: str) -> str:
        if command == ("iptables-save",):
            return self.saved
        if command[:2] != ("nft", "list"):
            self.ran.append(" ".join(command))
        return ""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its files, in a folder."""
    monkeypatch.setattr(config, "CONTAINERS", tmp_path / "containers")
    monkeypatch.setattr(traces, "FILE", tmp_path / "traces.json")
    monkeypatch.setattr(traces, "FOLDERS", (str(tmp_path / "runc"), str(tmp_path / "netns")))
    monkeypatch.setattr(traces, "FORWARDING", tmp_path / "ip_forward")
    monkeypatch.setattr(traces, "BOOT_ID", tmp_path / "boot_id")
    (tmp_path / "ip_forward").write_text("0\n")
    (tmp_path / "boot_id").write_text("one\n")
    return tmp_path


def test_the_machine_is_as_it_was(machine: Path) -> None:
    (machine / "runc").mkdir()
    traces.record(Listener(""))
    (machine / "netns").mkdir()
    run = Listener(SHARED)
    traces.remove(run, NETWORK)
    assert run.ran[-2:] == [f"rmdir {machine}/netns", f"sh -c echo 0 >{machine}/ip_forward"]
    assert not traces.FILE.exists()


@pytest.mark.parametrize("other", [OTHER_CHAIN, OTHER_RULE])
def test_a_router_for_others_stays_one(machine: Path, other: str) -> None:
    traces.record(Listener(""))
    run = Listener(SHARED + other)
    traces.remove(run, NETWORK)
    assert run.ran == []


def test_forwarding_that_was_on_stays_on(machine: Path) -> None:
    (machine / "ip_forward").write_text("1\n")
    traces.record(Listener(""))
    run = Listener("")
    traces.remove(run, NETWORK)
    assert run.ran == []


def test_a_folder_in_use_stays(machine: Path) -> None:
    traces.record(Listener(""))
    (machine / "netns" / "theirs").mkdir(parents=True)
    run = Listener("")
    traces.remove(run, NETWORK)
    assert not [line for line in run.ran if "netns" in line]


def test_what_is_there_is_written_down_once_a_boot(machine: Path) -> None:
    traces.record(Listener(""))
    traces.record(Listener(SHARED))
    first = traces.recorded()
    assert first is not None
    assert first.chains == ()
    (machine / "boot_id").write_text("two\n")
    traces.record(Listener(SHARED))
    second = traces.recorded()
    assert second is not None
    assert "filter NETAVARK_FORWARD" in second.chains


def test_what_a_sandbox_that_is_up_has_made_is_not_taken_for_what_was_before(machine: Path) -> None:
    (machine / "containers" / "storage").mkdir(parents=True)
    traces.record(Listener(SHARED))
    assert traces.recorded() is None
