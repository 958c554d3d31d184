"""AWS errors, told in the words and the protocol of the service that was asked."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

from moto.core.request import determine_request_protocol
from moto.core.serialize import get_serializer_class

from sandbox.aws.call import Call

Answer = tuple[int, dict[str, str], bytes]

_WRONG = ("SignatureDoesNotMatch", 403)
# For each protocol: refused, unknown key, expired session, wrong signature.
_CODES = {
    "s3": (("AccessDenied", 403), ("InvalidAccessKeyId", 403), ("ExpiredToken", 400), _WRONG),
    "ec2": (
        ("UnauthorizedOperation", 403),
        ("AuthFailure", 401),
        ("RequestExpired", 400),
        ("AuthFailure", 401),
    ),
    "query": (("AccessDenied", 403), ("InvalidClientTokenId", 403), ("ExpiredToken", 403), _WRONG),
    "rest-xml": (("AccessDenied", 403), ("InvalidClientTokenId", 403), ("ExpiredToken", 403), _WRONG),
    "json": (
        ("AccessDeniedException", 400),
        ("UnrecognizedClientException", 400),
        ("ExpiredTokenException", 400),
        ("InvalidSignatureException", 400),
    ),
    "rest-json": (
        ("AccessDeniedException", 403),
        ("UnrecognizedClientException", 403),
        ("ExpiredTokenException", 403),
        ("InvalidSignatureException", 403),
    ),
}


class AwsError(Exception):
    """An error answer: AWS's code, its message and the HTTP status (the service model's, if not given)."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def access_denied(call: Call, message: str) -> AwsError:
    return _error(call, 0, message)


def unknown_key(call: Call) -> AwsError:
    return _error(call, 1, "The security token included in the request is invalid.")


def expired_session(call: Call) -> AwsError:
    return _error(call, 2, "The security token included in the request is expired")


def wrong_signature(call: Call) -> AwsError:
    return _error(
        call,
        3,
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method.",
    )


def render(error: AwsError, call: Call | None) -> Answer:
    """Return the HTTP answer that tells of an error."""
    if call is None or call.model is None:
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{error.code}</Code>'
            f"<Message>{escape(error.message)}</Message></Error>"
        )
        return error.status or 400, {"Content-Type": "application/xml"}, body.encode()
    serializer = get_serializer_class(call.service, protocol_of(call))(operation_model=call.model)
    answer = serializer.serialize(error)
    headers = {name: str(value) for name, value in answer["headers"].items()}
    return error.status or int(answer["status_code"]), headers, as_bytes(answer["body"])


def as_bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _error(call: Call, index: int, message: str) -> AwsError:
    protocol = "s3" if call.service == "s3" or call.model is None else protocol_of(call)
    code, status = _CODES.get(protocol, _CODES["json"])[index]
    return AwsError(code, message, status)


def protocol_of(call: Call) -> str:
    """The protocol that a call of a known operation is made in, as botocore names it."""
    return str(determine_request_protocol(call.model.service_model, call.request.content_type))
