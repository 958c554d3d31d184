"""A CloudFront response headers policy as nginx directives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Header:
    """A response header; unless it overrides, the origin's own wins."""

    name: str
    value: str
    override: bool = True


def quoted(text: str) -> str:
    """A text as an nginx string. nginx can't escape a dollar: a variable of ours stands for it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${dollar}")
    return f'"{escaped}"'


def headers(policy: dict[str, Any]) -> list[Header]:
    """The headers that a ResponseHeadersPolicyConfig asks for."""
    return [*security_headers(policy.get("SecurityHeadersConfig", {})), *custom_headers(policy)]


def security_headers(security: dict[str, Any]) -> list[Header]:
    found = []
    if transport := security.get("StrictTransportSecurity"):
        value = f"max-age={transport['AccessControlMaxAgeSec']}"
        value += "; includeSubDomains" if transport.get("IncludeSubdomains") else ""
        value += "; preload" if transport.get("Preload") else ""
        found.append(Header("Strict-Transport-Security", value, transport["Override"]))
    if options := security.get("ContentTypeOptions"):
        found.append(Header("X-Content-Type-Options", "nosniff", options["Override"]))
    if frame := security.get("FrameOptions"):
        found.append(Header("X-Frame-Options", frame["FrameOption"], frame["Override"]))
    if referrer := security.get("ReferrerPolicy"):
        found.append(Header("Referrer-Policy", referrer["ReferrerPolicy"], referrer["Override"]))
    if content := security.get("ContentSecurityPolicy"):
        found.append(Header("Content-Security-Policy", content["ContentSecurityPolicy"], content["Override"]))
    if scripting := security.get("XSSProtection"):
        value = "1" if scripting["Protection"] else "0"
        value += "; mode=block" if scripting.get("ModeBlock") else ""
        found.append(Header("X-XSS-Protection", value, scripting["Override"]))
    return found


def custom_headers(policy: dict[str, Any]) -> list[Header]:
    items = policy.get("CustomHeadersConfig", {}).get("Items") or []
    return [Header(item["Header"], item["Value"], item["Override"]) for item in items]


def removed(policy: dict[str, Any]) -> list[str]:
    """The origin's headers that the policy keeps from the viewer."""
    return [item["Header"] for item in policy.get("RemoveHeadersConfig", {}).get("Items") or []]


def cors_map(policy: dict[str, Any], variable: str) -> str:
    """An nginx map that gives the allowed origin of a request, or nothing."""
    origins = items(policy.get("CorsConfig", {}), "AccessControlAllowOrigins")
    if not origins:
        return ""
    if "*" in origins:
        return f'map $http_origin {variable} {{ "" ""; default "*"; }}\n'
    lines = "".join(f"  {quoted(origin)} $http_origin;\n" for origin in origins)
    return f'map $http_origin {variable} {{\n  default "";\n{lines}}}\n'


def items(cors: dict[str, Any], name: str) -> list[str]:
    return (cors.get(name) or {}).get("Items") or []


def own_map(header: Header, variable: str) -> str:
    """An nginx map that gives a header's value only where the origin sent none of its own."""
    upstream = f"$upstream_http_{header.name.lower().replace('-', '_')}"
    return f'map {upstream} {variable} {{ "" {quoted(header.value)}; default ""; }}\n'


def directives(policy: dict[str, Any], prefix: str) -> tuple[str, str]:
    """The maps of the http block, and the lines of a location, that apply a policy.

    ``prefix`` makes the names of its variables unique.
    """
    maps, lines = "", ""
    for number, header in enumerate(headers(policy)):
        if header.override:
            lines += f"proxy_hide_header {header.name};\n"
            lines += f"add_header {header.name} {quoted(header.value)} always;\n"
        else:
            variable = f"${prefix}_{number}"
            maps += own_map(header, variable)
            lines += f"add_header {header.name} {variable} always;\n"
    for name in removed(policy):
        lines += f"proxy_hide_header {name};\n"
    cors = policy.get("CorsConfig", {})
    if origin_map := cors_map(policy, f"${prefix}_origin"):
        maps += origin_map
        lines += "proxy_hide_header Access-Control-Allow-Origin;\n"
        lines += f"add_header Access-Control-Allow-Origin ${prefix}_origin always;\n"
        if exposed := items(cors, "AccessControlExposeHeaders"):
            lines += f"add_header Access-Control-Expose-Headers {quoted(', '.join(exposed))} always;\n"
        if cors.get("AccessControlAllowCredentials"):
            lines += "add_header Access-Control-Allow-Credentials true always;\n"
    return maps, lines
