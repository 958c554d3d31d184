# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Response headers as a person writes them, and as CloudFront's response headers policies have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ._converge import Refused

_HSTS = re.compile(r"^\s*max-age=\"?(\d+)\"?\s*(;.*)?$", re.IGNORECASE)


def policy_config(name: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the policy that answers with these headers, in place of what the origin says.

    Raises Refused when a header that CloudFront has a form of its own for has a value it can't say.
    """
    security: dict[str, Any] = {}
    custom = []
    for header, value in headers.items():
        shape = _SHAPES.get(header.lower())
        if shape:
            key, to_aws = shape
            security[key] = {**to_aws(str(value)), "Override": True}
        else:
            custom.append({"Header": header, "Value": str(value), "Override": True})
    config: dict[str, Any] = {"Name": name, "Comment": "", "SecurityHeadersConfig": security}
    custom.sort(key=lambda item: str(item["Header"]))
    config["CustomHeadersConfig"] = {"Quantity": len(custom), "Items": custom}
    return config


def headers(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that a policy answers with."""
    security = config.get("SecurityHeadersConfig") or {}
    found = {_NAMES[key]: to_text(security[key]) for key, to_text in _TEXTS.items() if security.get(key)}
    for item in (config.get("CustomHeadersConfig") or {}).get("Items") or []:
        found[item["Header"]] = item["Value"]
    return dict(sorted(found.items()))


def canonical(wanted: Mapping[str, str]) -> dict[str, str]:
    """Return headers in the spelling in which CloudFront gives them back. Raises Refused."""
    return headers(policy_config("", wanted))


def _hsts(value: str) -> dict[str, Any]:
    match = _HSTS.match(value)
    if not match:
        raise Refused(f"Strict-Transport-Security can't be '{value}': it begins with max-age=<seconds>.")
    words = {word.strip().lower() for word in (match[2] or "").split(";")}
    return {
        "AccessControlMaxAgeSec": int(match[1]),
        "IncludeSubdomains": "includesubdomains" in words,
        "Preload": "preload" in words,
    }


def _hsts_text(shape: Mapping[str, Any]) -> str:
    parts = [f"max-age={shape['AccessControlMaxAgeSec']}"]
    parts += ["includeSubDomains"] if shape.get("IncludeSubdomains") else []
    parts += ["preload"] if shape.get("Preload") else []
    return "; ".join(parts)


def _nosniff(value: str) -> dict[str, Any]:
    if value.strip().lower() != "nosniff":
        raise Refused(f"X-Content-Type-Options can't be '{value}': it is nosniff, or left out.")
    return {}


def _frame_options(value: str) -> dict[str, Any]:
    if value.strip().upper() not in {"DENY", "SAMEORIGIN"}:
        raise Refused(f"X-Frame-Options can't be '{value}': it is DENY or SAMEORIGIN.")
    return {"FrameOption": value.strip().upper()}


_SHAPES: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "strict-transport-security": ("StrictTransportSecurity", _hsts),
    "x-content-type-options": ("ContentTypeOptions", _nosniff),
    "x-frame-options": ("FrameOptions", _frame_options),
    "referrer-policy": ("ReferrerPolicy", lambda value: {"ReferrerPolicy": value.strip()}),
    "content-security-policy": (
        "ContentSecurityPolicy",
        lambda value: {"ContentSecurityPolicy": " ".join(value.split())},
    ),
}
_NAMES = {
    "StrictTransportSecurity": "Strict-Transport-Security",
    "ContentTypeOptions": "X-Content-Type-Options",
    "FrameOptions": "X-Frame-Options",
    "ReferrerPolicy": "Referrer-Policy",
    "ContentSecurityPolicy": "Content-Security-Policy",
}
_TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "StrictTransportSecurity": _hsts_text,
    "ContentTypeOptions": lambda shape: "nosniff",
    "FrameOptions": lambda shape: str(shape["FrameOption"]),
    "ReferrerPolicy": lambda shape: str(shape["ReferrerPolicy"]),
    "ContentSecurityPolicy": lambda shape: str(shape["ContentSecurityPolicy"]),
}
