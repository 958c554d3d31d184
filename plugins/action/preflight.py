# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module preflight, and holds the variables that were set for roles against their argument specs.

Ansible does that when a role is reached, in the middle of a run. Here it is done before anything is changed,
for all roles at once, and what is wrong is told with all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..plugin_utils._in_memory import InMemory

ROLES = Path(__file__).resolve().parents[2] / "roles"


class ActionModule(InMemory):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        problems = [
            problem
            for role in arguments.get("roles") or []
            for problem in self._role_problems(role, task_vars or {})
        ]
        arguments["problems"] = [*(arguments.get("problems") or []), *problems]
        answer: dict[str, Any] = self._execute_module(
            "andamio.laravel_aws.preflight", module_args=arguments, task_vars=task_vars
        )
        return result | answer

    def _role_problems(self, role: str, variables: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        """Yield what is wrong with a role's variables, as far as they are known here and now."""
        for name, option in options(role).items():
            if name not in variables:
                continue
            try:
                value = self._templar.template(variables[name])
            except AnsibleError:
                continue  # it needs what only the run finds out: the role sees
            checked = ArgumentSpecValidator({name: option}).validate(
                {name: value}, validate_role_argument_spec=True
            )
            for message in checked.error_messages:
                yield {
                    "check": "arguments",
                    "variable": name,
                    "problem": f"{name}: {message.rstrip('.')}.",
                    "fix": f"What it takes is in roles/{role}/README.md.",
                }


def options(role: str) -> dict[str, Any]:
    """Return all that a role takes."""
    specs = yaml.load((ROLES / role / "meta" / "argument_specs.yml").read_bytes(), yaml.CSafeLoader)
    return {
        name: option
        for entry in specs["argument_specs"].values()
        for name, option in entry["options"].items()
    }
