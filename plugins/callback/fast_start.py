# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fast_start
type: aggregate
short_description: Do once what Ansible does for each task, or in each run, anew
version_added: 0.1.0
description:
  - Loads filters, tests, connections and each task's action before it is started. Each task is a fork of
    Ansible, and would load them for itself.
  - Has a template that tasks share compiled once in a run.
  - Keeps Python's garbage collector off what is in memory by then, which each task would copy otherwise.
  - Keeps what Ansible builds of each module to send it (the module and all module_utils it needs, without any
    argument) from run to run. It is used again only while every file it was built from is unchanged, and
    nothing was added beside them.
  - Changes nothing in what a run does.
author: The Andamio authors (@andamio)
options:
  payloads:
    description:
      - The folder to keep built modules in. It has to belong to the user who runs Ansible, and to be closed
        to others; it is made so when it is missing.
      - Without it none are kept.
    type: path
    env:
      - name: ANDAMIO_PAYLOADS
    ini:
      - section: andamio_fast_start
        key: payloads
requirements:
  - enable it, C(callbacks_enabled = andamio.laravel_aws.fast_start) in C(ansible.cfg)
"""

import contextlib
import gc
import os
import sys
from typing import Any

from ansible import constants as C
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import (
    action_loader,
    become_loader,
    connection_loader,
    filter_loader,
    shell_loader,
    test_loader,
)
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils import _preloaded, _templates
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils._in_memory import InMemory
from ansible_collections.andamio.laravel_aws.plugins.plugin_utils._payloads import Payloads

Plugins = tuple[tuple[Any, tuple[str, ...]], ...]
# What tasks need here, and what they need on another host.
HERE = (
    (connection_loader, ("ansible.builtin.local", "andamio.laravel_aws.preloaded")),
    (shell_loader, ("ansible.builtin.sh",)),
    (action_loader, ("ansible.builtin.normal",)),
)
ELSEWHERE = (
    (connection_loader, ("ansible.builtin.ssh", "andamio.laravel_aws.preloaded_ssh")),
    (become_loader, ("ansible.builtin.sudo",)),
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Named so for Ansible."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "andamio.laravel_aws.fast_start"
    CALLBACK_NEEDS_ENABLED = True

    _payloads: Payloads | None = None
    _templates: _templates.Shared | None = None
    _in_memory = False  # whether the preloaded interpreter runs
    _waiting = False  # for the first task that is on another host

    def v2_playbook_on_start(self, playbook: Any) -> None:
        load_all()
        self._templates = _templates.share()
        folder = self.get_option("payloads")
        if folder:
            # Without them, a run takes longer and that is all.
            with contextlib.suppress(OSError, ValueError):
                self._payloads = Payloads(folder, C.DEFAULT_LOCAL_TMP)
        self._in_memory = _preloaded.is_there(sys.executable, os.environ)
        # What is garbage by now stays, which costs less than looking for it; what tasks make goes with them.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._waiting = any(host != "localhost" for host in play.hosts)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if self._waiting:
            self._waiting = False
            load(ELSEWHERE)
            gc.freeze()
        action = action_loader.get(task.action, class_only=True, collection_list=task.collections)
        self._restore(task.action, action)
        if self._templates is not None:
            self._templates.learn()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._payloads is not None:
            with contextlib.suppress(OSError, ValueError):
                self._payloads.keep()

    def _restore(self, module: str, action: Any) -> None:
        """Give the run what a task may send: its module, or, where it has an action of its own, any."""
        if self._payloads is None or not getattr(action, "_requires_connection", True):
            return
        if action is not None and issubclass(action, InMemory) and self._in_memory:
            return
        with contextlib.suppress(OSError, ValueError):
            self._payloads.restore(module.rpartition(".")[2] if action is None else "*")


def load_all() -> None:
    """Load what each run needs; interpreter/playbook.py does it before there is one."""
    for loader in (filter_loader, test_loader):
        for _plugin in loader.all():
            pass
    load(HERE)
    use_once()
    _templates.share()


def load(plugins: Plugins) -> None:
    """Load plugins' classes: a fork of this process then has them."""
    for loader, names in plugins:
        for name in names:
            loader.get(name, class_only=True)


def use_once() -> None:
    """Have Ansible make what it makes at its first use of a template and of a module's answer."""
    for direction in Direction:
        get_module_encoder("legacy", direction)
        get_module_decoder("legacy", direction)
    # Nobody's promise: where this Ansible has them otherwise, each task does it.
    with contextlib.suppress(ImportError, AttributeError, TypeError):
        from ansible._internal._task import UnifiedTaskResult  # noqa: PLC0415
        from ansible._internal._templating._jinja_bits import AnsibleEnvironment  # noqa: PLC0415

        for is_module in (True, False):
            UnifiedTaskResult.get_result_key_to_resolved_field_mapping(source_is_module=is_module)
        AnsibleEnvironment().from_string("{{ 1 }}")
