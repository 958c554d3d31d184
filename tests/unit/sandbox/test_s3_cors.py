"""The CORS rules of a bucket, as S3 applies them."""

from __future__ import annotations

import pytest

from sandbox.aws import s3_cors

RULES = [
    {
        "AllowedOrigins": ["https://academia.test", "https://*.academia.test"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["content-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 600,
    }
]


def ask(origin="https://academia.test", method="PUT", headers="Content-Type"):
    return {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ORIGIN": origin,
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": method,
        "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": headers,
    }


def test_preflight_of_the_site():
    status, headers, body = s3_cors.preflight(RULES, ask())
    assert (status, body) == (200, b"")
    assert headers == {
        "Access-Control-Allow-Origin": "https://academia.test",
        "Access-Control-Allow-Methods": "GET, PUT",
        "Access-Control-Allow-Headers": "content-type",
        "Access-Control-Expose-Headers": "ETag",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }


@pytest.mark.parametrize(
    "refused",
    [
        ask(origin="https://evil.test"),
        ask(origin="https://academia.test.evil.test"),
        ask(origin="http://academia.test"),
        ask(origin=""),
        ask(method="DELETE"),
        ask(headers="content-type, x-amz-acl"),
    ],
    ids=["stranger", "suffix", "scheme", "no-origin", "method", "header"],
)
def test_preflight_refused(refused):
    status, headers, _ = s3_cors.preflight(RULES, refused)
    assert status == 403
    assert not any(name.startswith("Access-Control") for name in headers)


def test_without_rules_nothing_is_allowed():
    assert s3_cors.preflight([], ask())[0] == 403


def test_an_answer_is_shown_to_the_site_alone():
    answer = (200, {"ETag": "x", "Access-Control-Allow-Origin": "*"}, b"bytes")
    site = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": "https://www.academia.test"}
    assert s3_cors.show(RULES, site, answer)[1]["Access-Control-Allow-Origin"] == "https://www.academia.test"
    stranger = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": "https://evil.test"}
    assert s3_cors.show(RULES, stranger, answer) == (200, {"ETag": "x"}, b"bytes")


def test_any_origin_is_said_as_a_star():
    rules = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]
    answer = s3_cors.show(rules, {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": "https://x.test"}, (200, {}, b""))
    assert answer[1]["Access-Control-Allow-Origin"] == "*"
