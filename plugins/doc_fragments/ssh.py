# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible.plugins.connection import ssh


class ModuleDocFragment:
    """Named so for Ansible."""


# The options of Ansible's own ssh, as the Ansible here has them. The versions in it are Ansible's, and would
# be taken for this collection's. Tools that read a fragment without running it take only what is in the class
# for its text.
ModuleDocFragment.DOCUMENTATION = re.sub(  # type: ignore[attr-defined]
    r"^ +version_added: .*\n",
    "",
    "options:\n" + ssh.DOCUMENTATION.partition("options:\n")[2],
    flags=re.MULTILINE,
)
