"""Response headers: there and back, and what CloudFront has no word for."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _cloudfront_headers as headers
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Refused

WANTED = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:",
    "Permissions-Policy": "camera=()",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def test_policy_config() -> None:
    assert headers.policy_config("site", WANTED) == {
        "Name": "site",
        "Comment": "",
        "SecurityHeadersConfig": {
            "ContentSecurityPolicy": {
                "ContentSecurityPolicy": "default-src 'self'; img-src 'self' data:",
                "Override": True,
            },
            "ReferrerPolicy": {"ReferrerPolicy": "strict-origin-when-cross-origin", "Override": True},
            "StrictTransportSecurity": {
                "AccessControlMaxAgeSec": 31536000,
                "IncludeSubdomains": True,
                "Preload": False,
                "Override": True,
            },
            "ContentTypeOptions": {"Override": True},
            "FrameOptions": {"FrameOption": "DENY", "Override": True},
        },
        "CustomHeadersConfig": {
            "Quantity": 1,
            "Items": [{"Header": "Permissions-Policy", "Value": "camera=()", "Override": True}],
        },
    }


def test_there_and_back() -> None:
    assert headers.canonical(WANTED) == WANTED
    assert headers.canonical({}) == {}
    assert headers.headers({}) == {}


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ("max-age=63072000;includesubdomains;  PRELOAD", "max-age=63072000; includeSubDomains; preload"),
        ('max-age="0"', "max-age=0"),
    ],
)
def test_spelling_of_hsts(given: str, same: str) -> None:
    assert headers.canonical({"strict-transport-security": given}) == {"Strict-Transport-Security": same}


def test_a_folded_policy_is_one_line() -> None:
    folded = {"Content-Security-Policy": "default-src 'self';\n  img-src *\n"}
    assert headers.canonical(folded) == {"Content-Security-Policy": "default-src 'self'; img-src *"}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Strict-Transport-Security", "includeSubDomains"),
        ("X-Content-Type-Options", "sniff"),
        ("X-Frame-Options", "ALLOW-FROM https://x.example"),
    ],
)
def test_values_that_cloudfront_cannot_say(header: str, value: str) -> None:
    with pytest.raises(Refused, match=header):
        headers.canonical({header: value})
