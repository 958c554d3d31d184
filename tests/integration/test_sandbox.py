"""The running sandbox: what the account says is what is there.

Everything is made beside whatever else the account holds, and removed again.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import dns.exception
import dns.message
import dns.query
import pytest

from sandbox import config, podman, secret

pytestmark = pytest.mark.sandbox
ZONE = "smoke.test."
# linux/capability.h
CAPABILITY_NUMBERS = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "NET_BIND_SERVICE": 10,
    "NET_ADMIN": 12,
    "NET_RAW": 13,
    "SYS_CHROOT": 18,
    "SYS_PTRACE": 19,
    "SYS_ADMIN": 21,
    "SYS_NICE": 23,
    "AUDIT_WRITE": 29,
    "SETFCAP": 31,
}


def eventually(check: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true value of a check, which is asked until then."""
    deadline = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < deadline, f"{check.__name__} did not come true in {seconds:.0f} s"
        time.sleep(0.2)
    return value


def client(service: str) -> Any:
    session = boto3.session.Session(
        aws_access_key_id=config.ACCESS_KEY,
        aws_secret_access_key=secret.read(config.SECRET),
        region_name="us-east-1",
    )
    return session.client(service, endpoint_url="https://127.0.0.1:4566", verify=str(config.CA))


def answers(name: str, kind: str) -> list[str]:
    """What the sandbox's DNS answers."""
    query = dns.message.make_query(name, kind)
    try:
        found = dns.query.udp(query, config.CLOUD_ADDRESS, timeout=5)
    except dns.exception.Timeout:
        return []
    return [item.to_text() for group in found.answer for item in group]


@pytest.fixture(scope="module")
def instance() -> Iterator[dict[str, Any]]:
    """A running instance with an elastic address and user data."""
    ec2 = client("ec2")
    newest = client("ssm").get_parameter(Name="/aws/service/debian/release/13/latest/amd64")
    image = newest["Parameter"]["Value"]
    key = config.MACHINE_KEY.with_suffix(".pub").read_bytes()
    ec2.import_key_pair(KeyName="smoke", PublicKeyMaterial=key)
    started = ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        KeyName="smoke",
        UserData="#!/bin/sh\necho from user data\n",
    )["Instances"][0]
    address = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(InstanceId=started["InstanceId"], AllocationId=address["AllocationId"])
    yield {**started, "elastic": address["PublicIp"]}
    ec2.disassociate_address(PublicIp=address["PublicIp"])
    ec2.release_address(AllocationId=address["AllocationId"])
    ec2.terminate_instances(InstanceIds=[started["InstanceId"]])
    ec2.delete_key_pair(KeyName="smoke")
    eventually(lambda: not podman.exists("container", started["InstanceId"]))


def on(instance: dict[str, Any], command: str) -> str:
    """Run a command on an instance by SSH, as a playbook reaches it."""
    result = subprocess.run(
        [
            *("ssh", "-i", str(config.MACHINE_KEY), "-o", "BatchMode=yes"),
            *("-o", f"ProxyCommand={config.PODMAN} exec -i %h /usr/sbin/sshd -i"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
            *(f"{config.HOST_USER}@{instance['InstanceId']}", command),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout if result.returncode == 0 else ""


def test_an_instance_is_reached_by_ssh_and_its_admin_is_root_by_sudo(instance: dict[str, Any]) -> None:
    assert eventually(lambda: on(instance, "sudo id -u")) == "0\n"


def test_an_instance_has_its_types_memory_and_its_name(instance: dict[str, Any]) -> None:
    assert eventually(lambda: on(instance, "grep MemTotal /proc/meminfo")).split()[1] == str(1024 * 1024)
    assert on(instance, "hostname") == f"ip-{instance['PrivateIpAddress'].replace('.', '-')}\n"


def test_user_data_has_run(instance: dict[str, Any]) -> None:
    log = "cat /var/log/cloud-init-output.log"
    assert "from user data" in eventually(lambda: on(instance, log))


def test_the_metadata_service_knows_who_asks(instance: dict[str, Any]) -> None:
    script = (
        "import urllib.request as u; b='http://169.254.169.254/latest/'; "
        "t=u.urlopen(u.Request(b+'api/token',method='PUT',"
        "headers={'X-aws-ec2-metadata-token-ttl-seconds':'60'})).read().decode(); "
        "print(u.urlopen(u.Request(b+'meta-data/instance-id',headers={'X-aws-ec2-metadata-token':t})).read().decode())"
    )
    assert eventually(lambda: on(instance, f'python3 -c "{script}"')).strip() == instance["InstanceId"]


def test_the_host_trusts_the_edge_and_the_acme_server(instance: dict[str, Any]) -> None:
    script = (
        "import ssl,socket\n"
        "for name, port in (('s3.us-east-1.amazonaws.com', 443), ('acme.test', 14000)):\n"
        "    context = ssl.create_default_context()\n"
        "    plain = socket.create_connection((name, port))\n"
        "    print(context.wrap_socket(plain, server_hostname=name).version())\n"
    )
    command = f"python3 - <<'EOF'\n{script}EOF"
    assert eventually(lambda: on(instance, command)).split() == ["TLSv1.3", "TLSv1.3"]


def test_the_hosts_kernel_settings_are_its_own(instance: dict[str, Any]) -> None:
    eventually(lambda: on(instance, "true && echo up"))
    with open("/proc/sys/vm/swappiness") as file:
        before = file.read()
    on(instance, "echo 7 | sudo tee /proc/sys/vm/swappiness")
    assert on(instance, "cat /proc/sys/vm/swappiness") == "7\n"
    with open("/proc/sys/vm/swappiness") as file:
        assert file.read() == before


CONTAINED = """
exec 2>&1
awk '/^Cap(Bnd|Eff)/ {print $2}' /proc/1/status
find /sys/block /sys/class/block /sys/dev/block -mindepth 1
cat /proc/partitions /proc/diskstats
find /dev -type b
for number in NUMBERS; do
  mknod "/tmp/disk$number" b "${number%:*}" "${number#*:}" && echo "made $number"
done
mkdir -p /tmp/dev /tmp/disk
# All the machine's devices, by the kernel's own file system.
mount -t devtmpfs none /tmp/dev
for disk in $(find /tmp/dev -type b) /tmp/dev/kmsg /tmp/dev/mem; do
  head -c 1 "$disk" >/dev/null 2>&1 && echo "read $disk"
  mount -o ro "$disk" /tmp/disk 2>/dev/null && echo "mounted $disk"
done
find /tmp/dev -name vda -o -name sda -o -name nvme0n1 -o -name loop0 | head -n 1 | sed 's/.*/looked/'
umount /tmp/dev
"""


def test_a_host_has_no_disk_of_the_machine_and_no_more_rights_than_are_listed(
    instance: dict[str, Any],
) -> None:
    eventually(lambda: on(instance, "echo up"))
    numbers = " ".join(path.read_text().strip() for path in Path("/sys/class/block").glob("*/dev"))
    assert numbers
    said = podman.run(
        "exec",
        "--interactive",
        instance["InstanceId"],
        "sh",
        stdin=CONTAINED.replace("NUMBERS", numbers),
        check=False,
    ).splitlines()
    listed = sum(1 << CAPABILITY_NUMBERS[name] for name in podman.CAPABILITIES)
    assert [int(word, 16) for word in said[:2]] == [listed, listed]
    refusals = [line for line in said[2:] if line.startswith("mknod: ")]
    assert len(refusals) == len(numbers.split())
    # Nothing else is said: nothing was found, made, read or mounted; and there was something to look for.
    assert [line for line in said[2:] if line not in refusals] == ["looked"]


def test_no_container_is_privileged(instance: dict[str, Any]) -> None:
    eventually(lambda: on(instance, "echo up"))
    for name in (instance["InstanceId"], config.CLOUD):
        [shown] = json.loads(podman.run("inspect", name))
        assert not shown["HostConfig"]["Privileged"]
        assert {cap.removeprefix("CAP_") for cap in shown["EffectiveCaps"]} == set(podman.CAPABILITIES)
        assert shown["HostConfig"]["Devices"] == []


def test_the_elastic_address_reaches_the_instance(instance: dict[str, Any]) -> None:
    eventually(lambda: on(instance, "ip -4 address show dev eth0 | grep -F " + instance["elastic"]))
    with socket.create_connection((instance["elastic"], 22), timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"


def test_a_stopped_instance_stops_and_a_started_one_has_its_new_types_size(instance: dict[str, Any]) -> None:
    ec2, name = client("ec2"), instance["InstanceId"]
    eventually(lambda: on(instance, "echo up"))
    ec2.stop_instances(InstanceIds=[name])
    eventually(lambda: podman.run("inspect", "--format", "{{.State.Status}}", name).strip() == "exited")
    ec2.modify_instance_attribute(InstanceId=name, InstanceType={"Value": "t3.small"})
    ec2.start_instances(InstanceIds=[name])
    ready = "test -e /run/sandbox-ready && grep MemTotal /proc/meminfo"
    assert eventually(lambda: on(instance, ready)).split()[1] == str(2048 * 1024)
    assert eventually(lambda: on(instance, "ip -4 address show dev eth0 | grep -F " + instance["elastic"]))


def test_a_record_is_answered_and_is_gone_with_its_zone() -> None:
    route53 = client("route53")
    zone = route53.create_hosted_zone(Name=ZONE, CallerReference=str(time.time()))["HostedZone"]["Id"]
    record = {
        "Name": f"api.{ZONE}",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "10.97.0.199"}],
    }
    change = {"ResourceRecordSet": record}
    try:
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", **change}]}
        )
        assert eventually(lambda: answers(f"api.{ZONE}", "A")) == ["10.97.0.199"]
        assert eventually(lambda: answers(ZONE, "NS"))
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "DELETE", **change}]}
        )
        eventually(lambda: not answers(f"api.{ZONE}", "A"))
    finally:
        route53.delete_hosted_zone(Id=zone)
    eventually(lambda: not answers(ZONE, "NS"))


def test_a_name_set_by_hand_is_answered_at_once() -> None:
    command = [sys.executable, "-m", "sandbox", "name"]
    subprocess.run([*command, "set", "by-hand.test", "10.97.0.198"], cwd=config.CHECKOUT, check=True)
    assert answers("by-hand.test", "A") == ["10.97.0.198"]
    subprocess.run([*command, "rm", "by-hand.test"], cwd=config.CHECKOUT, check=True)
    assert answers("by-hand.test", "A") == []


def test_a_website_bucket_answers_with_its_documents() -> None:
    s3, bucket = client("s3"), "smoke-website"
    s3.create_bucket(Bucket=bucket)
    try:
        s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": False,
                "IgnorePublicAcls": False,
                "BlockPublicPolicy": False,
                "RestrictPublicBuckets": False,
            },
        )
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        s3.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )
        s3.put_object(Bucket=bucket, Key="docs/index.html", Body=b"a folder", ContentType="text/html")
        s3.put_object(Bucket=bucket, Key="404.html", Body=b"lost", ContentType="text/html")
        s3.put_bucket_website(
            Bucket=bucket,
            WebsiteConfiguration={
                "IndexDocument": {"Suffix": "index.html"},
                "ErrorDocument": {"Key": "404.html"},
            },
        )

        def get(path: str) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(config.CLOUD_ADDRESS, timeout=5)
            host = f"{bucket}.s3-website-us-east-1.amazonaws.com"
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read()

        eventually(lambda: get("/docs/") == (200, b"a folder"))
        status, body = get("/nothing")
        assert status >= 400
        assert body == b"lost"
    finally:
        for key in ("docs/index.html", "404.html"):
            s3.delete_object(Bucket=bucket, Key=key)
        s3.delete_bucket(Bucket=bucket)


def test_what_a_client_claims_to_be_does_not_count() -> None:
    """Only the edge speaks for CloudFront."""
    s3, bucket = client("s3"), "smoke-private"
    s3.create_bucket(Bucket=bucket)
    try:
        s3.put_object(Bucket=bucket, Key="a", Body=b"x")
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        s3.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )
        context = ssl.create_default_context(cafile=str(config.CA))
        connection = http.client.HTTPSConnection("127.0.0.1", 4566, timeout=5, context=context)
        connection.request("GET", f"/{bucket}/a", headers={"X-Andamio-Principal": "cloudfront.amazonaws.com"})
        assert connection.getresponse().status == 403
    finally:
        s3.delete_object(Bucket=bucket, Key="a")
        s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("port", [config.EDGE_TLS_PORT, config.EDGE_PLAIN_PORT])
def test_the_edge_answers_by_its_own_names_alone(port: int) -> None:
    context = ssl.create_default_context(cafile=str(config.CA))

    def status(host: str) -> int:
        connection = (
            http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
            if port == config.EDGE_TLS_PORT
            else http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        )
        try:
            connection.request("GET", "/_sandbox/health", headers={"Host": host})
            return connection.getresponse().status
        finally:
            connection.close()

    for own in (f"127.0.0.1:{port}", "localhost", "ec2.us-east-1.amazonaws.com", "a.b.s3.amazonaws.com"):
        assert status(own) == 200
    for foreign in (f"rebind.evil.example:{port}", "127.0.0.1.evil.example", "d0.cloudfront.net"):
        assert status(foreign) == 421


def test_nobody_on_this_machine_speaks_for_the_edge(instance: dict[str, Any]) -> None:
    """What comes from loopback to the API's own address, with headers that only the edge may set."""
    for source in ("127.0.0.1", config.GATEWAY):
        connection = http.client.HTTPConnection(
            config.GATEWAY, config.AWS_PORT, timeout=5, source_address=(source, 0)
        )
        try:
            headers = {
                "X-Forwarded-For": instance["PrivateIpAddress"],
                "X-aws-ec2-metadata-token-ttl-seconds": "60",
            }
            connection.request("PUT", "/latest/api/token", headers=headers)
            assert connection.getresponse().status == 403
        finally:
            connection.close()
