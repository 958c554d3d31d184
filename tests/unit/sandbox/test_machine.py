"""How a machine is started and prepared."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox import config, machine
from sandbox.machine import Machine

MACHINE = Machine(
    "i-1",
    "10.97.0.20",
    "ip-10-97-0-20",
    1024,
    2,
    "ssh-ed25519 AAAA o'brien",
    elastic_addresses=("10.97.0.100",),
)


@pytest.fixture(autouse=True)
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    (tmp_path / "andamio-1.json").touch()


def flag(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_memory_is_the_types_and_there_is_no_swap_beyond_it() -> None:
    command = machine.run_command(MACHINE)
    assert flag(command, "--memory") == flag(command, "--memory-swap") == "1024m"
    assert flag(command, "--cpus") == "2"


def test_the_machine_has_its_address_name_and_dns() -> None:
    command = machine.run_command(MACHINE)
    assert flag(command, "--ip") == "10.97.0.20"
    assert flag(command, "--hostname") == "ip-10-97-0-20"
    assert flag(command, "--dns") == config.CLOUD_ADDRESS


def test_each_address_has_a_hardware_address_of_its_own() -> None:
    assert config.mac_address("10.97.0.2") == "02:61:0a:61:00:02"


@pytest.mark.parametrize(
    "script",
    [
        machine.boot_script(MACHINE, "-----BEGIN CERTIFICATE-----\nit's\n"),
        machine.user_data_script("#!/bin/sh\necho 'it'\"'\"'s'\n"),
        machine.INIT.read_text(),
    ],
    ids=["boot", "user data", "init"],
)
def test_scripts_are_valid_shell(script: str) -> None:
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)


def test_the_key_is_written_as_it_is(tmp_path: Path) -> None:
    [line] = [
        line
        for line in machine.boot_script(MACHINE, "").splitlines()
        if "authorized_keys" in line and "printf" in line
    ]
    target = tmp_path / "keys"
    subprocess.run(["sh", "-c", line.partition(">")[0] + f">{target}"], check=True)
    assert target.read_text() == "ssh-ed25519 AAAA o'brien\n"


def test_addresses_that_are_not_wanted_are_dropped() -> None:
    """The shell lines, with an ``ip`` that only tells what it is asked."""
    ip = 'ip() { case "$*" in *" show "*) echo "2: eth0 inet 10.97.0.101/24"; ;; *) echo "$@" ;; esac; }\n'
    lines = [line for line in machine.address_commands(MACHINE) if not line.startswith("python3")]
    result = subprocess.run(
        ["sh", "-eu"], input=ip + "\n".join(lines), capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == [
        "address delete 10.97.0.101/24 dev eth0",
        "address replace 10.97.0.100/24 dev eth0",
    ]


def test_the_first_free_address_is_given() -> None:
    assert machine.free_address(set()) == "10.97.0.200"
    assert machine.free_address({"10.97.0.200", "10.97.0.202"}) == "10.97.0.201"


def test_no_free_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="remove a machine"):
        machine.free_address({f"10.97.0.{number}" for number in config.MACHINE_ADDRESSES})


@pytest.mark.parametrize(("size", "expected"), [("1g", 1024), ("512m", 512), ("2G", 2048)])
def test_sizes(size: str, expected: int) -> None:
    assert machine.megabytes(size) == expected


@pytest.mark.parametrize("size", ["1", "g", "1.5g", "1gb", ""])
def test_what_is_no_size_is_named(size: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        machine.megabytes(size)


@pytest.mark.parametrize("name", ["", "-a", "A", "a.b", "a b", "a" * 63])
def test_what_is_no_host_name_is_refused(name: str) -> None:
    assert not machine.NAME.fullmatch(name)
