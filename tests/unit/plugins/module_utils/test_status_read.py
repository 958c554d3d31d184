"""What AWS answers, in the words of the status."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _status_read as read
from ansible_collections.andamio.laravel_aws.plugins.module_utils._delegation import Delegation

THEN, LATER = datetime(2026, 11, 1, 10, tzinfo=UTC), datetime(2026, 11, 2, 10, tzinfo=UTC)
NAME = [{"Key": "Name", "Value": "h"}]


def instance(identifier: str, state: str, launched: datetime = THEN, **more: Any) -> dict[str, Any]:
    return {
        "InstanceId": identifier,
        "InstanceType": "t4g.micro",
        "State": {"Name": state},
        "LaunchTime": launched,
        "Placement": {"AvailabilityZone": "us-east-1a"},
        "Tags": NAME,
        **more,
    }


def test_buckets() -> None:
    answer = [{"Name": "a", "CreationDate": THEN}, {"Name": "others", "CreationDate": THEN}]
    assert read.buckets({"site": "a", "dumps": "b"}, answer) == {
        "site": {"name": "a", "created": "2026-11-01T10:00:00Z"},
        "dumps": None,
    }


def test_the_newest_dump() -> None:
    objects = [{"Key": key, "Size": 1, "LastModified": time} for key, time in (("b", LATER), ("c", THEN))]
    found = read.dump(objects)
    assert found == {"key": "b", "size": 1, "time": "2026-11-02T10:00:00Z"}
    assert read.dump([]) is None


def test_the_host_is_the_one_that_runs() -> None:
    answers = [
        instance("i-1", "running"),
        instance("i-2", "stopped", LATER),
        instance("i-3", "running", Tags=[]),
    ]
    found = read.host(answers, "h")
    assert found
    assert (found["instance_id"], found["launched"]) == ("i-1", "2026-11-01T10:00:00Z")
    assert read.host(answers[2:], "h") is None


@pytest.mark.parametrize(
    ("instance", "system", "word"),
    [("ok", "ok", "ok"), ("impaired", "ok", "impaired"), ("ok", "initializing", "initializing")],
)
def test_the_checks_of_ec2(instance: str, system: str, word: str) -> None:
    answer = {"InstanceStatus": {"Status": instance}, "SystemStatus": {"Status": system}}
    assert read.checks([answer]) == word
    assert read.checks([]) is None


def test_the_address() -> None:
    answers = [{"PublicIp": "192.0.2.1"}, {"PublicIp": "192.0.2.2", "InstanceId": "i-1", "Tags": NAME}]
    assert read.address(answers, "h") == {"ip": "192.0.2.2", "instance_id": "i-1"}
    assert read.address(answers[:1], "h") is None


def test_the_zone() -> None:
    answer = {
        "HostedZone": {"Id": "/hostedzone/Z1", "ResourceRecordSetCount": 9},
        "DelegationSet": {"NameServers": ["ns-1"]},
    }
    found = read.zone(answer, Delegation(True, ["ns-1"]))
    assert (found["id"], found["records"], found["servers"]) == ("Z1", 9, ["ns-1"])
    assert found["delegation"]["live"] is True


def test_the_distribution_is_found_by_its_alias() -> None:
    answer = {
        "Id": "E1",
        "Enabled": True,
        "Status": "Deployed",
        "Aliases": {"Items": ["academia.test"]},
        "ViewerCertificate": {"ACMCertificateArn": "arn"},
    }
    assert read.distribution([{"Aliases": {"Quantity": 0}}, answer], "academia.test") == {
        "id": "E1",
        "enabled": True,
        "status": "Deployed",
        "certificate": "arn",
    }
    assert read.distribution([answer], "other.test") is None


def test_a_certificate_that_is_not_issued_has_no_end() -> None:
    assert read.certificate({"Status": "PENDING_VALIDATION"})["expires"] == ""
    assert read.certificate({"Status": "ISSUED", "NotAfter": LATER})["expires"] == "2026-11-02T10:00:00Z"


def test_alarms_of_another_environment_are_not_ours() -> None:
    answers = [{"AlarmName": name, "AlarmArn": name, "StateValue": "OK"} for name in ("a", "b")]
    tags = {"a": {"Environment": "prod", "More": "x"}, "b": {"Environment": "prod-eu"}}
    assert [alarm["name"] for alarm in read.alarms(answers, tags, {"Environment": "prod"})] == ["a"]


def test_this_month() -> None:
    assert read.month(date(2026, 11, 1)) == {"Start": "2026-11-01", "End": "2026-11-02"}
    assert read.month(date(2026, 12, 31)) == {"Start": "2026-12-01", "End": "2027-01-01"}


def test_what_was_spent() -> None:
    total = {"UnblendedCost": {"Amount": "7.4189", "Unit": "USD"}}
    assert read.spent({"ResultsByTime": [{"Total": total}]}, "2026-11-01") == {
        "amount": 7.42,
        "unit": "USD",
        "since": "2026-11-01",
    }
    assert read.spent({"ResultsByTime": [{"Total": {}}]}, "2026-11-01") is None
    assert read.spent({}, "2026-11-01") is None
