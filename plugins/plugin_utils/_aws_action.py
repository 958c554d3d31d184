# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of the collection that talks to AWS: what ansible.builtin.normal does, without sending it.

Ansible looks for a module's action by the module's name: plugins/action has a link to this for each of them.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as Normal

from ..plugin_utils._in_memory import InMemory


class ActionModule(InMemory, Normal):  # type: ignore[misc]
    """Named so for Ansible."""
