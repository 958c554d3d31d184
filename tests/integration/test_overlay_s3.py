"""Buckets: AWS's defaults, settings that come back as they were given, CORS, many keys."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .conftest import Aws

BUCKET = "academia-sandbox-documents-123456789012"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.fixture
def s3(fresh_aws: Aws) -> Any:
    client = fresh_aws.client("s3", config=Config(signature_version="s3v4"))
    client.create_bucket(Bucket=BUCKET)
    return client


def test_a_new_bucket_is_as_aws_makes_it(s3: Any) -> None:
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert block == dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    rules = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert rule["BucketKeyEnabled"] is False
    assert "Status" not in s3.get_bucket_versioning(Bucket=BUCKET)


def test_buckets_are_listed_with_their_region_where_anything_is_asked_for(s3: Any) -> None:
    for name in ("academia-b", "other"):
        s3.create_bucket(Bucket=name)
    far = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="academia-a", CreateBucketConfiguration=far)
    names = ["academia-a", "academia-b", BUCKET, "other"]
    listed = s3.list_buckets()["Buckets"]
    assert [(bucket["Name"], bucket.get("BucketRegion")) for bucket in listed] == [
        (name, None) for name in names
    ]
    pages = s3.get_paginator("list_buckets").paginate(Prefix="academia", PaginationConfig={"PageSize": 2})
    found = [(item["Name"], item["BucketRegion"]) for page in pages for item in page["Buckets"]]
    regions = ("eu-west-1", "us-east-1", "us-east-1")
    assert found == list(zip(names[:3], regions, strict=True))
    (only,) = s3.list_buckets(BucketRegion="eu-west-1")["Buckets"]
    assert only["Name"] == "academia-a"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("get_bucket_policy", "NoSuchBucketPolicy"),
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_tagging", "NoSuchTagSet"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
    ],
)
def test_what_a_new_bucket_has_not(s3: Any, call: str, code: str) -> None:
    with pytest.raises(ClientError) as error:
        getattr(s3, call)(Bucket=BUCKET)
    assert code_of(error) == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(ClientError) as error:
        getattr(s3, call)(Bucket="no-such-bucket")
    assert code_of(error) == "NoSuchBucket"


LIFECYCLE = {
    "Rules": [
        {
            "ID": "noncurrent",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 3},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "ID": "cold",
            "Status": "Enabled",
            "Filter": {
                "And": {
                    "Prefix": "receipts/",
                    "ObjectSizeGreaterThan": 131072,
                    "Tags": [{"Key": "a", "Value": "b"}],
                }
            },
            "Transitions": [{"Days": 90, "StorageClass": "STANDARD_IA"}],
            "Expiration": {"Days": 3650},
        },
    ]
}
CORS = {
    "CORSRules": [
        {
            "AllowedHeaders": ["content-type"],
            "AllowedMethods": ["PUT", "GET"],
            "AllowedOrigins": ["https://academia.test"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3000,
        }
    ]
}
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "index.html"}}
ENCRYPTION = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": "alias/academia",
            },
            "BucketKeyEnabled": True,
        }
    ]
}
TAGGING = {"TagSet": [{"Key": "Project", "Value": "academia"}, {"Key": "Phase", "Value": "1"}]}
BLOCK = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}


@pytest.mark.parametrize(
    ("call", "argument", "value", "answer"),
    [
        (
            "bucket_lifecycle_configuration",
            "LifecycleConfiguration",
            LIFECYCLE,
            LIFECYCLE,
        ),
        ("bucket_cors", "CORSConfiguration", CORS, CORS),
        ("bucket_website", "WebsiteConfiguration", WEBSITE, WEBSITE),
        (
            "bucket_encryption",
            "ServerSideEncryptionConfiguration",
            ENCRYPTION,
            {"ServerSideEncryptionConfiguration": ENCRYPTION},
        ),
        ("bucket_tagging", "Tagging", TAGGING, TAGGING),
        (
            "public_access_block",
            "PublicAccessBlockConfiguration",
            BLOCK,
            {"PublicAccessBlockConfiguration": BLOCK},
        ),
        (
            "bucket_versioning",
            "VersioningConfiguration",
            {"Status": "Enabled"},
            {"Status": "Enabled"},
        ),
        (
            "bucket_ownership_controls",
            "OwnershipControls",
            {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
            {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}},
        ),
    ],
)
def test_settings_come_back(s3: Any, call: str, argument: str, value: Any, answer: Any) -> None:
    getattr(s3, f"put_{call}")(Bucket=BUCKET, **{argument: value})
    found = getattr(s3, f"get_{call}")(Bucket=BUCKET)
    for noise in ("ResponseMetadata", "TransitionDefaultMinimumObjectSize"):
        found.pop(noise, None)
    assert found == answer


def test_settings_that_are_deleted(s3: Any) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=LIFECYCLE)
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration=CORS)
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=ENCRYPTION)
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    s3.delete_bucket_cors(Bucket=BUCKET)
    s3.delete_bucket_encryption(Bucket=BUCKET)
    for call in ("get_bucket_lifecycle_configuration", "get_bucket_cors"):
        with pytest.raises(ClientError):
            getattr(s3, call)(Bucket=BUCKET)
    # No bucket is without encryption: it falls back to S3's own keys.
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    s3.delete_bucket(Bucket=BUCKET)
    s3.create_bucket(Bucket=BUCKET)
    with pytest.raises(ClientError):
        s3.get_bucket_cors(Bucket=BUCKET)


def test_a_policy_comes_back_and_is_checked(s3: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == policy
    assert s3.get_bucket_policy_status(Bucket=BUCKET)["PolicyStatus"] == {"IsPublic": False}
    for wrong in ({"Resource": "arn:aws:s3:::other/*"}, {"Principal": "*"}):
        text = json.dumps({**policy, "Statement": [{**statement, **wrong}]})
        with pytest.raises(ClientError) as error:
            s3.put_bucket_policy(Bucket=BUCKET, Policy=text)
        assert code_of(error) in ("MalformedPolicy", "AccessDenied")


def test_acls_are_off(s3: Any) -> None:
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=BUCKET, Key="a", Body=b"", ACL="public-read")
    assert code_of(error) == "AccessControlListNotSupported"


def test_lists_come_by_the_thousand(s3: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: s3.put_object(Bucket=BUCKET, Key=f"assets/{n:04}", Body=b"x"), range(1001)))
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="assets/"))
    assert [page["KeyCount"] for page in pages] == [1000, 1]
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    assert keys == [f"assets/{number:04}" for number in range(1001)]


def test_multipart_and_metadata(s3: Any) -> None:
    half = b"x" * 5 * 1024 * 1024
    upload = s3.create_multipart_upload(
        Bucket=BUCKET, Key="big", ContentType="video/mp4", CacheControl="no-cache", Metadata={"sha256": "abc"}
    )["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=BUCKET, Key="big", UploadId=upload, PartNumber=number, Body=half)[
                "ETag"
            ],
        }
        for number in (1, 2)
    ]
    s3.complete_multipart_upload(Bucket=BUCKET, Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    found = s3.head_object(Bucket=BUCKET, Key="big")
    assert (found["ContentLength"], found["ContentType"]) == (2 * len(half), "video/mp4")
    assert (found["CacheControl"], found["Metadata"]) == ("no-cache", {"sha256": "abc"})
    assert found["ETag"].endswith('-2"')
    assert s3.get_object(Bucket=BUCKET, Key="big", Range="bytes=0-9")["Body"].read() == b"x" * 10


def browser(url: str, method: str, **headers: str) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(
        url,
        method=method,
        data=b"scan" if method == "PUT" else None,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers)


def test_a_browser_uploads_from_the_site_alone(s3: Any) -> None:
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration=CORS)
    url = s3.generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": "receipts/1", "ContentType": "application/pdf"}
    )
    ask = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "content-type"}
    status, headers = browser(url, "OPTIONS", Origin="https://academia.test", **ask)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "https://academia.test"
    assert headers["Access-Control-Allow-Headers"] == "content-type"
    assert browser(url, "OPTIONS", Origin="https://evil.test", **ask)[0] == 403
    status, headers = browser(url, "PUT", Origin="https://academia.test", Content_Type="application/pdf")
    assert (status, headers["Access-Control-Expose-Headers"]) == (200, "ETag")
    assert s3.head_object(Bucket=BUCKET, Key="receipts/1")["ContentType"] == "application/pdf"
    status, headers = browser(url, "PUT", Origin="https://evil.test", Content_Type="application/pdf")
    assert "Access-Control-Allow-Origin" not in headers
