#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: http_probe
version_added: 0.1.0
short_description: Wait until the web server at one address answers for a name as it should
description:
  - Asks the server at O(address) for a page of O(name), whatever DNS says of the name, until it answers with
    one of O(status). The name is sent as Host header and, with TLS, as server name (SNI).
  - M(ansible.builtin.uri) takes the server name from the URL, so it can't ask C(127.0.0.1) for a name, and a
    server that refuses unknown names refuses it.
author:
  - The Andamio authors (@andamio)
options:
  name:
    description: The name to ask for.
    type: str
    required: true
  address:
    description: Address of the server.
    type: str
    default: 127.0.0.1
  port:
    description: Port of the server. The default is 443 with TLS and 80 without.
    type: int
  tls:
    description: Speak TLS.
    type: bool
    default: true
  validate_certs:
    description: Demand a certificate of the name by an authority that is trusted.
    type: bool
    default: true
  ca_path:
    description: File of the authorities to trust, instead of the system's.
    type: path
  path:
    description: What to ask for, query string included.
    type: str
    default: /
  method:
    description: The request's method.
    type: str
    default: GET
  status:
    description: The answers to be content with. An empty list is content with any.
    type: list
    elements: int
    default: [200]
  timeout:
    description: Seconds one step of a request may take.
    type: int
    default: 10
  wait:
    description: Seconds to go on trying. With V(0) there is one try.
    type: int
    default: 0
extends_documentation_fragment:
  - andamio.laravel_aws.attributes.reads
"""

EXAMPLES = r"""
- name: Wait until the application is up, through nginx
  andamio.laravel_aws.http_probe:
    name: api.example.com
    path: /up
    wait: 30
"""

RETURN = r"""
status:
  description: Status of the last answer.
  returned: when there was an answer
  type: int
  sample: 200
headers:
  description: Headers of the last answer, by lower-case name.
  returned: when there was an answer
  type: dict
body:
  description: The last answer's text, 64 KiB of it at most.
  returned: when there was an answer
  type: str
certificate:
  description: The certificate shown. Unless it was validated, only its fingerprint.
  returned: when there was an answer
  type: dict
  contains:
    sha256:
      description: Its SHA-256 fingerprint, in lower-case hexadecimal.
      type: str
    names:
      description: The names it is for.
      type: list
      elements: str
    issuer:
      description: Common name of its issuer.
      type: str
    serial:
      description: Its serial number, in hexadecimal.
      type: str
    not_after:
      description: End of its validity, in UTC.
      type: str
      sample: "2027-02-22T10:00:00Z"
"""

import http.client
import ssl
import time
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _probe


def certificate(peer: dict[str, Any], fingerprint: str) -> dict[str, Any]:
    """Return what matters of a certificate in the form of ssl.SSLSocket.getpeercert."""
    if not peer:
        return {"sha256": fingerprint} if fingerprint else {}
    issuer = dict(pair for part in peer["issuer"] for pair in part)
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(peer["notAfter"]), UTC)
    return {
        "names": [value for kind, value in peer.get("subjectAltName", ()) if kind == "DNS"],
        "issuer": issuer.get("commonName", ""),
        "serial": peer["serialNumber"],
        "sha256": fingerprint,
        "not_after": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
    }


def context(params: dict[str, Any]) -> ssl.SSLContext | None:
    """Return the TLS settings asked for; None for plain HTTP."""
    if not params["tls"]:
        return None
    tls = ssl.create_default_context(cafile=params["ca_path"])
    if not params["validate_certs"]:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls


def attempt(params: dict[str, Any], tls: ssl.SSLContext | None) -> tuple[dict[str, Any], str]:
    """Ask once. Return what came, and what is wrong with it (empty: nothing)."""
    port = params["port"] or (443 if tls else 80)
    try:
        answer = _probe.ask(
            params["address"],
            port,
            params["name"],
            params["path"],
            tls=tls,
            method=params["method"],
            timeout=params["timeout"],
        )
    except (OSError, http.client.HTTPException) as error:
        return {}, str(error) or type(error).__name__
    result = {
        "status": answer.status,
        "headers": answer.headers,
        "body": answer.body.decode("utf-8", "replace"),
        "certificate": certificate(answer.certificate, answer.fingerprint),
    }
    content = not params["status"] or answer.status in params["status"]
    return result, "" if content else f"status {answer.status}"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "address": {"type": "str", "default": "127.0.0.1"},
            "port": {"type": "int"},
            "tls": {"type": "bool", "default": True},
            "validate_certs": {"type": "bool", "default": True},
            "ca_path": {"type": "path"},
            "path": {"type": "str", "default": "/"},
            "method": {"type": "str", "default": "GET"},
            "status": {"type": "list", "elements": "int", "default": [200]},
            "timeout": {"type": "int", "default": 10},
            "wait": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    params = module.params
    tls = context(params)
    deadline = time.monotonic() + params["wait"]
    while True:
        result, wrong = attempt(params, tls)
        if not wrong:
            module.exit_json(changed=False, **result)
        if time.monotonic() >= deadline:
            scheme = "https" if tls else "http"
            asked = f"{params['method']} {scheme}://{params['name']}{params['path']} at {params['address']}"
            module.fail_json(msg=f"{asked}: {wrong}", **result)
        time.sleep(1)


if __name__ == "__main__":
    main()
