# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to tell a person when an AWS call failed: which call, on what, AWS's words, and what to do."""

from __future__ import annotations

import os
from typing import Any

from ._converge import Stale

SANDBOX_HINT = "If that is the sandbox, start it: make sandbox"

_EXPIRED = "The session has expired: sign in again (aws sso login) and rerun; it goes on from here."
_UNKNOWN_KEY = "AWS doesn't know these credentials: check AWS_PROFILE or AWS_ACCESS_KEY_ID."
_WRONG_SIGNATURE = "Check the secret key, and that this machine's clock is right."
_THROTTLED = "AWS throttles this account: rerun in a minute; it goes on from here."
_ADVICE = {
    "NoCredentialsError": "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "NoRegionError": "Set region, or AWS_DEFAULT_REGION.",
    "SSLError": "Set AWS_CA_BUNDLE to the authority that signed the endpoint's certificate.",
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"), _EXPIRED
    ),
    **dict.fromkeys(
        ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"),
        _UNKNOWN_KEY,
    ),
    **dict.fromkeys(
        ("RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException"), _WRONG_SIGNATURE
    ),
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"),
        _THROTTLED,
    ),
}
_UNREACHABLE = frozenset(
    {"EndpointConnectionError", "ConnectionClosedError", "ConnectTimeoutError", "ReadTimeoutError"}
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthorizationError",
        "403",
        "Forbidden",
    }
)

STALE = frozenset({"PreconditionFailed", "InvalidIfMatchVersion"})
"""What CloudFront and S3 say when the ETag that was given isn't the present one."""

# IAM's name of a service, where it isn't boto3's.
_PREFIXES = {"service-quotas": "servicequotas", "sesv2": "ses"}


class CallFailed(Exception):
    """A call to AWS that failed, with botocore's error as its cause."""

    def __init__(self, call: str, error: Any) -> None:
        super().__init__(f"{call}: {error}")
        self.call = call
        self.error = error
        # A connection that broke has a response too, which is None.
        self._said: dict[str, Any] = (getattr(error, "response", None) or {}).get("Error", {})
        self.code = str(self._said.get("Code", type(error).__name__))

    @property
    def is_missing(self) -> bool:
        """Whether AWS says that the thing asked for isn't there (yet)."""
        return self.code == "404" or "NotFound" in self.code or self.code.startswith("NoSuch")

    def message(self, subject: str) -> str:
        """Return the sentence a person reads."""
        words = self._said.get("Message") or str(self.error)
        said = words if self.code in words else f"{self.code}: {words}"
        return f"{subject}: {self.call} failed. {said.rstrip('.')}. {self._advice()}".rstrip()

    def _advice(self) -> str:
        if self.code in _DENIED:
            service, operation = self.call.split(".")
            service = _PREFIXES.get(service, service)
            return f"Allow this identity {service}:{action(operation)} (or the action AWS names above)."
        if self.code in _UNREACHABLE:
            return _unreachable()
        return _ADVICE.get(self.code, "")


class StaleCall(CallFailed, Stale):
    """A change that was refused since its precondition no longer holds."""


def action(operation: str) -> str:
    """Return the IAM action that usually allows a boto3 operation: put_bucket_policy is PutBucketPolicy."""
    return "".join(word.capitalize() for word in operation.split("_"))


def _unreachable() -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        return f"Nothing answers at {endpoint} (AWS_ENDPOINT_URL). {SANDBOX_HINT}"
    return "Check this machine's connection, and the name of the region."
