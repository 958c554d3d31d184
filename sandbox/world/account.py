"""Read the emulated account, the way anyone would: through its API."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox import config, secret


@dataclass(frozen=True)
class Instance:
    """An EC2 instance that is not gone: its state is ``running`` or ``stopped``."""

    identifier: str
    state: str
    private_address: str
    instance_type: str
    public_key: str = ""
    user_data: str = ""
    elastic_addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Zone:
    """A hosted zone and its record sets, as the API gives them."""

    identifier: str
    name: str
    records: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Certificate:
    """An ACM certificate: the names it is for, and how far it is."""

    arn: str
    names: tuple[str, ...]
    status: str

    @property
    def file_name(self) -> str:
        return f"acm-{self.arn.rpartition('/')[2]}"


@dataclass(frozen=True)
class Distribution:
    """A CloudFront distribution, and what it refers to: functions by name, header policies by id."""

    identifier: str
    arn: str
    domain: str
    settings: dict[str, Any]
    certificate: Certificate | None = None
    functions: dict[str, str] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def aliases(self) -> tuple[str, ...]:
        return tuple((self.settings.get("Aliases") or {}).get("Items") or ())


@dataclass(frozen=True)
class Website:
    """A bucket that is a website, with its website configuration as the API gives it."""

    bucket: str
    region: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Account:
    """What of the account has a body here."""

    instances: tuple[Instance, ...] = ()
    zones: tuple[Zone, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    websites: tuple[Website, ...] = ()


class Reader:
    """The clients, made once: making one costs more than a dozen calls."""

    def __init__(self) -> None:
        session = boto3.session.Session(
            aws_access_key_id=config.ACCESS_KEY,
            aws_secret_access_key=secret.read(config.SECRET),
            region_name=config.REGION,
        )
        settings = Config(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=30)
        self.clients: dict[str, Any] = {
            service: session.client(service, endpoint_url=config.AWS_URL, config=settings)
            for service in ("ec2", "route53", "s3", "cloudfront")
        }
        # CloudFront takes its certificates from one region.
        self.clients["acm"] = session.client(
            "acm", region_name="us-east-1", endpoint_url=config.AWS_URL, config=settings
        )

    def pages(self, service: str, call: str, key: str, **arguments: Any) -> list[Any]:
        """All entries of a paged call."""
        paginator = self.clients[service].get_paginator(call)
        return [entry for page in paginator.paginate(**arguments) for entry in page.get(key) or []]

    def read(self) -> Account:
        return Account(self.instances(), self.zones(), self.distributions(), self.websites())

    def instances(self) -> tuple[Instance, ...]:
        ec2 = self.clients["ec2"]
        reservations = self.pages("ec2", "describe_instances", "Reservations")
        found = [entry for reservation in reservations for entry in reservation["Instances"]]
        if not found:
            return ()
        keys = {
            key["KeyName"]: key.get("PublicKey", "")
            for key in ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
        }
        elastic: dict[str, list[str]] = {}
        for address in ec2.describe_addresses()["Addresses"]:
            elastic.setdefault(address.get("InstanceId", ""), []).append(address["PublicIp"])
        return tuple(
            Instance(
                identifier=entry["InstanceId"],
                state="running" if entry["State"]["Name"] in {"running", "pending"} else "stopped",
                private_address=entry["PrivateIpAddress"],
                instance_type=entry["InstanceType"],
                public_key=keys.get(entry.get("KeyName", ""), ""),
                user_data=self.user_data(entry["InstanceId"]),
                elastic_addresses=tuple(sorted(elastic.get(entry["InstanceId"], []))),
            )
            for entry in found
            if entry["State"]["Name"] not in {"terminated", "shutting-down"}
        )

    def user_data(self, instance: str) -> str:
        answer = self.clients["ec2"].describe_instance_attribute(InstanceId=instance, Attribute="userData")
        return base64.b64decode(answer.get("UserData", {}).get("Value", "")).decode(errors="replace")

    def zones(self) -> tuple[Zone, ...]:
        return tuple(
            Zone(
                zone["Id"].rpartition("/")[2],
                zone["Name"],
                tuple(
                    self.pages(
                        "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]
                    )
                ),
            )
            for zone in self.pages("route53", "list_hosted_zones", "HostedZones")
            if not zone.get("Config", {}).get("PrivateZone")
        )

    def distributions(self) -> tuple[Distribution, ...]:
        cloudfront = self.clients["cloudfront"]
        listed = cloudfront.list_distributions()["DistributionList"].get("Items") or []
        return tuple(
            self.distribution(cloudfront.get_distribution(Id=entry["Id"])["Distribution"])
            for entry in sorted(listed, key=lambda entry: str(entry["Id"]))
        )

    def distribution(self, entry: dict[str, Any]) -> Distribution:
        settings = entry["DistributionConfig"]
        behaviours = [
            settings["DefaultCacheBehavior"],
            *((settings.get("CacheBehaviors") or {}).get("Items") or []),
        ]
        functions = {
            association["FunctionARN"].rpartition("/")[2]
            for behaviour in behaviours
            for association in (behaviour.get("FunctionAssociations") or {}).get("Items") or []
        }
        policies = {behaviour.get("ResponseHeadersPolicyId") for behaviour in behaviours} - {None, ""}
        return Distribution(
            identifier=entry["Id"],
            arn=entry["ARN"],
            domain=entry["DomainName"],
            settings=settings,
            certificate=self.certificate((settings.get("ViewerCertificate") or {}).get("ACMCertificateArn")),
            functions={name: self.function(name) for name in sorted(functions)},
            policies={policy: self.policy(policy) for policy in sorted(policies)},
        )

    def certificate(self, arn: str | None) -> Certificate | None:
        if not arn:
            return None
        found = self.clients["acm"].describe_certificate(CertificateArn=arn)["Certificate"]
        names = (found["DomainName"], *found.get("SubjectAlternativeNames", ()))
        return Certificate(arn, tuple(dict.fromkeys(names)), found["Status"])

    def function(self, name: str) -> str:
        answer = self.clients["cloudfront"].get_function(Name=name, Stage="LIVE")
        code: bytes = answer["FunctionCode"].read()
        return code.decode()

    def policy(self, identifier: str) -> dict[str, Any]:
        answer = self.clients["cloudfront"].get_response_headers_policy(Id=identifier)
        settings: dict[str, Any] = answer["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
        return settings

    def websites(self) -> tuple[Website, ...]:
        s3 = self.clients["s3"]
        found = []
        for bucket in s3.list_buckets()["Buckets"]:
            try:
                settings = s3.get_bucket_website(Bucket=bucket["Name"])
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchWebsiteConfiguration":
                    continue
                raise
            region = s3.get_bucket_location(Bucket=bucket["Name"]).get("LocationConstraint") or "us-east-1"
            settings.pop("ResponseMetadata")
            found.append(Website(bucket["Name"], region, settings))
        return tuple(found)
