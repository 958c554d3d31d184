#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: monthly_cost
short_description: What declared resources cost a month, and whether that is within the limit
version_added: 0.1.0
description:
  - Prices resources before they exist, by a dated table that is part of the collection, or by what
    M(andamio.laravel_aws.price_list_info) has read. It asks nobody and runs on the control machine.
  - Counts what is paid for all month, which is instances, disks, addresses and zones. Storage, traffic and
    queries are told with their unit price, but not counted.
  - A region that the table doesn't have is priced as V(us-east-1), and the result says so.
  - The callback P(andamio.laravel_aws.plan#callback) makes the money part of its summary of this result.
author: The Andamio authors (@andamio)
options:
  resources:
    description: What is declared.
    type: list
    elements: dict
    required: true
    suboptions:
      phase:
        description: The phase it belongs to, such as V(phase1).
        type: str
        default: ""
      role:
        description: The role that makes it.
        type: str
        default: ""
      kind:
        description: The module that makes it, without its collection, such as V(ec2_host).
        type: str
        required: true
      name:
        description: What a person calls it.
        type: str
        required: true
      state:
        description:
          - How it will be, by the names of its module's result.
          - Left out, there will be none, and it costs nothing.
        type: dict
  region:
    description: The region it is in.
    type: str
    required: true
  limit:
    description: What the team would like to pay a month, in USD. V(0) is no limit.
    type: float
    default: 0
  enforce:
    description:
      - Whether to fail when the estimate is above O(limit).
      - It also fails when the estimate is incomplete, since a price is unknown, and without an O(limit).
    type: bool
    default: false
  live_prices:
    description: Prices that go before the table's, as M(andamio.laravel_aws.price_list_info) returns them.
    type: dict
    default: {}
  note:
    description: What the summary also says of the prices.
    type: str
    default: ""
extends_documentation_fragment:
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Stop when the host costs more than 12 USD a month
  andamio.laravel_aws.monthly_cost:
    region: us-east-1
    limit: 12
    enforce: true
    resources:
      - kind: ec2_host
        name: host academia-production-host
        state: {instance_type: t4g.micro, volume: {size: 12, type: gp3}, elastic_ip: true}
"""

RETURN = r"""
costs:
  description: The estimate and what it was made of.
  returned: always
  type: dict
  contains:
    region:
      description: The region.
      type: str
    limit:
      description: The limit, in USD a month.
      type: float
    above_limit:
      description: Whether the estimate is above it.
      type: bool
    live_prices:
      description: The prices that went before the table's.
      type: dict
    note:
      description: What was said of the prices.
      type: str
    declared:
      description: The resources.
      type: list
      elements: dict
    estimate:
      description: What they cost.
      type: dict
      contains:
        total:
          description: USD a month, without tax and without what depends on use.
          type: float
          sample: 11.24
        phases:
          description: The same by phase.
          type: dict
        lines:
          description: Each part that costs the same each month, with its quantity, unit and price.
          type: list
          elements: dict
        usage:
          description: What is paid for by use, with its unit price. It isn't counted.
          type: list
          elements: str
        free:
          description: What is free each month.
          type: list
          elements: str
        unknown:
          description: What has no known price. It isn't counted, so that the total is only the least.
          type: list
          elements: str
        source:
          description: Where the prices come from.
          type: str
          sample: our table of November 2026 for us-east-1
"""
