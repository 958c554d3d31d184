"""The EC2 quotas of a new account."""

from __future__ import annotations

from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend

# What AWS gives a new account: code, name, value.
_QUOTAS = (
    ("L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5.0),
    ("L-0263D0A3", "EC2-VPC Elastic IPs", 5.0),
)

_get_service_quota = ServiceQuotasBackend.get_service_quota


def _get(backend: Any, service_code: str, quota_code: str) -> dict[str, Any]:
    for code, name, value in _QUOTAS:
        if (service_code, quota_code) == ("ec2", code):
            return {
                "Adjustable": True,
                "GlobalQuota": False,
                "QuotaArn": f"arn:aws:servicequotas:{backend.region_name}:{backend.account_id}:ec2/{code}",
                "QuotaCode": code,
                "QuotaName": name,
                "ServiceCode": "ec2",
                "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
                "Unit": "None",
                "Value": value,
            }
    answer: dict[str, Any] = _get_service_quota(backend, service_code, quota_code)
    return answer


ServiceQuotasBackend.get_service_quota = _get
