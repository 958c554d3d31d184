# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which products of AWS's Price List to ask for, and the price in what it answers.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-query-api.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from . import _prices

REGION = "us-east-1"
"""One of the three regions where the API answers, for all regions."""


class Query(NamedTuple):
    """A price to ask for: its key in _prices, the service, what the product is, and its unit."""

    key: str
    service: str
    filters: tuple[tuple[str, str], ...]
    unit: str

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of GetProducts."""
        return {
            "ServiceCode": self.service,
            "FormatVersion": "aws_v1",
            "Filters": [
                {"Type": "CONTAINS" if name == "usagetype" else "TERM_MATCH", "Field": name, "Value": value}
                for name, value in self.filters
            ],
        }


def queries(region: str, instance_types: Iterable[str]) -> list[Query]:
    """Return what to ask for, to price what is paid for each month whatever its use."""
    here = ("regionCode", region)
    linux = (
        ("operatingSystem", "Linux"),
        ("tenancy", "Shared"),
        ("preInstalledSw", "NA"),
        ("capacitystatus", "Used"),
    )
    return [
        *(
            Query(_prices.instance_hour(kind), "AmazonEC2", (here, ("instanceType", kind), *linux), "Hrs")
            for kind in dict.fromkeys(instance_types)
        ),
        Query(
            _prices.GP3, "AmazonEC2", (here, ("productFamily", "Storage"), ("volumeApiName", "gp3")), "GB-Mo"
        ),
        Query(_prices.IPV4, "AmazonVPC", (here, ("usagetype", "PublicIPv4:InUseAddress")), "Hrs"),
        Query(_prices.ZONE, "AmazonRoute53", (("productFamily", "DNS Zone"),), "HostedZone"),
    ]


def price(query: Query, products: Iterable[str | dict[str, Any]]) -> Decimal | None:
    """Return the one price that the products have, None when there is none or they differ.

    products: PriceList of GetProducts, each a JSON text.
    """
    found = set()
    for item in products:
        product = json.loads(item) if isinstance(item, str) else item
        for term in product.get("terms", {}).get("OnDemand", {}).values():
            found |= {
                amount
                for dimension in term.get("priceDimensions", {}).values()
                if dimension.get("unit") == query.unit
                # A price in steps begins with what the first one costs.
                and dimension.get("beginRange", "0") == "0"
                and (amount := _usd(dimension)) is not None
            }
    return found.pop() if len(found) == 1 else None


def _usd(dimension: dict[str, Any]) -> Decimal | None:
    try:
        amount = Decimal(dimension["pricePerUnit"]["USD"])
    except (KeyError, InvalidOperation):
        return None
    # What is reserved, or has no charge, is listed as 0.
    return amount if amount > 0 else None
