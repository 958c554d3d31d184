# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the web server at one address for a page of a name, wherever that name resolves."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any

BODY_LIMIT = 64 * 1024
"""Bytes of a body that are read; a probe is no download."""


@dataclass(frozen=True)
class Answer:
    """What the server said.

    C(certificate) is what ssl.SSLSocket.getpeercert gives of a validated one, C(fingerprint) the SHA-256 of
    any that was shown.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    certificate: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""


def ask(
    address: str,
    port: int,
    name: str,
    path: str,
    *,
    tls: ssl.SSLContext | None = None,
    method: str = "GET",
    timeout: float = 5.0,
) -> Answer:
    """Send one request for C(name) to C(address), following no redirect.

    C(timeout) is in seconds, for each step. Raises OSError or http.client.HTTPException.
    """
    with socket.create_connection((address, port), timeout) as plain:
        stream = tls.wrap_socket(plain, server_hostname=name) if tls else plain
        with stream:
            connection = http.client.HTTPConnection(name, port, timeout=timeout)
            connection.sock = stream
            connection.request(method, path, headers={"Host": name, "Connection": "close"})
            response = connection.getresponse()
            certificate, encoded = None, None
            if isinstance(stream, ssl.SSLSocket):
                certificate, encoded = stream.getpeercert(), stream.getpeercert(binary_form=True)
            return Answer(
                status=response.status,
                headers={key.lower(): value for key, value in response.getheaders()},
                body=response.read(BODY_LIMIT),
                certificate=dict(certificate or {}),
                fingerprint=hashlib.sha256(encoded).hexdigest() if encoded else "",
            )
