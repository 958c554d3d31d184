#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: price_list_info
short_description: Read today's prices from AWS's Price List API
version_added: 0.1.0
description:
  - Asks for what is paid for all month in a region, which is an instance's and a public IPv4 address's hour,
    a gp3 disk's GB and a hosted zone. One request each; the API is free, and needs C(pricing:GetProducts).
  - A price that isn't clear, because the answer has none or several, is left out.
  - It doesn't fail when the API can't be reached or refuses. RV(note) says so, and there are no prices.
author: The Andamio authors (@andamio)
options:
  instance_types:
    description: Instance types to price.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Ask what things cost today
  andamio.laravel_aws.price_list_info:
    instance_types: [t4g.micro]
    region: sa-east-1
  register: today
"""

RETURN = r"""
prices:
  description: USD by a key of what, as M(andamio.laravel_aws.monthly_cost) takes them.
  returned: always
  type: dict
  sample: {t4g.micro_hour: "0.0134", gp3_gb_month: "0.152", ipv4_hour: "0.005", zone_month: "0.50"}
note:
  description: Why there are none, or not all; empty when there are.
  returned: always
  type: str
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils import _price_list
from ..module_utils._errors import CallFailed

try:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says so


def read(client: Any, query: _price_list.Query) -> Any:
    """Return a price, None where the answer has none that is clear. Raises CallFailed."""
    try:
        pages = client.get_paginator("get_products").paginate(**query.arguments())
        return _price_list.price(query, [item for page in pages for item in page["PriceList"]])
    except (ClientError, BotoCoreError) as error:
        raise CallFailed("pricing.get_products", error) from error


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={"instance_types": {"type": "list", "elements": "str", "default": []}},
        supports_check_mode=True,
    )
    # A run shouldn't wait long for what it can do without.
    patience = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
    client = module.client("pricing", region=_price_list.REGION, config=patience)
    queries = _price_list.queries(module.region, module.params["instance_types"])
    try:
        found = {query.key: read(client, query) for query in queries}
    except CallFailed as error:
        reason = error.message("the price list").rstrip(".")
        module.exit_json(changed=False, prices={}, note=f"AWS's Price List API didn't answer: {reason}")
    unclear = sorted(key for key, price in found.items() if price is None)
    note = f"AWS's Price List API has no clear price of {', '.join(unclear)}" if unclear else ""
    module.exit_json(
        changed=False,
        prices={key: str(price) for key, price in found.items() if price is not None},
        note=note,
    )


if __name__ == "__main__":
    main()
