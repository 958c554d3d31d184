"""Runs of phase 1 that are killed on the way up, and what the next run makes of what they leave.

``python -m tests.e2e.chaos`` (``make chaos``) empties the sandbox's account, kills a run in each role, and
prints what happened. The gate does the three moments of GATE (test_phase1.py).

One account goes up, and is not emptied in between: a run is killed at the first moment, the next one goes on
and is killed at the second, and so on; after the last kill one must end well, and one more change nothing. A
run gets to a later moment only by completing all that is before it, what the kill before has cut included: a
run that fails by itself is an error here. Twelve separate accounts would prove the same in an hour.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .conftest import LOGS, ROOT, Ran, aws, playbook, run
from .host import Host

PHASE = ("site.yml", "-t", "phase1")
LIMIT = 600
"""Seconds until a moment must be reached: long after, so that a run that hangs is not waited for."""
POWER_CUT = "systemctl kill --kill-whom=all --signal=KILL andamio-packages.service"


def on_host(test: str) -> Callable[[], bool]:
    """Whether a shell command succeeds on the account's host."""
    return lambda: (
        subprocess.run(Host().command("sh", "-c", test), capture_output=True, check=False).returncode == 0
    )


def bucket(name: str) -> Callable[[], bool]:
    """Whether there is a bucket of such a name."""
    return lambda: any(name in found["Name"] for found in aws("s3").list_buckets()["Buckets"])


def parameters(path: str) -> list[str]:
    pages = aws("ssm").get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    return [item["Name"] for page in pages for item in page["Parameters"]]


@dataclass(frozen=True)
class Moment:
    """When to kill: a task of a role has begun, by the run's own output, and then something is so.

    cut: a command for the host after the kill. Package work outlives the run, so a power cut needs its own.
    """

    role: str
    task: str
    reached: Callable[[], bool] = lambda: True
    cut: str = ""

    @property
    def line(self) -> str:
        return f"TASK [andamio.laravel_aws.{self.role} : {self.task}]"


# (A bracket, or the shell that asks would be found by its own words.)
UNPACKING = on_host("pgrep -f '^/usr/bin/[d]pkg .*--unpack' && pgrep -x dpkg-deb")
INITIALIZING = on_host("pgrep -f '[m]ysqld .*--initialize' && test -e /var/lib/mysql/ibdata1")

MOMENTS = (
    Moment("documents_bucket", "Converge the documents bucket", bucket("-documents-")),
    Moment("dumps_bucket", "Converge the dumps bucket", bucket("-dumps-")),
    Moment(
        "ssm_env",
        "Converge the environment in Parameter Store",
        lambda: bool(parameters("/academia/sandbox/env")),
    ),
    Moment(
        "ec2_host",
        "Converge the instance and its Elastic IP",
        lambda: bool(aws("ec2").describe_instances()["Reservations"]),
    ),
    Moment("route53", "Converge the hosted zone"),
    Moment(
        "s3_site",
        "Converge the distribution",
        lambda: bool(aws("cloudfront").list_distributions()["DistributionList"].get("Items")),
    ),
    Moment("base", "Install packages", UNPACKING),
    Moment("mysql", "Install the server", INITIALIZING, POWER_CUT),
    Moment("php_fpm", "Install PHP and its extensions", UNPACKING, POWER_CUT),
    Moment("nginx", "Make a self-signed certificate"),
    Moment("certbot", "Ask the CA for a certificate", on_host("pgrep -f '[c]ertbot .*certonly'")),
    # What is unpacked stays: a look that comes late, on a busy machine, finds it even so.
    Moment("laravel_app", "Deploy", on_host("ls -d /srv/laravel/releases/*/artisan")),
)
GATE = tuple(moment for moment in MOMENTS if moment.role in ("base", "mysql", "laravel_app"))


@dataclass(frozen=True)
class Killed:
    """A run that was killed: when, in which task, after how many seconds, and how many processes it had."""

    moment: Moment
    task: str
    seconds: float
    processes: int


def tree(mark: str) -> list[int]:
    """The processes with this in their environment: a run's own, their sessions and groups aside."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # It has ended, or is another user's.
            if mark.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


def kill(mark: str) -> int:
    """Kill all of a run's processes by SIGKILL, and those they start meanwhile. Return how many."""
    killed: set[int] = set()
    while pids := tree(mark):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.update(pids)
        time.sleep(0.01)
    return len(killed)


def kill_at(moment: Moment) -> Killed:
    """Start phase 1 and kill its whole process tree at the moment.

    Raises AssertionError when the run ends before, or hangs.
    """
    log = LOGS / f"killed-{moment.role}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    mark = f"ANDAMIO_CHAOS={uuid.uuid4()}"
    name, value = mark.split("=")
    moment.reached()  # boto3 loads its client, which takes longer than some of these tasks.
    started = time.monotonic()
    with (
        log.open("w") as output,
        subprocess.Popen(
            ["ansible-playbook", "-v", *PHASE],
            cwd=ROOT,
            env=os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", name: value},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            for reached in (lambda: moment.line in log.read_text(errors="replace"), moment.reached):
                while not reached():
                    said = log.read_text(errors="replace")[-3000:]
                    assert process.poll() is None, f"ended by itself before {moment.line}:\n{said}"
                    assert time.monotonic() < started + LIMIT, f"{LIMIT} s, and no {moment.line}:\n{said}"
                    time.sleep(0.02)
        finally:
            processes = kill(mark)
        seconds = time.monotonic() - started
    if moment.cut:
        Host().sh(moment.cut)
    begun = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("TASK [")]
    task = begun[-1].split("[", 1)[1].rsplit("]", 1)[0].removeprefix("andamio.laravel_aws.")
    return Killed(moment, task, seconds, processes)


def count() -> dict[str, int]:
    """How many of each the account has; a run that had forgotten what it made would make a second one."""
    ec2, cloudfront, s3 = aws("ec2"), aws("cloudfront"), aws("s3")
    buckets = [found["Name"] for found in s3.list_buckets()["Buckets"]]
    zones = aws("route53").list_hosted_zones()["HostedZones"]
    listed: dict[str, list[Any]] = {
        "instances": [
            one for group in ec2.describe_instances()["Reservations"] for one in group["Instances"]
        ],
        "addresses": ec2.describe_addresses()["Addresses"],
        "volumes": ec2.describe_volumes()["Volumes"],
        "security groups": [
            one for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] != "default"
        ],
        "key pairs": ec2.describe_key_pairs()["KeyPairs"],
        "distributions": cloudfront.list_distributions()["DistributionList"].get("Items", []),
        "origin access controls": cloudfront.list_origin_access_controls()["OriginAccessControlList"].get(
            "Items", []
        ),
        "functions": cloudfront.list_functions(Stage="LIVE")["FunctionList"].get("Items", []),
        "header policies": cloudfront.list_response_headers_policies(Type="custom")[
            "ResponseHeadersPolicyList"
        ].get("Items", []),
        "certificates": aws("acm").list_certificates()["CertificateSummaryList"],
        "zones": zones,
        "records": [
            record
            for zone in zones
            for record in aws("route53").list_resource_record_sets(HostedZoneId=zone["Id"])[
                "ResourceRecordSets"
            ]
        ],
        "buckets": buckets,
        "open uploads": [
            one for name in buckets for one in s3.list_multipart_uploads(Bucket=name).get("Uploads", [])
        ],
        "roles": aws("iam").list_roles()["Roles"],
        "instance profiles": aws("iam").list_instance_profiles()["InstanceProfiles"],
        "parameters": parameters("/academia"),
    }
    return {what: len(found) for what, found in listed.items()}


# What a clean run makes of the demo's inventory.
CLEAN = {
    "instances": 1,
    "addresses": 1,
    "volumes": 1,
    "security groups": 1,
    "key pairs": 1,
    "distributions": 1,
    "origin access controls": 1,
    "functions": 1,
    "header policies": 1,
    "certificates": 1,
    "zones": 1,
    "records": 10,
    "buckets": 3,
    "open uploads": 0,
    "roles": 2,
    "instance profiles": 1,
    "parameters": 24,
}


def changed(ran: Ran) -> dict[str, int]:
    return {host: counts["changed"] for host, counts in ran.recap.items()}


def check(done: str, ran: Ran) -> None:
    """Raise AssertionError with the end of what a command printed, when it failed."""
    assert ran.code == 0, f"{done} ended with {ran.code}:\n{ran.output[-4000:]}"


def main() -> int:
    """Kill at all moments, from an empty account on, and print the table."""
    check("the sandbox", run("make", "sandbox", "sandbox-reset", "site", "api"))
    print(f"{'killed in':<60} {'after':>6}  processes", flush=True)
    killed = []
    for moment in MOMENTS:
        one = kill_at(moment)
        killed.append(one)
        power = ", and apt on the host" if moment.cut else ""
        print(f"{one.task + power:<60} {one.seconds:>4.0f} s  {one.processes:>9}", flush=True)
    whole = playbook(*PHASE, log="killed-completed")
    check("the run that completes it", whole)
    again = playbook(*PHASE, log="killed-again")
    check("the run after it", again)
    found = count()
    print(f"completed in {whole.seconds:.0f} s; once more in {again.seconds:.0f} s: changed {changed(again)}")
    print(", ".join(f"{number} {what}" for what, number in found.items()))
    assert set(changed(again).values()) == {0}, again.output[-4000:]
    assert found == CLEAN, {what: number for what, number in found.items() if number != CLEAN[what]}
    missed = [one.moment.role for one in killed if not one.task.startswith(f"{one.moment.role} : ")]
    assert not missed, (
        f"killed a task later than wanted, in {missed}: nothing is broken, but that role wasn't hit"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
