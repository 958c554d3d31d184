# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: preloaded_ssh
short_description: Run tasks by SSH, and have one process on the host run a run's modules
version_added: 0.1.0
description:
  - It is P(ansible.builtin.ssh#connection), and has all of its options, except that a pipelined module is run
    by a process on the host that has Ansible's C(module_utils) in memory and forks for each task. So a task
    takes neither a command over SSH, nor a start of Python, nor the compiling of what Ansible sends along.
  - The first task of a run on a host, and for each user there, goes the usual way, and then starts that
    process, by C(ssh) and by what becomes the user. It ends with the run. Nothing of it is written to the
    host's disk.
  - All else (commands, files, tasks in the background, passwords, another connection than C(ssh)'s) is
    P(ansible.builtin.ssh#connection).
author: The Andamio authors (@andamio)
options:
  preload:
    description:
      - Whether there may be a process on the host. Without, it is P(ansible.builtin.ssh#connection).
      - It is off as well with E(ANDAMIO_PRELOAD=0).
    type: bool
    default: true
    vars:
      - name: andamio_preload
extends_documentation_fragment:
  - andamio.laravel_aws.ssh
  - ansible.builtin.connection_pipelining
"""

import os
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.connection.ssh import Connection as SshConnection
from ansible.utils.display import Display

from ..plugin_utils import _host_process

Done = tuple[int, bytes, bytes]

MARGIN = 10  # seconds for a host's Python to start, once ssh is connected
display = Display()


class Connection(SshConnection):  # type: ignore[misc]
    """Named so for Ansible."""

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Done:
        """Run a command on the host; return its exit status, stdout and stderr."""
        process = self._process(to_text(cmd), in_data, sudoable)
        if process is not None and in_data is not None:
            try:
                done = process.run(in_data, self._seconds)
            except _host_process.Broken as error:
                raise AnsibleConnectionFailure(
                    f"The connection to {self.host} broke in the middle of the task, which may be done."
                ) from error
            if done is not None:
                display.vvv(f"PRELOADED {to_text(cmd)}", host=self.host)
                return done
        plain: Done = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if process is not None:
            process.start(self._ssh, self._seconds)
        return plain

    def reset(self) -> None:
        """Let go of all connections to the host; what is then done there starts anew."""
        _host_process.stop(C.DEFAULT_LOCAL_TMP, self._word())
        super().reset()

    @property
    def _seconds(self) -> float:
        return float(self.get_option("timeout")) + MARGIN

    def _process(self, command: str, program: bytes | None, sudoable: bool) -> _host_process.Process | None:
        """Return the process that may run it; None where it is Ansible's ssh that has to."""
        if program is None or not self.get_option("preload") or not _host_process.is_on(os.environ):
            return None
        become: Any = self.become if sudoable else None
        asks = self.get_option("password") or self._play_context.password or (become and become.prompt)
        if asks or self._is_tty_requested() or not _host_process.is_payload(program):
            return None
        success = become.success if become and become.success and become.success in command else ""
        parts = _host_process.taken_apart(command, success)
        return parts and _host_process.Process(C.DEFAULT_LOCAL_TMP, self._word(), parts)

    def _word(self) -> str:
        """Return what tells this host and this way to it from others."""
        return "\n".join(to_text(word) for word in self._ssh(""))

    def _ssh(self, command: str) -> list[bytes]:
        """Return ssh's command that runs one on the host."""
        self.host = self.get_option("host") or self._play_context.remote_addr
        built: list[bytes] = self._build_command(self.get_option("ssh_executable"), "ssh", self.host, command)
        return built
