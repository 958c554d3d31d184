"""status_report: what it returns, and the page that it writes whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.modules import run_module
from tests.unit.plugins.module_utils.status_cases import facts

GIVEN: dict[str, Any] = {
    "project": "academia",
    "environment": "test",
    "region": "us-east-1",
    "domain": "academia.test",
    "api_domain": "api.academia.test",
    "aws": {"facts": facts(), "problems": {}},
}


@pytest.mark.parametrize("check", [False, True])
def test_the_page_is_written_in_both_modes(tmp_path: Path, check: bool) -> None:
    page = tmp_path / "made" / "status.html"
    done = run_module("status_report", check=check, page=str(page), **GIVEN)
    assert (done["changed"], done["page"]) == (False, str(page))
    assert "<svg" in page.read_text()
    assert [path.name for path in page.parent.iterdir()] == ["status.html"]


def test_without_a_page_it_only_judges() -> None:
    done = run_module("status_report", **GIVEN)
    assert "page" not in done
    assert done["headline"]
    assert done["sections"]


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    failed = run_module("status_report", fails=True, page=str(tmp_path / "file" / "status.html"), **GIVEN)
    assert "can't be written" in failed["msg"]


@pytest.mark.parametrize("written", ["", "no JSON", "[]"])
def test_of_a_plan_that_cannot_be_read_nothing_is_said(tmp_path: Path, written: str) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(written)
    without = run_module("status_report", **GIVEN)
    assert run_module("status_report", plan_file=str(plan), **GIVEN)["sections"] == without["sections"]


def test_drift_is_what_the_plan_would_change(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    bucket = {"kind": "s3_bucket", "name": "bucket academia-test-documents", "action": "change"}
    plan.write_text(
        json.dumps({"mode": "plan", "resources": [bucket | {"phase": "phase1", "role": "documents_bucket"}]})
    )
    sections = run_module("status_report", plan_file=str(plan), **GIVEN)["sections"]
    assert "bucket academia-test-documents" in json.dumps(sections)
