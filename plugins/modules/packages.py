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
  - apt and dpkg run in a transient unit of systemd, C(andamio-packages.service), which ends its work when the
    run is killed or its connection drops. The next run waits for it, and says so.
  - It waits for others that use apt, the daily updates too, and says so.
  - It completes what dpkg was killed at, in whatever package (by a power cut, say), before it installs.
author: The Andamio authors (@andamio)
options:
  name:
    description:
      - Names of the packages. With none, package work that is under way is waited for, and that is all.
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
requirements:
  - systemd
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
repaired:
  description: Packages that dpkg had left half done, and are whole now. In check mode, those to be repaired.
  returned: success
  type: list
  elements: str
  sample: [libheif1]
lists_read:
  description: Whether apt's lists were read.
  returned: success
  type: bool
"""

import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _packages

PAUSE = 5
"""Seconds between two tries."""


class Apt:
    """dpkg and apt on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.lists_read = False
        self.broken: list[str] = []

    def run(self, command: Sequence[str]) -> tuple[int, str, str]:
        """Run a command that changes nothing dpkg depends on. Return its code, output and errors."""
        program = self.module.get_bin_path(command[0], required=True)
        answer: tuple[int, str, str] = self.module.run_command(
            [program, *command[1:]], environ_update=_packages.ENVIRONMENT
        )
        return answer

    def change(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a command of apt's family in a unit that outlives this process. Return its code and words."""
        if not Path(_packages.SYSTEMD).is_dir():
            self.module.fail_json(
                msg="systemd doesn't run this host, and packages are changed in a unit of its."
            )
        self.module.get_bin_path(command[0], required=True)
        while True:
            self.wait()
            code, out, err = self.run(_packages.detached(command, os.environ))
            if code == 0 or "already loaded" not in err:
                break
        output = Path(_packages.OUTPUT)
        said = (output.read_text(errors="replace") if output.is_file() else "") + out + err
        for holder in _packages.holders(said):
            self.module.warn(f"{holder} was using apt, and was waited for.")
        return code, said

    def wait(self) -> None:
        """Wait for the unit of a run that was cut off, or of another that is under way, and say so."""
        started = time.monotonic()
        while Path(_packages.TRANSIENT, _packages.UNIT).exists():
            code, out, _err = self.run(["systemctl", "is-active", _packages.UNIT])
            if code != 0 and out.strip() not in ("activating", "deactivating", "reloading"):
                break
            time.sleep(PAUSE)
        waited = time.monotonic() - started
        if waited > PAUSE / 2:
            self.module.warn(
                f"Another run's package work was under way on this host ({_packages.UNIT}): "
                f"waited {waited:.0f} s for it."
            )

    def wait_for_dpkg(self) -> None:
        """Wait for another that holds dpkg's lock, and say so: packages in its hands look broken."""
        lock = Path(_packages.FRONTEND_LOCK)
        deadline, waited = time.monotonic() + _packages.LOCK_WAIT, False
        while lock.is_file():
            with lock.open("r+b") as file:
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    if time.monotonic() > deadline:
                        self.module.fail_json(
                            msg=f"{lock} was held for {_packages.LOCK_WAIT} s. By whom: fuser -v {lock}"
                        )
                else:
                    break
            waited = True
            time.sleep(PAUSE)
        if waited:
            self.module.warn(
                "Another was using apt on this host (its daily updates, say), and was waited for."
            )

    def look(self, names: Sequence[str]) -> list[str]:
        """Return which of the names are missing, and note which packages are broken."""
        code, out, err = self.run(_packages.QUERY)
        if code != 0:
            self.module.fail_json(msg=f"dpkg can't say what is installed: {err.strip()}")
        self.broken = _packages.broken(out)
        there = _packages.installed(out)
        return [name for name in names if name not in there]

    def repair(self) -> None:
        """Complete what dpkg was killed at. What is still broken then fails whoever asks for it."""
        self.change(_packages.CONFIGURE)
        _code, said = self.change(_packages.FIX)
        torn = _packages.reinstall(self.run(_packages.QUERY)[1])
        if torn and _packages.outdated(said):
            self.read_lists()
        if torn:
            self.change(_packages.remove(torn))
            self.change(_packages.FIX)

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
        deadline = time.monotonic() + _packages.LOCK_WAIT
        while True:
            code, said = self.change(_packages.UPDATE)
            if code == 0:
                break
            if not _packages.locked(said) or time.monotonic() > deadline:
                self.module.fail_json(msg=f"apt can't read its package lists: {_packages.reason(said)}")
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
            code, said = self.change(command)
            # apt fails for a package of somebody else's, too, that dpkg can't configure.
            if code == 0 or not self.look(names):
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
                self.repair()
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
    if not module.check_mode:
        apt.wait()
    missing = apt.look(names)
    if (missing or apt.broken) and not module.check_mode:
        apt.wait_for_dpkg()
        missing = apt.look(names)
    repaired = apt.broken if names else []
    if repaired and not module.check_mode:
        apt.repair()
        missing = apt.look(names)
        if apt.broken and not missing:
            module.warn(f"dpkg can't complete {', '.join(apt.broken)}: dpkg --configure -a says why.")
    marked = apt.automatic([name for name in names if name not in missing])
    if not module.check_mode:
        if missing:
            apt.install(missing)
            left = apt.look(missing)
            if left:
                module.fail_json(
                    msg=f"apt-get is content, but dpkg has no {', '.join(left)}. If that is a virtual "
                    "package, name the one that provides it."
                )
        if marked:
            apt.mark(marked)
    result = {
        "changed": bool(missing or marked or (repaired and (module.check_mode or repaired != apt.broken))),
        "repaired": [name for name in repaired if module.check_mode or name not in apt.broken],
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
