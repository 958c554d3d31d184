# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS asks, in USD: a dated table by region, and the answer of the Price List API on top of it.

Linux, on demand, shared tenancy, without tax. Sources:

* The files that AWS's own pricing pages are made of (https://b0.p.awsstatic.com/pricing/2.0/meteredUnitMaps/),
  published from 2025-04-25 to 2025-06-17: everything but gp3.
* gp3: https://aws.amazon.com/ebs/pricing/, all regions in a copy of 2021; of us-east-1, us-east-2, eu-west-1,
  eu-central-1 and sa-east-1 also in the Price List API's answers of 2023 to 2026.
* us-east-1: read again on the pricing pages in November 2026, and it was the same.

A new region needs a column of each, from sources as good. What isn't here is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

HOME = "us-east-1"
"""The region whose prices stand in for those of a region that isn't in the table."""

_DATE = "June 2025"
_DATES = {HOME: "November 2026"}

HOURS = 730
"""Hours in AWS's month."""

# The same in every region.
ZONE = "zone_month"
IPV4 = "ipv4_hour"
_EVERYWHERE = {ZONE: "0.50", IPV4: "0.005", "custom_metric_month": "0.30"}

# By region. A GB is 2^30 bytes, as AWS counts them.
GP3 = "gp3_gb_month"
S3 = "s3_gb_month"
S3_PUT = "s3_1000_writes"
TRANSFER = "transfer_out_gb"
LOGS = "log_gb"
ALARM = "alarm_month"
METRIC = "custom_metric_month"
BACKUP = "backup_gb_month"
ALB = "alb_hour"
LCU = "lcu_hour"
RDS = "db.t4g.micro_hour"
RDS_GP3 = "rds_gp3_gb_month"

_SIZES = ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge")

# Each row: what an hour of t4g and of t3 costs, in _SIZES; then the order of _COLUMNS.
_COLUMNS = (GP3, S3, S3_PUT, TRANSFER, LOGS, ALARM, BACKUP, ALB, LCU, RDS, RDS_GP3)
_REGIONS = {
    "us-east-1": (
        "0.0042 0.0084 0.0168 0.0336 0.0672 0.1344 0.2688",
        "0.0052 0.0104 0.0208 0.0416 0.0832 0.1664 0.3328",
        "0.08 0.023 0.005 0.09 0.5 0.1 0.05 0.0225 0.008 0.016 0.115",
    ),
    "us-east-2": (
        "0.0042 0.0084 0.0168 0.0336 0.0672 0.1344 0.2688",
        "0.0052 0.0104 0.0208 0.0416 0.0832 0.1664 0.3328",
        "0.08 0.023 0.005 0.09 0.5 0.1 0.05 0.0225 0.008 0.016 0.115",
    ),
    "us-west-1": (
        "0.005 0.01 0.02 0.04 0.08 0.16 0.32",
        "0.0062 0.0124 0.0248 0.0496 0.0992 0.1984 0.3968",
        "0.096 0.026 0.0055 0.09 0.67 0.1 0.06 0.0252 0.008 0.021 0.138",
    ),
    "us-west-2": (
        "0.0042 0.0084 0.0168 0.0336 0.0672 0.1344 0.2688",
        "0.0052 0.0104 0.0208 0.0416 0.0832 0.1664 0.3328",
        "0.08 0.023 0.005 0.09 0.5 0.1 0.05 0.0225 0.008 0.016 0.115",
    ),
    "ca-central-1": (
        "0.0046 0.0092 0.0184 0.0368 0.0736 0.1472 0.2944",
        "0.0058 0.0116 0.0232 0.0464 0.0928 0.1856 0.3712",
        "0.088 0.025 0.0055 0.09 0.55 0.1 0.055 0.02475 0.0088 0.018 0.127",
    ),
    "sa-east-1": (
        "0.0067 0.0134 0.0268 0.0536 0.1072 0.2144 0.4288",
        "0.0084 0.0168 0.0336 0.0672 0.1344 0.2688 0.5376",
        "0.152 0.0405 0.007 0.15 0.9 0.135 0.07 0.034 0.011 0.034 0.219",
    ),
    "eu-west-1": (
        "0.0046 0.0092 0.0184 0.0368 0.0736 0.1472 0.2944",
        "0.0057 0.0114 0.0228 0.0456 0.0912 0.1824 0.3648",
        "0.088 0.023 0.005 0.09 0.57 0.1 0.05 0.0252 0.008 0.017 0.127",
    ),
    "eu-west-2": (
        "0.0047 0.0094 0.0188 0.0376 0.0752 0.1504 0.3008",
        "0.0059 0.0118 0.0236 0.0472 0.0944 0.1888 0.3776",
        "0.0928 0.024 0.0053 0.09 0.5985 0.1 0.06 0.02646 0.0084 0.018 0.133",
    ),
    "eu-west-3": (
        "0.0047 0.0094 0.0188 0.0376 0.0752 0.1504 0.3008",
        "0.0059 0.0118 0.0236 0.0472 0.0944 0.1888 0.3776",
        "0.0928 0.024 0.0053 0.09 0.5985 0.1 0.055 0.02646 0.0084 0.018 0.133",
    ),
    "eu-central-1": (
        "0.0048 0.0096 0.0192 0.0384 0.0768 0.1536 0.3072",
        "0.006 0.012 0.024 0.048 0.096 0.192 0.384",
        "0.0952 0.0245 0.0054 0.09 0.63 0.1 0.06 0.027 0.008 0.019 0.137",
    ),
    "eu-north-1": (
        "0.0043 0.0086 0.0172 0.0344 0.0688 0.1376 0.2752",
        "0.0054 0.0108 0.0216 0.0432 0.0864 0.1728 0.3456",
        "0.0836 0.023 0.005 0.09 0.54 0.1 0.05 0.02394 0.0076 0.016 0.12",
    ),
}

# Free each month, for ever, and not only in an account's first year.
FREE = {
    "cloudfront": "1 TB out and 10 million requests",
    "transfer": "100 GB",
    "logs": "5 GB",
    "metrics": "10",
    "alarms": "10",
    "sns": "1 million publications, 1,000 e-mails",
    "sqs": "1 million requests",
    "lambda": "1 million requests and 400,000 GB-seconds",
    "scheduler": "14 million invocations",
}

# What use beyond that costs in us-east-1, a million at a time.
MILLION = {
    "dns_queries": "0.40",
    "sns_requests": "0.50",
    "sqs_requests": "0.40",
    "lambda_requests": "0.20",
    "scheduler_invocations": "1.00",
}

# What an hour of a vCPU above its baseline costs with unlimited credits.
CREDITS = {"t4g": "0.04", "t3": "0.05"}

# CloudFront, a GB out beyond what is free: by where its edge is.
EDGES = {"North America and Europe": "0.085", "South America": "0.110"}


def known_regions() -> list[str]:
    """Return the regions that the table has."""
    return list(_REGIONS)


def instance_hour(instance_type: str) -> str:
    """Return the key of an instance type's price."""
    return f"{instance_type}_hour"


@dataclass(frozen=True)
class Prices:
    """The prices of a region, by key: the live ones over the table's.

    region: the one that was asked for; ``table`` is the one whose prices the table gives for it.
    live: what the Price List API said, by the same keys; it may have a part of them.
    """

    region: str
    table: str
    live: Mapping[str, Decimal] = field(default_factory=dict)

    def get(self, key: str) -> Decimal | None:
        """Return the price, None if neither the API nor the table knows it."""
        if key in self.live:
            return self.live[key]
        return _TABLE[self.table].get(key)

    def known(self, key: str) -> Decimal:
        """Return a price that the table has for every region. Raises KeyError where it doesn't."""
        return self.live.get(key) or _TABLE[self.table][key]

    def words(self, used: Iterable[str]) -> str:
        """Return where the prices with these keys come from."""
        live = [key in self.live for key in used]
        now = f"AWS's Price List API for {self.region}, now"
        listed = f"our table of {_DATES.get(self.table, _DATE)} for {self.table}"
        if live and all(live):
            return now
        if self.table != self.region:
            listed += f", since {self.region} isn't in it (it may cost more there)"
        return f"{now}, and {listed}" if any(live) else listed


def prices(region: str, live: Mapping[str, Any] | None = None) -> Prices:
    """Return the prices of a region, those of us-east-1 where the table doesn't have it."""
    now = {key: Decimal(str(value)) for key, value in (live or {}).items()}
    return Prices(region, region if region in _REGIONS else HOME, now)


def _row(columns: tuple[str, str, str]) -> dict[str, Decimal]:
    t4g, t3, rest = (text.split() for text in columns)
    families = (("t4g", t4g), ("t3", t3))
    row = {
        instance_hour(f"{family}.{size}"): price
        for family, hours in families
        for size, price in zip(_SIZES, hours, strict=True)
    }
    row |= _EVERYWHERE | dict(zip(_COLUMNS, rest, strict=True))
    return {key: Decimal(price) for key, price in row.items()}


_TABLE = {region: _row(columns) for region, columns in _REGIONS.items()}
