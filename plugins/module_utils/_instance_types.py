# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instance types and operating systems, as far as Andamio needs to know them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """An operating system Andamio knows: where AWS publishes its newest image, and its first user."""

    parameter: str
    user: str


_CANONICAL = "/aws/service/canonical/ubuntu/server/{}/stable/current/{{}}/hvm/ebs-gp3/ami-id"

SYSTEMS = {
    "ubuntu-26.04": System(_CANONICAL.format("26.04"), "ubuntu"),
    "ubuntu-24.04": System(_CANONICAL.format("24.04"), "ubuntu"),
    "debian-13": System("/aws/service/debian/release/13/latest/{}", "admin"),
}

# A burstable family has CPU credits; no other has.
_BURSTABLE = re.compile(r"t\d")
# Graviton families have a g after the generation (t4g, m7gd, im4gn); a1 was the first.
_GRAVITON = re.compile(r"(a1|[a-z]+\d+[a-z]*g[a-z]*)\.")
_INSTANCE_TYPE = re.compile(
    r"[a-z][a-z0-9-]*\d[a-z0-9-]*\.(nano|micro|small|medium|large|\d*xlarge|metal(-\d+xl)?)"
)


def architecture(instance_type: str) -> str:
    """Return the architecture of an instance type as EC2 spells it: arm64 or x86_64."""
    return "arm64" if _GRAVITON.match(instance_type) else "x86_64"


def is_instance_type(text: str) -> bool:
    """Tell whether a text is shaped like an instance type."""
    return _INSTANCE_TYPE.fullmatch(text) is not None


def is_burstable(instance_type: str) -> bool:
    """Tell whether an instance type has CPU credits."""
    return _BURSTABLE.match(instance_type) is not None


def image_parameter(system: str, instance_type: str) -> str:
    """Return the name of the public SSM parameter that holds the newest image's id."""
    return SYSTEMS[system].parameter.format({"x86_64": "amd64"}.get(architecture(instance_type), "arm64"))
