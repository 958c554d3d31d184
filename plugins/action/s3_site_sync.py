# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module s3_site_sync and shows what it says about its progress meanwhile.

A module's output is seen only when it has ended. So the module appends lines to a file, and this plugin,
which runs beside it on the controller, shows them as they come. On another machine the module is silent.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

from ..plugin_utils._in_memory import InMemory

EVERY = 0.5


class ActionModule(InMemory):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        if self._connection.transport != "local" or self._task.async_val:
            return result | self._run_module(task_vars)
        with tempfile.NamedTemporaryFile(prefix="s3_site_sync.") as file:
            done = threading.Event()
            follower = threading.Thread(target=self._follow, args=(Path(file.name), done))
            follower.start()
            try:
                return result | self._run_module(task_vars, progress_file=file.name)
            finally:
                done.set()
                follower.join()

    def _run_module(self, task_vars: dict[str, Any] | None, **more: str) -> dict[str, Any]:
        arguments = {**self._task.args, **more}
        answer: dict[str, Any] = self._execute_module(
            module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val
        )
        return answer

    def _follow(self, file: Path, done: threading.Event) -> None:
        shown = 0
        while not done.wait(EVERY):
            lines = file.read_text().splitlines()
            for line in lines[shown:]:
                self._display.display(f"{self._task.get_name()}: {line}")
            shown = len(lines)
