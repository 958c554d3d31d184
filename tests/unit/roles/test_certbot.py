"""The certbot role's formulas: what the CA is asked, and where certbot keeps things."""

from __future__ import annotations

from typing import Any

from tests.unit.roles.render import DISTRIBUTIONS, evaluate

FACTS = {**DISTRIBUTIONS["Debian-13"], "all_ipv4_addresses": ["10.0.0.20"], "all_ipv6_addresses": ["fe80::1"]}


def value(expression: str, **overrides: Any) -> Any:
    return evaluate("certbot", expression, FACTS, **overrides)


def test_the_ca_is_lets_encrypt_unless_told_otherwise() -> None:
    assert value("certbot_directory_url") == "https://acme-v02.api.letsencrypt.org/directory"
    assert value("certbot_directory_url", certbot_staging=True) == (
        "https://acme-staging-v02.api.letsencrypt.org/directory"
    )


def test_a_certificate_is_asked_for_all_names_under_the_first() -> None:
    command = value("__certbot_certonly", certbot_names=["a.test", "b.test"])
    assert command[:3] == ["certbot", "certonly", "--non-interactive"]
    assert command[command.index("--cert-name") + 1] == "a.test"
    assert [word for word in command if word.startswith("--domain")] == ["--domain=a.test", "--domain=b.test"]


def test_http_01_is_by_webroot_and_dns_01_by_route_53() -> None:
    http = value("__certbot_certonly")
    assert http[http.index("--webroot-path") + 1] == "/var/www/acme"
    dns = value("__certbot_certonly", certbot_challenge="route53")
    assert "--dns-route53" in dns
    assert "--webroot" not in dns
    assert "python3-certbot-dns-route53" in value("__certbot_packages['route53']")


def test_an_account_needs_no_address() -> None:
    command = value("__certbot_certonly")
    assert command[command.index("--email") + 1] == "ops@academia.test"
    assert "--register-unsafely-without-email" in value("__certbot_certonly", certbot_email="")


def test_accounts_are_where_certbot_keeps_them() -> None:
    assert value("__certbot_accounts", certbot_directory_url="https://acme.test:14000/dir") == (
        "/etc/letsencrypt/accounts/acme.test:14000/dir"
    )
