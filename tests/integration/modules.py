"""Run a module of this collection as Ansible does, in this process: a call costs its AWS requests only.

    result = run_module("s3_bucket", name="things", versioning=True)
    plan = run_module("s3_bucket", check=True, name="things", versioning=True)
    error = run_module("s3_bucket", fails=True, name="Things")["msg"]

Arguments and results pass through AnsibleModule and JSON, so an argument spec, ``no_log`` and a result
that isn't JSON are tested too.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any

from ansible.module_utils.testing import patch_module_args

COLLECTION = "ansible_collections.andamio.laravel_aws"


def run_module(name: str, /, *, check: bool = False, fails: bool = False, **arguments: Any) -> dict[str, Any]:
    """Run a module, in check mode if asked, always with diff; return what it printed.

    Raises AssertionError when it fails, or when it doesn't although ``fails`` says it should.
    """
    module = importlib.import_module(f"{COLLECTION}.plugins.modules.{name}")
    arguments |= {"_ansible_check_mode": check, "_ansible_diff": True}
    printed = io.StringIO()
    with (
        patch_module_args(arguments),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    result: dict[str, Any] = json.loads(printed.getvalue())
    assert bool(result.get("failed")) is fails, result.get("msg", result)
    return result


def applied_as_planned(name: str, /, **arguments: Any) -> dict[str, Any]:
    """Run a module in check mode, for real, and again; return the real run's result.

    Asserts what every module of ours promises: the plan is the list of calls then made, both show the
    same diff, and a second run changes nothing.
    """
    plan = run_module(name, check=True, **arguments)
    done = run_module(name, **arguments)
    assert plan["calls"] == done["calls"]
    assert plan["changed"] == done["changed"]
    assert plan["diff"] == done["diff"]
    assert plan["planned"] == done["planned"]
    again = run_module(name, **arguments)
    assert (again["changed"], again["calls"]) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"]
    assert again["planned"]["action"] == "none"
    return done
