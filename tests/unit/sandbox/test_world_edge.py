"""Distributions and websites as nginx's configuration."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from sandbox.world import edge
from sandbox.world.account import Account, Certificate, Distribution, Website

FUNCTION = "arn:aws:cloudfront::123456789012:function/spa"
CERTIFICATE = Certificate(
    "arn:aws:acm:us-east-1:123456789012:certificate/c-1", ("academia.test", "*.academia.test"), "ISSUED"
)


def behaviour(**changes: Any) -> dict[str, Any]:
    return {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "redirect-to-https",
        "Compress": True,
        "AllowedMethods": {"Items": ["GET", "HEAD"]},
        "FunctionAssociations": {"Items": [{"EventType": "viewer-request", "FunctionARN": FUNCTION}]},
        **changes,
    }


def distribution(**changes: Any) -> Distribution:
    settings = {
        "Enabled": True,
        "Aliases": {"Items": ["academia.test", "www.academia.test"]},
        "DefaultRootObject": "index.html",
        "HttpVersion": "http2and3",
        "Origins": {
            "Items": [
                {
                    "Id": "site",
                    "DomainName": "b.s3.us-east-1.amazonaws.com",
                    "OriginPath": "/v1",
                    "OriginAccessControlId": "OAC",
                }
            ]
        },
        "DefaultCacheBehavior": behaviour(),
        **changes,
    }
    code = {"spa": "function handler(event) { return event.request; }"}
    return Distribution(
        "E1", "arn:aws:cloudfront::1:distribution/E1", "d1.cloudfront.net", settings, CERTIFICATE, code
    )


def rendered(*distributions: Distribution, websites: tuple[Website, ...] = ()) -> dict[str, str]:
    return edge.files(Account(distributions=distributions, websites=websites))


def servers(text: str) -> dict[str, str]:
    """Each server's text by the names it answers for."""
    blocks = re.findall(r"^server \{\n(.*?)^\}\n", text, re.S | re.M)
    return {re.search(r"server_name (.*);", block)[1]: block for block in blocks}  # type: ignore[index]


def test_aliases_are_served_with_the_certificate_and_the_own_name_with_the_edges() -> None:
    found = servers(rendered(distribution())["sites.conf"])
    assert "/cloud/tls/edge.pem" in found["d1.cloudfront.net"]
    assert "/cloud/tls/acm-c-1.pem" in found["academia.test www.academia.test"]
    assert "http2 on;" in found["academia.test www.academia.test"]


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        replace(CERTIFICATE, status="PENDING_VALIDATION"),
        replace(CERTIFICATE, names=("other.test",)),
    ],
)
def test_an_alias_without_an_issued_certificate_for_it_is_refused(certificate: Certificate | None) -> None:
    made = replace(distribution(), certificate=certificate)
    found = servers(rendered(made)["sites.conf"])
    assert "ssl_reject_handshake on;" in found["academia.test www.academia.test"]


def test_a_wildcard_certificate_is_for_one_label() -> None:
    names = ("a.academia.test", "b.a.academia.test", "academia.test")
    assert edge.matched_names("*.academia.test", names) == {"a.academia.test"}


def test_a_disabled_distribution_serves_nothing() -> None:
    assert "js_content" not in rendered(distribution(Enabled=False))["sites.conf"]


def test_the_origin_is_asked_as_the_distribution() -> None:
    text = rendered(distribution())["sites.conf"]
    assert 'proxy_set_header X-Andamio-Principal "cloudfront.amazonaws.com";' in text
    assert 'proxy_set_header X-Andamio-Source-Arn "arn:aws:cloudfront::1:distribution/E1";' in text
    assert "proxy_set_header Host b.s3.us-east-1.amazonaws.com;" in text


def test_without_access_control_the_origin_is_asked_as_anyone() -> None:
    origin = {"Id": "site", "DomainName": "b.s3.us-east-1.amazonaws.com", "OriginAccessControlId": ""}
    text = rendered(distribution(Origins={"Items": [origin]}))["sites.conf"]
    assert 'proxy_set_header X-Andamio-Principal "";' in text


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ("redirect-to-https", "return 301 https://$host$request_uri;"),
        ("https-only", "if ($scheme = http) { return 403; }"),
        ("allow-all", None),
    ],
)
def test_viewer_protocol(policy: str, line: str | None) -> None:
    text = rendered(distribution(DefaultCacheBehavior=behaviour(ViewerProtocolPolicy=policy)))["sites.conf"]
    assert ("$scheme = http" in text) == (line is not None)
    assert line is None or line in text


def test_only_a_compressing_behaviour_compresses() -> None:
    assert "gzip on;" in rendered(distribution())["sites.conf"]
    plain = distribution(DefaultCacheBehavior=behaviour(Compress=False))
    assert "gzip on;" not in rendered(plain)["sites.conf"]


def test_path_patterns_come_before_the_default_and_keep_their_order() -> None:
    made = distribution(
        CacheBehaviors={"Items": [behaviour(PathPattern="/assets/*"), behaviour(PathPattern="*.jp?g")]}
    )
    text = servers(rendered(made)["sites.conf"])["d1.cloudfront.net"]
    found = re.findall(r"^  location ([^@].*) \{", text, re.M)
    assert found == [r'~ "^/assets/.*$"', r'~ "^/.*\\.jp.g$"', "/"]


def test_a_custom_error_response_is_a_page_of_the_origin_with_its_own_status() -> None:
    errors = [{"ErrorCode": 403, "ResponsePagePath": "/lost.html", "ResponseCode": "404"}, {"ErrorCode": 500}]
    text = rendered(distribution(CustomErrorResponses={"Items": errors}))["sites.conf"]
    assert "error_page 403 =404 @E1_0_403;" in text
    assert 'set $origin_uri "/lost.html";' in text
    assert "error_page 500" not in text


def test_the_function_is_a_module_and_its_behaviour_calls_it() -> None:
    made = rendered(distribution())
    assert made["function-spa.js"].endswith("export default {handler};\n")
    assert "import spa from 'function-spa.js';" in made["sites.js"]
    assert '"path": "/v1"' in made["sites.js"]
    assert "spa.handler" in made["sites.js"]


def test_a_behaviour_without_a_function_has_no_handler() -> None:
    made = rendered(distribution(DefaultCacheBehavior=behaviour(FunctionAssociations={"Quantity": 0})))
    assert "null" in made["sites.js"]
    assert "function-spa.js" not in made


def test_a_website_answers_at_its_endpoints_and_its_own_name_without_tls() -> None:
    site = Website("sitio.test", "us-east-1", {"IndexDocument": {"Suffix": "index.html"}})
    found = servers(rendered(websites=(site,))["sites.conf"])
    [names] = found
    assert names.split() == [
        "sitio.test",
        "sitio.test.s3-website-us-east-1.amazonaws.com",
        "sitio.test.s3-website.us-east-1.amazonaws.com",
    ]
    assert "ssl_reject_handshake on;" in found[names]


def test_a_name_that_a_distribution_serves_is_not_the_websites() -> None:
    site = Website("academia.test", "us-east-1", {"IndexDocument": {"Suffix": "index.html"}})
    names = [name.split() for name in servers(rendered(distribution(), websites=(site,))["sites.conf"])]
    assert sum(group.count("academia.test") for group in names) == 1


def test_a_website_that_redirects_sends_everything_there() -> None:
    site = Website(
        "www.sitio.test",
        "us-east-1",
        {"RedirectAllRequestsTo": {"HostName": "sitio.test", "Protocol": "https"}},
    )
    assert "return 301 https://sitio.test$request_uri;" in rendered(websites=(site,))["sites.conf"]


def test_a_websites_error_document_keeps_the_status() -> None:
    settings = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "404.html"}}
    text = rendered(websites=(Website("b", "us-east-1", settings),))["sites.conf"]
    assert "error_page 403 404 @website_b_error;" in text
    assert 'set $origin_uri "/b/404.html";' in text
