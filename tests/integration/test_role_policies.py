"""The policies that the roles write, held against those who ask."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.roles.test_policies import DISTRIBUTION, documents_policy, host_policies, site_policy

from .conftest import Aws
from .modules import run_module

DOCUMENTS = "academia-sandbox-documents-123456789012"
DUMPS = "academia-sandbox-dumps-123456789012"


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] in {"AccessDenied", "403"}


@pytest.fixture
def host(fresh_aws: Aws) -> Any:
    """The S3 client of a host that has the role's policies; its buckets are there."""
    for bucket in (DOCUMENTS, DUMPS):
        fresh_aws.client("s3").create_bucket(Bucket=bucket)
    policies = host_policies(ec2_host_documents_policy=documents_policy())
    made = run_module("instance_role", name="academia-sandbox-host", policies=policies)
    answer = fresh_aws.client("sts").assume_role(RoleArn=made["resource"]["arn"], RoleSessionName="test")
    keys = answer["Credentials"]
    return fresh_aws.client(
        "s3",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def test_dumps_are_written_listed_and_read_back(host: Any) -> None:
    key = "laravel/2026-11-24T031005Z.sql.gz"
    host.put_object(Bucket=DUMPS, Key=key, Body=b"dump")
    listed = host.list_objects_v2(Bucket=DUMPS, Prefix="laravel/")["Contents"]
    assert [item["Key"] for item in listed] == [key]
    assert host.head_object(Bucket=DUMPS, Key=key)["ContentLength"] == 4
    assert host.get_object(Bucket=DUMPS, Key=key)["Body"].read() == b"dump"


def test_a_large_dump_is_written_in_parts_and_given_up(host: Any) -> None:
    upload = host.create_multipart_upload(Bucket=DUMPS, Key="laravel/a")["UploadId"]
    host.upload_part(Bucket=DUMPS, Key="laravel/a", UploadId=upload, PartNumber=1, Body=b"x")
    host.abort_multipart_upload(Bucket=DUMPS, Key="laravel/a", UploadId=upload)


@pytest.mark.parametrize("prefix", [{}, {"Prefix": ""}, {"Prefix": "other/"}, {"Prefix": "laravel"}])
def test_no_other_dumps_are_listed(host: Any, prefix: dict[str, str]) -> None:
    with refused():
        host.list_objects_v2(Bucket=DUMPS, **prefix)


def test_no_dump_is_deleted(host: Any) -> None:
    host.put_object(Bucket=DUMPS, Key="laravel/a", Body=b"dump")
    with refused():
        host.delete_object(Bucket=DUMPS, Key="laravel/a")


def test_documents_are_got_and_put_and_no_more(host: Any) -> None:
    host.put_object(Bucket=DOCUMENTS, Key="receipts/1.pdf", Body=b"receipt")
    assert host.get_object(Bucket=DOCUMENTS, Key="receipts/1.pdf")["Body"].read() == b"receipt"
    with refused():
        host.put_object(Bucket=DOCUMENTS, Key="other/1.pdf", Body=b"x")
    with refused():
        host.delete_object(Bucket=DOCUMENTS, Key="receipts/1.pdf")
    with refused():
        host.list_objects_v2(Bucket=DOCUMENTS, Prefix="receipts/")


OPEN = {
    "block_public_acls": True,
    "ignore_public_acls": True,
    "block_public_policy": False,
    "restrict_public_buckets": False,
}
SITES: dict[str, dict[str, Any]] = {
    "cloudfront": {"name": "academia-sandbox-site-123456789012", "tls_only": True},
    "website": {"name": "academia.test", "public_access_block": OPEN},
}
# As the sandbox's edge says whom it asks for: CloudFront, or a visitor.
VISITORS = {
    "cloudfront": {
        "X-Andamio-Principal": "cloudfront.amazonaws.com",
        "X-Andamio-Source-Arn": DISTRIBUTION,
    },
    "website": {},
}


@pytest.mark.parametrize("delivery", ["cloudfront", "website"])
def test_visitors_read_the_site_and_not_the_record_of_uploads(
    fresh_aws: Aws, tmp_path: Path, delivery: str
) -> None:
    def status(key: str, headers: dict[str, str]) -> int:
        request = urllib.request.Request(f"{fresh_aws.endpoint}/{bucket['name']}/{key}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    bucket = SITES[delivery]
    run_module("s3_bucket", **bucket, policy=site_policy(delivery))
    (tmp_path / "index.html").write_text("hi")
    # Twice, as every run does: the account itself reads its record.
    for changed in (True, False):
        result = run_module("s3_site_sync", bucket=bucket["name"], path=str(tmp_path))
        assert result["changed"] is changed
    visitor = VISITORS[delivery]
    assert status("index.html", visitor) == 200
    assert status(".andamio/site.json", visitor) == 403
    assert status(".andamio/site.json", {}) == 403
    record = fresh_aws.client("s3").get_object(Bucket=bucket["name"], Key=".andamio/site.json")
    assert b"index.html" in record["Body"].read()
