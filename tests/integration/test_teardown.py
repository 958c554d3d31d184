"""teardown.yml as it runs, against the AWS API: what goes, what stays, and what stops it beforehand.

No host is behind the instance: a host of the inventory has its id, and is this machine with an andamio-db
that puts a dump into the bucket, and a systemctl that notes what it is told.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ACCOUNT, PYTHON, ROOT, Aws
from .test_overlay_cloudfront import config_of
from .test_overlay_ec2 import run as run_instance

OURS = {"Project": "academia", "Environment": "test", "ManagedBy": "andamio"}
NAME = "academia-test"
DUMPS, DOCUMENTS, SITE = (f"{NAME}-{thing}-{ACCOUNT}" for thing in ("dumps", "documents", "site"))
DUMP = gzip.compress(b"CREATE TABLE enrolments (id int);\n-- Dump completed\n")
ANDAMIO_DB = """#!{python}
import sys, time, boto3
assert sys.argv[1:] == ["dump", "--label", "last"], sys.argv
key = time.strftime("laravel/%Y-%m-%dT%H%M%SZ-last.sql.gz")
boto3.client("s3").upload_file("{dump}", "{bucket}", key)
print(f"s3://{bucket}/{{key}}: 99 bytes, 99 unpacked, whole")
"""
SYSTEMCTL = """#!/bin/sh
echo "$@" >> {told}
case "$1" in
list-units) echo "nginx.service loaded active running A web server"
            echo "laravel-worker@1.service loaded active running Laravel queue worker 1" ;;
esac
"""


@dataclass
class Ran:
    """A playbook that has run: its exit code, what the modules said, and what was changed by which task."""

    code: int
    output: str

    @property
    def results(self) -> list[dict[str, Any]]:
        tree = json.loads(self.output[self.output.index("{") :])
        return [
            {"task": task["task"]["name"], **result}
            for play in tree["plays"]
            for task in play["tasks"]
            for result in task["hosts"].values()
        ]

    @property
    def planned(self) -> list[tuple[str, str]]:
        """What becomes of each resource, in order, but for those that stay as they are."""
        told = [result["planned"] for result in self.results if "planned" in result]
        return [(item["action"], item["name"]) for item in told if item["action"] != "none"]

    @property
    def hand_work(self) -> list[str]:
        return [sentence for result in self.results for sentence in result.get("hand_work", [])]

    @property
    def said(self) -> str:
        """What people read: messages of failures and of debug tasks."""
        texts = [result.get("msg", "") for result in self.results]
        return "\n".join("\n".join(text) if isinstance(text, list) else str(text) for text in texts)

    @property
    def changed(self) -> list[str]:
        return [result["task"] for result in self.results if result.get("changed")]


class Checkout:
    """The playbooks with an inventory of their own, and a control machine's folder."""

    def __init__(self, folder: Path, aws: Aws) -> None:
        self.folder = folder
        self.aws = aws
        self.told = folder / "told"
        (folder / "bin").mkdir()
        (folder / "dump.sql.gz").write_bytes(DUMP)
        tool = folder / "bin" / "andamio-db"
        tool.write_text(ANDAMIO_DB.format(python=sys.executable, dump=folder / "dump.sql.gz", bucket=DUMPS))
        systemctl = folder / "bin" / "systemctl"
        systemctl.write_text(SYSTEMCTL.format(told=self.told))
        for file in (tool, systemctl):
            file.chmod(0o755)
        shutil.copytree(ROOT / "playbooks", folder / "playbooks")
        last_dump = folder / "playbooks" / "tasks" / "last_dump.yml"
        last_dump.write_text(last_dump.read_text().replace("/usr/local/sbin/andamio-db", str(tool)))
        (folder / "site").mkdir()
        (folder / "site" / "index.html").write_text("<!doctype html>")
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBnbE9gDN8dX2mY9xZ0x1T8bq0e5cH7i0Gz9mS3yJmZQ test"
        (folder / "key.pub").write_text(f"{key}\n")
        self.hosts({})

    def hosts(self, hosts: dict[str, Any]) -> None:
        """Write the inventory, with these hosts in the group laravel."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON}
        variables = {
            **self.aws.inventory(),
            "s3_site_build_dir": str(self.folder / "site"),
            "ec2_host_ssh_public_key": str(self.folder / "key.pub"),
            "route53_resolvers": ["127.0.0.1#9"],
        }
        laravel = {"hosts": hosts, "vars": {"ansible_become": False}}
        tree = {"all": {"vars": variables, "hosts": {"localhost": local}, "children": {"laravel": laravel}}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(tree))

    def find_host(self, **more: str) -> None:
        """Have the inventory find our instance, if there is one, as this machine."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON, **more}
        tags = [
            (key, {tag["Key"]: tag["Value"] for tag in item["Tags"]})
            for key, item in instances(self.aws).items()
        ]
        ours = [key for key, found in tags if OURS.items() <= found.items()]
        self.hosts({f"host-{number}": {**local, "ansible_host": key} for number, key in enumerate(ours)})

    def start(self, name: str, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["ansible-playbook", f"playbooks/{name}.yml", "-i", "hosts.yml", *options],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "PWD": str(self.folder),
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                "ANSIBLE_NOCOLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, name: str, *options: str) -> Ran:
        process = self.start(name, *options)
        output, errors = process.communicate(timeout=300)
        assert "{" in output, output + errors
        return Ran(process.returncode, output)

    def site(self) -> Ran:
        ran = self.run("phase1", "--limit", "localhost", "--skip-tags", "summary")
        assert ran.code == 0, ran.said
        return ran

    def teardown(self, *options: str) -> Ran:
        return self.run("teardown", "-t", "phase1", *options)


@pytest.fixture
def checkout(fresh_aws: Aws, tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, fresh_aws)


def instances(aws: Aws) -> dict[str, Any]:
    """The instances that aren't terminated, by id."""
    found = aws.client("ec2").describe_instances()["Reservations"]
    alive = [item for group in found for item in group["Instances"] if item["State"]["Name"] != "terminated"]
    return {item["InstanceId"]: item for item in alive}


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def distributions(aws: Aws) -> list[str]:
    items = aws.client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
    return [item["Id"] for item in items]


def account(aws: Aws) -> dict[str, Any]:
    """All that is in the account, service by service, as it can be compared."""
    ec2, iam, s3 = aws.client("ec2"), aws.client("iam"), aws.client("s3")
    cloudfront, route53, ssm = aws.client("cloudfront"), aws.client("route53"), aws.client("ssm")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    zones = route53.list_hosted_zones()["HostedZones"]
    headers = cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]
    return {
        "buckets": {name: s3.list_object_versions(Bucket=name).get("Versions", []) for name in buckets},
        "instances": sorted(instances(aws)),
        "addresses": ec2.describe_addresses()["Addresses"],
        "groups": ec2.describe_security_groups()["SecurityGroups"],
        "keys": ec2.describe_key_pairs()["KeyPairs"],
        "volumes": [volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]],
        "snapshots": ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"],
        "interfaces": [
            item["NetworkInterfaceId"] for item in ec2.describe_network_interfaces()["NetworkInterfaces"]
        ],
        "roles": iam.list_roles()["Roles"],
        "profiles": iam.list_instance_profiles()["InstanceProfiles"],
        "policies": iam.list_policies(Scope="Local")["Policies"],
        "records": {
            zone["Id"]: route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
            for zone in zones
        },
        "certificates": [
            item["CertificateArn"]
            for region in ("us-east-1", "eu-west-1")
            for item in aws.client("acm", region_name=region).list_certificates()["CertificateSummaryList"]
        ],
        "distributions": distributions(aws),
        "access": cloudfront.list_origin_access_controls()["OriginAccessControlList"].get("Items", []),
        "functions": cloudfront.list_functions()["FunctionList"].get("Items", []),
        "headers": headers.get("Items", []),
        "parameters": [
            item
            for page in ssm.get_paginator("get_parameters_by_path").paginate(
                Path="/academia", Recursive=True, WithDecryption=True
            )
            for item in page["Parameters"]
        ],
    }


def populate(aws: Aws, name: str, environment: str, tags: dict[str, str]) -> None:
    """Make what phase 1 would make, by the same names, with these tags: one of each that has tags."""
    ec2, iam, s3 = aws.client("ec2"), aws.client("iam"), aws.client("s3")
    for thing in ("documents", "dumps", "site"):
        bucket = f"{name}-{thing}-{ACCOUNT}"
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="theirs", Body=b"1")
        if tags:
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_list(tags)})
    host, listed = f"{name}-host", tag_list(tags)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName=host, AssumeRolePolicyDocument=trust, Tags=listed)
    iam.create_role(RoleName=f"{name}-app", AssumeRolePolicyDocument=trust, Tags=listed)
    iam.create_instance_profile(InstanceProfileName=host)
    iam.add_role_to_instance_profile(InstanceProfileName=host, RoleName=host)
    named = [*listed, {"Key": "Name", "Value": host}]
    ec2.create_key_pair(KeyName=host)
    group = ec2.create_security_group(GroupName=host, Description="theirs")["GroupId"]
    instance = run_instance(aws, SecurityGroupIds=[group])["InstanceId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_tags(Resources=[instance, address, group], Tags=named)
    ssm = aws.client("ssm")
    ssm.put_parameter(
        Name=f"/academia/{environment}/env/APP_KEY", Value="x", Type="SecureString", Tags=listed
    )


def distribution(aws: Aws, tags: dict[str, str]) -> None:
    aws.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config_of(), "Tags": {"Items": tag_list(tags)}}
    )


def until(what: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)


DELETED = [
    ("change", "zone academia.test"),
    ("delete", f"distribution {NAME}-site"),
    ("delete", "certificate academia.test"),
    ("delete", f"bucket {SITE}"),
    ("delete", f"host {NAME}-host"),
    ("delete", f"security group {NAME}-host"),
    ("delete", f"key pair {NAME}-host"),
    ("delete", f"instance role {NAME}-host"),
    ("delete", f"role {NAME}-app"),
]


def own_parameters(found: dict[str, Any]) -> list[Any]:
    return [item for item in found["parameters"] if item["Name"].startswith("/academia/test/")]


def zone_of(aws: Aws) -> str:
    zones = aws.client("route53").list_hosted_zones_by_name(DNSName="academia.test")["HostedZones"]
    return str(zones[0]["Id"])


def only_data_is_left(aws: Aws, before: dict[str, Any], built: dict[str, Any]) -> str:
    """See that beside what was there before, phase 1 has left its data and zone; give the last dump's key."""
    kept = account(aws)
    assert [record["Type"] for record in kept["records"].pop(zone_of(aws))] == ["NS", "SOA"]
    assert kept["buckets"].pop(DOCUMENTS) == built["buckets"][DOCUMENTS]
    dumps = [item["Key"] for item in kept["buckets"].pop(DUMPS)]
    (last,) = [key for key in dumps if key.startswith("kept/laravel/")]
    assert last.removeprefix("kept/") in dumps
    own = own_parameters(kept)
    assert own == own_parameters(built)
    assert {item["Name"].rpartition("/")[2] for item in own} >= {"APP_KEY", "DB_PASSWORD"}
    assert kept | {"parameters": before["parameters"]} == before
    rules = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=DUMPS)["Rules"]
    assert {rule["ID"]: rule["Filter"]["Prefix"] for rule in rules}["expire-old-dumps"] == "laravel/"
    return last


def the_data_is_here(checkout: Checkout, ran: Ran) -> None:
    """See that the last dump and the environment are on this machine, and for its owner alone."""
    folder = checkout.folder / f"{NAME}-last-dump"
    dump, environment = max(folder.glob("*.sql.gz")), folder / "environment.json"
    assert [path.stat().st_mode & 0o777 for path in (folder, dump, environment)] == [0o700, 0o600, 0o600]
    assert dump.read_bytes() == DUMP
    assert json.loads(environment.read_text())["APP_KEY"].startswith("base64:")
    assert str(dump) in ran.said


def test_down_and_up_again_with_the_data_then_down_without_a_trace(checkout: Checkout) -> None:
    aws = checkout.aws
    s3 = aws.client("s3")
    populate(aws, "academia-staging", "staging", OURS | {"Environment": "staging"})
    distribution(aws, {"Name": "academia-staging-site"})
    aws.client("route53").create_hosted_zone(Name="other.test", CallerReference="theirs")
    before = account(aws)
    checkout.site()
    for body in (b"first", b"second"):
        s3.put_object(Bucket=DOCUMENTS, Key="receipts/1.pdf", Body=body)
    s3.put_object(Bucket=DUMPS, Key="laravel/2026-11-01T031000Z.sql.gz", Body=DUMP)
    built = account(aws)
    checkout.find_host()

    plan = checkout.teardown("--check", "--diff")
    assert (plan.code, plan.planned) == (0, DELETED), plan.said
    assert account(aws) == built
    assert not checkout.told.exists()

    down = checkout.teardown()
    assert (down.code, down.planned) == (0, DELETED), down.said
    assert checkout.told.read_text().splitlines() == [
        "list-units --state=active --plain --no-legend nginx.service laravel-*",
        "stop nginx.service laravel-worker@1.service",
    ]
    last = only_data_is_left(aws, before, built)
    assert f"site.yml -t phase1 -e mysql_restore={last}" in down.said
    zone = zone_of(aws)

    up = checkout.site()
    assert ("create", f"host {NAME}-host") in up.planned
    assert not [name for _action, name in up.planned if "documents" in name or "dumps" in name]
    assert own_parameters(account(aws)) == own_parameters(built)
    assert zone_of(aws) == zone

    checkout.find_host()
    plan = checkout.teardown("--check", "-e", "delete_data=academia")
    assert plan.code == 0, plan.said
    assert ("delete", "zone academia.test") in plan.planned
    assert not any("was left" in sentence for sentence in plan.hand_work)
    with checkout.start("teardown", "-t", "phase1", "-e", "delete_data=academia") as killed:
        until(lambda: distributions(aws) == before["distributions"], killed)
        os.killpg(killed.pid, signal.SIGKILL)
    checkout.find_host()
    end = checkout.teardown("-e", "delete_data=academia")
    assert end.code == 0, end.said
    assert account(aws) == before
    the_data_is_here(checkout, end)

    checkout.find_host()
    nothing = checkout.teardown("-e", "delete_data=academia")
    assert (nothing.code, nothing.changed, nothing.planned) == (0, [], []), nothing.said


def test_what_only_has_our_names_is_left_and_named(checkout: Checkout) -> None:
    aws = checkout.aws
    populate(aws, NAME, "test", {})
    distribution(aws, {"Name": f"{NAME}-site"})
    aws.client("acm").request_certificate(
        DomainName="academia.test", SubjectAlternativeNames=["www.academia.test"], ValidationMethod="DNS"
    )
    route53 = aws.client("route53")
    zone = route53.create_hosted_zone(Name="academia.test", CallerReference="theirs")["HostedZone"]["Id"]
    api = {"Name": "api.academia.test", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": api}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    # Somebody has copied the tags, too.
    route53.change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=zone.rpartition("/")[2], AddTags=tag_list(OURS)
    )
    before = account(aws)
    down = checkout.teardown("-e", "delete_data=academia")
    assert (down.code, down.planned) == (0, []), down.said
    assert account(aws) == before
    named = "\n".join(down.hand_work)
    for what in (
        "api.academia.test. A points elsewhere",
        "zone academia.test. wasn't made by Andamio",
        f"distribution {NAME}-site",
        f"bucket {SITE}",
        f"bucket {DUMPS}",
        f"bucket {DOCUMENTS}",
        f"{NAME}-host (i-",
        f"security group {NAME}-host",
        f"key pair {NAME}-host",
        f"instance role {NAME}-host",
        f"role {NAME}-app",
        "parameters /academia/test/env/ (APP_KEY)",
    ):
        assert what in named, (what, named)


@pytest.fixture
def standing(checkout: Checkout) -> Checkout:
    """A zone with somebody's mail and an instance, both as Andamio makes them."""
    aws = checkout.aws
    route53 = aws.client("route53")
    zone = route53.create_hosted_zone(Name="academia.test", CallerReference="andamio-1")["HostedZone"]["Id"]
    mail = {"Name": "academia.test", "Type": "MX", "TTL": 60, "ResourceRecords": [{"Value": "10 mx.test."}]}
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": mail}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    route53.change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=zone.rpartition("/")[2], AddTags=tag_list(OURS)
    )
    instance = run_instance(aws)["InstanceId"]
    aws.client("ec2").create_tags(Resources=[instance], Tags=tag_list(OURS | {"Name": f"{NAME}-host"}))
    aws.client("s3").create_bucket(Bucket=DUMPS)
    return checkout


@pytest.mark.parametrize(
    ("options", "found", "says"),
    [
        (["-e", "delete_data=acadmia"], True, 'delete_data: it is "acadmia", but the project is "academia"'),
        (["-e", "delete_data=true"], True, "Type exactly that name"),
        ([], False, "isn't among the inventory's hosts"),
        (["-e", "delete_data=academia"], True, "records that aren't Andamio's: academia.test. MX"),
        (["--limit", "localhost"], True, "this run has made no last dump"),
    ],
)
def test_what_stops_it_before_anything_is_changed(
    standing: Checkout, options: list[str], found: bool, says: str
) -> None:
    if found:
        standing.find_host()
    before = account(standing.aws)
    stopped = standing.teardown(*options)
    assert stopped.code != 0
    assert says in stopped.said, stopped.said
    assert stopped.changed == []
    assert account(standing.aws) == before
    assert not standing.told.exists()


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_a_host_that_can_not_be_reached_stops_it(standing: Checkout, options: list[str]) -> None:
    standing.find_host(ansible_connection="ssh", ansible_ssh_common_args="-o ProxyCommand=false")
    before = account(standing.aws)
    stopped = standing.teardown(*options, "-e", "teardown_reach_seconds=1")
    assert stopped.code != 0
    assert "host-0 can't be reached" in stopped.said
    assert "-e teardown_without_dump=true" in stopped.said
    assert (stopped.changed, account(standing.aws)) == ([], before)


def test_a_dump_that_fails_deletes_nothing_and_starts_again_what_was_stopped(standing: Checkout) -> None:
    standing.find_host()
    standing.aws.client("s3").delete_bucket(Bucket=DUMPS)
    before = account(standing.aws)
    failed = standing.teardown()
    assert failed.code != 0
    assert "Nothing was deleted. The last dump of host-0 failed" in failed.said
    assert standing.told.read_text().splitlines()[1:] == [
        "stop nginx.service laravel-worker@1.service",
        "start nginx.service laravel-worker@1.service",
    ]
    assert account(standing.aws) == before
    # Without the dump it goes, when that is asked for.
    assert standing.teardown("-t", "ec2_host", "-e", "teardown_without_dump=true").code == 0
    assert not instances(standing.aws)
