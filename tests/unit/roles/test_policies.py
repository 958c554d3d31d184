"""What the roles write into policies: the statements, and a linter's word on them."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._site_plan import RECORD

from tests.unit.roles.render import DISTRIBUTIONS, evaluate

with warnings.catch_warnings(action="ignore"):  # its own code is old
    import parliament

ACCOUNT = "123456789012"
FACTS = DISTRIBUTIONS["Debian-13"]
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234"
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"
SHARED = {
    "andamio_name": "academia-sandbox",
    "andamio_account_id": ACCOUNT,
    "andamio_partition": "aws",
    "andamio_tags": {},
}


def policy_of(role: str, expression: str, **overrides: Any) -> Any:
    return evaluate(role, expression, FACTS, **SHARED, **overrides)


def documents_policy(**overrides: Any) -> Any:
    return policy_of("documents_bucket", "documents_bucket_policy", **overrides)


def host_policies(**overrides: Any) -> Any:
    return policy_of("ec2_host", "ec2_host_policies", **overrides)


def app_policies(**overrides: Any) -> Any:
    return policy_of("ec2_host", "ec2_host_app_policies", **overrides)


def dumps_bucket_policy(**overrides: Any) -> Any:
    return policy_of("dumps_bucket", "dumps_bucket_policy", **overrides)


def site_policy(delivery: str, **overrides: Any) -> Any:
    """The site's bucket policy, for the distribution DISTRIBUTION."""
    found = {"resource": {"arn": DISTRIBUTION}}
    given = {"s3_site_delivery": delivery, "__s3_site_distribution": found, **overrides}
    return policy_of("s3_site", f"__s3_site_{delivery}_policy", **given)


def findings(document: dict[str, Any]) -> list[str]:
    """What parliament says of a policy; it can't read a condition's value in a list."""
    analysed = parliament.analyze_policy_string(json.dumps(document), include_community_auditors=False)
    return [str(finding) for finding in analysed.findings]


def test_the_application_gets_and_puts_under_its_prefixes() -> None:
    bucket = "arn:aws:s3:::academia-sandbox-documents-123456789012"
    assert documents_policy() == [
        {
            "Sid": "ReadAndWriteDocuments",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": [f"{bucket}/invoices/*", f"{bucket}/payments/*", f"{bucket}/receipts/*"],
        }
    ]


def test_documents_may_have_other_prefixes_and_a_key() -> None:
    objects, key = documents_policy(
        documents_bucket_name="b", documents_bucket_prefixes=["a b/c+d/"], documents_bucket_kms_key=KEY
    )
    assert objects["Resource"] == ["arn:aws:s3:::b/a b/c+d/*"]
    assert (key["Action"], key["Resource"]) == (["kms:Decrypt", "kms:GenerateDataKey"], KEY)


def test_the_application_gets_the_documents_policy_as_it_is_and_nothing_else() -> None:
    statements = documents_policy()
    assert app_policies(ec2_host_documents_policy=statements) == {
        "documents": {"Version": "2012-10-17", "Statement": statements}
    }
    assert app_policies() == {}


def test_the_host_has_no_documents_and_may_become_the_application() -> None:
    policies = host_policies(ec2_host_documents_policy=documents_policy())
    assert sorted(policies) == ["app", "dumps", "env", "session"]
    (become,) = policies["app"]["Statement"]
    assert become["Action"] == "sts:AssumeRole"
    assert become["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/academia-sandbox-app"
    assert "app" not in host_policies(ec2_host_app_role="")


def test_the_host_writes_dumps_and_lists_its_databases_alone() -> None:
    bucket = "arn:aws:s3:::academia-sandbox-dumps-123456789012"
    objects, listing, *_denied, key = host_policies(mysql_app_database="academia")["dumps"]["Statement"]
    assert objects["Action"] == ["s3:PutObject", "s3:AbortMultipartUpload"]
    assert objects["Resource"] == f"{bucket}/academia/*"
    assert (listing["Action"], listing["Resource"]) == ("s3:ListBucket", bucket)
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "academia/*"}}
    assert (key["Action"], key["Resource"].endswith(":parameter/academia/sandbox/dumps/hmac_key")) == (
        "ssm:GetParameter",
        True,
    )
    listing = host_policies()["dumps"]["Statement"][1]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "laravel/*"}}


@pytest.mark.parametrize("key", ["", KEY])
def test_a_linter_finds_nothing_in_the_policies_of_host_and_application(key: str) -> None:
    statements = documents_policy(documents_bucket_kms_key=key)
    policies = host_policies() | app_policies(ec2_host_documents_policy=statements)
    assert {name: findings(policy) for name, policy in policies.items()} == {name: [] for name in policies}


@pytest.mark.parametrize("delivery", ["cloudfront", "website"])
def test_the_record_of_uploads_is_for_the_account_alone(delivery: str) -> None:
    allowed, denied = site_policy(delivery)["Statement"]
    assert allowed["Effect"] == "Allow"
    assert allowed["Principal"] == ("*" if delivery == "website" else {"Service": "cloudfront.amazonaws.com"})
    assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:GetObject")
    bucket = "academia.test" if delivery == "website" else "academia-sandbox-site-123456789012"
    assert denied["Resource"] == f"arn:aws:s3:::{bucket}/.andamio/*"
    assert RECORD.startswith(".andamio/")
    assert denied["Condition"] == {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}


@pytest.mark.parametrize("delivery", ["cloudfront", "website"])
def test_a_linter_finds_nothing_in_the_sites_policy(delivery: str) -> None:
    assert findings(site_policy(delivery)) == []


def test_a_linter_finds_nothing_in_the_dumps_buckets_policy() -> None:
    assert findings(dumps_bucket_policy()) == []
