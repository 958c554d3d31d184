"""The credential endpoint as the AWS SDKs ask it: from the host's role to the application's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError, CredentialRetrievalError

from tests.unit.roles.test_policies import app_policies, documents_policy, host_policies

from .conftest import ROOT, Aws
from .modules import run_module

FILES = ROOT / "roles/laravel_app/files"
HOST, APP = "academia-sandbox-host", "academia-sandbox-app"
DOCUMENTS = "academia-sandbox-documents-123456789012"
# The program with another port, and what it has in /etc elsewhere.
PROGRAM = """
import importlib.machinery, importlib.util, pathlib, sys
_, file, folder, port = sys.argv
loader = importlib.machinery.SourceFileLoader("andamio_credentials", file)
program = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
sys.modules[loader.name] = program
loader.exec_module(program)
program.PORT, folder = int(port), pathlib.Path(folder)
program.SETTINGS, program.APP_ENV = folder / "credentials.json", folder / "app.env"
program.prepare(program.APP_ENV, "us-east-1", False)
sys.argv[1:] = ["serve"]
sys.exit(program.main())
"""


class Endpoint:
    """One that runs, and the environment that an application is given."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [
            sys.executable,
            "-c",
            PROGRAM,
            str(FILES / "andamio-credentials"),
            str(folder),
            str(self.port),
        ]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self.listens():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        lines = (folder / "app.env").read_text().splitlines()
        self.application = dict(line.split("=", 1) for line in lines)

    def listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0

    def sdk(self, monkeypatch: pytest.MonkeyPatch, **changes: str) -> Any:
        """The credentials as botocore's provider for containers gets them, once there are any."""
        for name, value in (self.application | changes).items():
            monkeypatch.setenv(name, value)
        provider = (
            botocore.session.Session().get_component("credential_provider").get_provider("container-role")
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                return provider.load()
            except CredentialRetrievalError as error:
                if "still being fetched" not in str(error) or time.monotonic() > deadline:
                    raise


@pytest.fixture
def start(fresh_aws: Aws, tmp_path: Path) -> Iterator[Callable[..., Endpoint]]:
    """Return a function that makes both roles and an endpoint with the host's own credentials."""
    started: list[Endpoint] = []

    def begin(role: str = APP) -> Endpoint:
        fresh_aws.client("s3").create_bucket(Bucket=DOCUMENTS)
        made = run_module("instance_role", name=HOST, policies=host_policies())
        arn = made["resource"]["arn"]
        policies = app_policies(ec2_host_documents_policy=documents_policy())
        run_module("instance_role", name=APP, policies=policies, assumed_by=[arn])
        run_module("instance_role", name="other", policies=policies)
        keys = fresh_aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="i-1")["Credentials"]
        (tmp_path / "credentials.json").write_text(json.dumps({"role": role, "region": "us-east-1"}))
        environment = os.environ | {
            "AWS_ENDPOINT_URL": fresh_aws.endpoint,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }
        started.append(Endpoint(tmp_path, environment))
        return started[-1]

    yield begin
    for endpoint in started:
        endpoint.process.terminate()
        endpoint.process.wait()


@pytest.mark.parametrize("role", [APP, f"arn:aws:iam::123456789012:role/{APP}"], ids=["name", "arn"])
def test_an_sdk_gets_the_applications_role_and_its_documents(
    start: Callable[..., Endpoint], fresh_aws: Aws, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    found = start(role).sdk(monkeypatch)
    assert found.method == "container-role"
    assert not found.refresh_needed()
    frozen = found.get_frozen_credentials()
    keys = dict(
        zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), frozen, strict=False)
    )
    arn = fresh_aws.client("sts", **keys).get_caller_identity()["Arn"]
    assert arn.split(":")[-1].startswith(f"assumed-role/{APP}/")
    s3 = fresh_aws.client("s3", **keys)
    s3.put_object(Bucket=DOCUMENTS, Key="receipts/1.pdf", Body=b"receipt")
    assert s3.get_object(Bucket=DOCUMENTS, Key="receipts/1.pdf")["Body"].read() == b"receipt"
    for service, call, arguments in (
        ("s3", "put_object", {"Bucket": DOCUMENTS, "Key": "other/1.pdf", "Body": b"x"}),
        ("s3", "list_objects_v2", {"Bucket": DOCUMENTS}),
        ("ssm", "get_parameters_by_path", {"Path": "/academia/sandbox/env"}),
        ("ssm", "get_parameter", {"Name": "/academia/sandbox/dumps/hmac_key"}),
        (
            "sts",
            "assume_role",
            {"RoleArn": f"arn:aws:iam::123456789012:role/{HOST}", "RoleSessionName": "app"},
        ),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(fresh_aws.client(service, **keys), call)(**arguments)


def test_an_sdk_without_the_token_is_refused(
    start: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = start()
    endpoint.sdk(monkeypatch)
    with pytest.raises(CredentialRetrievalError, match="401"):
        endpoint.sdk(monkeypatch, AWS_CONTAINER_AUTHORIZATION_TOKEN="a-guess")


def test_an_sdk_is_told_why_there_are_none(
    start: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = start("other")
    with pytest.raises(CredentialRetrievalError, match=r"503.*AccessDenied.*sts:AssumeRole.*role/other"):
        endpoint.sdk(monkeypatch)


def test_the_region_is_an_sdks_own(start: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in start().application.items():
        monkeypatch.setenv(name, value)
    assert boto3.session.Session().region_name == "us-east-1"
