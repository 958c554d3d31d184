#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: findings
short_description: Print what was found, good or bad, a line each
version_added: 0.1.0
description:
  - Prints the findings of M(andamio.laravel_aws.doctor) and M(andamio.laravel_aws.status_report) in columns,
    with a mark in front, and below each that isn't good what to do about it.
  - Marks have colours on a terminal only, as all of Ansible's output.
author: The Andamio authors (@andamio)
options:
  sections:
    description: What was found.
    type: list
    elements: dict
    required: true
    suboptions:
      title:
        description: The section's title. Empty, and there is none.
        type: str
        default: ""
      findings:
        description: What belongs to it.
        type: list
        elements: dict
        required: true
        suboptions:
          state:
            description: How it is.
            type: str
            choices: [ok, wrong, warning, unknown, absent]
            required: true
          subject:
            description: What it is about.
            type: str
            required: true
          says:
            description: What was found.
            type: str
            required: true
          fix:
            description: What to do about it.
            type: str
            default: ""
  head:
    description: Lines above all.
    type: list
    elements: str
    default: []
  foot:
    description: Lines below all.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Say what was found
  andamio.laravel_aws.findings:
    sections: "{{ doctor.sections }}"
"""

RETURN = r"""
lines:
  description: The lines, without colours.
  returned: success
  type: list
  elements: str
"""
