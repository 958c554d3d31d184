"""What `make logs` reads on a host, and what of it reaches the terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox import cli


def test_no_log_line_controls_the_terminal() -> None:
    assert cli.printable("a\x1b]0;owned\x07\tb\x9bc\nd\r") == "a]0;owned\tbc\nd"


def test_root_reads_no_log_of_the_applications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to what root alone may read says nothing, and a pipe waits for nobody."""
    tmp_path.chmod(0o755)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    secret = tmp_path / "secret"
    secret.write_text("root's own\n")
    secret.chmod(0o600)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "laravel.log").write_text("the application's\n")
    (logs / "link.log").symlink_to(secret)
    subprocess.run(["mkfifo", "-m", "0666", logs / "pipe.log"], check=True)
    monkeypatch.setattr(cli, "HOST_LOGS", str(tmp_path / "none"))
    monkeypatch.setattr(cli, "APP_LOGS", f"{logs}/*.log")
    monkeypatch.setattr(cli, "APP_USER", "nobody")
    script = cli.logs_script(20).replace("--regid=nobody", "--regid=nogroup").replace("journalctl", "true")
    said = subprocess.run(
        ["sh", "-eu"], input=script, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "the application's" in said
    assert "root's own" not in said
