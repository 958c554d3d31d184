"""What a person reads at the end of phase 1's AWS side: planned, done, and done again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .conftest import ROOT, Aws
from .truth.playbook import Site

WAITING = ["base", "mysql", "php_fpm", "nginx", "certbot", "laravel_app"]
REGISTRAR = "your registrar"


def summary(site: Site, title: str, *options: str) -> list[str]:
    """Run the AWS side; return the lines of its summary, stripped. Raises AssertionError when it fails."""
    done = subprocess.run(
        ["ansible-playbook", "-i", str(site.folder / "inventory.yml"), "site.yml", *options],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANDAMIO_PLAN_MARKDOWN": str(site.folder / "plan.md"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "can't be made" not in done.stdout
    recap, _title, told = done.stdout.partition(f"\n{title} ***")
    assert "localhost                  : ok=" in recap
    return [line.strip() for line in told.splitlines()[1:]]


def test_the_summary_from_an_empty_account_to_a_second_run(fresh_aws: Aws, tmp_path: Path) -> None:
    site = Site(fresh_aws, tmp_path)
    plan = summary(site, "PLAN", "--check")
    assert plan[0] == "Phase 1"
    made = [line for line in plan if line.startswith("+ ")]
    assert f"Plan: {len(made)} to create." in plan
    assert not [line for line in plan if line.startswith(("~ ", "± ", "- "))]
    assert plan[plan.index(", ".join(WAITING)) + 1] == "configured when the host exists"
    # In plan order: the zone before what is named in it.
    assert plan.index("route53") < plan.index("s3_site")
    assert any(line.startswith("In all 11.24 USD a month, 11.24 more than now") for line in plan)
    assert any(REGISTRAR in line for line in plan[plan.index("Left to do by hand") :])
    assert f"## Plan: {len(made)} to create.\n" in (tmp_path / "plan.md").read_text()

    # Nothing answers behind the API alone: what stands can't be looked at, and its host can't be reached.
    aws_side = ("--limit", "localhost", "--skip-tags", "summary")
    done = summary(site, "SUMMARY", *aws_side)
    assert [line for line in done if line.startswith("+ ")] == made
    assert f"Done: {len(made)} created." in done

    again = summary(site, "SUMMARY", *aws_side)
    assert not [line for line in again if line.startswith(("+ ", "~ ", "± ", "- "))]
    assert any(line.startswith("Done: nothing changed, ") for line in again)
