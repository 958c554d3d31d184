"""A bucket: what the arguments ask for, what S3's answers say, and the plan between the two."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _s3_bucket as s3
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Change, Refused, Wait

BLOCK_ALL = {
    "block_public_acls": True,
    "ignore_public_acls": True,
    "block_public_policy": True,
    "restrict_public_buckets": True,
}
PARAMS: dict[str, Any] = {
    "name": "things",
    "versioning": None,
    "kms_key_id": None,
    "public_access_block": BLOCK_ALL,
    "ownership": "BucketOwnerEnforced",
    "policy": None,
    "tls_only": False,
    "lifecycle_rules": None,
    "cors_rules": None,
    "website": None,
    "tags": None,
}
NOTHING: dict[str, Any] = dict.fromkeys(
    [
        "get_bucket_versioning",
        "get_bucket_encryption",
        "get_public_access_block",
        "get_bucket_ownership_controls",
        "get_bucket_policy",
        "get_bucket_lifecycle_configuration",
        "get_bucket_cors",
        "get_bucket_website",
        "get_bucket_tagging",
    ]
)
PASSES = ("NoSuchBucket", "OperationAborted")


def goal(region: str = "us-east-1", **params: Any) -> dict[str, Any]:
    wanted = s3.desired(PARAMS | params, region)
    return {key: value for key, value in wanted.items() if value is not None}


def found(**answers: Any) -> dict[str, Any]:
    """A bucket as the defaults ask for, with more answers of S3."""
    defaults = {
        "get_bucket_encryption": {
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            }
        },
        "get_public_access_block": {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            }
        },
        "get_bucket_ownership_controls": {
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        },
    }
    return s3.normalise("things", "us-east-1", NOTHING | defaults | answers)


DEFAULTS = [
    Change(
        "s3.put_public_access_block",
        {
            "Bucket": "things",
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        },
        retry=PASSES,
    ),
    Change(
        "s3.put_bucket_ownership_controls",
        {"Bucket": "things", "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        retry=PASSES,
    ),
    Change(
        "s3.put_bucket_encryption",
        {
            "Bucket": "things",
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        },
        retry=PASSES,
    ),
]


def test_plan_from_nothing() -> None:
    create = Change(
        "s3.create_bucket",
        {"Bucket": "things", "ObjectOwnership": "BucketOwnerEnforced"},
        wait=Wait("s3.head_bucket", {"Bucket": "things"}, timeout=120, every=1),
        retry=("OperationAborted",),
    )
    assert s3.plan(None, goal()) == [create, *DEFAULTS]


def test_only_other_regions_are_named() -> None:
    assert s3.plan(None, goal("sa-east-1"))[0].arguments == {
        "Bucket": "things",
        "ObjectOwnership": "BucketOwnerEnforced",
        "CreateBucketConfiguration": {"LocationConstraint": "sa-east-1"},
    }


def test_as_it_should_be() -> None:
    assert s3.plan(found(), goal()) == []


def test_what_is_not_asked_for_is_left() -> None:
    current = found(
        get_bucket_versioning={"Status": "Enabled"},
        get_bucket_policy={"Policy": '{"Statement": [{"Effect": "Deny"}]}'},
        get_bucket_website={"IndexDocument": {"Suffix": "index.html"}},
        get_bucket_tagging={"TagSet": [{"Key": "a", "Value": "1"}]},
    )
    assert s3.plan(current, goal()) == []


@pytest.mark.parametrize(
    ("params", "call", "arguments"),
    [
        (
            {"versioning": "enabled"},
            "put_bucket_versioning",
            {"VersioningConfiguration": {"Status": "Enabled"}},
        ),
        (
            {"tags": {"b": 2, "a": "1"}},
            "put_bucket_tagging",
            {"Tagging": {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}},
        ),
        (
            {"kms_key_id": "arn:aws:kms:us-east-1:123456789012:key/1"},
            "put_bucket_encryption",
            {
                "ServerSideEncryptionConfiguration": {
                    "Rules": [
                        {
                            "ApplyServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": "arn:aws:kms:us-east-1:123456789012:key/1",
                            },
                            "BucketKeyEnabled": True,
                        }
                    ]
                }
            },
        ),
        (
            {
                "cors_rules": [
                    {"allowed_origins": ["https://b", "https://a"], "allowed_methods": ["PUT", "GET"]}
                ]
            },
            "put_bucket_cors",
            {
                "CORSConfiguration": {
                    "CORSRules": [
                        {"AllowedOrigins": ["https://a", "https://b"], "AllowedMethods": ["GET", "PUT"]}
                    ]
                }
            },
        ),
        (
            {"website": {"index_document": "index.html", "error_document": None, "redirect_all_to": None}},
            "put_bucket_website",
            {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}},
        ),
        (
            {"website": {"index_document": None, "error_document": None, "redirect_all_to": "x.test"}},
            "put_bucket_website",
            {"WebsiteConfiguration": {"RedirectAllRequestsTo": {"HostName": "x.test"}}},
        ),
    ],
)
def test_plan_of_one_setting(params: dict[str, Any], call: str, arguments: dict[str, Any]) -> None:
    assert s3.plan(found(), goal(**params)) == [
        Change(f"s3.{call}", {"Bucket": "things"} | arguments, retry=PASSES)
    ]


RULES = [
    {
        "id": "old",
        "enabled": True,
        "prefix": "",
        "expire_days": None,
        "expire_delete_markers": True,
        "noncurrent_expire_days": 90,
        "abort_uploads_days": 7,
        "transitions": [
            {"days": 60, "storage_class": "GLACIER"},
            {"days": 30, "storage_class": "STANDARD_IA"},
        ],
    },
    {
        "id": "dumps",
        "enabled": False,
        "prefix": "dumps/",
        "expire_days": 30,
        "expire_delete_markers": False,
        "noncurrent_expire_days": None,
        "abort_uploads_days": None,
        "transitions": None,
    },
]
AWS_RULES = [
    {"ID": "dumps", "Status": "Disabled", "Filter": {"Prefix": "dumps/"}, "Expiration": {"Days": 30}},
    {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        "Transitions": [
            {"Days": 30, "StorageClass": "STANDARD_IA"},
            {"Days": 60, "StorageClass": "GLACIER"},
        ],
    },
]


def test_lifecycle_there_and_back() -> None:
    (change,) = s3.plan(found(), goal(lifecycle_rules=RULES))
    rules = change.arguments["LifecycleConfiguration"]["Rules"]
    assert sorted(rules, key=lambda rule: str(rule["ID"])) == AWS_RULES
    for order in (AWS_RULES, AWS_RULES[::-1]):
        current = found(get_bucket_lifecycle_configuration={"Rules": order})
        assert s3.plan(current, goal(lifecycle_rules=RULES)) == []


@pytest.mark.parametrize(
    "more",
    [
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 2}},
        {"Filter": {"And": {"Prefix": "", "Tags": []}}},
        {"Filter": {"Prefix": "", "ObjectSizeGreaterThan": 1}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True, "Date": "2027-01-01"}},
        {"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}]},
        {"Status": "Disabled"},
    ],
)
def test_a_lifecycle_rule_that_says_more_is_drift(more: dict[str, Any]) -> None:
    current = found(get_bucket_lifecycle_configuration={"Rules": [AWS_RULES[0], AWS_RULES[1] | more]})
    (change,) = s3.plan(current, goal(lifecycle_rules=RULES))
    assert change.call == "s3.put_bucket_lifecycle_configuration"


@pytest.mark.parametrize(
    ("params", "answers", "call"),
    [
        ({"policy": {}}, {"get_bucket_policy": {"Policy": '{"Statement": [{"Effect": "Deny"}]}'}}, "policy"),
        ({"tags": {}}, {"get_bucket_tagging": {"TagSet": [{"Key": "a", "Value": "1"}]}}, "tagging"),
        ({"cors_rules": []}, {"get_bucket_cors": {"CORSRules": [{"AllowedMethods": ["GET"]}]}}, "cors"),
        ({"lifecycle_rules": []}, {"get_bucket_lifecycle_configuration": {"Rules": AWS_RULES}}, "lifecycle"),
        ({"website": {}}, {"get_bucket_website": {"IndexDocument": {"Suffix": "i"}}}, "website"),
    ],
)
def test_empty_removes(params: dict[str, Any], answers: dict[str, Any], call: str) -> None:
    removal = Change(f"s3.delete_bucket_{call}", {"Bucket": "things"}, retry=PASSES)
    assert s3.plan(found(**answers), goal(**params)) == [removal]
    assert s3.plan(found(), goal(**params)) == []


def test_never_versioned_is_as_good_as_suspended() -> None:
    assert s3.plan(found(), goal(versioning="suspended")) == []
    (change,) = s3.plan(found(get_bucket_versioning={"Status": "Enabled"}), goal(versioning="suspended"))
    assert change.arguments["VersioningConfiguration"] == {"Status": "Suspended"}


def test_tls_only_is_added_to_the_policy() -> None:
    allow = {"Sid": "Allow", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "r"}
    (change,) = s3.plan(found(), goal(tls_only=True, policy={"Version": "2012-10-17", "Statement": allow}))
    sent = json.loads(change.arguments["Policy"])
    assert {statement["Sid"] for statement in sent["Statement"]} == {"Allow", "DenyInsecureTransport"}
    assert {
        "Sid": "DenyInsecureTransport",
        "Action": ["s3:*"],
        "Condition": {"Bool": {"aws:SecureTransport": ["false"]}},
        "Effect": "Deny",
        "Principal": "*",
        "Resource": ["arn:aws:s3:::things", "arn:aws:s3:::things/*"],
    } in sent["Statement"]
    current = found(get_bucket_policy={"Policy": change.arguments["Policy"]})
    assert s3.plan(current, goal(tls_only=True, policy={"Version": "2012-10-17", "Statement": [allow]})) == []


def test_a_public_policy_comes_after_the_block_that_would_refuse_it() -> None:
    open_block = BLOCK_ALL | {"block_public_policy": False}
    calls = [
        change.call
        for change in s3.plan(
            found(), goal(public_access_block=open_block, policy={"Statement": [{"Effect": "Allow"}]})
        )
    ]
    assert calls == ["s3.put_public_access_block", "s3.put_bucket_policy"]


def test_a_bucket_cannot_move() -> None:
    with pytest.raises(Refused, match="it is in us-east-1"):
        s3.plan(found(), goal("eu-west-1"))


def test_deletion() -> None:
    delete = Change("s3.delete_bucket", {"Bucket": "things"}, retry=("BucketNotEmpty", "OperationAborted"))
    versions = [{"Key": str(number), "VersionId": "v"} for number in range(1001)]
    assert s3.plan(None, None) == []
    assert s3.plan(found() | {"_objects": []}, None) == [delete]
    with pytest.raises(Refused, match="isn't empty"):
        s3.plan(found() | {"_objects": versions[:1]}, None)
    assert s3.plan(found() | {"_objects": versions}, None, force=True) == [
        Change(
            "s3.delete_objects",
            {"Bucket": "things", "Delete": {"Objects": versions[:1000], "Quiet": True}},
        ),
        Change(
            "s3.delete_objects",
            {"Bucket": "things", "Delete": {"Objects": versions[1000:], "Quiet": True}},
        ),
        delete,
    ]


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_an_arn_names_the_partition(region: str, partition: str) -> None:
    assert s3.predicted("things", region)["arn"] == f"arn:{partition}:s3:::things"


@pytest.mark.parametrize("name", ["abc", "a.b-c", "academia.test", "0" * 63])
def test_names_that_can_be(name: str) -> None:
    s3.check_name(name)


@pytest.mark.parametrize("name", ["ab", "0" * 64, "A-b", "a_b", "-ab", "ab-", "10.0.0.1", "a..b"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(Refused):
        s3.check_name(name)


def test_what_nobody_has_an_opinion_on_is_not_asked() -> None:
    none = dict.fromkeys(("versioning", "policy", "lifecycle_rules", "cors_rules", "website"))
    params = {**none, "state": "present", "tls_only": False}
    assert set(s3.unasked(params).values()) == set(none)
    assert "policy" not in s3.unasked(params | {"tls_only": True}).values()
    assert "cors_rules" not in s3.unasked(params | {"cors_rules": []}).values()
    assert s3.unasked(params | {"state": "absent"}) == {}
