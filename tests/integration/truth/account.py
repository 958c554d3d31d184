"""An account as it is, under the names and kinds that a plan gives its resources.

It is read with boto3 alone, and ids, times and ETags are left out: two accounts that do the same are equal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..conftest import Aws

Resource = tuple[str, str]
"""The kind (the module's name) and the name."""
Account = dict[Resource, Any]

MONTHLY = {"t4g.micro": 6.13}
_BUCKET_SETTINGS = {
    "get_bucket_versioning": "Status",
    "get_bucket_encryption": "ServerSideEncryptionConfiguration",
    "get_public_access_block": "PublicAccessBlockConfiguration",
    "get_bucket_ownership_controls": "OwnershipControls",
    "get_bucket_policy": "Policy",
    "get_bucket_lifecycle_configuration": "Rules",
    "get_bucket_cors": "CORSRules",
    "get_bucket_website": "IndexDocument",
    "get_bucket_tagging": "TagSet",
}


def snapshot(aws: Aws, *kinds: str) -> Account:
    """Return all that the AWS side of phase 1 may have made; of some kinds, which takes less time."""
    readers = {read for kind, read in READERS.items() if not kinds or kind in kinds}
    found: Account = {}
    for read in readers:
        found |= read(aws)
    return found


def paid(aws: Aws, kind: str = "") -> float:
    """Return what the account's resources (or those of one kind) cost a month, in USD in us-east-1."""
    ec2, route53 = aws.client("ec2"), aws.client("route53")
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    instances = [
        item["InstanceType"]
        for reservation in ec2.describe_instances(Filters=running)["Reservations"]
        for item in reservation["Instances"]
    ]
    parts = {
        "ec2_host": sum(MONTHLY[kind] for kind in instances)
        + sum(round(0.08 * item["Size"], 2) for item in ec2.describe_volumes()["Volumes"])
        + 3.65 * len(ec2.describe_addresses()["Addresses"]),
        "hosted_zone": 0.50 * len(route53.list_hosted_zones()["HostedZones"]),
    }
    return round(parts.get(kind, 0) if kind else sum(parts.values()), 2)


def actions(before: Account, after: Account) -> dict[Resource, str]:
    """Return what became of each resource that isn't as it was."""
    return {
        **{resource: "create" for resource in after if resource not in before},
        **{resource: "delete" for resource in before if resource not in after},
        **{
            resource: "change"
            for resource in after
            if resource in before and before[resource] != after[resource]
        },
    }


def tags(items: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in items or ()}


def plain(value: Any, *without: str) -> Any:
    """Return a value in which order doesn't count, without some keys."""
    if isinstance(value, Mapping):
        return {
            key: plain(item, *without)
            for key, item in value.items()
            if key not in (*without, "ResponseMetadata")
        }
    if isinstance(value, list):
        return sorted(
            (plain(item, *without) for item in value), key=lambda item: json.dumps(item, default=str)
        )
    return value


def _s3(aws: Aws) -> Account:
    s3 = aws.client("s3")
    found: Account = {}
    for bucket in s3.list_buckets()["Buckets"]:
        name = {"Bucket": bucket["Name"]}
        settings = {}
        for call, key in _BUCKET_SETTINGS.items():
            try:
                settings[key] = plain(getattr(s3, call)(**name).get(key))
            except s3.exceptions.ClientError as error:
                settings[key] = error.response["Error"]["Code"]
        found["s3_bucket", f"bucket {bucket['Name']}"] = settings
        listed = s3.list_objects_v2(**name).get("Contents", [])
        # The upload's own record tells when it was written.
        objects = {item["Key"]: item["ETag"] for item in listed if not item["Key"].startswith(".andamio/")}
        if objects:
            found["s3_site_sync", f"s3://{bucket['Name']}/"] = objects
    return found


def _iam(aws: Aws) -> Account:
    iam = aws.client("iam")
    profiles = {
        item["InstanceProfileName"]: [role["RoleName"] for role in item["Roles"]]
        for item in iam.list_instance_profiles()["InstanceProfiles"]
    }
    found: Account = {}
    for item in iam.list_roles()["Roles"]:
        name = {"RoleName": item["RoleName"]}
        kind = "instance role" if item["RoleName"] in profiles else "role"
        found["instance_role", f"{kind} {item['RoleName']}"] = {
            "trust": item["AssumeRolePolicyDocument"],
            "policies": {
                policy: plain(iam.get_role_policy(**name, PolicyName=policy)["PolicyDocument"])
                for policy in iam.list_role_policies(**name)["PolicyNames"]
            },
            "attached": plain(iam.list_attached_role_policies(**name)["AttachedPolicies"]),
            "tags": tags(iam.list_role_tags(**name)["Tags"]),
            "profile": profiles.get(item["RoleName"]),
        }
    return found


def _ec2(aws: Aws) -> Account:
    ec2 = aws.client("ec2")
    found: Account = {}
    for item in ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]:
        key = {"key": item["PublicKey"].split()[:2], "tags": tags(item.get("Tags"))}
        found["key_pair", f"key pair {item['KeyName']}"] = key
    for item in ec2.describe_security_groups()["SecurityGroups"]:
        if item["GroupName"] == "default":
            continue
        rules = {way: plain(item[way]) for way in ("IpPermissions", "IpPermissionsEgress")}
        found["security_group", f"security group {item['GroupName']}"] = rules | {"tags": tags(item["Tags"])}
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
    for reservation in ec2.describe_instances(Filters=alive)["Reservations"]:
        for item in reservation["Instances"]:
            found["ec2_host", f"host {tags(item['Tags'])['Name']}"] = _host(ec2, item)
    return found


def _host(ec2: Any, item: Mapping[str, Any]) -> dict[str, Any]:
    instance = {"InstanceId": item["InstanceId"]}
    protection = ec2.describe_instance_attribute(**instance, Attribute="disableApiTermination")
    cpu = ec2.describe_instance_credit_specifications(InstanceIds=[item["InstanceId"]])
    on_it = [{"Name": "attachment.instance-id", "Values": [item["InstanceId"]]}]
    return {
        "state": item["State"]["Name"],
        "type": item["InstanceType"],
        "key": item["KeyName"],
        "profile": item["IamInstanceProfile"]["Arn"],
        "groups": [group["GroupName"] for group in item["SecurityGroups"]],
        "metadata": plain(item["MetadataOptions"], "State"),
        "protected": protection["DisableApiTermination"]["Value"],
        "credits": cpu["InstanceCreditSpecifications"][0]["CpuCredits"],
        "tags": tags(item["Tags"]),
        "volumes": [
            (volume["Size"], volume["VolumeType"], tags(volume["Tags"]))
            for volume in ec2.describe_volumes(Filters=on_it)["Volumes"]
        ],
        "addresses": [
            (address["PublicIp"], address.get("InstanceId") == item["InstanceId"], tags(address["Tags"]))
            for address in ec2.describe_addresses()["Addresses"]
        ],
    }


def _ssm(aws: Aws) -> Account:
    ssm = aws.client("ssm")
    found: Account = {}
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path="/", Recursive=True, WithDecryption=True
    )
    for item in (item for page in pages for item in page["Parameters"]):
        path, _slash, key = item["Name"].rpartition("/")
        if path.startswith("/aws/"):
            continue  # AWS's own
        labels = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=item["Name"])
        parameters = found.setdefault(("ssm_env", f"parameters {path}/"), {})
        parameters[key] = (item["Type"], item["Value"], tags(labels["TagList"]))
    return found


def _names(aws: Aws) -> Account:
    route53, acm = aws.client("route53"), aws.client("acm", region_name="us-east-1")
    found: Account = {}
    proofs = []
    for zone in route53.list_hosted_zones()["HostedZones"]:
        labels = route53.list_tags_for_resource(
            ResourceType="hostedzone", ResourceId=zone["Id"].rpartition("/")[2]
        )
        records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        # A certificate's proof of who owns the domain is the certificate's.
        proofs += [record for record in records if record["Name"].startswith("_")]
        found["hosted_zone", f"zone {zone['Name'].rstrip('.')}"] = {
            "records": plain([record for record in records if record not in proofs]),
            "tags": tags(labels["ResourceTagSet"]["Tags"]),
        }
    for item in acm.list_certificates()["CertificateSummaryList"]:
        arn = {"CertificateArn": item["CertificateArn"]}
        found["acm_certificate", f"certificate {item['DomainName']}"] = {
            "names": sorted(acm.describe_certificate(**arn)["Certificate"]["SubjectAlternativeNames"]),
            "tags": tags(acm.list_tags_for_certificate(**arn)["Tags"]),
            "proofs": plain(proofs),
        }
    return found


def _cloudfront(aws: Aws) -> Account:
    cloudfront = aws.client("cloudfront")
    found: Account = {}
    for item in cloudfront.list_distributions()["DistributionList"].get("Items", []):
        labels = tags(cloudfront.list_tags_for_resource(Resource=item["ARN"])["Tags"]["Items"])
        config = cloudfront.get_distribution_config(Id=item["Id"])["DistributionConfig"]
        found["cloudfront_distribution", f"distribution {labels.pop('Name')}"] = {
            "config": plain(config, "CallerReference"),
            "tags": labels,
            "functions": [
                cloudfront.get_function(Name=function["Name"], Stage="LIVE")["FunctionCode"].read()
                for function in cloudfront.list_functions()["FunctionList"].get("Items", [])
            ],
            "headers": [
                plain(policy["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"])
                for policy in cloudfront.list_response_headers_policies(Type="custom")[
                    "ResponseHeadersPolicyList"
                ].get("Items", [])
            ],
        }
    return found


READERS: dict[str, Callable[[Aws], Account]] = {
    "s3_bucket": _s3,
    "s3_site_sync": _s3,
    "instance_role": _iam,
    "key_pair": _ec2,
    "security_group": _ec2,
    "ec2_host": _ec2,
    "ssm_env": _ssm,
    "hosted_zone": _names,
    "acm_certificate": _names,
    "cloudfront_distribution": _cloudfront,
}
