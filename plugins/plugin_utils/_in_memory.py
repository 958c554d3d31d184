# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions whose module the preloaded interpreter has in memory: nothing is packed and sent for it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.executor import module_common
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as Normal

from . import _preloaded

MODULES = Path(__file__).resolve().parents[1] / "modules"
PACKAGE = "ansible_collections.andamio.laravel_aws.plugins.modules"
PROFILE = "legacy"  # the one of modules that name none, as all of ours


class InMemory(ActionBase):  # type: ignore[misc]
    """Mixed into an action: it runs modules of the collection by their names where that can be done.

    The process compares versions and files at each task, as it does for what is sent. Where it isn't there,
    refuses, or isn't asked for, the module is sent.
    """

    _send = False

    def _execute_module(self, *words: Any, **named: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = super()._execute_module(*words, **named)
        except _preloaded.NotStarted:
            self._send = True
            answer = super()._execute_module(*words, **named)
        return answer

    def _configure_module(
        self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]
    ) -> tuple[Any, str]:
        found = None if self._send else self._by_name(module_name, module_args, task_vars)
        return found or super()._configure_module(module_name, module_args, task_vars)

    def _by_name(
        self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]
    ) -> tuple[Any, str] | None:
        """Return what Ansible would build for it, with the name instead of a payload; or None."""
        if not getattr(self._connection, "runs_by_name", False) or self._connection.become:
            return None
        if self._task.async_val or not self._is_pipelining_enabled("new"):
            return None
        host = self._task.delegate_to
        variables = task_vars.get("ansible_delegated_vars", {}).get(host, {}) if host else task_vars
        interpreter = self._templar.template(variables.get("ansible_python_interpreter"))
        if not isinstance(interpreter, str) or os.path.realpath(interpreter) != _preloaded.OWN:
            return None
        module = self._shared_loader_obj.module_loader.find_plugin(
            module_name, ".py", collection_list=self._task.collections
        )
        if not module or Path(module).resolve().parent != MODULES:
            return None
        encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
        try:
            arguments = json.dumps({"ANSIBLE_MODULE_ARGS": module_args}, cls=encoder)
            built = module_common._BuiltModule(
                b_module_data=_preloaded.in_memory(f"{PACKAGE}.{Path(module).stem}", arguments),
                module_style="new",
                shebang=f"#!{interpreter}",
                serialization_profile=PROFILE,
            )
        except (AttributeError, TypeError):
            return None  # another Ansible's; and what can't be written as JSON, it says itself
        return built, module


class AwsAction(InMemory, Normal):  # type: ignore[misc]
    """What a module that talks to AWS has for an action: Ansible looks for one by the module's name."""
