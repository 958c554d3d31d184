# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has dump_url run by its name (docs/interpreter.md)."""

from __future__ import annotations

from ..plugin_utils._in_memory import AwsAction


class ActionModule(AwsAction):
    """Named so for Ansible."""
