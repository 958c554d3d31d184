"""CloudFront distributions and S3 websites as the edge's nginx configuration."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox import cloud, config, pki
from sandbox.world import headers
from sandbox.world.account import Account, Distribution, Website
from sandbox.world.headers import quoted

FOLDER = config.CLOUD_FILES / "nginx"
TLS = config.CLOUD_FILES / "tls"
# What CloudFront compresses, and from which size.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
COMPRESSED = (
    "application/javascript application/json application/manifest+json application/rss+xml "
    "application/vnd.ms-fontobject application/wasm application/xhtml+xml application/xml font/otf font/ttf "
    "image/svg+xml text/css text/csv text/javascript text/plain text/richtext text/xml"
)
READ_METHODS = ["GET", "HEAD"]
PREAMBLE = """js_path /cloud/nginx;
js_import sites from sites.js;
js_var $origin_uri "";
js_var $origin_args "";
resolver 127.0.0.1 ipv6=off valid=1s;
geo $dollar { default "$"; }
"""


def indent(text: str, by: int = 2) -> str:
    return "".join(f"{' ' * by}{line}\n" if line else "\n" for line in text.splitlines())


def block(head: str, *parts: str) -> str:
    return f"{head} {{\n{indent(''.join(parts))}}}\n"


def matched_names(pattern: str, names: tuple[str, ...]) -> set[str]:
    """The names that a certificate's name stands for; a wildcard is one label."""
    if not pattern.startswith("*."):
        return {name for name in names if name == pattern}
    return {name for name in names if name.partition(".")[2] == pattern[2:]}


def secured(distribution: Distribution) -> tuple[str, ...]:
    """The aliases that the distribution's certificate is for, once it is issued."""
    certificate = distribution.certificate
    if certificate is None or certificate.status != "ISSUED":
        return ()
    covered = set().union(*(matched_names(name, distribution.aliases) for name in certificate.names))
    return tuple(alias for alias in distribution.aliases if alias in covered)


def behaviours(distribution: Distribution) -> list[tuple[str, dict[str, Any]]]:
    """Each behaviour with the nginx location that matches its path pattern, in order of precedence."""
    settings = distribution.settings
    ordered = (settings.get("CacheBehaviors") or {}).get("Items") or []
    return [
        *((f'~ "{path_regex(entry["PathPattern"])}"', entry) for entry in ordered),
        ("/", settings["DefaultCacheBehavior"]),
    ]


def path_regex(pattern: str) -> str:
    """A CloudFront path pattern as a regular expression, escaped for an nginx string."""
    escaped = re.escape("/" + pattern.lstrip("/")).replace(r"\*", ".*").replace(r"\?", ".")
    return f"^{escaped}$".replace("\\", "\\\\").replace('"', '\\"')


def function_name(behaviour: dict[str, Any]) -> str:
    """The name of the function that sees a behaviour's requests, or nothing."""
    for entry in (behaviour.get("FunctionAssociations") or {}).get("Items") or []:
        if entry["EventType"] == "viewer-request":
            return str(entry["FunctionARN"].rpartition("/")[2])
    return ""


def identifier(text: str) -> str:
    """A text as a name that both nginx and JavaScript take."""
    return re.sub(r"\W", "_", text)


def viewer_protocol(policy: str) -> str:
    if policy == "redirect-to-https":
        return "if ($scheme = http) { return 301 https://$host$request_uri; }\n"
    if policy == "https-only":
        return "if ($scheme = http) { return 403; }\n"
    return ""


def compression(behaviour: dict[str, Any]) -> str:
    if not behaviour.get("Compress"):
        return ""
    return (
        "gzip on;\ngzip_vary on;\ngzip_proxied any;\ngzip_min_length 1000;\ngzip_comp_level 6;\n"
        f"gzip_types {COMPRESSED};\n"
    )


def origin_request(distribution: Distribution, origin: dict[str, Any]) -> str:
    """The lines that send ``$origin_uri`` to an origin."""
    domain = origin["DomainName"]
    common = 'proxy_set_header Connection "";\nproxy_buffering on;\n' + "".join(
        f"proxy_set_header {header['HeaderName']} {quoted(header['HeaderValue'])};\n"
        for header in (origin.get("CustomHeaders") or {}).get("Items") or []
    )
    custom = origin.get("CustomOriginConfig")
    if custom:
        scheme = {"http-only": "http", "https-only": "https"}.get(custom["OriginProtocolPolicy"], "$scheme")
        return common + (
            f"proxy_set_header Host {domain};\nproxy_set_header X-Forwarded-For $remote_addr;\n"
            f"proxy_ssl_server_name on;\nproxy_pass {scheme}://{domain}$origin_uri$origin_args;\n"
        )
    speaks = bool(origin.get("OriginAccessControlId"))
    return common + (
        f"proxy_set_header Host {domain};\nproxy_set_header X-Forwarded-Proto https;\n"
        "proxy_set_header X-Forwarded-For $remote_addr;\n"
        'proxy_set_header Authorization "";\nproxy_set_header Cookie "";\n'
        'proxy_set_header Accept-Encoding "";\n'
        f"proxy_set_header X-Andamio-Principal {quoted('cloudfront.amazonaws.com' if speaks else '')};\n"
        f"proxy_set_header X-Andamio-Source-Arn {quoted(distribution.arn if speaks else '')};\n"
        "proxy_pass http://aws$origin_uri;\n"
    )


def error_responses(distribution: Distribution, name: str, fetch: str, shared: str) -> tuple[str, str]:
    """The lines that catch the origin's errors, and the named locations that answer instead."""
    lines, locations = "", ""
    for entry in (distribution.settings.get("CustomErrorResponses") or {}).get("Items") or []:
        if not entry.get("ResponsePagePath"):
            continue
        target = f"@{name}_{entry['ErrorCode']}"
        lines += f"error_page {entry['ErrorCode']} ={entry['ResponseCode']} {target};\n"
        # The page itself is fetched as it is: one that is missing too is told, not replaced.
        path = entry["ResponsePagePath"]
        locations += block(
            f"location {target}",
            f'set $origin_uri {quoted(path)};\nset $origin_args "";\n',
            "proxy_method GET;\n",
            shared,
            fetch,
        )
    return ("proxy_intercept_errors on;\n" + lines if lines else ""), locations


def site(distribution: Distribution) -> tuple[str, str, dict[str, dict[str, Any]]]:
    """A distribution's maps for the http block, its locations, and its sites for JavaScript."""
    maps, locations = "", ""
    sites: dict[str, dict[str, Any]] = {}
    origins = {entry["Id"]: entry for entry in distribution.settings["Origins"]["Items"]}
    for number, (match, behaviour) in enumerate(behaviours(distribution)):
        name = f"{identifier(distribution.identifier)}_{number}"
        origin = origins[behaviour["TargetOriginId"]]
        policy = distribution.policies.get(behaviour.get("ResponseHeadersPolicyId", ""), {})
        policy_maps, policy_lines = headers.directives(policy, name)
        maps += policy_maps
        shared = policy_lines + 'add_header Via "1.1 sandbox (CloudFront)" always;\n' + compression(behaviour)
        fetch = origin_request(distribution, origin)
        caught, pages = error_responses(distribution, name, fetch, shared)
        locations += block(
            f"location {match}",
            viewer_protocol(behaviour["ViewerProtocolPolicy"]),
            shared,
            f"js_content sites.{name};\n",
        )
        locations += block(f"location @{name}", shared, caught, fetch) + pages
        sites[name] = {
            "id": distribution.identifier,
            "domain": distribution.domain,
            "origin": f"@{name}",
            "root": distribution.settings.get("DefaultRootObject") or "",
            "path": origin.get("OriginPath") or "",
            "methods": (behaviour.get("AllowedMethods") or {}).get("Items") or READ_METHODS,
            "function": function_name(behaviour),
        }
    return maps, locations, sites


def server(names: tuple[str, ...], certificate: str, body: str, http2: bool = False) -> str:
    return block(
        "server",
        "listen 80;\nlisten 443 ssl;\n",
        "http2 on;\n" if http2 else "",
        f"server_name {' '.join(names)};\n",
        f"ssl_certificate /cloud/tls/{certificate}.pem;\nssl_certificate_key /cloud/tls/{certificate}.key;\n",
        body,
    )


def refusal(names: tuple[str, ...], body: str = "return 403;\n") -> str:
    """A server for names that have no certificate: TLS is refused, and HTTP gets the body."""
    return block(
        "server",
        f"listen 80;\nlisten 443 ssl;\nssl_reject_handshake on;\nserver_name {' '.join(names)};\n",
        body,
    )


def distribution_servers(distribution: Distribution, locations: str) -> str:
    """A distribution's own name, the aliases it has a certificate for, and those it hasn't."""
    if not distribution.settings.get("Enabled"):
        return refusal((distribution.domain, *distribution.aliases))
    http2 = "http2" in distribution.settings.get("HttpVersion", "http2").lower()
    text = server((distribution.domain,), "edge", locations, http2)
    aliases = secured(distribution)
    if aliases and distribution.certificate:
        text += server(aliases, distribution.certificate.file_name, locations, http2)
    if bare := tuple(alias for alias in distribution.aliases if alias not in aliases):
        text += refusal(bare)
    return text


def website_names(site: Website, taken: set[str]) -> tuple[str, ...]:
    """A website bucket's endpoints, and its own name where that is a domain no distribution serves."""
    endpoints = tuple(f"{site.bucket}.s3-website{dot}{site.region}.amazonaws.com" for dot in ("-", "."))
    return endpoints if site.bucket in taken or "." not in site.bucket else (site.bucket, *endpoints)


def website(entry: Website, taken: set[str]) -> tuple[str, dict[str, Any]]:
    """A website's server, and its site for JavaScript. It speaks HTTP only, as S3's do."""
    names = website_names(entry, taken)
    redirect = entry.settings.get("RedirectAllRequestsTo")
    if redirect:
        target = f"{redirect.get('Protocol') or '$scheme'}://{redirect['HostName']}$request_uri"
        return refusal(names, f"return 301 {target};\n"), {}
    name = f"website_{identifier(entry.bucket)}"
    fetch = (
        'proxy_set_header Connection "";\nproxy_buffering on;\n'
        f"proxy_set_header Host s3.{entry.region}.amazonaws.com;\n"
        "proxy_set_header X-Forwarded-Proto http;\nproxy_set_header X-Forwarded-For $remote_addr;\n"
        'proxy_set_header Authorization "";\nproxy_set_header Cookie "";\n'
        'proxy_set_header X-Andamio-Principal "";\nproxy_set_header X-Andamio-Source-Arn "";\n'
        "proxy_pass http://aws$origin_uri;\n"
    )
    error = (entry.settings.get("ErrorDocument") or {}).get("Key")
    caught, page = "", ""
    if error:
        caught = f"proxy_intercept_errors on;\nerror_page 403 404 @{name}_error;\n"
        path = f"/{entry.bucket}/{error}"
        page = block(f"location @{name}_error", f"set $origin_uri {quoted(path)};\n", fetch)
    body = (
        block("location /", f"js_content sites.{name};\n") + block(f"location @{name}", caught, fetch) + page
    )
    site = {
        "origin": f"@{name}",
        "root": entry.settings["IndexDocument"]["Suffix"],
        "path": f"/{entry.bucket}",
    }
    return refusal(names, body), {name: site}


def script(sites: dict[str, dict[str, Any]]) -> str:
    """The JavaScript module with one content handler a site."""
    functions = sorted({site["function"] for site in sites.values() if site.get("function")})
    lines = ["import edge from 'edge.js';"]
    lines += [f"import {identifier(name)} from 'function-{name}.js';" for name in functions]
    for name, site in sorted(sites.items()):
        facts = json.dumps({key: value for key, value in site.items() if key != "function"})
        if "methods" in site:
            handler = f"{identifier(site['function'])}.handler" if site["function"] else "null"
            lines.append(f"async function {name}(r) {{ await edge.distribution(r, {facts}, {handler}); }}")
        else:
            lines.append(f"function {name}(r) {{ edge.website(r, {facts}); }}")
    lines.append(f"export default {{{', '.join(sorted(sites))}}};")
    return "\n".join(lines) + "\n"


def files(account: Account) -> dict[str, str]:
    """All of nginx's files that come from the account, by name."""
    text = PREAMBLE
    sites: dict[str, dict[str, Any]] = {}
    functions: dict[str, str] = {}
    taken = {alias for entry in account.distributions for alias in entry.aliases}
    for distribution in account.distributions:
        maps, locations, found = site(distribution)
        text += maps + distribution_servers(distribution, locations)
        sites |= found
        functions |= distribution.functions
    for entry in account.websites:
        servers, found = website(entry, taken)
        text += servers
        sites |= found
    return {
        "sites.conf": text,
        "sites.js": script(sites),
        **{
            f"function-{name}.js": f"{code}\nexport default {{handler}};\n"
            for name, code in functions.items()
            if any(site.get("function") == name for site in sites.values())
        },
    }


def ensure_certificates(account: Account) -> bool:
    """Issue the certificates that the distributions name. Gives whether one is new."""
    certificates = {
        entry.certificate for entry in account.distributions if entry.certificate and secured(entry)
    }
    made = [
        pki.ensure(TLS / f"{entry.file_name}.pem", TLS / f"{entry.file_name}.key", entry.names)
        for entry in sorted(certificates, key=lambda entry: entry.arn)
    ]
    return any(made)


def converge(account: Account) -> bool:
    """Make the edge serve the account's sites. Gives whether that changed anything."""
    issued = ensure_certificates(account)
    wanted = files(account)
    have = {
        path.name: path.read_text()
        for path in FOLDER.iterdir()
        if path.name in {"sites.conf", "sites.js"} or path.name.startswith("function-")
    }
    if have == wanted and not issued:
        return False
    for name, text in wanted.items():
        pki.write(FOLDER / name, text.encode())
    for name in set(have) - set(wanted):
        (FOLDER / name).unlink()
    try:
        cloud.reload_edge()
    except Exception:
        # What nginx refuses is tried again at the next look, and told.
        (FOLDER / "sites.js").unlink()
        raise
    return True
