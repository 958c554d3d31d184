"""S3's CORS rules."""

from __future__ import annotations

from sandbox.aws.cors import answer_headers, preflight

SITE = "https://academia.test"
UPLOADS = {
    "AllowedOrigins": [SITE],
    "AllowedMethods": ["PUT", "GET"],
    "AllowedHeaders": ["content-type", "x-amz-*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3000,
}
ANYBODY = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}


def test_a_preflight_that_a_rule_fits() -> None:
    answer = preflight([UPLOADS], SITE, "PUT", "Content-Type, X-Amz-Acl")
    assert answer is not None
    assert answer["Access-Control-Allow-Origin"] == SITE
    assert answer["Access-Control-Allow-Methods"] == "PUT, GET"
    assert answer["Access-Control-Allow-Headers"] == "content-type, x-amz-acl"
    assert answer["Access-Control-Max-Age"] == "3000"
    assert "Access-Control-Allow-Headers" not in (preflight([UPLOADS], SITE, "PUT", "") or {})


def test_a_preflight_that_none_fits() -> None:
    assert preflight([], SITE, "PUT", "") is None
    assert preflight([UPLOADS], "https://evil.test", "PUT", "") is None
    assert preflight([UPLOADS], SITE, "DELETE", "") is None
    assert preflight([UPLOADS], SITE, "PUT", "authorization") is None


def test_the_first_rule_that_fits_answers() -> None:
    rules = [UPLOADS, ANYBODY]
    assert answer_headers(rules, SITE, "GET")["Access-Control-Allow-Credentials"] == "true"
    assert answer_headers(rules, "https://other.test", "GET")["Access-Control-Allow-Origin"] == "*"
    assert answer_headers(rules, "https://other.test", "PUT") == {}


def test_wildcards_in_origins() -> None:
    rule = {"AllowedOrigins": ["https://*.academia.test"], "AllowedMethods": ["GET"]}
    assert answer_headers([rule], "https://www.academia.test", "GET")
    assert answer_headers([rule], "https://academia.test", "GET") == {}
