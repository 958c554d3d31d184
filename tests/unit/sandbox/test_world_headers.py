"""Response headers policies as nginx directives."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.world.headers import Header, directives, headers, quoted


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        (
            {"StrictTransportSecurity": {"AccessControlMaxAgeSec": 60, "Override": True}},
            Header("Strict-Transport-Security", "max-age=60"),
        ),
        (
            {
                "StrictTransportSecurity": {
                    "AccessControlMaxAgeSec": 60,
                    "IncludeSubdomains": True,
                    "Preload": True,
                    "Override": False,
                }
            },
            Header("Strict-Transport-Security", "max-age=60; includeSubDomains; preload", override=False),
        ),
        ({"ContentTypeOptions": {"Override": True}}, Header("X-Content-Type-Options", "nosniff")),
        ({"FrameOptions": {"FrameOption": "DENY", "Override": True}}, Header("X-Frame-Options", "DENY")),
        (
            {"ReferrerPolicy": {"ReferrerPolicy": "same-origin", "Override": True}},
            Header("Referrer-Policy", "same-origin"),
        ),
        (
            {"ContentSecurityPolicy": {"ContentSecurityPolicy": "default-src 'self'", "Override": True}},
            Header("Content-Security-Policy", "default-src 'self'"),
        ),
        (
            {"XSSProtection": {"Protection": True, "ModeBlock": True, "Override": True}},
            Header("X-XSS-Protection", "1; mode=block"),
        ),
    ],
)
def test_security_headers(security: dict[str, Any], expected: Header) -> None:
    assert headers({"SecurityHeadersConfig": security}) == [expected]


def test_an_overriding_header_hides_the_origins() -> None:
    item = {"Header": "Permissions-Policy", "Value": "camera=()", "Override": True}
    maps, lines = directives({"CustomHeadersConfig": {"Items": [item]}}, "p")
    assert maps == ""
    assert lines == (
        'proxy_hide_header Permissions-Policy;\nadd_header Permissions-Policy "camera=()" always;\n'
    )


def test_a_header_that_does_not_override_is_added_where_the_origin_has_none() -> None:
    item = {"Header": "X-Team", "Value": "a", "Override": False}
    maps, lines = directives({"CustomHeadersConfig": {"Items": [item]}}, "p")
    assert maps == 'map $upstream_http_x_team $p_0 { "" "a"; default ""; }\n'
    assert lines == "add_header X-Team $p_0 always;\n"


def test_a_removed_header_is_hidden() -> None:
    policy = {"RemoveHeadersConfig": {"Items": [{"Header": "x-amz-version-id"}]}}
    assert directives(policy, "p") == ("", "proxy_hide_header x-amz-version-id;\n")


def test_an_allowed_origin_is_echoed_and_others_get_nothing() -> None:
    maps, lines = directives(
        {"CorsConfig": {"AccessControlAllowOrigins": {"Items": ["https://a.test"]}}}, "p"
    )
    assert '"https://a.test" $http_origin;' in maps
    assert "add_header Access-Control-Allow-Origin $p_origin always;" in lines


def test_quotes_backslashes_and_dollars_reach_the_header_as_they_are() -> None:
    assert quoted('a"b\\c$d') == '"a\\"b\\\\c${dollar}d"'
