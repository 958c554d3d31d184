# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IAM actions that each phase asks for, and on what: what doctor has AWS simulate.

A resource is a pattern with the names of this project in it. Actions that know no resource stand under ``*``.
From the Service Authorization Reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Need:
    """Actions of a service, by their names, on one resource."""

    resource: str
    service: str
    names: str

    @property
    def actions(self) -> list[str]:
        return [f"{self.service}:{name}" for name in self.names.split()]


_BUCKET = "arn:{partition}:s3:::{name}-documents-{account}"
_OBJECT = "arn:{partition}:s3:::{name}-site-{account}/index.html"
_ROLE = "arn:{partition}:iam::{account}:role/{name}-host"
_APP_ROLE = "arn:{partition}:iam::{account}:role/{name}-app"
_PROFILE = "arn:{partition}:iam::{account}:instance-profile/{name}-host"
_PARAMETER = "arn:{partition}:ssm:{region}:{account}:parameter/{project}/{environment}/env/APP_KEY"
_DUMP = "arn:{partition}:s3:::{name}-dumps-{account}/laravel/dump.sql.gz"
_DUMPS_KEY = "arn:{partition}:ssm:{region}:{account}:parameter/{project}/{environment}/dumps/hmac_key"
_DUMPS_PATH = "arn:{partition}:ssm:{region}:{account}:parameter/{project}/{environment}/dumps"
_PARAMETERS = "arn:{partition}:ssm:{region}:{account}:parameter/{project}/{environment}/env"

_PHASE_1 = (
    Need(
        _BUCKET,
        "s3",
        """
        CreateBucket DeleteBucket GetBucketCORS GetBucketLocation GetBucketOwnershipControls
        GetBucketPolicy GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning GetBucketWebsite
        GetEncryptionConfiguration GetLifecycleConfiguration ListBucket ListBucketVersions PutBucketCORS
        PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging
        PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration PutLifecycleConfiguration
        """,
    ),
    Need(_OBJECT, "s3", "DeleteObject GetObject PutObject"),
    Need(
        _PARAMETER,
        "ssm",
        """
        AddTagsToResource DeleteParameter DeleteParameters GetParameter PutParameter
        """,
    ),
    Need(_PARAMETERS, "ssm", "GetParametersByPath"),
    # A restore is by a URL that the operator signs.
    Need(_DUMP, "s3", "GetObject"),
    Need(
        _DUMPS_KEY,
        "ssm",
        """
        AddTagsToResource DeleteParameter DeleteParameters PutParameter
        """,
    ),
    Need(_DUMPS_PATH, "ssm", "GetParametersByPath"),
    Need(
        _ROLE,
        "iam",
        """
        AttachRolePolicy CreateRole DeleteRole DeleteRolePolicy DetachRolePolicy GetRole GetRolePolicy
        ListAttachedRolePolicies ListRolePolicies PassRole PutRolePolicy TagRole UntagRole
        UpdateAssumeRolePolicy
        """,
    ),
    Need(
        _APP_ROLE,
        "iam",
        """
        AttachRolePolicy CreateRole DeleteRole DeleteRolePolicy DetachRolePolicy GetRole GetRolePolicy
        ListAttachedRolePolicies ListRolePolicies PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy
        """,
    ),
    Need(
        _PROFILE,
        "iam",
        """
        AddRoleToInstanceProfile CreateInstanceProfile DeleteInstanceProfile GetInstanceProfile
        RemoveRoleFromInstanceProfile
        """,
    ),
    Need("*", "s3", "ListAllMyBuckets"),
    Need("*", "ssm", "DescribeParameters StartSession"),
    Need(
        "*",
        "ec2",
        """
        AllocateAddress AssociateAddress AssociateIamInstanceProfile AuthorizeSecurityGroupEgress
        AuthorizeSecurityGroupIngress CreateSecurityGroup CreateSnapshot CreateTags DeleteKeyPair
        DeleteSecurityGroup DeleteSnapshot DeleteTags DescribeAddresses
        DescribeIamInstanceProfileAssociations DescribeImages DescribeInstanceAttribute
        DescribeInstanceCreditSpecifications DescribeInstanceTypeOfferings DescribeInstances
        DescribeKeyPairs DescribeRegions DescribeSecurityGroups DescribeSnapshots DescribeSubnets
        DescribeVolumes DescribeVolumesModifications DescribeVpcs DisassociateAddress ImportKeyPair
        ModifyInstanceAttribute ModifyInstanceCreditSpecification ModifyInstanceMetadataOptions
        ModifyVolume MonitorInstances ReleaseAddress ReplaceIamInstanceProfileAssociation
        RevokeSecurityGroupEgress RevokeSecurityGroupIngress RunInstances StartInstances StopInstances
        TerminateInstances UnmonitorInstances
        """,
    ),
    Need(
        "*",
        "route53",
        """
        ChangeResourceRecordSets ChangeTagsForResource CreateHostedZone DeleteHostedZone GetChange
        GetHostedZone ListHostedZonesByName ListResourceRecordSets ListTagsForResource
        UpdateHostedZoneComment
        """,
    ),
    Need(
        "*",
        "acm",
        """
        AddTagsToCertificate DeleteCertificate DescribeCertificate ListCertificates
        ListTagsForCertificate RemoveTagsFromCertificate RequestCertificate
        """,
    ),
    Need(
        "*",
        "cloudfront",
        """
        CreateDistribution CreateFunction CreateInvalidation CreateOriginAccessControl
        CreateResponseHeadersPolicy DeleteDistribution DeleteFunction DeleteOriginAccessControl
        DeleteResponseHeadersPolicy DescribeFunction GetDistribution GetFunction GetOriginAccessControl
        GetResponseHeadersPolicy ListDistributions ListOriginAccessControls ListResponseHeadersPolicies
        ListTagsForResource PublishFunction TagResource UntagResource UpdateDistribution UpdateFunction
        UpdateOriginAccessControl UpdateResponseHeadersPolicy
        """,
    ),
)

PHASES: Mapping[int, tuple[Need, ...]] = {1: _PHASE_1}


def needs(phase: int, words: Mapping[str, str]) -> Iterator[Need]:
    """Yield what a phase asks for, with the names filled in. Raises KeyError for a phase that isn't known."""
    for need in PHASES[phase]:
        yield replace(need, resource=need.resource.format_map(words))


def principal(arn: str, role_arn: str | None = None) -> str:
    """Return whose policies are simulated for an identity; empty when that can't be done.

    A session's policies are its role's. ``role_arn`` is that role's own ARN, which may have a path that the
    session's hasn't.
    """
    _arn, partition, service, _region, account, resource = arn.split(":", 5)
    kind, _slash, name = resource.partition("/")
    if service == "iam" and kind == "user":
        return arn
    if service == "sts" and kind == "assumed-role":
        return role_arn or f"arn:{partition}:iam::{account}:role/{name.split('/')[0]}"
    return ""


def session_role(arn: str) -> str:
    """Return the name of the role that a session is of; empty for any other identity."""
    resource = arn.split(":", 5)[5]
    return resource.split("/")[1] if resource.startswith("assumed-role/") else ""
