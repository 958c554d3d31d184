"""Cross-origin requests to S3, by the bucket's rules. Pure.

The first rule that fits origin and method (and, of a preflight, all the headers asked for) decides, as
the S3 user guide's "Using cross-origin resource sharing" says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws.policy import like

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

Rule = Mapping[str, Any]


def preflight(rules: Sequence[Rule], origin: str, method: str, headers: str) -> dict[str, str] | None:
    """Return the answer's headers to an OPTIONS request; None if no rule lets it through."""
    asked = [name.strip().lower() for name in headers.split(",") if name.strip()]
    for rule in rules:
        if _fits(rule, origin, method) and all(_allowed(rule, name) for name in asked):
            answer = _common(rule, origin)
            if asked:
                answer["Access-Control-Allow-Headers"] = ", ".join(asked)
            return answer
    return None


def answer_headers(rules: Sequence[Rule], origin: str, method: str) -> dict[str, str]:
    """Return what the rules add to the answer of a request that names its origin."""
    for rule in rules:
        if _fits(rule, origin, method):
            return _common(rule, origin)
    return {}


def _fits(rule: Rule, origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and any(like(item, origin) for item in rule["AllowedOrigins"])


def _allowed(rule: Rule, header: str) -> bool:
    return any(like(item, header, fold=True) for item in rule.get("AllowedHeaders", []))


def _common(rule: Rule, origin: str) -> dict[str, str]:
    everybody = "*" in rule["AllowedOrigins"]
    answer = {
        "Access-Control-Allow-Origin": "*" if everybody else origin,
        "Access-Control-Allow-Methods": ", ".join(rule["AllowedMethods"]),
        "Vary": VARY,
    }
    if not everybody:
        answer["Access-Control-Allow-Credentials"] = "true"
    if exposed := rule.get("ExposeHeaders"):
        answer["Access-Control-Expose-Headers"] = ", ".join(exposed)
    if "MaxAgeSeconds" in rule:
        answer["Access-Control-Max-Age"] = str(rule["MaxAgeSeconds"])
    return answer
