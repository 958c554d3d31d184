# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: preloaded
short_description: Run tasks here, and have the preloaded interpreter run modules without a shell
version_added: 0.1.0
description:
  - It is P(ansible.builtin.local#connection), except that a module whose interpreter is the collection's
    C(interpreter/python) goes to its process directly. No shell and no client is started for it.
  - Where that process doesn't run yet, can't run the module, or isn't asked for, and for all other commands,
    it is P(ansible.builtin.local#connection).
author: The Andamio authors (@andamio)
options:
  become_success_timeout:
    description: Number of seconds to wait for become to succeed when enabled.
    type: int
    default: 10
    vars:
      - name: ansible_local_become_success_timeout
  become_strip_preamble:
    description: Strip internal become output preceding command execution. Disable for additional diagnostics.
    type: bool
    default: true
    vars:
      - name: ansible_local_become_strip_preamble
extends_documentation_fragment:
  - ansible.builtin.connection_pipelining
"""

import os
import shlex
import sys

from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.utils.display import Display

from ..plugin_utils import _preloaded

Done = tuple[int, bytes, bytes]

display = Display()


class Connection(LocalConnection):  # type: ignore[misc]
    """Named so for Ansible."""

    runs_by_name = True  # what in_memory() returns, instead of a program

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Done:
        """Run a command here; return its exit status, stdout and stderr."""
        found = simple(to_text(cmd))
        words, program = _preloaded.taken_apart(in_data or b"")
        if found is not None and in_data is not None and not self.become:
            environment, interpreter = found
            here = {**os.environ, **environment}
            done = _preloaded.run(interpreter, sys.executable, program, here, self.cwd or ".", words=words)
            if done is not None:
                display.vvv(f"PRELOADED {to_text(cmd)}", host=self._play_context.remote_addr)
                return done
        if words:
            raise _preloaded.NotStarted
        local: Done = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return local


def simple(command: str) -> tuple[dict[str, str], str] | None:
    """Take apart a shell's command that is nothing but some variables and an interpreter.

    None is for all else. That nothing else is in it is known by putting it together again as Ansible does.
    """
    try:
        outer = shlex.split(command)
        words = shlex.split(outer[2]) if len(outer) == 3 and outer[1] == "-c" else []
    except ValueError:
        return None
    if not words or not os.path.isabs(words[-1]):
        return None
    environment = {name: value for name, _equals, value in (word.partition("=") for word in words[:-1])}
    again = [*(f"{name}={shlex.quote(value)}" for name, value in environment.items()), words[-1]]
    if outer[2] != " ".join(again) or any(not name.isidentifier() for name in environment):
        return None
    return environment, words[-1]
