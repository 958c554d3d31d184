# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module preflight, and holds the variables that were set for roles against their argument specs.

Ansible does that when a role is reached, in the middle of a run. Here it is done before anything is changed,
for all roles at once, and what is wrong is told with all else. So is what of the application's environment is
wrong for production: all of its sources are known here, and no value leaves this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils import _env_check
from ..module_utils._dotenv import parse
from ..module_utils._ssm_env import Sources, given_by, read_file
from ..plugin_utils._in_memory import InMemory

ROLES = Path(__file__).resolve().parents[2] / "roles"


class ActionModule(InMemory):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        looks = boolean(arguments.pop("env", True)) and "ssm_env" in (arguments.get("roles") or [])
        accepted = arguments.pop("env_accept", None) or []
        problems = [
            problem
            for role in arguments.get("roles") or []
            for problem in self._role_problems(role, task_vars or {})
        ]
        if looks:
            found, remarks = self._environment(arguments.get("env_file"), accepted, task_vars or {})
            problems += found
            for remark in remarks:
                self._display.warning(remark)
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

    def _environment(
        self, file: str | None, accepted: list[str] | str, variables: Mapping[str, Any]
    ) -> tuple[list[dict[str, str]], list[str]]:
        """Return what is wrong with the application's environment, and what is worth knowing of it."""
        settings = self._settings(("ssm_env", "mysql", "laravel_app", "documents_bucket"), variables)
        text = ""
        if file:
            try:
                text = Path(file).expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                return [], []  # the module says why
        defaults, values = settings("ssm_env_defaults"), settings("ssm_env_values")
        generate = settings("ssm_env_generate") or {}
        if not all(isinstance(one, Mapping) for one in (defaults, values, generate)):
            return [], []  # it is told as an argument that is wrong
        sources = Sources(values, text, str(file or ""), defaults, generate)
        made = dict.fromkeys(generate, "x")
        given = given_by(sources, made)
        timeout, prefixes = str(settings("laravel_app_worker_timeout")), settings("documents_bucket_prefixes")
        url = str(defaults.get("APP_URL", ""))
        host = _env_check.Host(
            database=str(settings("mysql_app_database")),
            user=str(settings("mysql_app_user")),
            worker_timeout=int(timeout) if timeout.isdigit() else None,
            url="" if _env_check.LATER in url else url,
            prefixes=tuple(prefixes) if isinstance(prefixes, list) else (),
        )
        names = accepted.replace(",", " ").split() if isinstance(accepted, str) else accepted
        problems = [*_unresolved(sources, made)]
        for finding in _env_check.findings(given, host, names):
            ours = finding.where in {"values", "defaults"}
            variable = f"ssm_env_{finding.where if ours else 'file'}"
            problems.append(
                {
                    "check": "env",
                    "variable": variable,
                    "problem": f"{variable if ours else finding.where}: {finding.name} {finding.problem}.",
                    "fix": f"{finding.fix}. To insist: -e preflight_env_accept={finding.name}",
                }
            )
        return problems, list(_env_check.remarks(given, host))

    def _settings(self, roles: Iterable[str], variables: Mapping[str, Any]) -> Callable[[str], Any]:
        """Return how a variable of these roles is found: as it was set, or by the role's default."""
        known: dict[str, Any] = {}
        for role in roles:
            known |= self._loader.load_from_file(
                str(ROLES / role / "defaults" / "main.yml"), trusted_as_template=True
            )

        def value(name: str) -> Any:
            found = variables.get(name, known.get(name))
            if isinstance(found, Mapping):
                return {key: self._known(one) for key, one in found.items()}
            return self._known(found)

        return value

    def _known(self, value: Any) -> Any:
        """Return a templated value; LATER in its place where it needs what only the run finds out."""
        try:
            return self._templar.template(value)
        except AnsibleError:
            return _env_check.LATER


def _unresolved(sources: Sources, made: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the file's references that no source gives; its other problems the module tells."""
    told = parse(sources.env_text)[1]
    for wrong in read_file(sources, made)[1]:
        if wrong not in told:
            yield {
                "check": "env",
                "variable": "ssm_env_file",
                "problem": f"{sources.env_file}:{wrong.line}: {wrong.message}.",
                "fix": "Give it in a line before, or in ssm_env_values.",
            }


def options(role: str) -> dict[str, Any]:
    """Return all that a role takes."""
    specs = yaml.load((ROLES / role / "meta" / "argument_specs.yml").read_bytes(), yaml.CSafeLoader)
    return {
        name: option
        for entry in specs["argument_specs"].values()
        for name, option in entry["options"].items()
    }
