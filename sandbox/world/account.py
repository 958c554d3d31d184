"""Read the emulated account, the way anyone would: through its API."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from sandbox import config


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
class Account:
    """What of the account has a body here."""

    instances: tuple[Instance, ...] = ()
    zones: tuple[Zone, ...] = ()
    distributions: tuple[dict[str, Any], ...] = ()
    websites: dict[str, dict[str, Any]] = field(default_factory=dict)


class Reader:
    """The clients, made once: making one costs more than a dozen calls."""

    def __init__(self) -> None:
        session = boto3.session.Session(
            aws_access_key_id=config.ACCESS_KEY,
            aws_secret_access_key=config.ACCESS_KEY,
            region_name=config.REGION,
        )
        settings = Config(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=30)
        self.clients: dict[str, Any] = {
            service: session.client(service, endpoint_url=config.AWS_URL, config=settings)
            for service in ("ec2", "route53", "s3", "cloudfront", "acm")
        }

    def pages(self, service: str, call: str, key: str, **arguments: Any) -> list[Any]:
        """All entries of a paged call."""
        paginator = self.clients[service].get_paginator(call)
        return [entry for page in paginator.paginate(**arguments) for entry in page.get(key) or []]

    def read(self) -> Account:
        return Account(instances=self.instances(), zones=self.zones())

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
