# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules say of check mode and diff mode. A module adds C(details) of its own, which win."""

from __future__ import annotations


class ModuleDocFragment:
    # What every module says.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in
      diff mode.
    support: full
"""

    # A module that only looks.
    READS = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: It changes nothing in either mode.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in
      diff mode.
    support: none
    details: It changes nothing.
"""

    # A module that converges a resource of AWS.
    CONVERGES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: Tells the calls that a real run makes, from an empty account too, and makes none.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in
      diff mode.
    support: full
    details: Shows what the options have an opinion on, as it is and as it will be.
"""
