"""What is told before a run: all that is wrong, where, and what to do."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _preflight


def params(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(_preflight.VARIABLES), "region": "us-east-1", "variables": {}, **given}


def problems(**given: Any) -> list[tuple[str, str]]:
    """Return (variable, problem) of each, the problem without the variable's name before it."""
    found = _preflight.local_problems(params(**given))
    for item in found:
        assert item.problem.startswith(f"{item.variable}: ")
        assert item.fix
    return [(item.variable, item.problem.removeprefix(f"{item.variable}: ")) for item in found]


def public_key(kind: str = "ssh-ed25519", inner: str | None = None) -> str:
    name = (inner or kind).encode()
    data = struct.pack("!I", len(name)) + name + struct.pack("!I", 32) + bytes(32)
    return f"{kind} {base64.b64encode(data).decode()} somebody@here\n"


def test_what_is_empty_is_not_checked() -> None:
    assert problems() == []
    assert problems(**dict.fromkeys(set(_preflight.VARIABLES) - {"region"}, "")) == []


def test_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    (tmp_path / "api.tar.gz").touch()
    (tmp_path / ".env").write_text("APP_NAME=Academia\nEMPTY=\n")
    (tmp_path / "id.pub").write_text(public_key())
    assert (
        problems(
            account_id="012345678901",
            project="academia",
            environment="production",
            domain="academia.example",
            email="team+aws@academia.example",
            site_dir=str(tmp_path),
            artifact=str(tmp_path / "api.tar.gz"),
            env_file=str(tmp_path / ".env"),
            ssh_public_key=str(tmp_path / "id.pub"),
            instance_type="t4g.micro",
            architecture="arm64",
            os="ubuntu-26.04",
        )
        == []
    )


@pytest.mark.parametrize("account", ["12345678901", "1234-5678-9012", "root"])
def test_account_ids(account: str) -> None:
    assert problems(account_id=account) == [("aws_account_id", f"{account!r} isn't an account id.")]


@pytest.mark.parametrize("region", ["us-east", "US-EAST-1", "virginia", "us-east-1a", None, ""])
def test_regions(region: str | None) -> None:
    assert problems(region=region) == [("andamio_region", f"{region!r} is no region.")]


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "ap-southeast-5", "eusc-de-east-1"])
def test_regions_that_may_be(region: str) -> None:
    assert problems(region=region) == []


@pytest.mark.parametrize("name", ["Academia", "2go", "my_app", "a--b", "app-", "-app", "a.b", "año"])
def test_names(name: str) -> None:
    wrong = f"{name!r} can't be part of a bucket's name."
    assert problems(project=name) == [("andamio_project", wrong)]
    assert problems(environment=name) == [("andamio_environment", wrong)]


def test_names_have_room_for_what_is_added() -> None:
    fits = {"project": "a" * 29, "environment": "production"}
    assert problems(**fits) == []
    assert len(f"{fits['project']}-production-documents-123456789012") == 63
    [(variable, problem)] = problems(**fits | {"project": "a" * 30})
    assert variable == "andamio_project"
    assert "has 41 characters; with what is added, a bucket's name would have more than 63." in problem


@pytest.mark.parametrize(
    ("domain", "problem"),
    [
        ("https://academia.example", "is a URL, not a domain."),
        ("academia.example/", "is a URL, not a domain."),
        ("academia", "is no domain name."),
        ("Academia.example", "is no domain name."),
        ("academia.example.", "is no domain name."),
        ("acade_mia.example", "is no domain name."),
        ("-academia.example", "is no domain name."),
        ("academía.example", "is no domain name."),
        ("192.0.2.1", "is no domain name."),
        (f"{'a' * 60}.com", "has 64 characters; AWS allows 63."),
    ],
)
def test_domains(domain: str, problem: str) -> None:
    assert problems(domain=domain) == [("andamio_domain", f"{domain!r} {problem}")]


@pytest.mark.parametrize(
    "domain", ["academia.test", "a.b.c.example", "xn--academa-yza.example", "1st.example", f"{'a' * 59}.com"]
)
def test_domains_that_may_be(domain: str) -> None:
    assert problems(domain=domain) == []


@pytest.mark.parametrize(
    "email", ["team", "team@academia", "team@academia.example, b@c.de", "@academia.example"]
)
def test_emails(email: str) -> None:
    assert problems(email=email) == [("andamio_email", f"{email!r} is no e-mail address.")]


def test_the_site(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "dist")
    assert problems(site_dir=nowhere) == [("s3_site_build_dir", f"there is no folder {nowhere}.")]
    (tmp_path / "dist").mkdir()
    assert problems(site_dir=nowhere) == [("s3_site_build_dir", f"{nowhere} has no index.html.")]


def test_the_artifact(tmp_path: Path) -> None:
    assert problems(artifact=str(tmp_path)) == [("laravel_app_artifact", f"there is no file {tmp_path}.")]


def test_the_env_file_tells_each_line_and_no_value(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert problems(env_file=str(path)) == [("ssm_env_file", f"there is no file {path}.")]
    path.write_text(f"APP_NAME=My Academia\nFULL={'x' * 4096}\n=secret\nBIG={'x' * 4097}\n")
    found = problems(env_file=str(path))
    assert [variable for variable, _ in found] == ["ssm_env_file"] * 3
    assert [problem.split(":")[0] for _, problem in found] == [f"{path}, line {line}" for line in (1, 3, 4)]
    assert "BIG has 4097 bytes; a parameter holds 4096." in found[2][1]
    assert not any("Academia" in problem or "secret" in problem for _, problem in found)


def test_an_env_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1\nB=a\xf1o\n")
    assert problems(env_file=str(path)) == [("ssm_env_file", f"{path}, line 2: it isn't UTF-8.")]


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa"])
def test_ssh_keys(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "id.pub"
    for text in (public_key(kind), public_key(kind).rpartition(" ")[0]):
        path.write_text(text)
        assert problems(ssh_public_key=str(path)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "is the private key."),
        (public_key("ecdsa-sha2-nistp256"), "is no public key that EC2 takes."),
        (public_key("ssh-rsa", inner="ssh-ed25519"), "is no public key that EC2 takes."),
        ("ssh-ed25519 not-base64", "is no public key that EC2 takes."),
        (public_key().replace("ssh-ed25519 ", "ssh-ed25519 !"), "is no public key that EC2 takes."),
        ("ssh-ed25519", "is no public key that EC2 takes."),
        ("ssh-ed25519 AA==", "is no public key that EC2 takes."),
        (public_key() + public_key(), "is no public key that EC2 takes."),
    ],
)
def test_what_is_no_ssh_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "id.pub"
    path.write_text(text)
    assert problems(ssh_public_key=str(path)) == [("ec2_host_ssh_public_key", f"{path} {problem}")]


def test_instance_types() -> None:
    assert problems(instance_type="micro") == [("ec2_host_instance_type", "'micro' is no instance type.")]
    assert problems(instance_type="t3.micro", architecture="arm64") == [
        ("ec2_host_instance_type", "a t3.micro is x86_64, but laravel_app_architecture is arm64.")
    ]
    assert problems(os="ubuntu-22.04") == [("ec2_host_os", "'ubuntu-22.04' isn't known here.")]


def test_commands() -> None:
    assert problems(commands=["sh"]) == []
    assert problems(commands=["sh", "no-such-command"]) == [
        ("preflight_commands", "this machine has no command no-such-command.")
    ]


def test_a_variable_of_another_name() -> None:
    assert problems(domain="x", variables={"domain": "site_name"}) == [
        ("site_name", "'x' is no domain name.")
    ]


def test_the_account_must_be_the_one_that_is_meant() -> None:
    assert _preflight.wrong_account(params(), "123456789012") == []
    assert _preflight.wrong_account(params(account_id="123456789012"), "123456789012") == []
    [wrong] = _preflight.wrong_account(params(account_id="111111111111"), "123456789012")
    assert wrong.problem == (
        "aws_account_id: it is 111111111111, but these credentials are of account 123456789012."
    )


def test_regions_and_types_that_aws_does_not_give() -> None:
    assert _preflight.region_problems(params(), "opted-in") == []
    assert "AWS has no region us-east-1" in _preflight.region_problems(params(), None)[0].problem
    assert "isn't enabled" in _preflight.region_problems(params(), "not-opted-in")[0].problem
    assert _preflight.type_problems(params(instance_type="t4g.micro"), True) == []
    assert (
        "us-east-1 has no t4g.micro"
        in _preflight.type_problems(params(instance_type="t4g.micro"), False)[0].problem
    )


def test_the_message_is_a_numbered_list() -> None:
    one = _preflight.Problem("a", "x", "x: it is wrong.", "Correct it.")
    two = _preflight.Problem("b", "y", "y: it is missing.", "Add it.")
    assert (
        _preflight.message([one])
        == "1 problem to solve before anything is changed:\n1. x: it is wrong. Correct it."
    )
    assert _preflight.message([one, two]) == (
        "2 problems to solve before anything is changed:\n"
        "1. x: it is wrong. Correct it.\n"
        "2. y: it is missing. Add it."
    )
