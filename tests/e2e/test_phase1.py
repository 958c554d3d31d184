"""Phase 1 from an empty account to a live site and API, then again, then broken on purpose.

The tests build on each other, in this order: they are one story, and a run of it takes minutes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import parliament
import pytest

from .chaos import CLEAN, GATE, MOMENTS, count, kill_at
from .conftest import CACHE, curl, on_host, playbook, run
from .host import Host

Client = Callable[..., Any]


def test_check_mode_runs_to_its_end_on_an_empty_account(client: Client) -> None:
    assert run("make", "sandbox-reset").code == 0
    assert run("make", "site", "api").code == 0
    plan = playbook("site.yml", "-t", "phase1", "--check", "--diff", log="check-from-nothing")
    assert plan.code == 0, plan.output[-4000:]
    assert client("s3").list_buckets()["Buckets"] == []
    assert client("ec2").describe_instances()["Reservations"] == []
    assert client("ec2").describe_addresses()["Addresses"] == []
    assert client("iam").list_roles()["Roles"] == []
    assert client("route53").list_hosted_zones()["HostedZones"] == []
    assert client("ssm").get_parameters_by_path(Path="/academia", Recursive=True)["Parameters"] == []


def check_runs_to_its_end(log: str) -> None:
    """Whatever a killed run has left can be planned from."""
    plan = playbook("site.yml", "-t", "phase1", "--check", "--diff", log=log)
    assert plan.code == 0, plan.output[-4000:]
    assert len(plan.recap) == 2, plan.recap


def test_a_run_killed_in_the_middle_is_completed_by_the_next() -> None:
    killed = [kill_at(moment) for moment in MOMENTS if moment.role == "ec2_host"]
    assert run("python", "-m", "sandbox", "wait").code == 0
    check_runs_to_its_end("check-a-bare-host")
    for moment in GATE:
        killed.append(kill_at(moment))
        if moment.role == "mysql":
            check_runs_to_its_end("check-amid-packages")
    assert [one.task.split(" : ")[0] for one in killed] == ["ec2_host", "base", "mysql", "laravel_app"]
    demo = run("make", "demo", log="demo")
    assert demo.code == 0, demo.output[-4000:]
    assert "✘" not in demo.output
    assert demo.output.count("✔") == 7
    for said in (
        "https://academia.test",
        "https://api.academia.test",
        "curl --cacert",
        "Pebble",
        "USD a month",
    ):
        assert said in demo.output
    assert count() == CLEAN
    # MySQL's first start was cut, so that its data folder had to be begun again.
    assert len(Host().sh("ls -d /var/lib/mysql.unfinished-*").split()) == 1


def test_the_demo_again_changes_nothing() -> None:
    again = run("make", "demo", log="demo-again")
    assert again.code == 0, again.output[-4000:]
    assert {host: counts["changed"] for host, counts in again.recap.items()} == dict.fromkeys(again.recap, 0)
    assert len(again.recap) == 2


def test_one_role_alone() -> None:
    for role in ("s3_site", "nginx"):
        alone = playbook("site.yml", "-t", role, log=f"only-{role}")
        assert alone.code == 0, alone.output[-4000:]
        assert sum(counts["changed"] for counts in alone.recap.values()) == 0


@pytest.mark.parametrize(
    ("url", "status", "says"),
    [
        ("https://academia.test/", 200, '<div id="root">'),
        ("https://academia.test/", 200, "strict-transport-security: max-age="),
        ("https://academia.test/", 200, "cache-control: no-cache"),
        ("https://academia.test/enrolments/1", 200, '<div id="root">'),
        ("https://academia.test/user/ana.perez", 200, '<div id="root">'),
        ("https://academia.test/courses/v1.2", 200, '<div id="root">'),
        ("https://academia.test/.well-known/apple-app-site-association", 404, ""),
        ("https://academia.test/assets/gone-12345678.js", 404, ""),
        ("https://www.academia.test/a?b=c", 301, "location: https://academia.test/a?b=c"),
        ("http://academia.test/", 301, "location: https://academia.test/"),
        ("https://api.academia.test/up", 200, "x-request-id: "),
        ("http://api.academia.test/up", 301, "location: https://api.academia.test/up"),
        ("https://api.academia.test/.env", 404, ""),
    ],
)
def test_the_site_and_the_api_from_outside(url: str, status: int, says: str) -> None:
    answer = curl(url)
    head = answer.splitlines()[0]
    assert head.split()[1] == str(status), answer
    assert says.lower() in answer.lower()
    if status == 404:
        assert '<div id="root">' not in answer


def test_a_person_enrols_pays_and_gets_the_receipt_back() -> None:
    seen = run("python", "-m", "tests.e2e.browser", log="browser")
    assert seen.code == 0, seen.output[-4000:]


MAY = """
import boto3, json, sys, urllib.request
from botocore.exceptions import ClientError
dump = sys.argv[1]
session = boto3.session.Session(region_name="us-east-1")
s3, ssm, sts = session.client("s3"), session.client("ssm"), session.client("sts")
bucket, dumps = "academia-sandbox-documents-123456789012", "academia-sandbox-dumps-123456789012"
def tried(call, **arguments):
    try:
        call(**arguments)
        return "served"
    except ClientError as error:
        return error.response["Error"]["Code"]
def metadata():
    asked = urllib.request.Request("http://169.254.169.254/latest/api/token", method="PUT")
    asked.add_header("X-aws-ec2-metadata-token-ttl-seconds", "60")
    try:
        urllib.request.urlopen(asked, timeout=5)
        return "served"
    except OSError as error:
        return "Denied: " + str(error) if "refused" in str(error) else str(error)
print(json.dumps({
    "who": sts.get_caller_identity()["Arn"].split("/")[1],
    "metadata": metadata(),
    "put inside": tried(s3.put_object, Bucket=bucket, Key="receipts/probe", Body=b"x"),
    "get inside": tried(s3.get_object, Bucket=bucket, Key="receipts/probe"),
    "put outside": tried(s3.put_object, Bucket=bucket, Key="other/probe", Body=b"x"),
    "get outside": tried(s3.get_object, Bucket=bucket, Key="other/probe"),
    "delete": tried(s3.delete_object, Bucket=bucket, Key="receipts/probe"),
    "list": tried(s3.list_objects_v2, Bucket=bucket),
    "put over http": tried(session.client("s3", endpoint_url="http://s3.us-east-1.amazonaws.com").put_object,
                           Bucket=bucket, Key="receipts/probe", Body=b"x"),
    "add a dump": tried(s3.put_object, Bucket=dumps, Key="laravel/probe", Body=b"x"),
    "list dumps": tried(s3.list_objects_v2, Bucket=dumps, Prefix="laravel/"),
    "read a dump": tried(s3.get_object, Bucket=dumps, Key=dump),
    "delete a dump": tried(s3.delete_object, Bucket=dumps, Key=dump),
    "list dumps' versions": tried(s3.list_object_versions, Bucket=dumps, Prefix="laravel/"),
    "let dumps expire": tried(s3.delete_bucket_lifecycle, Bucket=dumps),
    "overwrite a kept dump": tried(s3.put_object, Bucket=dumps, Key="kept/" + dump, Body=b"x"),
    "the dumps' key": tried(ssm.get_parameter, Name="/academia/sandbox/dumps/hmac_key", WithDecryption=True),
    "own parameters": tried(ssm.get_parameters_by_path, Path="/academia/sandbox/env"),
    "other parameters": tried(ssm.get_parameters_by_path, Path="/academia/production/env"),
    "one parameter by name": tried(ssm.get_parameter, Name="/academia/sandbox/env/APP_KEY"),
    "write a parameter": tried(ssm.put_parameter, Name="/academia/sandbox/env/X", Value="x", Type="String"),
    "other service": tried(session.client("ec2").describe_instances),
    "become the application": tried(sts.assume_role, RoleSessionName="e2e",
                                    RoleArn="arn:aws:iam::123456789012:role/academia-sandbox-app"),
    "become the host": tried(sts.assume_role, RoleSessionName="e2e",
                             RoleArn="arn:aws:iam::123456789012:role/academia-sandbox-host"),
}))
"""
DUMPS = "academia-sandbox-dumps-123456789012"
# With the environment of what runs the application. (PHP-FPM's can't be read: it writes its title over it.)
AS_THE_APPLICATION = """
pid=$(systemctl show --property MainPID --value laravel-worker@1)
xargs -0 -a /proc/$pid/environ sh -c 'exec env -i "$@" runuser -u laravel -- python3 /tmp/may.py {dump}' sh
"""


@pytest.fixture
def dump(client: Client) -> Iterator[str]:
    """The key of a dump; what a test adds is deleted again."""
    assert on_host("systemctl start mysql-dump.service").code == 0
    s3 = client("s3")
    yield max(item["Key"] for item in s3.list_objects_v2(Bucket=DUMPS, Prefix="laravel/")["Contents"])
    for item in s3.list_object_versions(Bucket=DUMPS, Prefix="laravel/probe").get("Versions", []):
        s3.delete_object(Bucket=DUMPS, Key=item["Key"], VersionId=item["VersionId"])


def verdicts_of(script: str) -> tuple[str, set[str], dict[str, str]]:
    """Who it was, what it got, and all verdicts, when the host runs this beside MAY in /tmp/may.py."""
    verdicts = json.loads(
        Host().sh(f"cat >/tmp/may.py <<'MAY'{MAY}MAY\nchmod 644 /tmp/may.py\n{script}", 120).splitlines()[-1]
    )
    who = verdicts.pop("who")
    denied = {key for key, verdict in verdicts.items() if "Denied" in verdict or "Unauthorized" in verdict}
    served = {key for key, verdict in verdicts.items() if verdict == "served"}
    assert denied | served == set(verdicts), verdicts
    return who, served, verdicts


def test_the_host_may_do_what_it_needs_and_nothing_else(dump: str) -> None:
    who, served, verdicts = verdicts_of(f"python3 /tmp/may.py {dump}")
    assert who == "academia-sandbox-host"
    needed = {
        "metadata",
        "add a dump",
        "list dumps",
        "the dumps' key",
        "own parameters",
        "become the application",
    }
    assert served == needed, verdicts


def test_the_application_gets_its_own_documents_and_nothing_else(dump: str) -> None:
    who, served, verdicts = verdicts_of(AS_THE_APPLICATION.format(dump=dump))
    assert who == "academia-sandbox-app"
    assert served == {"put inside", "get inside"}, verdicts


def test_without_its_token_the_application_is_nobody() -> None:
    found = Host().sh(
        "runuser -u laravel -- python3 -c 'import boto3; print(boto3.session.Session().get_credentials())'; "
        "runuser -u laravel -- curl --silent http://127.0.0.1:9911/credentials"
    )
    nobody, refused = found.splitlines()
    assert nobody == "None"
    assert json.loads(refused)["code"] == "Unauthorized"


def plain(tree: Any) -> Any:
    """Write a list of one as its item: parliament can't read a condition's value in a list."""
    if isinstance(tree, dict):
        return {key: plain(item) for key, item in tree.items()}
    if isinstance(tree, list) and len(tree) == 1 and isinstance(tree[0], str):
        return tree[0]
    return [plain(item) for item in tree] if isinstance(tree, list) else tree


def test_a_policy_linter_finds_nothing(client: Client) -> None:
    iam, s3 = client("iam"), client("s3")
    documents = {}
    for role in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)
            documents[f"{role['RoleName']}/{name}"] = policy["PolicyDocument"]
    assert documents
    for bucket in s3.list_buckets()["Buckets"]:
        documents[bucket["Name"]] = json.loads(s3.get_bucket_policy(Bucket=bucket["Name"])["Policy"])
    findings = {}
    for name, document in documents.items():
        found = parliament.analyze_policy_string(
            json.dumps(plain(document)), include_community_auditors=False
        ).findings
        if found:
            findings[name] = [str(finding) for finding in found]
    assert findings == {}


def test_the_dump_of_the_day_reaches_its_bucket_and_restores(client: Client) -> None:
    done = on_host("systemctl start mysql-dump.service")
    assert done.code == 0, done.output
    dumps = client("s3").list_objects_v2(Bucket="academia-sandbox-dumps-123456789012").get("Contents", [])
    newest = max(dumps, key=lambda dump: dump["LastModified"])
    assert newest["Size"] > 1000
    signed = client("s3").head_object(Bucket="academia-sandbox-dumps-123456789012", Key=newest["Key"])
    assert len(signed["Metadata"]["andamio-hmac-sha256"]) == 64
    target = CACHE / "e2e" / "dump.sql.gz"
    client("s3").download_file("academia-sandbox-dumps-123456789012", newest["Key"], str(target))
    sent = run(
        "ansible",
        "laravel",
        "-m",
        "ansible.builtin.copy",
        "-a",
        f"src={target} dest=/tmp/dump.sql.gz mode=0600",
    )
    assert sent.code == 0, sent.output
    counted = on_host(
        "mysql -e 'CREATE DATABASE restored'; zcat /tmp/dump.sql.gz | mysql restored; "
        "for schema in laravel restored; do mysql -NBe 'SELECT COUNT(*) FROM enrolments' $schema; done; "
        "mysql -e 'DROP DATABASE restored'; rm -f /tmp/dump.sql.gz"
    )
    live, restored = counted.output.split()[-2:]
    assert (int(live) > 0, live) == (True, restored), counted.output


def test_all_problems_are_listed_at_once_before_anything_is_changed(tmp_path: Any) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "env").write_text("GOOD=1\nthis is no line\n")
    refused = playbook(
        *("site.yml", "-t", "phase1", "-e", "aws_account_id=999999999999"),
        *("-e", f"s3_site_build_dir={tmp_path / 'site'}", "-e", f"ssm_env_file={tmp_path / 'env'}"),
        log="refused",
    )
    assert refused.code != 0
    for said in ("999999999999", "123456789012", "index.html", f"{tmp_path / 'env'}, line 2"):
        assert said in refused.output, refused.output
    assert sum(counts["changed"] for counts in refused.recap.values()) == 0


def test_a_name_that_does_not_point_here_asks_nothing_of_the_ca(client: Client) -> None:
    route53 = client("route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    record = {
        "Name": "wrong.academia.test",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.77"}],
    }

    def change(action: str) -> None:
        changes = [{"Action": action, "ResourceRecordSet": record}]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    change("UPSERT")
    time.sleep(3)
    refused = playbook(
        "site.yml", "-t", "certbot", "-e", '{"certbot_names": ["wrong.academia.test"]}', log="wrong-name"
    )
    change("DELETE")
    assert refused.code != 0
    for said in ("wrong.academia.test", "192.0.2.77", "10.97.0.1"):
        assert said in refused.output, refused.output
    assert "wrong.academia.test" not in on_host("cat /var/log/letsencrypt/letsencrypt.log").output
