#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_status
version_added: 0.1.0
short_description: How a host is right now
description:
  - Gives disk, memory, swap, load and uptime, the systemd units that have failed, and whether it waits for a
    restart, in one task.
  - M(ansible.builtin.setup) gives neither the units nor, in a container, the memory that is really used.
author: The Andamio authors (@andamio)
options:
  path:
    description: The disk is the one that this path is on.
    type: path
    default: /
  units:
    description: Units whose state is told besides.
    type: list
    elements: str
    default: []
  ignored_units:
    description: Units that may fail, with or without C(.service).
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Ask the host how it is
  andamio.laravel_aws.host_status:
    units: [nginx, mysql]
  register: host
"""

RETURN = r"""
disk:
  description: Size and use of the disk, in bytes. What root alone may use counts as used by nobody.
  returned: always
  type: dict
  sample: {total: 12465651712, used: 4187593114, available: 7700000000}
memory:
  description: Memory there is and that is used, in MiB. Caches don't count as used.
  returned: always
  type: dict
  sample: {total_mb: 916, used_mb: 612}
swap:
  description: Swap there is and that is used, in MiB.
  returned: always
  type: dict
  sample: {total_mb: 1024, used_mb: 12}
load:
  description: Load averages over 1, 5 and 15 minutes.
  returned: always
  type: list
  elements: float
cpus:
  description: How many processors the host may use.
  returned: always
  type: int
uptime:
  description: Seconds since it started.
  returned: always
  type: int
failed_units:
  description: The systemd units that have failed.
  returned: always
  type: list
  elements: str
units:
  description: The state of O(units), as C(systemctl is-active) has it.
  returned: always
  type: dict
  sample: {nginx: active, mysql: inactive}
restart_required:
  description: Whether an update waits for a restart.
  returned: always
  type: bool
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _host_status
from ansible_collections.andamio.laravel_aws.plugins.module_utils._memory import (
    CGROUP_LIMITS,
    MEMINFO,
    limit_mb,
)

# Beside the limits of control groups, version 2 and 1: what is used, and of what.
CGROUP_USES = (
    ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat"),
)
RESTART = "/run/reboot-required"


def systemctl(module: Any, *words: str) -> str:
    """Return what systemctl prints; its exit code only says that something isn't well."""
    program = module.get_bin_path("systemctl")
    return str(module.run_command([program, *words])[1]) if program else ""


def memory(numbers: dict[str, int]) -> dict[str, int]:
    limits = [path.read_text() for path in map(Path, CGROUP_LIMITS) if path.is_file()]
    limit = limit_mb(numbers["MemTotal"], limits)
    uses = [(Path(current), Path(stat)) for current, stat in CGROUP_USES]
    used = next(
        (
            _host_status.group_memory_mb(current.read_text(), stat.read_text())
            for current, stat in uses
            if current.is_file() and stat.is_file()
        ),
        None,
    )
    return _host_status.memory(numbers, limit, used)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/"},
            "units": {"type": "list", "elements": "str", "default": []},
            "ignored_units": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    units = module.params["units"]
    numbers = _host_status.meminfo(Path(MEMINFO).read_text())
    found = os.statvfs(module.params["path"])
    module.exit_json(
        changed=False,
        disk=_host_status.disk(found.f_blocks, found.f_bfree, found.f_bavail, found.f_frsize),
        memory=memory(numbers),
        swap=_host_status.swap(numbers),
        load=_host_status.load(Path("/proc/loadavg").read_text()),
        cpus=len(os.sched_getaffinity(0)),
        uptime=_host_status.uptime(Path("/proc/uptime").read_text()),
        failed_units=_host_status.failed_units(
            systemctl(module, "list-units", "--failed", "--output=json", "--no-pager"),
            module.params["ignored_units"],
        ),
        units=_host_status.unit_states(units, systemctl(module, "is-active", *units) if units else ""),
        restart_required=Path(RESTART).exists(),
    )


if __name__ == "__main__":
    main()
