"""ssm_env and ssm_env_info against the sandbox's Parameter Store."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from tests.unit.plugins.module_utils.dotenv_cases import NASTY

from .conftest import Aws
from .modules import applied_as_planned, run_module

PATH = "/academia/sandbox/env/"
FORTY = {f"VALUE_{number:02}": f"value {number}" for number in range(40)}


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all API calls made, in order."""
    made: list[str] = []
    original = botocore.client.BaseClient._make_api_call

    def counting(self: Any, operation: str, arguments: Any) -> Any:
        made.append(operation)
        return original(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counting)
    return made


@pytest.fixture
def env(fresh_aws: Aws) -> dict[str, Any]:
    return {"path": PATH, "tags": {"Project": "academia", "Phase": "1"}}


def stored(aws: Aws) -> dict[str, dict[str, Any]]:
    pages = aws.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=PATH, WithDecryption=True)
    return {item["Name"].removeprefix(PATH): item for page in pages for item in page["Parameters"]}


def test_nasty_values_go_there_and_back(fresh_aws: Aws, env: dict[str, Any]) -> None:
    done = applied_as_planned("ssm_env", **env, values=NASTY)
    assert done["changed"]
    assert run_module("ssm_env_info", path=PATH)["variables"] == NASTY


def test_types_tags_and_generated_secrets(fresh_aws: Aws, env: dict[str, Any]) -> None:
    arguments = {
        **env,
        "values": {"APP_ENV": "production"},
        "generate": {"APP_KEY": "laravel_key", "DB_PASSWORD": "password"},
    }
    done = applied_as_planned("ssm_env", **arguments)
    assert done["changes"]["generated"] == ["APP_KEY", "DB_PASSWORD"]
    assert done["calls"] == ["ssm.put_parameter"] * 3
    assert done["resource"]["secrets"] == ["APP_KEY", "DB_PASSWORD"]
    first = stored(fresh_aws)
    assert {name: item["Type"] for name, item in first.items()} == {
        "APP_ENV": "String",
        "APP_KEY": "SecureString",
        "DB_PASSWORD": "SecureString",
    }
    tags = fresh_aws.client("ssm").list_tags_for_resource(
        ResourceType="Parameter", ResourceId=PATH + "APP_KEY"
    )
    assert {"Key": "Project", "Value": "academia"} in tags["TagList"]
    run_module("ssm_env", **arguments)
    assert stored(fresh_aws)["APP_KEY"]["Value"] == first["APP_KEY"]["Value"]


def test_an_unchanged_run_takes_five_requests_and_one_change_six(
    fresh_aws: Aws, env: dict[str, Any], requests: list[str]
) -> None:
    run_module("ssm_env", **env, values=FORTY)
    del requests[:]
    assert not run_module("ssm_env", **env, values=FORTY)["changed"]
    # Four full pages, and the empty one that AWS too may send after them.
    assert requests == ["GetParametersByPath"] * 5
    del requests[:]
    assert run_module("ssm_env", path=PATH, values=FORTY | {"VALUE_07": "new"})["changes"]["updated"] == [
        "VALUE_07"
    ]
    assert requests == ["GetParametersByPath"] * 5 + ["PutParameter"]


def test_drift_is_repaired(fresh_aws: Aws, env: dict[str, Any]) -> None:
    arguments = {**env, "values": {"A": "1", "B": "2", "DB_PASSWORD": "x"}}
    run_module("ssm_env", **arguments)
    ssm = fresh_aws.client("ssm")
    ssm.put_parameter(Name=PATH + "A", Value="by hand", Type="String", Overwrite=True)
    ssm.delete_parameter(Name=PATH + "DB_PASSWORD")
    ssm.put_parameter(Name=PATH + "DB_PASSWORD", Value="x", Type="String")
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=PATH + "B", TagKeys=["Phase"])
    done = applied_as_planned("ssm_env", **arguments, repair_tags=True)
    (tagless,) = (item for item in done["planned"]["attributes"] if item["attribute"] == "without_tags")
    assert tagless["after"] == []
    assert done["calls"] == [
        "ssm.put_parameter",
        "ssm.add_tags_to_resource",
        "ssm.delete_parameter",
        "ssm.put_parameter",
    ]
    assert stored(fresh_aws)["DB_PASSWORD"]["Type"] == "SecureString"


def test_purge_only_when_asked_and_only_this_path(fresh_aws: Aws, env: dict[str, Any]) -> None:
    ssm = fresh_aws.client("ssm")
    for name in ("/academia/sandbox/other", PATH + "deeper/X"):
        ssm.put_parameter(Name=name, Value="theirs", Type="String")
    run_module("ssm_env", **env, values={"A": "1", "OLD": "1"})
    assert not run_module("ssm_env", **env, values={"A": "1"})["changed"]
    done = applied_as_planned("ssm_env", **env, values={"A": "1"}, purge=True)
    assert done["changes"]["removed"] == ["OLD"]
    assert set(stored(fresh_aws)) == {"A"}
    assert applied_as_planned("ssm_env", path=PATH, state="absent")["changes"]["removed"] == ["A"]
    assert len(ssm.describe_parameters()["Parameters"]) == 2


def test_absent_leaves_what_has_other_tags(fresh_aws: Aws, env: dict[str, Any]) -> None:
    run_module("ssm_env", **env, values={"A": "1", "B": "2"})
    fresh_aws.client("ssm").put_parameter(Name=f"{PATH}THEIRS", Value="3", Type="String")
    gone = applied_as_planned("ssm_env", **env, state="absent")
    assert (gone["changes"]["removed"], gone["planned"]["action"]) == (["A", "B"], "delete")
    assert "(THEIRS)" in gone["hand_work"][0]
    assert set(stored(fresh_aws)) == {"THEIRS"}


def test_no_value_in_anything_it_says(fresh_aws: Aws, env: dict[str, Any]) -> None:
    arguments = {
        **env,
        "values": {"DB_PASSWORD": "hunter2hunter2", "APP_ENV": "sandbox", "LONG": "not a secret 1"},
    }
    for check in (True, False):
        # As with -vvv, when Ansible also prints the arguments.
        said = json.dumps(run_module("ssm_env", check=check, **arguments, _ansible_inject_invocation=True))
        assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in said
        assert "hunter2" not in said
        assert "not a secret 1" not in said
        assert PATH in said


def test_env_file(fresh_aws: Aws, env: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "prod.env"
    file.write_text(
        'APP_KEY=\nAPP_NAME="Academia Ñ"\nAPP_URL=https://api.academia.test\nASSETS=${APP_URL}/a\n'
    )
    run_module("ssm_env", **env, env_file=str(file), generate={"APP_KEY": "laravel_key"})
    values = run_module("ssm_env_info", path=PATH)["variables"]
    assert values.pop("APP_KEY").startswith("base64:")
    assert values == {
        "APP_NAME": "Academia Ñ",
        "APP_URL": "https://api.academia.test",
        "ASSETS": "https://api.academia.test/a",
    }


def test_wrong_input_changes_nothing_and_lists_everything(
    fresh_aws: Aws, env: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "bad.env"
    file.write_text("GOOD=1\nBAD NAME=x\nTWO=a b\n")
    error = run_module(
        "ssm_env", fails=True, **env, env_file=str(file), values={"A-B": "1", "BIG": "x" * 5000}
    )
    assert f"{file}:2:" in error["msg"]
    assert f"{file}:3: TWO:" in error["msg"]
    assert "'A-B' is not a variable name" in error["msg"]
    assert "BIG takes 5000 bytes" in error["msg"]
    assert len(error["problems"]) == 4
    assert stored(fresh_aws) == {}


def test_unreadable_files(fresh_aws: Aws, env: dict[str, Any], tmp_path: Path) -> None:
    error = run_module("ssm_env", fails=True, **env, env_file=str(tmp_path / "none.env"))
    assert "none.env can't be read: No such file" in error["msg"]
    (tmp_path / "latin1.env").write_bytes("A=1\nB=señal\n".encode("latin-1"))
    error = run_module("ssm_env", fails=True, **env, env_file=str(tmp_path / "latin1.env"))
    assert "latin1.env:2: this is not UTF-8" in error["msg"]


def test_throttling_is_ridden_out(
    fresh_aws: Aws, env: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS takes three writes a second; here every write is refused twice first."""
    original = botocore.client.BaseClient._make_api_call
    refusals: dict[str, int] = {}

    def throttling(self: Any, operation: str, arguments: Any) -> Any:
        name = arguments.get("Name")
        if operation == "PutParameter" and refusals.setdefault(name, 0) < 2:
            refusals[name] += 1
            raise ClientError(
                {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation
            )
        return original(self, operation, arguments)

    slept: list[float] = []
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", throttling)
    monkeypatch.setattr(time, "sleep", slept.append)
    run_module("ssm_env", **env, values=FORTY)
    assert len(stored(fresh_aws)) == 40
    assert slept == [1, 2] * 40


def test_two_runs_at_once_never_replace_a_generated_secret(
    fresh_aws: Aws, env: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = botocore.client.BaseClient._make_api_call

    def other_run_is_faster(self: Any, operation: str, arguments: Any) -> Any:
        if operation == "PutParameter":
            original(self, operation, {**arguments, "Value": "the other run's"})
        return original(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", other_run_is_faster)
    error = run_module("ssm_env", fails=True, **env, generate={"APP_KEY": "laravel_key"})
    assert error["error_code"] == "ParameterAlreadyExists"
    assert "run again" in error["msg"]
    monkeypatch.undo()


def test_info_without_values(fresh_aws: Aws, env: dict[str, Any]) -> None:
    assert run_module("ssm_env_info", path=PATH)["names"] == []
    run_module("ssm_env", **env, values={"APP_KEY": "x", "B": ""})
    run_module("ssm_env", **env, values={"APP_KEY": "y", "B": ""})
    info = run_module("ssm_env_info", path=PATH, with_values=False)
    assert info == info | {
        "names": ["APP_KEY", "B"],
        "secrets": ["APP_KEY"],
        "versions": {"APP_KEY": 2, "B": 1},
    }
    assert "variables" not in info
