"""The sections of docs/benchmarks.md: each measurement writes its own, and leaves the others as they are."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .measure import SLOW, Result

PACKAGES = ("ansible-core", "ansible", "boto3", "awscli")

INTRODUCTION = """\
# Benchmarks

`make bench` wrote this, each section by itself: `python -m benchmarks s3` and so on. Tools are run in turns;
times are medians, in seconds and with everything that takes: starting Python, importing boto3, Ansible
itself. They depend on the machine; the ratios are what counts.
"""

STORES = """
S3 and Parameter Store are small servers on the same machine, never the bottleneck, with no latency or with
30 ms added to each answer. A tool that took longer than {slow:.0f} s was measured once there (marked \u00b9).
"""

S3 = """
The engine is the module run by itself, as `aws s3 sync` is. It makes one LIST for each 1000 objects, one GET
for the record of what it put, one PUT for each changed file and, if there is one, one for the record; and
never a HEAD.

| Site | Latency | Case | engine | aws s3 sync | ratio | engine's requests | aws s3 sync's |
| --- | ---: | --- | ---: | ---: | ---: | --- | --- |
"""

PLAYBOOKS = """
A playbook of one task with it, one with community.aws.s3_sync, and one with ansible.builtin.ping, which is
what Ansible alone takes.

| Site | Latency | Case | s3_site_sync | s3_sync | ratio | ping | s3_sync's requests |
| --- | ---: | --- | ---: | ---: | ---: | ---: | --- |
"""

SSM = """
A playbook with one task, and one that loops community.aws.ssm_parameter over the same 40 values.

| Latency | Case | ssm_env | loop of ssm_parameter | ratio | requests | the loop's |
| ---: | --- | ---: | ---: | ---: | --- | --- |
"""

SHORT = {
    "ListObjects": "LIST",
    "GetObject": "GET",
    "PutObject": "PUT",
    "HeadObject": "HEAD",
    "GetParametersByPath": "read by path",
    "PutParameter": "put",
    "DescribeParameters": "describe",
    "GetParameter": "get",
    "GetParameters": "get",
    "ListTagsForResource": "tags",
}


@dataclass
class Row:
    """One case, and what each tool took for it."""

    what: str
    latency: float
    case: str
    results: Mapping[str, Result]


@dataclass
class Section:
    """One heading of the document, and the text under it."""

    title: str
    text: str


# All there are, in the document's order.
TITLES = ("Plans", "s3_site_sync", "ssm_env", "An unchanged host", "Redeploys", "Capacity of a small host")


def write(output: Path, sections: Iterable[Section]) -> None:
    """Put these sections into the document, in place of those it has under their titles."""
    there = output.read_text() if output.exists() else ""
    texts = {part.partition("\n")[0]: part.partition("\n")[2] for part in re.split(r"(?m)^## ", there)[1:]}
    texts |= {section.title: section.text for section in sections}
    parts = [f"## {title}\n\n{texts[title].strip()}\n" for title in TITLES if title in texts]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join([INTRODUCTION, *parts]))


def circumstances(runs: int) -> str:
    """What a section's figures were measured with."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    python = f"Python {platform.python_version()}"
    times = f"{runs} run{'s' if runs != 1 else ''} of each"
    return f"{times}; {machine()}; {python}, {packages}; {datetime.now(UTC):%Y-%m-%d}.\n"


def s3_section(rows: list[Row], runs: int) -> Section:
    """s3_site_sync against its peers."""
    tables = S3 + "".join(map(_engine, rows)) + PLAYBOOKS + "".join(map(_playbook, rows))
    return Section("s3_site_sync", circumstances(runs) + STORES.format(slow=SLOW) + tables)


def ssm_section(rows: list[Row], runs: int) -> Section:
    """ssm_env against a loop of its peer."""
    tables = SSM + "".join(map(_environment, rows))
    return Section("ssm_env", circumstances(runs) + STORES.format(slow=SLOW) + tables)


def machine() -> str:
    """Return the processor's name, the number of cores and the memory."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text().splitlines()
    except FileNotFoundError:
        return []


def _engine(row: Row) -> str:
    ours, aws = row.results["engine"], row.results["aws"]
    cells = [row.what, _latency(row), row.case, _time(ours), _time(aws), _ratio(ours, aws)]
    return line([*cells, _requests(ours), _requests(aws)])


def _playbook(row: Row) -> str:
    ours, peer = row.results["playbook"], row.results["s3-sync"]
    cells = [row.what, _latency(row), row.case, _time(ours), _time(peer), _ratio(ours, peer)]
    return line([*cells, _time(row.results["nothing"]), _requests(peer)])


def _environment(row: Row) -> str:
    ours, loop = row.results["playbook"], row.results["loop"]
    cells = [_latency(row), row.case, _time(ours), _time(loop), _ratio(ours, loop)]
    return line([*cells, _requests(ours), _requests(loop)])


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _latency(row: Row) -> str:
    return f"{row.latency * 1000:.0f} ms"


def _time(result: Result) -> str:
    return f"{result.median:.2f}" + ("\u00b9" if result.seconds[0] > SLOW else "")


def _ratio(ours: Result, theirs: Result) -> str:
    return f"{ours.median / theirs.median:.2f}"


def _requests(result: Result) -> str:
    counts = sorted(result.requests.items(), key=lambda count: -count[1])
    return ", ".join(f"{number} {SHORT.get(name, name)}" for name, number in counts)
