"""The WSGI application: what a request passes on its way to moto."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

HEALTH_PATH = "/_sandbox/health"


class Application:
    """The AWS API of one account."""

    def __init__(self, region: str, account: str, world_socket: Path) -> None:
        self.region = region
        self.account = account
        self.world_socket = world_socket
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == HEALTH_PATH:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps({"status": "ok", "region": self.region, "account": self.account}).encode()]
        answer: Iterable[bytes] = self.moto(environ, start_response)
        return answer
