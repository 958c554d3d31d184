"""Write down the arguments that each module of ours was run with, so that a test can run it again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

OURS = "andamio.laravel_aws."


class CallbackModule(CallbackBase):
    """One line of JSON a task: the module, the resource's name in the plan, the arguments."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "arguments"

    def v2_runner_on_ok(self, result: Any) -> None:
        invocation = result.result.get("invocation")
        planned = result.result.get("planned")
        if not planned:
            return
        module = result.task.action.removeprefix(OURS)
        line = {"module": module, "name": planned["name"], "arguments": invocation["module_args"]}
        with Path(os.environ["ANDAMIO_TEST_ARGUMENTS"]).open("a") as out:
            out.write(json.dumps(line) + "\n")
