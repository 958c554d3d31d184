"""The release engine's way to S3: an artifact is fetched whole, or a line says which one was not."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .conftest import ROOT, Aws

BUCKET = "academia-sandbox-artifacts"
KEY = "releases/v1 ñ.tar.gz"


def get(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "andamio_release.s3", "get", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "roles/laravel_app/files"), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def failure(*arguments: str, **environment: str) -> str:
    done = get(*arguments, **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr.strip()


@pytest.fixture
def bucket(fresh_aws: Aws) -> str:
    """A versioned bucket with an object of two versions; the id of the first."""
    s3 = fresh_aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    version: str = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"first")["VersionId"]
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"second" * 3_000_000)
    return version


def test_the_latest_or_the_version_that_is_asked_for(bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "artifact"
    done = get(BUCKET, KEY, str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.read_bytes() == b"second" * 3_000_000
    assert get(BUCKET, KEY, str(file), "--version", bucket).returncode == 0
    assert file.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_not_there_is_named(bucket: str, tmp_path: Path) -> None:
    file = str(tmp_path / "artifact")
    message = failure(BUCKET, "releases/v2.tar.gz", file)
    assert message.startswith(f"s3://{BUCKET}/releases/v2.tar.gz can't be fetched: An error occurred (404)")
    assert failure("no-such-bucket", KEY, file).startswith(f"s3://no-such-bucket/{KEY} can't be fetched: ")
    message = failure(BUCKET, KEY, file, "--version", "00000000-0000-0000-0000-000000000000")
    assert message.startswith(f"s3://{BUCKET}/{KEY} (version 00000000-0000-0000-0000-000000000000) can't be")
    assert list(tmp_path.iterdir()) == []


def test_without_the_right_to_it(bucket: str, tmp_path: Path) -> None:
    message = failure(BUCKET, KEY, str(tmp_path / "artifact"), AWS_ACCESS_KEY_ID="nobody")
    assert message.startswith(f"s3://{BUCKET}/{KEY} can't be fetched: An error occurred (403)")


def test_without_any_key_or_service(bucket: str, tmp_path: Path) -> None:
    file = str(tmp_path / "artifact")
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert failure(BUCKET, KEY, file, **none).endswith("can't be fetched: Unable to locate credentials")
    assert "Could not connect" in failure(BUCKET, KEY, file, AWS_ENDPOINT_URL="http://127.0.0.1:9")


def test_a_file_that_can_not_be_written(bucket: str, tmp_path: Path) -> None:
    message = failure(BUCKET, KEY, str(tmp_path / "none/artifact"))
    assert message.startswith(f"s3://{BUCKET}/{KEY} can't be fetched: [Errno 2] No such file or directory")


class Metadata(http.server.BaseHTTPRequestHandler):
    """An instance's metadata service, of a region there isn't."""

    def do_PUT(self) -> None:
        self.answer(b"token")

    def do_GET(self) -> None:
        self.answer(b"no_such-1a" if "availability-zone" in self.path else b"")

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_the_region_is_the_instances_own(aws: Aws, tmp_path: Path) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Metadata) as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.02,))
        thread.start()
        message = failure(
            *(BUCKET, KEY, str(tmp_path / "artifact")),
            AWS_REGION="", AWS_DEFAULT_REGION="", AWS_EC2_METADATA_DISABLED="false",
            AWS_EC2_METADATA_SERVICE_ENDPOINT=f"http://127.0.0.1:{service.server_address[1]}",
        )  # fmt: skip
        service.shutdown()
        thread.join()
    assert "no_such-1" in message
