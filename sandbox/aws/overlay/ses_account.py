"""A new account's SES: in its sandbox."""

from __future__ import annotations

from typing import Any

from sandbox.aws.overlay.operations import Context, Parameters, answers


@answers("sesv2:GetAccount")
def get_account(_parameters: Parameters, _context: Context) -> dict[str, Any]:
    return {
        "DedicatedIpAutoWarmupEnabled": True,
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": False,
        "SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0},
        "SendingEnabled": True,
    }
