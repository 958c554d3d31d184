"""andamio.laravel_aws.s3_bucket against the sandbox's AWS API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from .conftest import Aws
from .modules import applied_as_planned, run_module

NAME = "academia-sandbox-documents-123456789012"
READ_ALL = {"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
DOCUMENTS: dict[str, Any] = {
    "name": NAME,
    "versioning": "enabled",
    "tls_only": True,
    "lifecycle_rules": [
        {
            "id": "former-versions",
            "noncurrent_expire_days": 90,
            "abort_uploads_days": 7,
        },
        {
            "id": "colder",
            "prefix": "invoices/",
            "transitions": [{"days": 180, "storage_class": "GLACIER_IR"}],
        },
    ],
    "cors_rules": [
        {
            "allowed_origins": ["https://academia.test"],
            "allowed_methods": ["PUT", "GET"],
            "allowed_headers": ["*"],
            "expose_headers": ["ETag"],
            "max_age_seconds": 3600,
        }
    ],
    "website": {"index_document": "index.html", "error_document": "404.html"},
    "tags": {"Project": "academia", "Environment": "sandbox"},
}


def test_from_nothing_as_planned(fresh_aws: Aws) -> None:
    done = applied_as_planned("s3_bucket", **DOCUMENTS)
    assert done["calls"] == [
        "s3.create_bucket",
        "s3.put_public_access_block",
        "s3.put_bucket_ownership_controls",
        "s3.put_bucket_encryption",
        "s3.put_bucket_versioning",
        "s3.put_bucket_tagging",
        "s3.put_bucket_policy",
        "s3.put_bucket_lifecycle_configuration",
        "s3.put_bucket_cors",
        "s3.put_bucket_website",
    ]
    assert done["resource"]["arn"] == f"arn:aws:s3:::{NAME}"
    s3 = fresh_aws.client("s3")
    assert s3.get_bucket_versioning(Bucket=NAME)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"].values()) == {True}
    statement = json.loads(s3.get_bucket_policy(Bucket=NAME)["Policy"])["Statement"][0]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": ["false"]}}


def test_a_plan_from_nothing_knows_what_can_be_known(fresh_aws: Aws) -> None:
    plan = run_module("s3_bucket", check=True, name=NAME)
    assert plan["resource"]["arn"] == f"arn:aws:s3:::{NAME}"
    assert plan["resource"]["domain_name"] == f"{NAME}.s3.us-east-1.amazonaws.com"
    assert fresh_aws.client("s3").list_buckets()["Buckets"] == []


def test_another_region(fresh_aws: Aws) -> None:
    done = applied_as_planned("s3_bucket", name=NAME, region="eu-west-1")
    assert done["resource"]["region"] == "eu-west-1"
    wrong = run_module("s3_bucket", fails=True, name=NAME, region="us-east-1")
    assert "it is in eu-west-1, and a bucket can't be moved" in wrong["msg"]


DRIFT: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "versioning": (
        "put_bucket_versioning",
        {"VersioningConfiguration": {"Status": "Suspended"}},
        ["s3.put_bucket_versioning"],
    ),
    "encryption": (
        "put_bucket_encryption",
        {
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            }
        },
        ["s3.put_bucket_encryption"],
    ),
    "public_access_block": ("delete_public_access_block", {}, ["s3.put_public_access_block"]),
    "ownership": (
        "put_bucket_ownership_controls",
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
        ["s3.put_bucket_ownership_controls"],
    ),
    "policy": ("delete_bucket_policy", {}, ["s3.put_bucket_policy"]),
    "lifecycle_rules": (
        "put_bucket_lifecycle_configuration",
        {
            "LifecycleConfiguration": {
                "Rules": [
                    {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
                ]
            }
        },
        ["s3.put_bucket_lifecycle_configuration"],
    ),
    "cors_rules": (
        "put_bucket_cors",
        {"CORSConfiguration": {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}},
        ["s3.put_bucket_cors"],
    ),
    "website": ("delete_bucket_website", {}, ["s3.put_bucket_website"]),
    "tags": (
        "put_bucket_tagging",
        {"Tagging": {"TagSet": [{"Key": "Stray", "Value": "1"}]}},
        ["s3.put_bucket_tagging"],
    ),
}


@pytest.mark.parametrize("setting", DRIFT)
def test_drift_is_shown_and_repaired(fresh_aws: Aws, setting: str) -> None:
    before = run_module("s3_bucket", **DOCUMENTS)["resource"]
    call, arguments, repair = DRIFT[setting]
    getattr(fresh_aws.client("s3"), call)(Bucket=NAME, **arguments)
    done = applied_as_planned("s3_bucket", **DOCUMENTS)
    assert done["calls"] == repair
    assert done["resource"] == before
    changed = [key for key, value in done["diff"]["after"].items() if done["diff"]["before"][key] != value]
    assert changed == [setting]


def test_settings_that_are_not_asked_for_are_left(fresh_aws: Aws) -> None:
    run_module("s3_bucket", **DOCUMENTS)
    result = run_module("s3_bucket", name=NAME)
    assert result["changed"] is False
    assert {"policy", "website", "tags", "versioning"}.isdisjoint(result["diff"]["before"])


def test_empty_settings_remove(fresh_aws: Aws) -> None:
    run_module("s3_bucket", **DOCUMENTS)
    done = applied_as_planned(
        "s3_bucket", name=NAME, policy={}, lifecycle_rules=[], cors_rules=[], website={}, tags={}
    )
    assert done["calls"] == [
        "s3.delete_bucket_tagging",
        "s3.delete_bucket_policy",
        "s3.delete_bucket_lifecycle",
        "s3.delete_bucket_cors",
        "s3.delete_bucket_website",
    ]


def test_tags_of_others_stay_without_purge(fresh_aws: Aws) -> None:
    run_module("s3_bucket", name=NAME, tags={"Theirs": "1"})
    done = applied_as_planned("s3_bucket", name=NAME, tags={"Ours": "2"}, purge_tags=False)
    assert done["resource"]["tags"] == {"Theirs": "1", "Ours": "2"}


def test_a_policy_is_compared_by_meaning(fresh_aws: Aws) -> None:
    public = {
        "name": NAME,
        "public_access_block": {"block_public_policy": False, "restrict_public_buckets": False},
    }
    statement = READ_ALL | {"Resource": f"arn:aws:s3:::{NAME}/*"}
    applied_as_planned("s3_bucket", **public, policy={"Version": "2012-10-17", "Statement": [statement]})
    same = statement | {"Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{NAME}/*"]}
    again = run_module("s3_bucket", **public, policy={"Version": "2012-10-17", "Statement": same})
    assert again["changed"] is False


def test_a_kms_key(fresh_aws: Aws) -> None:
    key = fresh_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    applied_as_planned("s3_bucket", name=NAME, kms_key_id=key)
    rule = fresh_aws.client("s3").get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"][
        "Rules"
    ][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert rule["BucketKeyEnabled"] is True


def test_a_redirecting_website(fresh_aws: Aws) -> None:
    applied_as_planned("s3_bucket", name="www.academia.test", website={"redirect_all_to": "academia.test"})


def test_deletion(fresh_aws: Aws) -> None:
    run_module("s3_bucket", name=NAME, versioning="enabled")
    s3 = fresh_aws.client("s3")
    s3.put_object(Bucket=NAME, Key="a", Body=b"1")
    s3.put_object(Bucket=NAME, Key="a", Body=b"2")
    s3.delete_object(Bucket=NAME, Key="a")
    for check in (True, False):
        refused = run_module("s3_bucket", check=check, fails=True, name=NAME, state="absent")
        assert "it isn't empty. Set force" in refused["msg"]
    done = applied_as_planned("s3_bucket", name=NAME, state="absent", force=True)
    assert done["calls"] == ["s3.delete_objects", "s3.delete_bucket"]
    assert done["resource"] == {}
    assert s3.list_buckets()["Buckets"] == []


@pytest.fixture
def plain_moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A moto without the overlay, which serves several accounts."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    yield f"http://127.0.0.1:{port}"
    server.stop()


def test_someone_elses_bucket_is_refused_before_any_change(aws: Aws, plain_moto: str) -> None:
    sts = boto3.client("sts", endpoint_url=plain_moto)
    role = sts.assume_role(RoleArn="arn:aws:iam::210987654321:role/other", RoleSessionName="other")
    keys = role["Credentials"]
    boto3.client(
        "s3",
        endpoint_url=plain_moto,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    ).create_bucket(Bucket=NAME)
    for check in (True, False):
        refused = run_module("s3_bucket", check=check, fails=True, name=NAME)
        assert "another AWS account has a bucket of that name" in refused["msg"]


@pytest.mark.parametrize("name", ["Documents", "a", "under_score", "192.168.1.1", "-x-y", "a..b"])
def test_a_name_that_cannot_be(aws: Aws, name: str) -> None:
    assert "can't be a bucket's name" in run_module("s3_bucket", fails=True, name=name)["msg"]


def test_arguments_that_exclude_each_other(aws: Aws) -> None:
    website = {"index_document": "index.html", "redirect_all_to": "academia.test"}
    result = run_module("s3_bucket", fails=True, name=NAME, website=website)
    assert "mutually exclusive" in result["msg"]


def test_nothing_answers(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = run_module("s3_bucket", fails=True, name=NAME)
    assert result["msg"].startswith(f"bucket {NAME}: s3.list_buckets failed.")
    assert "Nothing answers at http://127.0.0.1:9 (AWS_ENDPOINT_URL)." in result["msg"]
