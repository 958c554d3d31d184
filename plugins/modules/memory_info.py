#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: memory_info
version_added: 0.1.0
short_description: How much memory a host may use
description:
  - Gives the memory that services on this host can share out, the machine's or the container's limit,
    whichever is less.
  - The fact C(ansible_facts['memtotal_mb']) is the whole machine's, in a container too. Services tuned to it
    are killed there.
author: The Andamio authors (@andamio)
extends_documentation_fragment:
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Ask how much memory there is
  andamio.laravel_aws.memory_info:
  register: memory

- name: Say it
  ansible.builtin.debug:
    msg: "{{ memory.memory_mb }} MiB"
"""

RETURN = r"""
memory_mb:
  description: Memory that this host may use, in MiB.
  returned: always
  type: int
  sample: 916
total_mb:
  description: Memory of the machine, in MiB.
  returned: always
  type: int
  sample: 916
limit_mb:
  description: The container's limit, in MiB. Null where there is none.
  returned: always
  type: int
  sample: null
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils._memory import (
    CGROUP_LIMITS,
    MEMINFO,
    limit_mb,
    total_mb,
)


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    total = total_mb(Path(MEMINFO).read_text())
    limit = limit_mb(total, (path.read_text() for path in map(Path, CGROUP_LIMITS) if path.is_file()))
    module.exit_json(changed=False, memory_mb=limit or total, total_mb=total, limit_mb=limit)


if __name__ == "__main__":
    main()
