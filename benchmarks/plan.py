"""The AWS side of phase 1, planned and made: Andamio beside Terraform, each in an account of its own.

The accounts are sandbox.aws, started here, which also counts the requests. Terraform and its AWS provider are
used where they are found: the binary on PATH, the provider in the filesystem mirror that TF_PLUGIN_MIRROR
names, or in Terraform's own. Without them the section says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import boto3

from sandbox import secret

from .far import away
from .measure import AWS, ROOT, Result, Tool, side_by_side
from .report import Section, circumstances, line
from .sites import Site

PEER = ROOT / "benchmarks" / "peers" / "terraform"
MIRRORS = ("/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins")
SIZES = (10, 40, 160)
WAYS = (30, 50, 100)
"""Milliseconds to the account and back, from the same continent and from another."""
QUIET = 6
"""Seconds after which the process that keeps connections opens new ones: as for a first plan."""
IMAGE = "/aws/service/canonical/ubuntu/server/26.04/stable/current/arm64/hvm/ebs-gp3/ami-id"

OURS = ("ours", "started", "plain")
OWNER = "sandbox"
"""The one key that may do anything in sandbox.aws."""

TEXT = """
Three private buckets with all their settings, the host's role, profile, key pair, security group, instance
and address, the zone, a certificate that is validated, a distribution with its function and headers, and so
many parameters and TXT records: `ansible-playbook site.yml -t phase1` and its `--check`, and the same
resources in benchmarks/peers/terraform, applied and planned. Ours also uploads the site, which Terraform
leaves to another tool. Terraform waits for S3's lifecycle rules (some 50 s) and for each change in Route 53
(15 s) whatever the account answers. *ours* is what `make plan` runs: interpreter/ansible-playbook, whose
process has Ansible in memory. *started* is ansible-playbook started anew; *plain* is that with
ANDAMIO_PRELOAD=0. The first apply is run once.

"""
HEAD = """\
| Parameters, records | What | ours | started | plain | terraform | ours / its | requests | its |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""
FAR = """\
The same plan of 10, with that many milliseconds to the account and back, of which a new connection takes two
more. Ours opens all its connections anew. Here the account is at one address; AWS has one for each service.

| To the account | ours | terraform | ours / its |
| ---: | ---: | ---: | ---: |
"""
MISSING = "\nTerraform or its AWS provider wasn't found, so it isn't beside ours.\n"


@dataclass
class Account:
    """An AWS account in memory, the log of its requests, and its owner's secret."""

    endpoint: str
    log: Path
    secret_file: Path

    @property
    def keys(self) -> dict[str, str]:
        """Its owner's key and secret, as the environment has them."""
        return {
            "AWS_ACCESS_KEY_ID": OWNER,
            "AWS_SECRET_ACCESS_KEY": secret.read(self.secret_file),
        }

    def reset(self) -> None:
        request = urllib.request.Request(
            f"{self.endpoint}/_sandbox/reset",
            headers={"Authorization": f"Bearer {secret.read(self.secret_file)}"},
            method="POST",
        )
        urllib.request.urlopen(request, timeout=60).close()

    def image(self) -> str:
        """Return the id of the image that the host is made of."""
        session = boto3.session.Session(OWNER, secret.read(self.secret_file))
        ssm = session.client("ssm", endpoint_url=self.endpoint)
        return str(ssm.get_parameter(Name=IMAGE)["Parameter"]["Value"])


@dataclass
class Accounts:
    """All the accounts of a measurement, as the one server whose requests are counted."""

    by_tool: Mapping[str, Account]

    def control(self, latency: float | None = None) -> dict[str, int]:
        """Return the requests counted since the last time. Raises ValueError: there is no latency to set."""
        if latency:
            raise ValueError("the account has no latency to set")
        counts: Counter[str] = Counter()
        for account in self.by_tool.values():
            counts.update(account.log.read_text().splitlines())
            os.truncate(account.log, 0)
        return dict(counts)


@contextmanager
def account(folder: Path, name: str, secret_file: Path) -> Iterator[Account]:
    """Run sandbox.aws on a free port."""
    log = folder / f"{name}.requests"
    log.touch()
    command = [sys.executable, "-m", "sandbox.aws", "--port", "0", "--request-log", str(log)]
    process = subprocess.Popen(
        [*command, "--world-socket", str(folder / f"{name}.sock"), "--secret-file", str(secret_file)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Account(process.stdout.readline().strip() if process.stdout else "", log, secret_file)
    finally:
        process.terminate()
        process.wait()


def measure(folder: Path, runs: int) -> Section:
    os.environ |= AWS
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    peer = provider_mirror()
    with ExitStack() as stack:
        names = [*OURS, *(["terraform"] if peer else [])]
        accounts = {name: stack.enter_context(account(folder, name, folder / "secret")) for name in names}
        os.environ |= accounts[OURS[0]].keys
        rows: list[str] = []
        ways: list[str] = []
        for size in SIZES:
            rows += measured(folder, accounts, peer, size, runs)
            if peer and size == SIZES[0]:
                ways += [far(folder, accounts, peer, way, runs) for way in WAYS]
    table = HEAD + "".join(rows) + ("\n" + FAR + "".join(ways) if ways else "")
    return Section("Plans", circumstances(runs) + TEXT + table + ("" if peer else MISSING))


def far(folder: Path, accounts: Mapping[str, Account], peer: Path, way: int, runs: int) -> str:
    """Return the row of the plan with so many milliseconds to the account."""
    with ExitStack() as stack:
        there = {
            name: replace(accounts[name], endpoint=stack.enter_context(away(accounts[name].endpoint, way)))
            for name in ("ours", "terraform")
        }
        tools = {
            "ours": ours(folder, there["ours"], "ours", SIZES[0], f"{way}")[1],
            "terraform": terraform(folder, there["terraform"], peer, SIZES[0])[1],
        }
        tools["ours"].run()  # its process isn't there yet, or was started for another account

        def rest(name: str) -> None:
            time.sleep(QUIET if name == "ours" else 0)

        results = side_by_side(None, tools, rest, runs)
    mine, its = (results[name].median for name in tools)
    print(f"{way} ms: ours {mine:.2f} s, terraform {its:.2f} s", flush=True)
    return line([f"{way} ms", f"{mine:.2f}", f"{its:.2f}", f"{mine / its:.2f}"])


def measured(
    folder: Path, accounts: Mapping[str, Account], peer: Path | None, size: int, runs: int
) -> Iterator[str]:
    """Yield the rows of one size: the first apply, and the plan of what is there."""
    makers = {name: ours(folder, accounts[name], name, size) for name in OURS}
    if peer:
        makers["terraform"] = terraform(folder, accounts["terraform"], peer, size)

    def empty(name: str) -> None:
        accounts[name].reset()
        for state in folder.glob(f"{name}/terraform.tfstate*"):
            state.unlink()

    server = Accounts(accounts)
    first = side_by_side(server, {name: tools[0] for name, tools in makers.items()}, empty, 1)
    yield row(size, "first apply", first)
    plans = side_by_side(server, {name: tools[1] for name, tools in makers.items()}, lambda name: None, runs)
    yield row(size, "plan, unchanged", plans)


def ours(folder: Path, account: Account, name: str, size: int, way: str = "") -> tuple[Tool, Tool]:
    """Return the run that makes all of it, and the one that plans.

    way: tells apart inventories that have other endpoints.
    """
    inventory = folder / f"{name}{way}"
    if not inventory.exists():
        shutil.copytree(ROOT / "inventories" / "sandbox", inventory)
        (inventory / "00_up.yml").unlink()  # it asks for the sandbox itself
        source = (inventory / "hosts.yml").read_text()
        source = source.replace("http://127.0.0.1:4567", account.endpoint)
        source = source.replace("../../.cache/sandbox/secret", str(account.secret_file))
        (inventory / "hosts.yml").write_text(source)
    values = folder / f"{name}{way}.json"
    values.write_text(
        json.dumps(
            {
                "andamio_aws_environment_extra": {
                    "AWS_ENDPOINT_URL": account.endpoint,
                    **account.keys,
                },
                "andamio_interpreter": str(ROOT / "interpreter" / "python"),
                "ec2_host_os": "ubuntu-26.04",
                "ec2_host_ssh_public_key": str(folder / "key.pub"),
                "laravel_app_artifact": "",
                "route53_resolvers": [],
                "route53_records": [
                    {"name": f"record-{number}", "type": "TXT", "values": [f'"record {number}"']}
                    for number in range(size)
                ],
                "s3_site_build_dir": str(Site(folder / "site", 10, 2_000).folder),
                "ssm_env_file": "",
                "ssm_env_defaults": {},
                "ssm_env_generate": {},
                "ssm_env_values": {f"VALUE_{number}": f"value {number}" for number in range(size)},
            }
        )
    )
    start = ROOT / "interpreter" if name == "ours" else Path(sys.executable).parent
    ansible = str(start / "ansible-playbook")
    # The host is another measurement's: there is none behind this account.
    scope = ["-t", "phase1", "--skip-tags", "summary", "--limit", "localhost"]
    switch = ["env", f"ANDAMIO_PRELOAD={int(name != 'plain')}"]
    command = [*switch, ansible, "-i", str(inventory), "site.yml", *scope, "-e", f"@{values}"]
    return Tool(name, command), Tool(name, [*command, "--check"])


def provider_mirror() -> Path | None:
    """Return the folder that has Terraform's AWS provider; None where it or Terraform isn't found."""
    places = [os.environ.get("TF_PLUGIN_MIRROR"), *MIRRORS]
    found = (Path(place) for place in places if place)
    if not shutil.which("terraform"):
        return None
    return next((place for place in found if next(place.glob("*/hashicorp/aws"), None)), None)


def terraform(folder: Path, account: Account, mirror: Path, size: int) -> tuple[Tool, Tool]:
    """Return the apply and the plan."""
    here = folder / "terraform"
    here.mkdir(exist_ok=True)
    for file in PEER.glob("*.tf"):
        shutil.copy(file, here)
    settings = folder / "terraform.rc"
    settings.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
    )
    (here / "sizes.auto.tfvars.json").write_text(
        json.dumps(
            {
                "domain": "academia.test",
                "public_key": (folder / "key.pub").read_text().strip(),
                "image_id": account.image(),
                "parameters": size,
                "records": size,
            }
        )
    )
    where = [
        "env",
        f"TF_CLI_CONFIG_FILE={settings}",
        f"AWS_ENDPOINT_URL={account.endpoint}",
        "terraform",
        f"-chdir={here}",
    ]
    if not (here / ".terraform").exists():
        Tool("terraform init", [*where, "init", "-input=false"]).run()
    return (
        Tool("terraform", [*where, "apply", "-auto-approve", "-input=false"]),
        Tool("terraform", [*where, "plan", "-input=false"]),
    )


def row(size: int, what: str, results: Mapping[str, Result]) -> str:
    print(
        f"{size}, {what}: " + ", ".join(f"{name} {one.median:.2f} s" for name, one in results.items()),
        flush=True,
    )
    mine, peer = results["ours"], results.get("terraform")
    cells = [f"{size}", what, *(f"{results[name].median:.2f}" for name in OURS)]
    cells += [f"{peer.median:.2f}", f"{mine.median / peer.median:.2f}"] if peer else ["", ""]
    cells += [f"{sum(mine.requests.values())}", f"{sum(peer.requests.values())}" if peer else ""]
    return line(cells)
