# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the engine on the host, andamio-release, put a release live, go back to one, or tell which is.

Request and artifact go over the connection as the standard input of one command, as a module's code does when
it is pipelined: no temporary file on the host, and no second round trip.
"""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils import _laravel_release as release


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, params = self.validate_argument_spec(
            argument_spec=release.ARGUMENT_SPEC,
            mutually_exclusive=release.MUTUALLY_EXCLUSIVE,
        )
        try:
            artifact, content = self._artifact(params)
            wanted = release.request(
                params, owner=owner(), check=bool(self._task.check_mode), artifact=artifact
            )
        except release.Unusable as error:
            raise AnsibleActionFail(str(error)) from error
        done = self._low_level_execute_command(
            release.command(params["state"], self._compute_environment_string()),
            in_data=release.stdin(wanted, content),
        )
        found, warnings = release.result(params["state"], done["rc"], done["stdout"], done["stderr"])
        for text in warnings:
            self._display.warning(text)
        if self._task.diff and params["state"] != "info" and not found.get("failed"):
            result["diff"] = release.diff(found)
        return result | found

    def _artifact(self, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Return what the request says of the artifact, and the bytes to send after it. Raises Unusable."""
        if params["state"] != "deployed" or not (params["artifact"] or params["s3"]):
            return {}, b""
        if params["s3"]:
            return release.from_s3(params["s3"]), b""
        if release.is_s3(params["artifact"]):
            return release.from_s3(release.s3_from(params["artifact"])), b""
        # A relative path is the playbook's, as for modules that run on the control machine.
        return release.from_file(Path(self._loader.path_dwim(params["artifact"])))


def owner() -> str:
    """Who runs this, for the journal: user@host of the control machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())  # a container's user may have no name
    return f"{user}@{socket.gethostname().partition('.')[0]}"
