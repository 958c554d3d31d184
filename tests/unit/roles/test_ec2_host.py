"""The first boot of a Debian host, with programs of a test's own in the place of apt, curl and systemctl."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.roles.render import DISTRIBUTIONS, evaluate, render

DEBIAN = DISTRIBUTIONS["Debian-13"]
PROGRAMS = {
    "apt-get": 'echo "apt-get $*" >>"$ROOT/calls"',
    "systemctl": 'echo "systemctl $*" >>"$ROOT/calls"',
    "dpkg": "echo arm64",
    # curl … -o FILE URL
    "curl": 'while [ "$1" != -o ]; do shift; done; cp "$ROOT/mirror/${3##*/}" "$2"',
}


class Boot:
    """A machine's first boot, a mirror with a package, and keys to sign it with."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("bin", "mirror", "gnupg"):
            (root / name).mkdir(mode=0o700)
        for name, script in PROGRAMS.items():
            program = root / "bin" / name
            program.write_text(f"#!/bin/sh\nset -eu\n{script}\n")
            program.chmod(0o755)
        self.package = root / "mirror" / "amazon-ssm-agent.deb"
        self.package.write_bytes(b"the agent")

    def gpg(self, *arguments: str) -> str:
        command = ["gpg", "--homedir", str(self.root / "gnupg"), "--batch", "--pinentry-mode", "loopback"]
        return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout

    def key(self, name: str) -> tuple[str, str]:
        """Make a key; return it in its armor, and its fingerprint."""
        self.gpg("--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never")
        listed = self.gpg("--with-colons", "--fingerprint", name).splitlines()
        return self.gpg("--armor", "--export", name), next(
            line.split(":")[9] for line in listed if line.startswith("fpr:")
        )

    def sign(self, name: str) -> None:
        self.gpg(
            "--yes",
            "--local-user",
            name,
            "--detach-sign",
            "--output",
            f"{self.package}.sig",
            str(self.package),
        )

    def run(self, key: str, fingerprint: str) -> tuple[int, str, list[str]]:
        """Boot: the script's exit code, what it says, and whether it installed and started the agent."""
        script = render(
            "ec2_host",
            "user_data.sh.j2",
            DEBIAN,
            ec2_host_os="debian-13",
            ec2_host_ssm_agent_key=key,
            ec2_host_ssm_agent_key_fingerprint=fingerprint,
        )
        environment = os.environ | {"PATH": f"{self.root / 'bin'}:/usr/bin:/bin", "ROOT": str(self.root)}
        (self.root / "calls").write_text("")
        done = subprocess.run(
            ["sh"], input=script, capture_output=True, text=True, env=environment, check=False
        )
        calls = (self.root / "calls").read_text().splitlines()
        return done.returncode, done.stderr, [call for call in calls if "ssm-agent" in call]


@pytest.fixture
def boot(tmp_path: Path) -> Boot:
    return Boot(tmp_path)


def test_a_package_that_the_key_has_signed_is_installed(boot: Boot) -> None:
    key, fingerprint = boot.key("aws")
    boot.sign("aws")
    spaced = " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4)).lower()
    for given in (fingerprint, spaced):
        code, said, calls = boot.run(key, given)
        assert code == 0, said
        assert [call.split()[0] for call in calls] == ["apt-get", "systemctl"]


def test_nothing_else_is(boot: Boot) -> None:
    key, fingerprint = boot.key("aws")
    other, _ = boot.key("somebody")
    boot.sign("somebody")
    assert boot.run(key, fingerprint)[2] == []
    # The key is the mirror's too, but not the one with the fingerprint.
    code, said, calls = boot.run(other, fingerprint)
    assert (code, calls) == (1, [])
    assert "ec2_host_ssm_agent_key" in said
    boot.sign("aws")
    boot.package.write_bytes(b"another")
    assert boot.run(key, fingerprint)[2] == []
    boot.package.with_name("amazon-ssm-agent.deb.sig").unlink()
    code, _, calls = boot.run(key, fingerprint)
    assert (code != 0, calls) == (True, [])


def test_the_key_given_has_the_fingerprint_given() -> None:
    key = evaluate("ec2_host", "ec2_host_ssm_agent_key", DEBIAN)
    listed = subprocess.run(
        ["gpg", "--show-keys", "--with-colons"], input=key, capture_output=True, text=True, check=True
    ).stdout
    fingerprint = evaluate("ec2_host", "ec2_host_ssm_agent_key_fingerprint", DEBIAN)
    assert f"fpr:::::::::{fingerprint}:" in listed
    assert "ssm-agent-signer@amazon.com" in listed
