"""The AWS API that integration tests talk to: the sandbox's own, one process a test worker.

``aws``         session: the server is up on a free loopback port, and the environment of this
                process (AWS_ENDPOINT_URL, keys, region) points boto3 and child processes at it.
                ``aws.endpoint``, ``aws.region``, ``aws.account`` and ``aws.client("s3")``;
                ``aws.secret`` is the owner's secret, in ``aws.secret_file``;
                ``aws.requests()`` tells which requests came ("s3.PutObject") since it was last called.
``fresh_aws``   the same, with an empty account: whatever earlier tests made is gone.

The owner's key (``sandbox``, with ``aws.secret``) may do anything but what a bucket policy denies; a session
of an assumed role is held to the role's policies, and an unknown key or a wrong secret is refused. An API
call that fails isn't retried, and one that the sandbox doesn't know answers 501 NotImplemented.

This process is believed to be the edge: what comes without X-Forwarded-Proto counts as TLS, and a test
may say ``X-Forwarded-Proto: http``, or ``X-Forwarded-For`` to be an instance that asks for its metadata.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from sandbox import secret

ROOT = Path(__file__).resolve().parents[2]
# localhost's, as the inventories have it: a task takes a tenth of the time.
PYTHON = str(ROOT / "interpreter" / "python")
REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass
class Aws:
    """A running AWS API."""

    endpoint: str
    world_socket: Path
    request_log: Path
    secret_file: Path
    region: str = REGION
    account: str = ACCOUNT
    _told: int = 0

    @property
    def secret(self) -> str:
        return secret.read(self.secret_file)

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of the account's owner (or of ``aws_access_key_id=…`` in options)."""
        options.setdefault("region_name", self.region)
        return self._session.client(service, endpoint_url=self.endpoint, **options)

    @cached_property
    def _session(self) -> boto3.session.Session:
        # One for all clients: each new session would read the services' models again.
        return boto3.session.Session()

    def requests(self) -> list[str]:
        """Return the requests since the last time, as "service.Operation", in order."""
        lines = self.request_log.read_text().split()
        new, self._told = lines[self._told :], len(lines)
        return new

    def inventory(self) -> dict[str, Any]:
        """Return the values that an inventory needs, but for files: of academia's environment test."""
        return {
            "andamio_project": "academia",
            "andamio_environment": "test",
            "andamio_domain": "academia.test",
            "andamio_region": self.region,
            "andamio_email": "team@academia.test",
            "aws_account_id": self.account,
            # The keys are in the environment of the tests' process.
            "andamio_aws_environment_extra": {"AWS_ENDPOINT_URL": self.endpoint},
        }

    def reset(self) -> None:
        """Empty the account."""
        request = urllib.request.Request(
            f"{self.endpoint}/_sandbox/reset",
            headers={"Authorization": f"Bearer {self.secret}"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """Start the sandbox's AWS API and point this process at it."""
    folder = tmp_path_factory.mktemp("aws")
    socket, log, secret_file = folder / "world.sock", folder / "requests", folder / "secret"
    command = [sys.executable, "-m", "sandbox.aws", "--port", "0", "--region", REGION, "--account", ACCOUNT]
    server = subprocess.Popen(
        [
            *command,
            *("--world-socket", str(socket), "--request-log", str(log)),
            *("--secret-file", str(secret_file), "--edge", "127.0.0.1"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    endpoint = server.stdout.readline().strip()
    assert endpoint.startswith("http://"), "sandbox.aws didn't start; its error is above"
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": secret.read(secret_file),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        # What a test's playbook has started to run modules isn't to outlive the tests for long.
        "ANDAMIO_PRELOAD_IDLE": "60",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        # Each session would read and parse the services' models anew, which takes most of a test's time.
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        # Each test worker has a home without anybody's AWS configuration.
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)
        yield Aws(endpoint, socket, log, secret_file)
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture
def fresh_aws(aws: Aws) -> Aws:
    """The AWS API with an empty account."""
    aws.reset()
    return aws


@pytest.fixture
def preload_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the preloading itself: whatever whoever runs all the tests has turned off."""
    monkeypatch.delenv("ANDAMIO_PRELOAD", raising=False)
