"""ssm_env_info against the sandbox's Parameter Store: what it reads, and what it keeps to itself."""

from __future__ import annotations

import json
from typing import Any

import botocore.client
import pytest

from .conftest import Aws
from .modules import run_module

PATH = "/academia/sandbox/env/"
SECRET = "s3cr3t-of-the-mail-server"
KEY = "a-key-that-is-given-as-argument"


@pytest.fixture
def store(fresh_aws: Aws) -> Aws:
    """A Parameter Store with two variables of the application, and two of others."""
    ssm = fresh_aws.client("ssm")
    for name, value, kind in (
        (f"{PATH}MAIL_PASSWORD", "old", "SecureString"),
        (f"{PATH}MAIL_PASSWORD", SECRET, "SecureString"),
        (f"{PATH}APP_ENV", "production", "String"),
        (f"{PATH}deeper/APP_ENV", "another's", "String"),
        ("/academia/sandbox/envelope", "another's", "String"),
    ):
        ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)
    return fresh_aws


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
@pytest.mark.parametrize("check", [False, True])
def test_the_environment_is_read(store: Aws, path: str, check: bool) -> None:
    result = run_module("ssm_env_info", path=path, check=check)
    assert result["changed"] is False
    assert result["variables"] == {"APP_ENV": "production", "MAIL_PASSWORD": SECRET}
    assert result["names"] == ["APP_ENV", "MAIL_PASSWORD"]
    assert result["secrets"] == ["MAIL_PASSWORD"]
    assert result["versions"] == {"APP_ENV": 1, "MAIL_PASSWORD": 2}


def test_more_than_a_page_of_ten(fresh_aws: Aws) -> None:
    names = [f"VALUE_{number:02}" for number in range(23)]
    for name in names:
        fresh_aws.client("ssm").put_parameter(Name=PATH + name, Value=name.lower(), Type="String")
    result = run_module("ssm_env_info", path=PATH)
    assert result["variables"] == {name: name.lower() for name in names}


def test_nothing_is_there(fresh_aws: Aws) -> None:
    result = run_module("ssm_env_info", path=PATH)
    assert (result["variables"], result["names"], result["secrets"], result["versions"]) == ({}, [], [], {})


def test_without_values_no_secret_comes_out(store: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    original, asked = botocore.client.BaseClient._make_api_call, []

    def listening(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        asked.append(arguments["WithDecryption"])
        return original(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", listening)
    result = run_module("ssm_env_info", path=PATH, with_values=False)
    assert asked == [False]
    assert result["names"] == ["APP_ENV", "MAIL_PASSWORD"]
    assert "variables" not in result
    # Nor the ciphertext, which is what Parameter Store gives then: moto's holds the value as it is.
    assert SECRET not in json.dumps(result)


def test_the_invocation_holds_no_secret(store: Aws) -> None:
    # As a playbook's -vvv asks for it.
    given = {"access_key": "sandbox", "secret_key": store.secret, "_ansible_inject_invocation": True}
    result = run_module("ssm_env_info", path=PATH, **given)
    invocation = json.dumps(result["invocation"])
    assert result["invocation"]["module_args"]["path"] == PATH
    assert SECRET not in invocation
    assert store.secret not in invocation


def test_a_refusal_says_what_was_asked_and_no_key(store: Aws) -> None:
    failed = run_module("ssm_env_info", path=PATH, access_key="nobody", secret_key=KEY, fails=True)
    assert failed["call"] == "ssm.get_parameters_by_path"
    assert PATH.rstrip("/") in failed["msg"]
    assert KEY not in json.dumps(failed)
