"""The end of the story: the sandbox goes, and leaves nothing."""

from __future__ import annotations

from .conftest import CACHE, playbook, run


def test_with_the_sandbox_down_one_line_says_what_to_do_and_nothing_is_left() -> None:
    assert run("make", "sandbox-down").code == 0
    down = playbook("site.yml", "-t", "phase1", log="sandbox-down")
    assert down.code != 0
    assert "make sandbox" in down.output
    assert down.seconds < 30
    processes = run("ps", "-eo", "args").output
    assert "sandbox.aws" not in processes
    assert "interpreter/server.py" not in processes
    assert str(CACHE) not in run("cat", "/proc/mounts").output
    assert "10.97.0." not in run("ip", "addr").output
