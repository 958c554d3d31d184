"""A connection to no host: what it is told goes to the file ``told``, its answers are in ``answers``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: told
short_description: A connection to no host
description: For tests.
author: The Andamio authors
options:
  host:
    description: The host's name.
    vars: [{name: inventory_hostname}]
"""


class Connection(ConnectionBase):
    transport = "told"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Answer with the code and the JSON that the file ``answers`` has for the command's action."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        match = re.search(r"andamio-release (\w+) --json", cmd)
        assert match, cmd
        line, _newline, content = (in_data or b"").partition(b"\n")
        request: dict[str, Any] = json.loads(line)
        host = self.get_option("host")
        root = Path(os.environ["TOLD"])
        with (root / "told").open("a") as file:
            file.write(json.dumps([host, match[1], request, len(content)]) + "\n")
        answers = json.loads((root / "answers").read_text())
        action = "check" if request.get("check") else match[1]
        code, answer = answers.get(f"{host} {action}") or answers[action]
        return code, json.dumps(answer).encode(), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._connected = False
