#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: http01_check
version_added: 0.1.0
short_description: Check that an HTTP-01 challenge would succeed, before a CA is asked
description:
  - Runs on the web server's host. For each name, asks DNS (not C(/etc/hosts)) for its addresses, puts a
    random token into the webroot and fetches it by HTTP from each of these addresses.
  - Fails, naming the host, where its names point, where they should, and the name servers to set,
    unless every name would pass. A CA counts failed validations, and after a few of them refuses for hours;
    a check costs nothing.
  - An address that isn't this host's, but serves its token, is taken for a proxy in front of it.
  - No stock module does this. M(community.crypto.acme_certificate) finds out when the CA says no.
author:
  - The Andamio authors (@andamio)
options:
  names:
    description: The names a certificate is wanted for.
    type: list
    elements: str
    required: true
  webroot:
    description: Folder whose C(.well-known/acme-challenge) the web server serves on port 80 of each name.
    type: path
    required: true
  addresses:
    description:
      - Addresses this host can be reached at. Loopback and link-local ones are left out.
      - The public addresses that EC2's instance metadata service tells are added to these, unless
        O(metadata=false).
    type: list
    elements: str
    default: []
  metadata:
    description: Ask EC2's instance metadata service (IMDSv2), for a second at most, for the public addresses.
    type: bool
    default: true
  name_servers:
    description: Name servers of the hosted zone, to be named in the error.
    type: list
    elements: str
    default: []
  wait:
    description: Seconds to wait for DNS and for the web server to be right.
    type: int
    default: 0
attributes:
  check_mode:
    details: It changes nothing in either mode. The token's file is removed again.
extends_documentation_fragment:
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Check that the names point here
  andamio.laravel_aws.http01_check:
    names: [api.example.com]
    webroot: /var/www/acme
    addresses: "{{ ansible_facts['all_ipv4_addresses'] }}"
    wait: 60
"""

RETURN = r"""
expected:
  description: Addresses this host can be reached at, public ones first.
  returned: always
  type: list
  elements: str
  sample: [203.0.113.10, 10.0.0.5]
names:
  description: What was seen of each name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    addresses:
      description: Its addresses in DNS.
      type: list
      elements: str
    problem:
      description: Why a CA would refuse it; null when it wouldn't.
      type: str
"""

import http.client
import os
import secrets
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _http01, _probe, _resolver

METADATA = "169.254.169.254"
RESOLV_CONF = "/etc/resolv.conf"


def public_addresses() -> list[str]:
    """Return the public addresses that the instance metadata service tells; none outside EC2."""
    found = []
    try:
        token = _metadata("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        for path in ("/latest/meta-data/public-ipv4", "/latest/meta-data/ipv6"):
            found.append(_metadata("GET", path, {"X-aws-ec2-metadata-token": token}))
    except (OSError, http.client.HTTPException):
        pass
    return [address for address in found if address]


def _metadata(method: str, path: str, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection(METADATA, timeout=1)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.read().decode().strip() if response.status == http.HTTPStatus.OK else ""
    finally:
        connection.close()


def resolve(name: str, servers: list[str]) -> tuple[tuple[str, ...], str]:
    """Return the addresses of a name in DNS, or why there are none."""
    try:
        replies = [_resolver.lookup(name, record_type, servers) for record_type in ("A", "AAAA")]
    except (_resolver.LookupFailed, ValueError) as error:
        return (), str(error)
    found = tuple(r.value for reply in replies for r in reply.records if r.type in ("A", "AAAA"))
    unknown = any(reply.verdict == "NXDOMAIN" for reply in replies)
    return found, "DNS doesn't know it" if unknown else "it has no address in DNS"


def delegation(name: str, servers: list[str]) -> tuple[str, list[str]]:
    """Return the domain that a name belongs to in DNS, with its name servers."""
    labels = name.rstrip(".").split(".")
    for start in range(len(labels) - 1):
        domain = ".".join(labels[start:])
        try:
            found = [r.value for r in _resolver.lookup(domain, "NS", servers).records if r.type == "NS"]
        except (_resolver.LookupFailed, ValueError):
            return domain, []
        if found:
            return domain, sorted(found)
    return ".".join(labels[-2:]), []


def failure(address: str, name: str, token: str, content: bytes) -> str:
    """Return what an address does instead of serving the token; empty when it serves it."""
    try:
        answer = _probe.ask(address, 80, name, f"/.well-known/acme-challenge/{token}")
    except TimeoutError:
        return "no answer within 5 seconds"
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    if answer.status != http.HTTPStatus.OK:
        return f"HTTP status {answer.status}"
    return "" if answer.body == content else "another content than this host's"


def observe(name: str, servers: list[str], token: str, content: bytes) -> _http01.Observation:
    """Look a name up, and fetch the token from each of its addresses."""
    addresses, why = resolve(name, servers)
    failures = {address: said for address in addresses if (said := failure(address, name, token, content))}
    return _http01.Observation(name, addresses, failures, "" if addresses else why)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "webroot": {"type": "path", "required": True},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "metadata": {"type": "bool", "default": True},
            "name_servers": {"type": "list", "elements": "str", "default": []},
            "wait": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    params = module.params
    folder = Path(params["webroot"], ".well-known", "acme-challenge")
    if not folder.is_dir():
        module.fail_json(msg=f"webroot: there is no folder {folder}")
    try:
        public = public_addresses() if params["metadata"] else []
        expected = _http01.expected_addresses(public, params["addresses"])
    except ValueError as error:
        module.fail_json(msg=f"addresses: {error}")
    servers = _resolver.nameservers(Path(RESOLV_CONF).read_text(encoding="utf-8"))

    token, content = f"check-{secrets.token_hex(16)}", secrets.token_hex(32).encode()
    file = folder / token
    deadline = time.monotonic() + params["wait"]
    try:
        file.write_bytes(content)
        os.chmod(file, 0o644)
        while True:
            seen = [observe(name, servers, token, content) for name in params["names"]]
            verdicts = [_http01.problem(one, expected, tuple(public)) for one in seen]
            if not any(verdicts) or time.monotonic() >= deadline:
                break
            time.sleep(2)
    finally:
        file.unlink(missing_ok=True)

    result = {
        "changed": False,
        "expected": list(expected),
        "names": [
            {"name": one.name, "addresses": list(one.addresses), "problem": verdict}
            for one, verdict in zip(seen, verdicts, strict=True)
        ],
    }
    problems = [verdict for verdict in verdicts if verdict]
    if problems:
        wrong = [one.name for one, verdict in zip(seen, verdicts, strict=True) if verdict]
        delegated = dict(delegation(name, servers) for name in wrong)
        module.fail_json(msg=_http01.report(problems, params["name_servers"], delegated), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
