"""andamio.laravel_aws.teardown_check: what it finds in the way, all at once, and that it changes nothing."""

from __future__ import annotations

from typing import Any

from .conftest import Aws
from .modules import run_module
from .test_overlay_ec2 import run as run_instance
from .test_teardown import tag_list

OURS = {"Project": "academia", "Environment": "test", "ManagedBy": "andamio"}
CHECK: dict[str, Any] = {
    "tags": OURS,
    "host": "academia-test-host",
    "zone": "academia.test",
    "records": [{"name": "api", "type": "A"}],
}


def stand(aws: Aws) -> str:
    """Make an instance and a zone of ours, with our record in it and somebody else's; return the instance."""
    route53 = aws.client("route53")
    instance = str(run_instance(aws)["InstanceId"])
    aws.client("ec2").create_tags(Resources=[instance], Tags=tag_list(OURS | {"Name": CHECK["host"]}))
    zone = route53.create_hosted_zone(Name="academia.test", CallerReference="andamio-1")["HostedZone"]["Id"]
    route53.change_tags_for_resource(
        ResourceType="hostedzone",
        ResourceId=zone.rpartition("/")[2],
        AddTags=tag_list(OURS),
    )
    for name, kind, value in (("api", "A", "198.51.100.7"), ("mail", "MX", "10 mx.test.")):
        record = {
            "Name": f"{name}.academia.test",
            "Type": kind,
            "TTL": 60,
            "ResourceRecords": [{"Value": value}],
        }
        change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    return instance


def test_nothing_is_in_the_way_of_nothing(fresh_aws: Aws) -> None:
    done = run_module("teardown_check", **CHECK)
    assert (done["changed"], done["instances"], done["problems"]) == (False, [], [])


def test_all_that_is_in_the_way_at_once(fresh_aws: Aws) -> None:
    instance = stand(fresh_aws)
    failed = run_module("teardown_check", fails=True, **CHECK)
    assert failed["msg"].startswith("Nothing was changed.")
    host, zone = failed["problems"]
    assert instance in host
    assert "records that aren't Andamio's: mail.academia.test. MX" in zone


def test_what_the_inventory_has_and_what_may_be_lost(fresh_aws: Aws) -> None:
    instance = stand(fresh_aws)
    only_hosts = {key: value for key, value in CHECK.items() if key not in ("zone", "records")}
    for more in ({"hosts": [instance]}, {"without_dump": True}):
        assert run_module("teardown_check", **only_hosts, **more)["instances"] == [instance]


def test_what_has_other_tags_is_not_looked_at(fresh_aws: Aws) -> None:
    stand(fresh_aws)
    done = run_module("teardown_check", **CHECK | {"tags": OURS | {"Environment": "staging"}})
    assert (done["instances"], done["problems"]) == ([], [])
