"""The log of requests: what is written, and that nothing is unless asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from sandbox.aws.__main__ import arguments
from sandbox.aws.call import Call
from sandbox.aws.request_log import RequestLog


def call(service: str, operation: str | None) -> Call:
    model: Any = SimpleNamespace(name=operation) if operation else None
    return Call({}, None, service, "us-east-1", None, model)


def test_a_line_for_each_request_that_can_be_read_at_once(tmp_path: Path) -> None:
    file = tmp_path / "requests"
    file.write_text("ec2.DescribeVpcs\n")
    log = RequestLog(file)
    for one in (call("s3", "PutObject"), call("iam", "GetRole"), call("made-up", None)):
        log.note(one)
    assert file.read_text().split() == ["ec2.DescribeVpcs", "s3.PutObject", "iam.GetRole", "made-up.unknown"]


def test_nothing_is_written_unless_asked(tmp_path: Path) -> None:
    assert arguments([]).request_log is None
    assert arguments(["--request-log", "x"]).request_log == Path("x")
    RequestLog(None).note(cast(Any, None))
