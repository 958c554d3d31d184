# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose credentials these are, and whether their region can be used: the first that AWS is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _preflight
from ._aws import together
from ._errors import CallFailed
from ._preflight import Problem

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError
    from botocore.exceptions import ConnectionError as NoConnection
except ImportError:
    pass  # AnsibleAWSModule says so, with the version that is needed

HOME_REGION = "us-east-1"


class Unreachable(Exception):
    """No AWS API answers."""


@dataclass(frozen=True)
class Identity:
    """Who we are, and AWS's clock: the Date header of its answer."""

    account: str
    arn: str
    date: str


def client(module: Any, service: str) -> Any:
    """Return a client that gives up at once: a person waits for it.

    A region that botocore doesn't know has no address to ask, so another is asked about it.
    """
    session = boto3.session.Session()
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("ec2", partition_name=partition)
    ]
    region = module.region if module.region in known else HOME_REGION
    config = Config(connect_timeout=2, read_timeout=30, retries={"total_max_attempts": 1})
    return module.client(service, region=region, config=config)


def identity(module: Any) -> Identity:
    """Return who we are. Raises Unreachable, and CallFailed when AWS doesn't take the credentials."""
    try:
        sts = client(module, "sts")
        endpoint = sts.meta.endpoint_url
    except BotoCoreError as error:  # such as a profile that isn't there
        raise CallFailed("sts.get_caller_identity", error) from error
    try:
        who = sts.get_caller_identity()
    except SSLError as error:
        raise CallFailed("sts.get_caller_identity", error) from error
    except (NoConnection, HTTPClientError) as error:
        raise Unreachable(f"AWS can't be reached: nothing answers at {endpoint}.") from error
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500:
            raise Unreachable(f"AWS can't be reached: {endpoint} answers with status {status}.") from error
        raise CallFailed("sts.get_caller_identity", error) from error
    except BotoCoreError as error:
        raise CallFailed("sts.get_caller_identity", error) from error
    return Identity(who["Account"], who["Arn"], date_of(who))


def date_of(answer: Mapping[str, Any]) -> str:
    """Return the Date header of an answer, or of an error's; empty when there is none."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("date", ""))


def regional_problems(module: Any) -> list[Problem]:
    """Return what is wrong with the region, and with the instance type in it. Raises CallFailed."""
    params = module.params
    ec2 = client(module, "ec2")

    def ask(operation: str, **arguments: Any) -> Any:
        try:
            return getattr(ec2, operation)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise CallFailed(f"ec2.{operation}", error) from error

    def status() -> str | None:
        filters = [{"Name": "region-name", "Values": [params["region"]]}]
        regions = ask("describe_regions", AllRegions=True, Filters=filters)["Regions"]
        return next((item["OptInStatus"] for item in regions if item["RegionName"] == params["region"]), None)

    def is_offered() -> bool:
        if not params["instance_type"]:
            return True
        filters = [{"Name": "instance-type", "Values": [params["instance_type"]]}]
        offered = ask("describe_instance_type_offerings", LocationType="region", Filters=filters)
        return bool(offered["InstanceTypeOfferings"])

    opted_in, offered = together(status, is_offered)
    return _preflight.region_problems(params, opted_in) or _preflight.type_problems(params, offered)
