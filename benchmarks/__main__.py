"""Compare our modules with their peers, side by side, and write docs/benchmarks.md.

python -m benchmarks              everything (over an hour: a peer is slow)
python -m benchmarks --runs 1     a quick look
python -m benchmarks ssm          only ssm_env; s3: only s3_site_sync
python -m benchmarks plan         the AWS side of phase 1, beside Terraform where it is found
python -m benchmarks hosts        the host roles unchanged, with our settings of Ansible and without
python -m benchmarks redeploy     deploys of the API, and capacity: what its host bears. These three want
                                  phase 1 in the sandbox (make demo)
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import boto3

from . import capacity, hosts, plan, redeploy
from .measure import ROOT, Result, Server, Tool, playbook, serving, side_by_side
from .report import Row, Section, s3_section, ssm_section, write
from .sites import Site

MODULE = "ansible_collections.andamio.laravel_aws.plugins.modules"
PREFIX = "/academia/benchmark/env/"
LATENCIES = (0.0, 0.03)
SITES = {"300 files, 26 MB": (300, 87_000), "3000 files, 6 MB": (3000, 2_000)}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["all", *MEASURES], default="all")
    parser.add_argument("--runs", type=int, help="runs of each tool (default: 5; 3 of what takes longer)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    os.environ["PYTHONPATH"] = f"{ROOT / 'collections'}:{ROOT}"
    # What a server's measurement sets in the environment is its own.
    environment = dict(os.environ)
    for what in MEASURES if options.what == "all" else [options.what]:
        measure, runs = MEASURES[what]
        with tempfile.TemporaryDirectory(prefix="andamio-benchmark.") as name:
            section = measure(Path(name), options.runs or runs)
        os.environ.clear()
        os.environ.update(environment)
        write(options.output, [section])
        print(f"written: {section.title}, {options.output}", flush=True)
    return 0


def s3(folder: Path, runs: int) -> Section:
    with serving("benchmarks.s3_server") as server:
        return s3_section(sites(server, folder, runs), runs)


def ssm(folder: Path, runs: int) -> Section:
    with serving("benchmarks.ssm_server") as server:
        return ssm_section(environments(server, folder, runs), runs)


MEASURES: dict[str, tuple[Callable[[Path, int], Section], int]] = {
    "s3": (s3, 5),
    "ssm": (ssm, 5),
    "plan": (plan.measure, 3),
    "hosts": (hosts.measure, 3),
    "redeploy": (redeploy.measure, 3),
    "capacity": (capacity.measure, 3),
}


def sites(server: Server, folder: Path, runs: int) -> list[Row]:
    rows = []
    for title, (files, size) in SITES.items():
        for latency in LATENCIES:
            site = Site(folder / "site", files, size)
            tools = site_tools(site.folder, folder)
            for case, prepare in site_cases(site, tools).items():
                server.control(latency=latency)
                results = side_by_side(server, tools, prepare, runs)
                rows.append(Row(title, latency, case, results))
                say(rows[-1])
    return rows


def site_tools(site: Path, folder: Path) -> dict[str, Tool]:
    """Each tool has a bucket of its own, named as the tool. "nothing" tells what Ansible alone takes."""
    ours = {"path": str(site), "prune_after": "7d"}
    engine = json.dumps({"ANSIBLE_MODULE_ARGS": {"bucket": "engine", **ours}})
    aws = str(Path(sys.executable).with_name("aws"))
    theirs = {"bucket": "s3-sync", "file_root": str(site)}
    return {
        "engine": Tool("engine", [sys.executable, "-m", f"{MODULE}.s3_site_sync"], stdin=engine),
        "aws": Tool("aws s3 sync", [aws, "s3", "sync", str(site), "s3://aws", "--only-show-errors"]),
        "playbook": playbook(
            "s3_site_sync", folder, {"andamio.laravel_aws.s3_site_sync": {"bucket": "playbook", **ours}}
        ),
        "s3-sync": playbook("s3_sync", folder, {"community.aws.s3_sync": theirs}),
        "nothing": playbook("ping", folder, {"ansible.builtin.ping": {}}),
    }


def site_cases(site: Site, tools: dict[str, Tool]) -> dict[str, Callable[[str], None]]:
    s3 = boto3.client("s3")

    def cold(bucket: str) -> None:
        s3.delete_bucket(Bucket=bucket)
        s3.create_bucket(Bucket=bucket)

    def unchanged(bucket: str) -> None:
        if bucket not in warm:  # after "cold" it is; unless that was measured for one round only
            tools[bucket].run()
            warm.add(bucket)

    def rebuilt(bucket: str) -> None:
        site.rebuild()

    def changed(bucket: str) -> None:
        if bucket not in settled:  # the last rebuild was for another tool, and some compare times
            tools[bucket].run()
            settled.add(bucket)
        site.change_three()

    settled: set[str] = set()
    warm: set[str] = set()
    return {"cold": cold, "unchanged": unchanged, "rebuilt, same bytes": rebuilt, "3 changed": changed}


def environments(server: Server, folder: Path, runs: int) -> list[Row]:
    values = {f"VALUE_{number:02}": f"value {number}" for number in range(40)}
    file = folder / "values.json"
    ours = {"path": PREFIX + "ours/", "values": "{{ values }}"}
    theirs = {"name": PREFIX + "theirs/{{ item.key }}", "value": "{{ item.value }}"}
    loop = {"community.aws.ssm_parameter": theirs, "loop": "{{ values | dict2items }}"}
    tools = {
        "playbook": playbook("ssm_env", folder, {"andamio.laravel_aws.ssm_env": ours}),
        "loop": playbook("ssm_parameter", folder, loop),
    }
    for tool in tools.values():
        tool.command += ["-e", f"@{file}"]
    ssm = boto3.client("ssm")
    changes = 0

    def keep(tool: str) -> None:
        file.write_text(json.dumps({"values": values}))

    def cold(tool: str) -> None:
        keep(tool)
        place = "ours" if tool == "playbook" else "theirs"
        ssm.delete_parameters(Names=[f"{PREFIX}{place}/{name}" for name in values])

    def change_one(tool: str) -> None:
        nonlocal changes
        changes += 1
        values["VALUE_07"] = f"changed {changes}"
        keep(tool)

    rows = []
    for latency in LATENCIES:
        for case, prepare in {"cold": cold, "unchanged": keep, "1 changed": change_one}.items():
            server.control(latency=latency)
            results = side_by_side(server, tools, prepare, runs)
            rows.append(Row("40 values", latency, case, results))
            say(rows[-1])
    return rows


def say(row: Row) -> None:
    def one(name: str, result: Result) -> str:
        return f"{name} {result.median:.2f} s {dict(result.requests)}"

    results = ", ".join(one(name, result) for name, result in row.results.items())
    print(f"{row.what}, {row.latency * 1000:.0f} ms, {row.case}: {results}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
