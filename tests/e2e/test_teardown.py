"""Phase 1 goes down, comes up again with its data, and then goes without a trace.

It begins with what the tests before it have left: a live site, an API and enrolments in its database.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

from sandbox import podman

from .conftest import CACHE, curl, on_host, playbook, run
from .host import until

Client = Callable[..., Any]
DUMPS, DOCUMENTS = (f"academia-sandbox-{thing}-123456789012" for thing in ("dumps", "documents"))
FOLDER = CACHE / "e2e" / "last-dump"
kept: dict[str, Any] = {}


def enrolments() -> int:
    counted = on_host("mysql -NBe 'SELECT COUNT(*) FROM enrolments' laravel")
    assert counted.code == 0, counted.output
    return int(counted.output.split()[-1])


def parameters(client: Client) -> dict[str, str]:
    pages = client("ssm").get_paginator("get_parameters_by_path")
    found = pages.paginate(Path="/academia/sandbox", Recursive=True, WithDecryption=True)
    return {item["Name"]: item["Value"] for page in found for item in page["Parameters"]}


def keys(client: Client, bucket: str, prefix: str = "") -> list[str]:
    found = client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", [])]


def machines() -> list[str]:
    return list(podman.containers(**{"andamio.kind": "instance"}))


def test_the_plan_names_all_and_deletes_nothing(client: Client) -> None:
    plan = playbook("playbooks/teardown.yml", "-t", "phase1", "--check", "--diff", log="teardown-plan")
    assert plan.code == 0, plan.output[-4000:]
    assert "10.74 less than now" in plan.output  # all but the zone, which is kept
    for name in ("distribution academia-sandbox-site", "host academia-sandbox-host"):
        assert name in plan.output
    assert len(machines()) == 1
    assert curl("https://api.academia.test/up").split()[1] == "200"


def test_it_goes_down_and_the_data_stays(client: Client) -> None:
    kept["enrolments"] = enrolments()
    assert kept["enrolments"] > 0
    kept["parameters"] = parameters(client)
    # What has signed the dumps stays with them.
    assert "/academia/sandbox/dumps/hmac_key" in kept["parameters"]
    client("s3").put_object(Bucket=DOCUMENTS, Key="receipts/kept.pdf", Body=b"a receipt")
    kept["documents"] = keys(client, DOCUMENTS)
    kept["zones"] = [zone["Id"] for zone in client("route53").list_hosted_zones()["HostedZones"]]
    down = run("make", "teardown", "PHASE=phase1", "CONFIRM=yes", log="teardown")
    assert down.code == 0, down.output[-4000:]
    until("the host's container to go", lambda: not machines())
    (dump,) = keys(client, DUMPS, "kept/")
    kept["dump"] = dump
    assert dump in down.output
    assert parameters(client) == kept["parameters"]
    assert keys(client, DOCUMENTS) == kept["documents"]
    assert client("cloudfront").list_distributions()["DistributionList"].get("Items", []) == []
    assert client("ec2").describe_addresses()["Addresses"] == []
    assert client("iam").list_roles()["Roles"] == []


def test_down_again_changes_nothing() -> None:
    again = playbook("playbooks/teardown.yml", "-t", "phase1", log="teardown-again")
    assert again.code == 0, again.output[-4000:]
    assert {host: counts["changed"] for host, counts in again.recap.items()} == {"localhost": 0}


def test_it_comes_up_again_with_its_data(client: Client) -> None:
    up = playbook("site.yml", "-t", "phase1", "-e", f"mysql_restore={kept['dump']}", log="up-again")
    assert up.code == 0, up.output[-4000:]
    assert enrolments() == kept["enrolments"]
    assert parameters(client) == kept["parameters"]
    assert keys(client, DOCUMENTS) == kept["documents"]
    assert [zone["Id"] for zone in client("route53").list_hosted_zones()["HostedZones"]] == kept["zones"]
    assert curl("https://api.academia.test/up").split()[1] == "200"


def test_a_host_that_can_not_be_reached_stops_it(client: Client) -> None:
    cut = ("-e", '{"ansible_ssh_common_args": "-o ProxyCommand=false"}')
    stopped = playbook("playbooks/teardown.yml", "-t", "phase1", *cut, log="teardown-unreachable")
    assert stopped.code != 0
    assert "teardown_without_dump=true" in stopped.output
    assert len(machines()) == 1
    assert len(client("cloudfront").list_distributions()["DistributionList"].get("Items", [])) == 1


def test_with_the_data_nothing_is_left_but_the_last_dump_here(client: Client) -> None:
    options = ("DELETE_DATA=academia", f"TEARDOWN_DUMP_DIR={FOLDER}", "CONFIRM=yes")
    down = run("make", "teardown", "PHASE=phase1", *options, log="teardown-data")
    assert down.code == 0, down.output[-4000:]
    dump = max(FOLDER.glob("*.sql.gz"))
    assert dump.stat().st_mode & 0o777 == 0o600
    assert b"INSERT INTO `enrolments`" in gzip.decompress(dump.read_bytes())
    until("the host's container to go", lambda: not machines())
    ec2, iam, cloudfront = client("ec2"), client("iam"), client("cloudfront")
    assert client("s3").list_buckets()["Buckets"] == []
    assert parameters(client) == {}
    assert client("route53").list_hosted_zones()["HostedZones"] == []
    assert client("acm").list_certificates()["CertificateSummaryList"] == []
    assert cloudfront.list_distributions()["DistributionList"].get("Items", []) == []
    assert cloudfront.list_origin_access_controls()["OriginAccessControlList"].get("Items", []) == []
    assert cloudfront.list_functions()["FunctionList"].get("Items", []) == []
    assert (iam.list_roles()["Roles"], iam.list_instance_profiles()["InstanceProfiles"]) == ([], [])
    assert (ec2.describe_addresses()["Addresses"], ec2.describe_volumes()["Volumes"]) == ([], [])
    assert ec2.describe_key_pairs()["KeyPairs"] == []
    # The emulator's images have a snapshot each, in an empty account too.
    assert [item for item in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] if item["Tags"]] == []
    assert [item["GroupName"] for item in ec2.describe_security_groups()["SecurityGroups"]] == ["default"]
