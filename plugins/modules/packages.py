#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
version_added: 0.1.0
short_description: Have Debian packages installed, and ask apt only when one is missing
description:
  - Asks dpkg which packages are there. When none is missing, that is all, in some hundredths of a second.
    Neither package lists nor apt's cache are opened.
  - When one is missing, apt's lists are read if they are older than O(cache_valid_time) or their sources,
    or if they don't know the package, and the missing packages are installed.
  - M(ansible.builtin.apt) opens apt's cache in any case, which takes seconds on a small host, and in check
    mode it knows no package before the lists were read.
  - It waits for others that use apt, and completes what a killed run of dpkg left half done.
author: The Andamio authors (@andamio)
options:
  name:
    description:
      - Names of the packages.
      - Virtual packages, C(package:architecture), C(package=version) and patterns are not supported. Name
        the real package.
    type: list
    elements: str
    required: true
    aliases: [pkg]
  install_recommends:
    description: Install what the packages recommend, too.
    type: bool
    default: false
  default_release:
    description:
      - Prefer this release's packages, for all that this run installs.
      - It wins over the pin of a whole release in C(/etc/apt/preferences.d), so that dependencies come from
        there, too. To take some packages only, pin those.
    type: str
  cache_valid_time:
    description: Age in seconds up to which apt's lists are new enough.
    type: int
    default: 3600
  retries:
    description: How often to try again when apt fails, say for a service that doesn't start in time on a busy
      host.
    type: int
    default: 0
notes:
  - An upgrade is none of its business. It installs what is missing.
  - A package that apt takes for a mere dependency is marked as asked for, so that it stays when the rest
    goes.
attributes:
  check_mode:
    details: Says what would be installed, without reading the lists. A name that no list knows is told by
      the real run.
  diff_mode:
    details: Shows the packages that are missing.
extends_documentation_fragment:
  - andamio.laravel_aws.attributes
"""

EXAMPLES = r"""
- name: Install nginx
  andamio.laravel_aws.packages:
    name: [nginx, openssl]

- name: Install a server that may need a second start on a busy host
  andamio.laravel_aws.packages:
    name: mysql-server
    retries: 2
"""

RETURN = r"""
missing:
  description: The packages that were missing.
  returned: success
  type: list
  elements: str
  sample: [nginx]
installed:
  description: Those that this run installed. None in check mode.
  returned: success
  type: list
  elements: str
  sample: [nginx]
marked:
  description: Those that were there as a mere dependency, and are now marked as asked for.
  returned: success
  type: list
  elements: str
lists_read:
  description: Whether apt's lists were read.
  returned: success
  type: bool
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _packages

LOCK_WAIT = 300
"""Seconds to wait while another reads the lists."""
PAUSE = 5
"""Seconds between two tries."""


class Apt:
    """dpkg and apt on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.lists_read = False

    def run(self, command: Sequence[str]) -> tuple[int, str, str]:
        """Run a command of apt's family. Return its code, its output and what it says of errors."""
        program = self.module.get_bin_path(command[0], required=True)
        answer: tuple[int, str, str] = self.module.run_command(
            [program, *command[1:]], environ_update=_packages.ENVIRONMENT
        )
        return answer

    def missing(self, names: Sequence[str]) -> list[str]:
        code, out, err = self.run(_packages.query(names))
        # 1: some name is unknown to it. 2: it couldn't read its own database.
        if code not in (0, 1):
            self.module.fail_json(msg=f"dpkg can't say what is installed: {err.strip()}")
        there = _packages.installed(out)
        return [name for name in names if name not in there]

    def automatic(self, names: Sequence[str]) -> list[str]:
        states = Path(_packages.EXTENDED_STATES)
        return _packages.automatic(states.read_text(), names) if names and states.is_file() else []

    def stale(self, valid: int) -> bool:
        lists, sources = Path(_packages.LISTS), Path(_packages.SOURCES)
        # A new image may have the folder, and nothing in it.
        read_at = lists.stat().st_mtime if any(lists.glob("*_Packages*")) else None
        files = [sources / "sources.list", *sources.glob("sources.list.d/*")]
        changed = max((file.stat().st_mtime for file in files if file.is_file()), default=0.0)
        return _packages.stale(time.time(), read_at, changed, valid)

    def read_lists(self) -> None:
        """Read the lists. Fails the module when apt can't."""
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            code, out, err = self.run(_packages.UPDATE)
            if code == 0:
                break
            if not _packages.locked(err) or time.monotonic() > deadline:
                self.module.fail_json(msg=f"apt can't read its package lists: {_packages.reason(out + err)}")
            time.sleep(PAUSE)
        # apt leaves the folder's time alone when there was nothing new.
        os.utime(_packages.LISTS)
        self.lists_read = True

    def install(self, names: Sequence[str]) -> None:
        """Install these, which are missing. Fails the module when apt can't."""
        params = self.module.params
        command = _packages.install(names, params["install_recommends"], params["default_release"])
        if self.stale(params["cache_valid_time"]):
            self.read_lists()
        retries, repaired = params["retries"], False
        while True:
            code, out, err = self.run(command)
            said = out + err
            if code == 0:
                return
            unknown = _packages.unknown(said)
            if not self.lists_read and _packages.outdated(said):
                self.read_lists()
            elif unknown:
                self.module.fail_json(
                    msg=f"apt knows no package {', '.join(unknown)}, and its lists were read just now. "
                    f"Is the name right, and its source in {_packages.SOURCES}?"
                )
            elif not repaired and _packages.interrupted(said):
                repaired = True
                self.run(_packages.CONFIGURE)
            elif retries > 0:
                retries -= 1
                time.sleep(PAUSE)
            else:
                self.module.fail_json(
                    msg=f"apt-get install {' '.join(names)} ended with {code}: {_packages.reason(said)}"
                )

    def mark(self, names: Sequence[str]) -> None:
        code, out, err = self.run(["apt-mark", "manual", *names])
        if code != 0:
            self.module.fail_json(msg=f"apt-mark manual {' '.join(names)}: {_packages.reason(out + err)}")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "list", "elements": "str", "required": True, "aliases": ["pkg"]},
            "install_recommends": {"type": "bool", "default": False},
            "default_release": {"type": "str"},
            "cache_valid_time": {"type": "int", "default": 3600},
            "retries": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    names = list(dict.fromkeys(module.params["name"]))
    wrong = _packages.not_names(names)
    if wrong:
        module.fail_json(msg=f"name: {', '.join(map(repr, wrong))} is no plain name of a package")
    apt = Apt(module)
    missing = apt.missing(names) if names else []
    marked = apt.automatic([name for name in names if name not in missing])
    if not module.check_mode:
        if missing:
            apt.install(missing)
            left = apt.missing(missing)
            if left:
                module.fail_json(
                    msg=f"apt-get is content, but dpkg has no {', '.join(left)}. If that is a virtual "
                    "package, name the one that provides it."
                )
        if marked:
            apt.mark(marked)
    result = {
        "changed": bool(missing or marked),
        "missing": missing,
        "installed": [] if module.check_mode else missing,
        "marked": marked,
        "lists_read": apt.lists_read,
    }
    if module._diff:
        before = [name for name in names if name not in missing]
        result["diff"] = {
            "before_header": "packages",
            "after_header": "packages",
            "before": "".join(f"{name}\n" for name in before),
            "after": "".join(f"{name}\n" for name in names),
        }
    module.exit_json(**result)


if __name__ == "__main__":
    main()
