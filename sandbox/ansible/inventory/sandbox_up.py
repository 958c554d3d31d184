"""The first of the sandbox's inventory sources: where the sandbox is down, it says so and is the last."""

from __future__ import annotations

import sys
import urllib.request
from typing import Any

from ansible import context
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.utils.display import Display

DOCUMENTATION = """
name: sandbox_up
short_description: Stop at once when the sandbox is down
description:
  - Adds no host. Asks whether the sandbox's AWS answers, and ends Ansible with one line when it doesn't,
    before any other inventory source asks it for hosts.
options:
  plugin:
    description: C(sandbox_up).
    required: true
  url:
    description: What answers when the sandbox is up.
    default: http://127.0.0.1:4567/_sandbox/health
"""


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """Named so for Ansible."""

    NAME = "sandbox_up"

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        # Who only checks a playbook's syntax needs no host.
        if not context.CLIARGS.get("syntax") and not answers(self.get_option("url")):
            # An AnsibleError would become a warning, and the next source would be asked.
            Display().error("The sandbox is down. Start it: make sandbox")
            sys.exit(1)


def answers(url: str) -> bool:
    """Whether something is well there."""
    # A loopback address is asked directly, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False
