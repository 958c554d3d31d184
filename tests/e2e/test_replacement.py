"""The account's instance is replaced: another machine at the same address, with what the first one knew."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

from .conftest import curl, playbook
from .host import Host

Client = Callable[..., Any]


def instances(client: Client) -> dict[str, str]:
    """The state of each instance of the environment, by its id."""
    found = client("ec2").describe_instances(
        Filters=[{"Name": "tag:Name", "Values": ["academia-sandbox-host"]}]
    )
    return {
        machine["InstanceId"]: machine["State"]["Name"]
        for group in found["Reservations"]
        for machine in group["Instances"]
    }


def address(client: Client) -> tuple[str, str]:
    """The elastic address, and the instance that has it."""
    (found,) = client("ec2").describe_addresses()["Addresses"]
    return found["PublicIp"], found["InstanceId"]


def test_a_replaced_instance_keeps_the_address_and_gets_the_data_back(client: Client) -> None:
    host = Host()
    before, (public, owner) = instances(client), address(client)
    assert owner == host.name
    volume = client("ec2").describe_volumes(
        Filters=[{"Name": "attachment.instance-id", "Values": [host.name]}]
    )["Volumes"][0]["VolumeId"]
    host.sh("andamio-db dump")
    enrolments = host.sql("SELECT COUNT(*), MAX(id) FROM enrolments")
    assert enrolments[0][0] != "0"

    wished = ("site.yml", "-t", "phase1", "-e", "ec2_host_replace=true")
    planned = playbook(*wished, "--check", log="replaced-planned")
    assert planned.code == 0, planned.output[-4000:]
    assert set(planned.recap) == {"localhost"}
    words = " ".join(planned.output.split())
    roles = "base, mysql, php_fpm, nginx, certbot, laravel_app"
    assert f"± host academia-sandbox-host {roles} configured when the host exists" in words
    # One instance in place of another: the bill is what it was.
    assert "In all 11.24 USD a month, without tax" in words

    replaced = playbook(
        *(*wished, "-e", "mysql_restore=latest"),
        log="replaced",
    )
    assert replaced.code == 0, replaced.output[-4000:]
    assert "USD a month, as before" in replaced.output
    now = instances(client)
    (new,) = set(now) - set(before)
    assert (now[new], now[host.name]) == ("running", "terminated")
    assert address(client) == (public, new)
    # No play was sent to the machine that is gone.
    assert set(replaced.recap) == {"localhost", new}

    assert curl("https://api.academia.test/up").startswith("HTTP/2 200")
    assert Host().sql("SELECT COUNT(*), MAX(id) FROM enrolments") == enrolments
    snapshots = client("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert [snapshot["VolumeId"] for snapshot in snapshots if snapshot["VolumeId"] == volume] == [volume]


def test_a_dump_is_looked_into_by_a_url_of_the_operators_alone(client: Client) -> None:
    host = Host()
    refused = host.sh("andamio-db restore latest --into copy 2>&1 || echo ended with $?")
    assert "playbooks/restore.yml" in refused
    assert "ended with 1" in refused
    looked = playbook("playbooks/restore.yml", "-e", "into=copy", "-vvvv", log="restored-copy")
    assert looked.code == 0, looked.output[-4000:]
    assert "X-Amz-Signature" not in looked.output
    assert host.sql("SELECT COUNT(*) FROM copy.enrolments") == host.sql("SELECT COUNT(*) FROM enrolments")
    host.sh("mysql -e 'DROP DATABASE copy'")


def test_a_dump_that_somebody_else_has_put_there_is_refused(client: Client) -> None:
    bucket, forged = "academia-sandbox-dumps-123456789012", "laravel/2099-01-01T000000Z.sql.gz"
    body = gzip.compress(b"\\! id > /tmp/forged\n-- Dump completed\n")
    client("s3").put_object(Bucket=bucket, Key=forged, Body=body)
    try:
        refused = playbook("playbooks/restore.yml", "-e", "into=forged", log="restored-forged")
    finally:
        client("s3").delete_object(Bucket=bucket, Key=forged)
    assert refused.code != 0
    assert f"{forged} has no signature" in " ".join(refused.output.split())
    assert Host().sql("SHOW DATABASES LIKE 'forged'") == []


def test_the_run_after_it_changes_nothing() -> None:
    again = playbook("site.yml", "-t", "phase1", log="replaced-again")
    assert again.code == 0, again.output[-4000:]
    assert {host: counts["changed"] for host, counts in again.recap.items()} == dict.fromkeys(again.recap, 0)
