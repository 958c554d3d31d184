# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
type: stdout
short_description: What a run will do, or did, in one summary at its end
version_added: 0.1.0
description:
  - Ends each run with one summary, in plan order. Resources of AWS to create, change, replace and delete,
    with the attributes that change, and the steps on hosts, by phase and role; their counts; the monthly
    cost; and what is left to do by hand. In check mode it says what a real run will do, else what this one
    did.
  - Without C(-v) the run itself is told in few lines. Each role as it begins, each task that changes
    something, what roles have to say, warnings and failures; tasks that change nothing are quiet. With C(-v)
    all is as the callback P(ansible.builtin.default#callback) has it.
  - The summary is also written as JSON and as Markdown, to files that are named. No secret is in it, since
    modules put digests in the place of secrets.
author: The Andamio authors (@andamio)
options:
  json_file:
    description:
      - Where to write the summary as JSON. Missing folders are made.
      - By default it isn't written.
    type: path
    env:
      - name: ANDAMIO_PLAN_JSON
    ini:
      - section: andamio_plan
        key: json_file
  markdown_file:
    description:
      - Where to write the summary as Markdown, for a pull request. Missing folders are made.
      - By default it isn't written.
    type: path
    env:
      - name: ANDAMIO_PLAN_MARKDOWN
    ini:
      - section: andamio_plan
        key: markdown_file
  display_ok_hosts:
    description: Show tasks that change nothing. Without C(-v) the default is V(false).
  display_skipped_hosts:
    description: Show tasks that are skipped. Without C(-v) the default is V(false).
  display_included_hosts:
    description: Show which files are included. Without C(-v) the default is V(false).
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as C(stdout_callback) in C(ansible.cfg)
"""

import atexit
import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import constants as C
from ansible import context
from ansible.playbook.role_include import IncludeRole
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _plan_report, _plan_text
from ansible_collections.andamio.laravel_aws.plugins.module_utils._planned import (
    CHANGE,
    CREATE,
    DELETE,
    REPLACE,
)

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

# Ansible's own settings decide, so that a person who has changed them sees what they expect.
COLOURS = {
    CREATE: C.COLOR_DIFF_ADD,
    CHANGE: C.COLOR_CHANGED,
    REPLACE: C.COLOR_DEPRECATE,
    DELETE: C.COLOR_DIFF_REMOVE,
    "title": C.COLOR_HIGHLIGHT,
    "warning": C.COLOR_ERROR,
}
QUIET = ("display_ok_hosts", "display_skipped_hosts", "display_included_hosts")


def guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Keep an error of the summary from the run: it is told once, in one line."""

    @functools.wraps(method)
    def kept(self: CallbackModule, *arguments: Any) -> None:
        if self.broken:
            return
        try:
            method(self, *arguments)
        except Exception as error:
            self.broken = True
            where = f"{type(error).__name__}: {error}".splitlines()[0]
            self._display.warning(f"The summary of this run can't be made ({where}). The run goes on.")

    return kept


def shows_only_text(display: Any) -> None:
    """Have Ansible's display leave control characters out: what a host says can't control the terminal.

    Warnings and errors of all of Ansible go by it too. It adds its colours itself, behind this.
    """
    show = display.display

    def show_text(msg: str, *arguments: Any, **options: Any) -> None:
        show(_plan_text.printable(str(msg)), *arguments, **options)

    display.display = show_text


class CallbackModule(Default):
    """Ansible's own output, less of it without -v, and the summary."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "andamio.laravel_aws.plan"

    def __init__(self) -> None:
        super().__init__()
        shows_only_text(self._display)
        self.report = _plan_report.Report(_plan_report.RUN)
        self.broken = False
        self._names: dict[str, str] = {}
        self._section: tuple[str, str] | None = None
        self._process = os.getpid()
        self._ended = False

    @property
    def quiet(self) -> bool:
        return bool(self._display.verbosity == 0)

    @property
    def _shows_all(self) -> bool:
        """Whether a task is shown as Ansible shows it."""
        return not self.quiet or bool(self.get_option("display_ok_hosts"))

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        if self.quiet:
            for option in QUIET:
                if self._origins.get(option) == "default":
                    self._plugin_options[option] = False

    # What is collected.

    @guarded
    def _collect(self, result: CallbackTaskResult, label: str = "") -> None:
        task = result.task
        if task.check_mode and self.report.mode == _plan_report.RUN:
            return  # it was only asked
        known = len(self.report.hand_work)
        action = self.report.result(
            self._place(task),
            result.host.get_name(),
            self._name(task),
            task.resolved_action or task.action,
            result.result,
            label=label,
            arguments={} if task.no_log else task.args,
        )
        if action and not self._shows_all:
            self._tell_change(result, action, label)
        # A later task may wait for it: the end of the run would be too late.
        if self.report.mode == _plan_report.RUN:
            for sentence in self.report.hand_work[known:]:
                self._display.display(f"    ! {sentence}", color=C.COLOR_WARN)

    @guarded
    def _collect_failure(self, result: CallbackTaskResult) -> None:
        self.report.fail(self._place(result.task), result.host.get_name(), self._name(result.task))

    @guarded
    def _collect_waiting_roles(self) -> None:
        """Note the roles of a play that has no host yet, of those that this run's tags ask for."""
        play = self._play
        inventory = play.get_variable_manager()._inventory
        if inventory.get_hosts(play.hosts, ignore_limits=True):
            return  # there are hosts; --limit leaves them out
        for task in _tasks(play):
            if not task.evaluate_tags(play.only_tags, play.skip_tags, {}):
                continue
            if isinstance(task, IncludeRole) and "{{" not in task._role_name:
                self.report.wait(_plan_report.Place(_phase(task), _short(task._role_name)))

    def _place(self, task: Task) -> _plan_report.Place:
        role = task._role.get_name(include_role_fqcn=False) if task._role else self._play.get_name()
        return _plan_report.Place(_phase(task), _short(role.strip()))

    def _name(self, task: Task) -> str:
        return self._names.get(task._uuid) or task.name or task.action

    # What is shown while it runs.

    def _tell_change(self, result: CallbackTaskResult, action: str, label: str) -> None:
        told = result.result.get("planned") or {}
        text = told.get("name") or (
            f"{self._name(result.task)}: {label}" if label else self._name(result.task)
        )
        where = "" if result.host.get_name() == "localhost" else f" ({self.host_label(result)})"
        self._display.display(f"    {_plan_text.SYMBOLS[action]} {text}{where}", color=COLOURS[action])

    def _tell_ok(self, result: CallbackTaskResult) -> None:
        """Show of a task, or of an item of one, what is to be seen even when nothing changed."""
        if isinstance(result.task, TaskInclude):
            return
        self._handle_warnings_and_exception(result)
        if result.result.get("_ansible_verbose_always"):
            self._tell_message(result)

    def _tell_message(self, result: CallbackTaskResult) -> None:
        """Show what a debug task says as it is, without Ansible's frame."""
        self._clean_results(result.result, result.task.action)
        said = result.result.get("msg")
        if not isinstance(said, str | list):
            said = self._dump_results(result.result).strip("\n")
        if result.host.get_name() != "localhost":
            self._display.display(f"    {self.host_label(result)}")
        for text in said if isinstance(said, list) else said.splitlines():
            self._display.display(f"    {text}")

    def _tell_section(self, task: Task) -> None:
        section = (self._play._uuid, self._place(task).role)
        if task._role and section != self._section:
            self._section = section
            self._display.display(f"  {section[1]}")

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        if context.CLIARGS.get("check"):
            self.report.mode = _plan_report.PLAN
        # Ansible says nothing to callbacks when a person stops it; what was done until then counts even so.
        atexit.register(self._interrupted)
        super().v2_playbook_on_start(playbook)

    def v2_playbook_on_play_start(self, play: Play) -> None:
        if not self.quiet:
            super().v2_playbook_on_play_start(play)
            return
        self._play = play
        self._display.display(f"\n{play.get_name().strip()}", color=C.COLOR_HIGHLIGHT)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        self._collect_waiting_roles()
        if self.quiet:
            self._display.display("  no host", color=C.COLOR_SKIP)
        else:
            super().v2_playbook_on_no_hosts_matched()

    def _task_start(self, task: Task, prefix: str | None = None) -> None:
        # Now, since its name is templated for this moment only.
        self._names[task._uuid] = task.name
        if self.quiet:
            self._tell_section(task)
        super()._task_start(task, prefix)

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        looped = result.task.loop and "results" in result.result
        if not looped:
            self._collect(result)
        if self._shows_all:
            super().v2_runner_on_ok(result)
        elif not looped:
            self._tell_ok(result)

    def v2_runner_item_on_ok(self, result: CallbackTaskResult) -> None:
        self._collect(result, _label(self._get_item_label(result.result)))
        if self._shows_all:
            super().v2_runner_item_on_ok(result)
        else:
            self._tell_ok(result)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        if not self.get_option("display_skipped_hosts"):
            self._handle_warnings_and_exception(result)
        super().v2_runner_on_skipped(result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._collect_failure(result)
        super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        self._collect_failure(result)
        super().v2_runner_on_unreachable(result)

    # The end.

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        super().v2_playbook_on_stats(stats)
        self._ended = True
        self._end([*stats.failures, *stats.dark])

    def _interrupted(self) -> None:
        if self._ended or os.getpid() != self._process:
            return
        self.report.interrupted = True
        self._end([])

    @guarded
    def _end(self, failed: list[str]) -> None:
        self.report.end(failed)
        report = self.report.as_dict()
        # A playbook that only looks has nothing to sum up.
        if any(report[part] for part in ("resources", "host", "later", "stands", "hand_work", "failed")):
            self._display.banner("PLAN" if report["mode"] == _plan_report.PLAN else "SUMMARY")
            for line in _plan_text.lines(report):
                self._display.display(line.text, color=COLOURS.get(line.tone))
        written = [
            self._write(option, text)
            for option, text in (
                ("json_file", json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n"),
                ("markdown_file", _plan_text.markdown(report)),
            )
            if self.get_option(option)
        ]
        if written:
            self._display.display(f"\nWritten to {' and '.join(written)}")

    def _write(self, option: str, text: str) -> str:
        file = Path(self.get_option(option))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        here = Path.cwd()
        return str(file.relative_to(here) if file.is_relative_to(here) else file)


def _tasks(play: Play) -> list[Task]:
    """Return the tasks that a play has by itself, in order, without what they include."""
    pending, found = list(play.tasks), []
    while pending:
        item = pending.pop(0)
        if hasattr(item, "block"):
            pending = [*item.block, *pending]
        else:
            found.append(item)
    return found


def _phase(task: Task) -> str:
    return next((tag for tag in task.tags if tag.startswith("phase") and tag[5:].isdigit()), "")


def _short(role: str) -> str:
    return role.removeprefix("andamio.laravel_aws.")


def _label(item: Any) -> str:
    """Return what a loop calls its item; nothing for a whole structure, in which anything may be."""
    return str(item) if isinstance(item, str | int) else ""
