"""Which operation of which service a request is, and with what parameters."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import UnknownServiceError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import NotFound, get_service_router

from sandbox.aws.s3_address import bucket_of_host

Environ = dict[str, Any]

# The name in a signature and the name of botocore's model, where they differ.
_SIGNING_NAMES = {
    "elasticloadbalancing": "elbv2",
    "eventbridge": "events",
    "mobiletargeting": "pinpoint",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}
_READING = ("Describe", "Get", "List", "Head", "BatchGet", "Lookup", "Search", "Simulate", "Test")


@dataclass(frozen=True)
class Credential:
    """The credential scope of a signature."""

    access_key: str
    date: str
    region: str
    service: str


@dataclass
class Call:
    """A request to the API; without a model it is none that AWS knows."""

    environ: Environ
    credential: Credential | None
    service: str
    region: str
    request: Any
    model: Any = None
    uri_parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        return str(self.model.name) if self.model else ""

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The operation's parameters, as boto3 would take them."""
        protocol = determine_request_protocol(self.model.service_model, self.request.content_type)
        parsed: dict[str, Any] = PROTOCOL_PARSERS[protocol](self.model).parse(
            {
                "method": self.request.method,
                "values": self.request.values,
                "headers": self.request.headers,
                "body": self.body,
                "url_path": self.request.path,
                "url_params": self.uri_parameters,
            }
        )
        return parsed

    @property
    def body(self) -> bytes:
        content: bytes = self.environ["wsgi.input"].getvalue()
        return content

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def mutating(self) -> bool:
        """Whether it may change what the world has to show (an object's bytes aren't of its business)."""
        if self.service == "s3" and "Object" in self.operation:
            return False
        return bool(self.operation) and not self.operation.startswith(_READING)


def buffer(environ: Environ) -> None:
    """Read the body once, so that everybody after us can read it again."""
    length = environ.get("CONTENT_LENGTH")
    stream = environ["wsgi.input"]
    body = stream.read(int(length)) if length else b""
    if environ.pop("HTTP_TRANSFER_ENCODING", ""):
        body = stream.read()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    # moto looks here for the path before it was decoded (an S3 key may hold an encoded slash).
    environ["RAW_URI"] = environ.get("REQUEST_URI", environ.get("PATH_INFO", "/"))


def identify(environ: Environ, region: str) -> Call:
    """Tell which call a (buffered) request is."""
    credential = credential_of(environ)
    if credential is None:
        # Of what comes unsigned, we know S3's objects and the calls of STS.
        service = "sts" if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == "/" else "s3"
    else:
        service = _SIGNING_NAMES.get(credential.service, credential.service)
        region = credential.region
        if service == "ses" and environ["PATH_INFO"].startswith("/v2/"):
            service = "sesv2"
    call = Call(environ, credential, service, region, Request(_own_environment(environ, service)))
    try:
        call.model, call.uri_parameters = get_service_router(service).match(call.request)
    except (NotFound, NotImplementedError, UnknownServiceError):
        return call
    return call


def credential_of(environ: Environ) -> Credential | None:
    """The credential scope in the Authorization header or in a presigned URL."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    if header.startswith("AWS4-HMAC-SHA256"):
        scope = header.split("Credential=", 1)[-1].split(",")[0]
    else:
        scope = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    parts = scope.split("/")
    if len(parts) < 5:
        return None
    return Credential("/".join(parts[:-4]), *parts[-4:-1])


def _own_environment(environ: Environ, service: str) -> Environ:
    """A copy to read from, with the bucket in the path where it was in the host name."""
    own = {**environ, "wsgi.input": io.BytesIO(environ["wsgi.input"].getvalue())}
    bucket = bucket_of_host(environ.get("HTTP_HOST", "")) if service == "s3" else None
    if bucket is not None:
        own["PATH_INFO"] = f"/{bucket}{environ['PATH_INFO']}"
        own["RAW_URI"] = f"/{bucket}{environ['RAW_URI']}"
        # Or moto's parser would put the bucket there once more.
        own["HTTP_HOST"] = "s3.amazonaws.com"
    return own
