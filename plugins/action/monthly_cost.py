# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what declared resources cost a month: arithmetic on the controller, without a module's process."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils import _costs, _costs_text

ARGUMENT_SPEC: dict[str, Any] = {
    "resources": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "phase": {"default": ""},
            "role": {"default": ""},
            "kind": {"required": True},
            "name": {"required": True},
            "state": {"type": "dict"},
        },
    },
    "region": {"required": True},
    "limit": {"type": "float", "default": 0},
    "enforce": {"type": "bool", "default": False},
    "live_prices": {"type": "dict", "default": {}},
    "note": {"default": ""},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, params = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        if params["limit"] < 0:
            raise AnsibleActionFail(
                f"budget_monthly_limit: {params['limit']} is negative. "
                "It is what you would like to pay a month, in USD."
            )
        resources = [_costs.Resource(**item) for item in params["resources"]]
        costs = _costs_text.declared(
            resources, params["region"], Decimal(str(params["limit"])), params["live_prices"], params["note"]
        )
        result |= {"changed": False, "costs": costs}
        refusal = _costs_text.refusal(costs) if params["enforce"] else None
        if refusal:
            result |= {"failed": True, "msg": refusal}
        return result
