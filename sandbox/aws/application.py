"""The WSGI application: what a request passes on its way to the overlay or to moto."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable, Collection, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sandbox.aws import access, hosts, imds, model, overlay, reset, s3_cors, world
from sandbox.aws.call import Call, Environ, buffer, identify
from sandbox.aws.errors import Answer, AwsError, access_denied, render
from sandbox.aws.origin import Origin, origin_of
from sandbox.aws.overlay import operations
from sandbox.aws.principals import Caller, caller_of
from sandbox.aws.request_log import RequestLog

StartResponse = Callable[..., Any]

# Where the environment of a request says which service it was taken for.
SERVICE = "andamio.service"
HEALTH_PATH = "/_sandbox/health"
RESET_PATH = "/_sandbox/reset"


class Application:
    """The AWS API of one account."""

    def __init__(
        self,
        region: str,
        account: str,
        world_socket: Path,
        edges: Collection[str],
        *,
        secret: str,
        request_log: Path | None = None,
    ) -> None:
        self.region = region
        self.account = account
        self.world_socket = world_socket
        self.edges = edges
        self.secret = secret
        self.requests = RequestLog(request_log)
        self.moto = _Moto(_create_app)
        # moto looks through its folders for each request: a third of the time a small one takes.
        self.moto.get_backend_for_host = functools.cache(self.moto.get_backend_for_host)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        origin = origin_of(environ, self.edges)
        buffer(environ)
        if not hosts.is_own(environ.get("HTTP_HOST", "")):
            return _send(start_response, _text(421, "This name isn't the sandbox's."))
        if path == HEALTH_PATH:
            return _send(start_response, _text(200, "ok"))
        if path == RESET_PATH:
            return _send(start_response, self._reset(environ))
        if imds.is_metadata(path):
            return _send(start_response, imds.answer(environ, origin.address, self.account, self.region))
        return self._api(environ, start_response, origin)

    def _api(self, environ: Environ, start_response: StartResponse, origin: Origin) -> Iterable[bytes]:
        call = identify(environ, self.region)
        self.requests.note(call)
        cors = s3_cors.rules_of(call, self.account)
        if cors is not None and environ["REQUEST_METHOD"] == "OPTIONS":
            return _send(start_response, s3_cors.preflight(cors, environ))
        try:
            caller = caller_of(call, self.account, self.secret, origin.trusted)
            model.check(call)
            access.authorise(call, caller, self.account, origin.address, origin.secure)
            answer = self._answer(call)
            self._hide_missing_objects(call, caller, origin, answer[0])
        except AwsError as error:
            answer = render(error, call)
        answer = s3_cors.show(cors or (), environ, answer)
        body = _send(start_response, answer, head=environ["REQUEST_METHOD"] == "HEAD")
        if call.mutating and answer[0] < 400:
            world.tell(self.world_socket, call.name)
        return body

    def _answer(self, call: Call) -> Answer:
        overlay.load(call.service)
        operations.check(call, self.account)
        if operations.is_ours(call):
            return operations.answer(call, self.account)
        if call.name == "s3:PutObject" and "form-urlencoded" in call.environ.get("CONTENT_TYPE", ""):
            # moto would take the object for a form and lose its bytes.
            call.environ["CONTENT_TYPE"] = "binary/octet-stream"
        call.environ[SERVICE] = call.service
        try:
            answer = _run(self.moto, call.environ)
        except NotImplementedError as error:
            raise _not_known(call) from error
        if answer[0] == 404 and call.service != "s3" and _is_page(answer):
            raise _not_known(call)
        return answer

    def _hide_missing_objects(self, call: Call, caller: Caller, origin: Origin, status: int) -> None:
        """S3 tells that an object is missing only to those who may list its bucket."""
        if status != 404 or call.name not in ("s3:GetObject", "s3:HeadObject"):
            return
        if not access.may_list(call, caller, self.account, origin.address, origin.secure):
            raise access_denied(call, "Access Denied")

    def _reset(self, environ: Environ) -> Answer:
        """Empty the account for who has the secret."""
        if environ["REQUEST_METHOD"] != "POST":
            return _text(405, "Reset by POST.")
        given = str(environ.get("HTTP_AUTHORIZATION", "")).encode()
        if not hmac.compare_digest(given, f"Bearer {self.secret}".encode()):
            return _text(403, "A reset takes the sandbox's secret: Authorization: Bearer SECRET")
        reset.reset()
        world.tell(self.world_socket, "reset")
        return _text(200, "ok")


class _Moto(DomainDispatcherApplication):  # type: ignore[misc]
    """moto, asked for the service that a call was taken for and allowed, whatever else the request says."""

    def get_application(self, environ: Environ) -> Any:
        with self.lock:
            host = self.infer_service_region_host(environ, environ["PATH_INFO"])
            backend = self.get_backend_for_host(host)
            if backend not in self.app_instances:
                self.app_instances[backend] = self.create_app(backend)
            return self.app_instances[backend]

    def infer_service_region_host(self, environ: Environ, path: str) -> str | None:
        if "HTTP_AUTHORIZATION" in environ:
            found: str | None = super().infer_service_region_host(environ, path)
            return found
        return f"{environ[SERVICE]}.us-east-1.amazonaws.com"


def _create_app(service: str | None) -> Any:
    if service is None:
        raise NotImplementedError
    return create_backend_app(service)


def _not_known(call: Call) -> AwsError:
    """An answer that no client tries again, and that says who doesn't know the call."""
    return AwsError("NotImplemented", f"The sandbox's AWS doesn't know {call.name} yet.", 501)


def _is_page(answer: Answer) -> bool:
    """Whether it is the web framework that answers, which has no route for this."""
    return any(name.lower() == "content-type" and "text/html" in value for name, value in answer[1].items())


def _run(application: Callable[..., Iterable[bytes]], environ: Environ) -> Answer:
    """Call a WSGI application and gather its answer."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        started[:] = [int(status.split(" ", 1)[0]), headers]

    parts = application(environ, start_response)
    body = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    return started[0], dict(started[1]), body


def _send(start_response: StartResponse, answer: Answer, head: bool = False) -> Iterable[bytes]:
    status, headers, body = answer
    names = {name.lower() for name in headers}
    if "content-length" not in names:
        headers = {**headers, "Content-Length": str(len(body))}
    start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
    return [] if head else [body]


def _text(status: int, text: str) -> Answer:
    return status, {"Content-Type": "text/plain; charset=utf-8"}, f"{text}\n".encode()
