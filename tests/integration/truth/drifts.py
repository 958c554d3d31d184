"""What people do to an account by hand: one function each, and which attribute a plan names for it.

The functions are told by their names. All of DRIFTS together are one account that drifted a lot: no two of
them are about the same thing. LOSSES happen one by one only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..conftest import Aws
from .account import Resource

NAME = "academia-test"
DOMAIN = "academia.test"
HOST = f"{NAME}-host"
TAGS = {"Project": "academia", "Environment": "test", "ManagedBy": "andamio", "Phase": "1"}
ENV = f"/{NAME.replace('-', '/')}/env"

OPEN = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
HTTP6 = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
ANYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtFZ0m0mY4iUJmS9u0rXbW7c0pF0d8hS3cQk5sF2m1m other"


class Stack:
    """The account of a finished phase 1, by what is in it."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.documents = f"{NAME}-documents-{aws.account}"
        self.dumps = f"{NAME}-dumps-{aws.account}"
        self.site = f"{NAME}-site-{aws.account}"

    def __getattr__(self, service: str) -> Any:
        return self.aws.client(service)

    @cached_property
    def instance(self) -> str:
        wanted = {"tag:Name": [HOST], "instance-state-name": ["pending", "running", "stopped"]}
        found = self.ec2.describe_instances(
            Filters=[{"Name": name, "Values": values} for name, values in wanted.items()]
        )
        return str(found["Reservations"][0]["Instances"][0]["InstanceId"])

    @cached_property
    def volume(self) -> str:
        on_it = [{"Name": "attachment.instance-id", "Values": [self.instance]}]
        return str(self.ec2.describe_volumes(Filters=on_it)["Volumes"][0]["VolumeId"])

    @cached_property
    def group(self) -> str:
        found = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [HOST]}])
        return str(found["SecurityGroups"][0]["GroupId"])

    @cached_property
    def zone(self) -> str:
        return str(self.route53.list_hosted_zones()["HostedZones"][0]["Id"].rpartition("/")[2])

    @property
    def address(self) -> dict[str, Any]:
        return dict(self.ec2.describe_addresses()["Addresses"][0])

    @cached_property
    def certificate(self) -> str:
        return str(self.acm.list_certificates()["CertificateSummaryList"][0]["CertificateArn"])

    @cached_property
    def distribution(self) -> str:
        return str(self.cloudfront.list_distributions()["DistributionList"]["Items"][0]["Id"])

    def change_record(self, action: str, name: str, kind: str, *values: str) -> None:
        record = {"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": [{"Value": v} for v in values]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch=batch)

    def configure(self, **changes: Any) -> None:
        found = self.cloudfront.get_distribution_config(Id=self.distribution)
        config = {**found["DistributionConfig"], **changes}
        self.cloudfront.update_distribution(
            Id=self.distribution, IfMatch=found["ETag"], DistributionConfig=config
        )

    def tags_without_project(self, bucket: str) -> None:
        tags = self.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        left = [tag for tag in tags if tag["Key"] != "Project"]
        self.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": left})


@dataclass(frozen=True)
class Drift:
    """One thing that somebody did. ``attribute`` is empty where the plan makes the resource anew."""

    title: str
    resource: Resource
    attribute: str
    happen: Callable[[Stack], object]
    action: str = "change"


DRIFTS: list[Drift] = []


def drift(kind: str, name: str, attribute: str, action: str = "change") -> Callable[[Any], Any]:
    """Put the decorated function into DRIFTS. ``{account}`` in a name is the account's id."""

    def register(function: Callable[[Stack], object]) -> Callable[[Stack], object]:
        title = function.__name__.replace("_", " ").strip()
        DRIFTS.append(Drift(title, (kind, name), attribute, function, action))
        return function

    return register


def terminate_the_instance(stack: Stack) -> None:
    stack.ec2.modify_instance_attribute(InstanceId=stack.instance, DisableApiTermination={"Value": False})
    stack.ec2.disassociate_address(AssociationId=stack.address["AssociationId"])
    stack.ec2.terminate_instances(InstanceIds=[stack.instance])


DOCUMENTS = ("s3_bucket", f"bucket {NAME}-documents-{{account}}")
DUMPS = ("s3_bucket", f"bucket {NAME}-dumps-{{account}}")
SITE = ("s3_bucket", f"bucket {NAME}-site-{{account}}")
FILES = ("s3_site_sync", f"s3://{NAME}-site-{{account}}/")
PARAMETERS = ("ssm_env", f"parameters {ENV}/")
ROLE = ("instance_role", f"instance role {HOST}")
APP_ROLE = ("instance_role", f"role {NAME}-app")
KEY = ("key_pair", f"key pair {HOST}")
GROUP = ("security_group", f"security group {HOST}")
INSTANCE = ("ec2_host", f"host {HOST}")
ZONE = ("hosted_zone", f"zone {DOMAIN}")
CERTIFICATE = ("acm_certificate", f"certificate {DOMAIN}")
DISTRIBUTION = ("cloudfront_distribution", f"distribution {NAME}-site")

LOSSES = [Drift("the instance is terminated", INSTANCE, "", terminate_the_instance, "create")]


@drift(*GROUP, "ingress.tcp 22 from 0.0.0.0/0")
def a_rule_is_added_to_the_security_group(stack: Stack) -> None:
    stack.ec2.authorize_security_group_ingress(GroupId=stack.group, IpPermissions=[OPEN])


@drift(*GROUP, "ingress.tcp 80 from ::/0 (Web)")
def a_rule_of_the_security_group_is_removed(stack: Stack) -> None:
    stack.ec2.revoke_security_group_ingress(GroupId=stack.group, IpPermissions=[HTTP6])


@drift(*GROUP, "tags.Project")
def a_tag_of_the_security_group_is_removed(stack: Stack) -> None:
    stack.ec2.delete_tags(Resources=[stack.group], Tags=[{"Key": "Project"}])


@drift(*ROLE, "policies.env.Statement")
def a_policy_of_the_role_is_edited(stack: Stack) -> None:
    stack.iam.put_role_policy(RoleName=HOST, PolicyName="env", PolicyDocument=ANYTHING)


@drift(*ROLE, "policies.more")
def a_policy_is_added_to_the_role(stack: Stack) -> None:
    stack.iam.put_role_policy(RoleName=HOST, PolicyName="more", PolicyDocument=ANYTHING)


@drift(*ROLE, "managed_policies")
def a_managed_policy_is_attached_to_the_role(stack: Stack) -> None:
    stack.iam.attach_role_policy(RoleName=HOST, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


@drift(*ROLE, "tags.Project")
def a_tag_of_the_role_is_removed(stack: Stack) -> None:
    stack.iam.untag_role(RoleName=HOST, TagKeys=["Project"])


@drift(*APP_ROLE, "trust.Statement")
def the_role_of_the_application_trusts_the_whole_account(stack: Stack) -> None:
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{stack.aws.account}:root"},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    stack.iam.update_assume_role_policy(RoleName=f"{NAME}-app", PolicyDocument=document)


@drift(*DUMPS, "policy.Statement")
def the_host_may_do_anything_with_dumps(stack: Stack) -> None:
    policy = json.loads(stack.s3.get_bucket_policy(Bucket=stack.dumps)["Policy"])
    policy["Statement"] = [item for item in policy["Statement"] if item["Sid"] == "DenyInsecureTransport"]
    stack.s3.put_bucket_policy(Bucket=stack.dumps, Policy=json.dumps(policy))


@drift(*DOCUMENTS, "versioning")
def the_versioning_of_a_bucket_is_switched_off(stack: Stack) -> None:
    off = {"Status": "Suspended"}
    stack.s3.put_bucket_versioning(Bucket=stack.documents, VersioningConfiguration=off)


@drift(*DOCUMENTS, "cors_rules")
def the_cors_rules_of_a_bucket_are_edited(stack: Stack) -> None:
    rules = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]
    stack.s3.put_bucket_cors(Bucket=stack.documents, CORSConfiguration={"CORSRules": rules})


@drift(*DOCUMENTS, "encryption.algorithm")
def the_encryption_of_a_bucket_is_another(stack: Stack) -> None:
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    stack.s3.put_bucket_encryption(Bucket=stack.documents, ServerSideEncryptionConfiguration={"Rules": rules})


@drift(*DUMPS, "lifecycle_rules")
def the_lifecycle_rules_of_a_bucket_are_removed(stack: Stack) -> None:
    stack.s3.delete_bucket_lifecycle(Bucket=stack.dumps)


@drift(*DUMPS, "public_access_block.block_public_acls")
def the_public_access_block_of_a_bucket_is_lifted(stack: Stack) -> None:
    stack.s3.delete_public_access_block(Bucket=stack.dumps)


@drift(*DUMPS, "tags.Project")
def a_tag_of_a_bucket_is_removed(stack: Stack) -> None:
    stack.tags_without_project(stack.dumps)


@drift(*SITE, "policy.Statement")
def a_bucket_policy_is_edited(stack: Stack) -> None:
    policy = json.loads(stack.s3.get_bucket_policy(Bucket=stack.site)["Policy"])
    policy["Statement"].pop()
    stack.s3.put_bucket_policy(Bucket=stack.site, Policy=json.dumps(policy))


@drift(*PARAMETERS, "parameters.APP_ENV")
def a_parameter_is_changed(stack: Stack) -> None:
    stack.ssm.put_parameter(Name=f"{ENV}/APP_ENV", Value="local", Overwrite=True)


@drift(*PARAMETERS, "parameters.DB_HOST")
def a_parameter_is_deleted(stack: Stack) -> None:
    stack.ssm.delete_parameter(Name=f"{ENV}/DB_HOST")


@drift(*PARAMETERS, "without_tags")
def a_tag_of_a_parameter_is_removed(stack: Stack) -> None:
    stack.ssm.remove_tags_from_resource(
        ResourceType="Parameter", ResourceId=f"{ENV}/APP_KEY", TagKeys=["Project"]
    )


@drift(*KEY, "public_key", "replace")
def the_key_pair_is_another(stack: Stack) -> None:
    stack.ec2.delete_key_pair(KeyName=HOST)
    tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    stack.ec2.import_key_pair(
        KeyName=HOST,
        PublicKeyMaterial=OTHER_KEY.encode(),
        TagSpecifications=[{"ResourceType": "key-pair", "Tags": tags}],
    )


@drift(*INSTANCE, "state")
def the_instance_is_stopped(stack: Stack) -> None:
    stack.ec2.stop_instances(InstanceIds=[stack.instance])


@drift(*INSTANCE, "termination_protection")
def the_termination_protection_is_off(stack: Stack) -> None:
    off = {"Value": False}
    stack.ec2.modify_instance_attribute(InstanceId=stack.instance, DisableApiTermination=off)


@drift(*INSTANCE, "metadata.tokens")
def imdsv1_is_allowed(stack: Stack) -> None:
    stack.ec2.modify_instance_metadata_options(InstanceId=stack.instance, HttpTokens="optional")


@drift(*INSTANCE, "cpu_credits")
def the_cpu_credits_are_unlimited(stack: Stack) -> None:
    wanted = [{"InstanceId": stack.instance, "CpuCredits": "unlimited"}]
    stack.ec2.modify_instance_credit_specification(InstanceCreditSpecifications=wanted)


@drift(*INSTANCE, "elastic_ip")
def the_address_is_disassociated(stack: Stack) -> None:
    stack.ec2.disassociate_address(AssociationId=stack.address["AssociationId"])


@drift(*INSTANCE, "tags.Project")
def a_tag_of_the_instance_is_removed(stack: Stack) -> None:
    stack.ec2.delete_tags(Resources=[stack.instance], Tags=[{"Key": "Project"}])


@drift(*INSTANCE, "volume_tags.Project")
def a_tag_of_the_volume_is_changed(stack: Stack) -> None:
    stack.ec2.create_tags(Resources=[stack.volume], Tags=[{"Key": "Project", "Value": "other"}])


@drift(*INSTANCE, "address_tags.Project")
def a_tag_of_the_address_is_removed(stack: Stack) -> None:
    stack.ec2.delete_tags(Resources=[stack.address["AllocationId"]], Tags=[{"Key": "Project"}])


@drift(*ZONE, f"records.api.{DOMAIN}. A.values")
def a_record_is_changed(stack: Stack) -> None:
    stack.change_record("UPSERT", f"api.{DOMAIN}", "A", "203.0.113.9")


@drift(*ZONE, f"records.{DOMAIN}. CAA")
def a_record_is_deleted(stack: Stack) -> None:
    stack.change_record(
        "DELETE",
        DOMAIN,
        "CAA",
        *('0 issue "amazon.com"', '0 issue "letsencrypt.org"', '0 issuewild ";"'),
    )


@drift(*ZONE, "tags.Project")
def a_tag_of_the_zone_is_removed(stack: Stack) -> None:
    stack.route53.change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=stack.zone, RemoveTagKeys=["Project"]
    )


@drift(*CERTIFICATE, "tags.Phase")
def a_tag_of_the_certificate_is_removed(stack: Stack) -> None:
    stack.acm.remove_tags_from_certificate(CertificateArn=stack.certificate, Tags=[{"Key": "Phase"}])


@drift(*CERTIFICATE, "hosted_zone")
def a_record_that_proves_the_certificate_is_deleted(stack: Stack) -> None:
    described = stack.acm.describe_certificate(CertificateArn=stack.certificate)["Certificate"]
    proof = described["DomainValidationOptions"][0]["ResourceRecord"]
    stack.change_record("DELETE", proof["Name"], proof["Type"], proof["Value"])


@drift(*DISTRIBUTION, "price_class")
def the_price_class_of_the_distribution_is_another(stack: Stack) -> None:
    stack.configure(PriceClass="PriceClass_All")


@drift(*DISTRIBUTION, "function_code")
def the_function_of_the_distribution_is_edited(stack: Stack) -> None:
    name = f"{NAME}-site"
    found = stack.cloudfront.describe_function(Name=name)
    etag = stack.cloudfront.update_function(
        Name=name,
        IfMatch=found["ETag"],
        FunctionConfig=found["FunctionSummary"]["FunctionConfig"],
        FunctionCode=b"function handler(event) { return event.request; }",
    )["ETag"]
    stack.cloudfront.publish_function(Name=name, IfMatch=etag)


@drift(*FILES, "objects.index.html")
def a_file_of_the_site_is_overwritten(stack: Stack) -> None:
    stack.s3.put_object(Bucket=stack.site, Key="index.html", Body=b"somebody else's")


@drift(*FILES, "objects.logo.svg")
def a_file_of_the_site_is_deleted(stack: Stack) -> None:
    stack.s3.delete_object(Bucket=stack.site, Key="logo.svg")
