"""What moto lacks or does otherwise than AWS, one module a subject.

`SUBJECTS` says which modules a service needs: they are loaded at its first call.
A module changes what moto does, or answers operations in its stead (`operations.answers`).
"""

from __future__ import annotations

import functools
import importlib

SUBJECTS: dict[str, tuple[str, ...]] = {
    "acm": ("acm_certificates",),
    "cloudfront": ("cloudfront_policies", "cloudfront_functions", "cloudfront_distributions"),
    "ec2": ("ec2_images", "ec2_addresses", "ec2_instances", "ec2_running", "ec2_security_groups"),
    "iam": ("iam_simulator",),
    "s3": ("s3_buckets",),
    "service-quotas": ("ec2_quotas",),
    "sesv2": ("ses_account",),
    "ssm": ("ssm_images",),
    "sts": ("sts_owner",),
}


@functools.cache
def load(service: str) -> None:
    """Load the modules of a service."""
    for subject in SUBJECTS.get(service, ()):
        importlib.import_module(f"{__name__}.{subject}")
