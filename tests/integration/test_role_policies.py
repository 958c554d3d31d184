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

from tests.unit.roles.test_policies import (
    DISTRIBUTION,
    app_policies,
    documents_policy,
    dumps_bucket_policy,
    host_policies,
    site_policy,
)

from .conftest import Aws
from .modules import run_module

DOCUMENTS = "academia-sandbox-documents-123456789012"
DUMPS = "academia-sandbox-dumps-123456789012"


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] in {"AccessDenied", "403"}


KEY = "laravel/2026-11-24T031005Z.sql.gz"
KEPT = f"kept/{KEY}"
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def make_buckets(aws: Aws) -> None:
    run_module("s3_bucket", name=DOCUMENTS, versioning="enabled")
    run_module("s3_bucket", name=DUMPS, versioning="enabled", policy=dumps_bucket_policy())
    for key in (KEY, KEPT):
        aws.client("s3").put_object(Bucket=DUMPS, Key=key, Body=b"old")


def client_of(aws: Aws, role: str, **policies: Any) -> Any:
    """The S3 client of who has these policies, by the role's name."""
    made = run_module("instance_role", name=role, policies=policies)
    keys = aws.client("sts").assume_role(RoleArn=made["resource"]["arn"], RoleSessionName="test")[
        "Credentials"
    ]
    return aws.client(
        "s3",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


@pytest.fixture
def host(fresh_aws: Aws) -> Any:
    """The S3 client of a host that has the role's policies; its buckets are there."""
    make_buckets(fresh_aws)
    return client_of(fresh_aws, "academia-sandbox-host", **host_policies())


@pytest.fixture
def app(fresh_aws: Aws) -> Any:
    """The S3 client of the application."""
    make_buckets(fresh_aws)
    policies = app_policies(ec2_host_documents_policy=documents_policy())
    return client_of(fresh_aws, "academia-sandbox-app", **policies)


def test_dumps_are_written_and_listed(host: Any) -> None:
    new = "laravel/2026-11-25T031005Z.sql.gz"
    host.put_object(Bucket=DUMPS, Key=new, Body=b"dump")
    listed = host.list_objects_v2(Bucket=DUMPS, Prefix="laravel/")["Contents"]
    assert [item["Key"] for item in listed] == [KEY, new]


def test_a_large_dump_is_written_in_parts_and_given_up(host: Any) -> None:
    upload = host.create_multipart_upload(Bucket=DUMPS, Key="laravel/a")["UploadId"]
    host.upload_part(Bucket=DUMPS, Key="laravel/a", UploadId=upload, PartNumber=1, Body=b"x")
    host.abort_multipart_upload(Bucket=DUMPS, Key="laravel/a", UploadId=upload)


@pytest.mark.parametrize("prefix", [{}, {"Prefix": ""}, {"Prefix": "other/"}, {"Prefix": "laravel"}])
def test_no_other_dumps_are_listed(host: Any, prefix: dict[str, str]) -> None:
    with refused():
        host.list_objects_v2(Bucket=DUMPS, **prefix)


# What a taken-over host might try with old dumps.
TRIED: dict[str, tuple[str, dict[str, Any]]] = {
    "read": ("get_object", {"Key": KEY}),
    "look at": ("head_object", {"Key": KEY}),
    "read a kept one": ("get_object", {"Key": KEPT}),
    "copy": ("copy_object", {"Key": "laravel/copy", "CopySource": f"{DUMPS}/{KEY}"}),
    "delete": ("delete_object", {"Key": KEY}),
    "delete many": ("delete_objects", {"Delete": {"Objects": [{"Key": KEY}]}}),
    "delete a kept one": ("delete_object", {"Key": KEPT}),
    "overwrite a kept one": ("put_object", {"Key": KEPT, "Body": b"x"}),
    "put elsewhere": ("put_object", {"Key": "other", "Body": b"x"}),
    "stop the versions": ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Suspended"}}),
    "let all expire": (
        "put_bucket_lifecycle_configuration",
        {
            "LifecycleConfiguration": {
                "Rules": [{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]
            }
        },
    ),
    "let anybody": ("delete_bucket_policy", {}),
    "list the versions": ("list_object_versions", {}),
}


@pytest.mark.parametrize("done", TRIED)
def test_no_dump_is_read_or_made_away_with(host: Any, fresh_aws: Aws, done: str) -> None:
    call, arguments = TRIED[done]
    with refused():
        getattr(host, call)(Bucket=DUMPS, **arguments)
    version = fresh_aws.client("s3").list_object_versions(Bucket=DUMPS, Prefix=KEY)["Versions"][0][
        "VersionId"
    ]
    for call in (host.delete_object, host.get_object):
        with refused():
            call(Bucket=DUMPS, Key=KEY, VersionId=version)


@pytest.mark.parametrize("done", TRIED)
def test_the_bucket_itself_says_so_whatever_the_host_may(fresh_aws: Aws, done: str) -> None:
    make_buckets(fresh_aws)
    host = client_of(fresh_aws, "academia-sandbox-host", anything=ANYTHING)
    call, arguments = TRIED[done]
    with refused():
        getattr(host, call)(Bucket=DUMPS, **arguments)


def test_an_overwritten_dump_is_still_there(host: Any, fresh_aws: Aws) -> None:
    host.put_object(Bucket=DUMPS, Key=KEY, Body=b"nothing")
    owner = fresh_aws.client("s3")
    versions = owner.list_object_versions(Bucket=DUMPS, Prefix=KEY)["Versions"]
    bodies = [
        owner.get_object(Bucket=DUMPS, Key=KEY, VersionId=item["VersionId"])["Body"].read()
        for item in versions
    ]
    assert sorted(bodies) == [b"nothing", b"old"]


def test_the_host_has_no_documents(host: Any) -> None:
    with refused():
        host.put_object(Bucket=DOCUMENTS, Key="receipts/1.pdf", Body=b"receipt")
    with refused():
        host.get_object(Bucket=DOCUMENTS, Key="receipts/1.pdf")


def test_the_application_gets_and_puts_documents_and_no_more(app: Any) -> None:
    app.put_object(Bucket=DOCUMENTS, Key="receipts/1.pdf", Body=b"receipt")
    assert app.get_object(Bucket=DOCUMENTS, Key="receipts/1.pdf")["Body"].read() == b"receipt"
    with refused():
        app.put_object(Bucket=DOCUMENTS, Key="other/1.pdf", Body=b"x")
    with refused():
        app.delete_object(Bucket=DOCUMENTS, Key="receipts/1.pdf")
    with refused():
        app.list_objects_v2(Bucket=DOCUMENTS, Prefix="receipts/")


def test_the_application_has_no_dumps(app: Any) -> None:
    with refused():
        app.get_object(Bucket=DUMPS, Key=KEY)
    with refused():
        app.put_object(Bucket=DUMPS, Key="laravel/new", Body=b"x")
    with refused():
        app.list_objects_v2(Bucket=DUMPS, Prefix="laravel/")


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
