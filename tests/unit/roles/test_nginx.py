"""The nginx role's templates, for every supported distribution."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.roles.render import DISTRIBUTIONS, render

DEBIAN = DISTRIBUTIONS["Debian-13"]


@pytest.fixture(params=DISTRIBUTIONS.values(), ids=list(DISTRIBUTIONS))
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def block(text: str, opening: str) -> str:
    """The lines between an opening brace's line and the brace that closes it."""
    start = text.index(opening) + len(opening)
    depth = 1
    for offset, character in enumerate(text[start:]):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return text[start : start + offset]
    raise AssertionError(f"{opening} is never closed")


@pytest.mark.parametrize("template", ["nginx.conf.j2", "default.conf.j2", "site.conf.j2"])
def test_braces_and_semicolons(template: str, facts: dict[str, Any]) -> None:
    text = render("nginx", template, facts)
    assert text.count("{") == text.count("}")
    code = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    open_ended = [
        line for line in code if not line.endswith((";", "{", "}", "'")) and "gzip_types" not in line
    ]
    assert open_ended == []


def test_http2_as_each_version_of_nginx_takes_it() -> None:
    sites = {name: render("nginx", "site.conf.j2", facts) for name, facts in DISTRIBUTIONS.items()}
    assert "http2 on;" in sites["Debian-13"]
    assert "ssl http2;" not in sites["Debian-13"]
    assert "http2 on;" in sites["Ubuntu-26"]
    assert "ssl http2;" not in sites["Ubuntu-26"]
    assert "http2 on;" not in sites["Ubuntu-24"]
    assert "listen 443 ssl http2;" in sites["Ubuntu-24"]
    assert "listen [::]:443 ssl http2;" in sites["Ubuntu-24"]


def test_names_and_certificate_follow_the_server_name(facts: dict[str, Any]) -> None:
    text = render("nginx", "site.conf.j2", facts, nginx_server_aliases=["www.academia.test"])
    assert re.findall(r"server_name (.+);", text) == ["api.academia.test www.academia.test"] * 2
    assert "ssl_certificate /etc/nginx/tls/api.academia.test/fullchain.pem;" in text


def test_only_index_php_runs_and_only_from_within(facts: dict[str, Any]) -> None:
    text = render("nginx", "site.conf.j2", facts)
    assert "internal;" in block(text, "location = /index.php {")
    assert "HTTP_X_REQUEST_ID $caller_request_id;" in text
    assert text.count("fastcgi_pass") == 2
    assert "return 404;" in block(text, r"location ~ \.php(/|$) {")


def test_php_fpm_script_and_header_are_of_one_release(facts: dict[str, Any]) -> None:
    text = render("nginx", "site.conf.j2", facts)
    assert "fastcgi_pass unix:/run/php/release-$release.sock;" in block(text, "location = /index.php {")
    assert "SCRIPT_FILENAME $release_root$fastcgi_script_name;" in text
    assert "DOCUMENT_ROOT $release_root;" in text
    assert "add_header X-Release $release always;" in text
    # nginx looks the real path up anew wherever it is named: that is once, for a request's second attempt.
    assert re.findall(r".*\$realpath_root.*", text) == ["        set $release_root $realpath_root;"]


def test_a_request_that_has_reached_php_is_never_run_twice(facts: dict[str, Any]) -> None:
    text = render("nginx", "site.conf.j2", facts)
    assert "error_page 502 = @current;" in block(text, "location = /index.php {")
    again = block(text, "location @current {")
    assert "return 502;" in block(again, 'if ($upstream_connect_time != "-") {')
    assert "error_page" not in again


def test_a_location_has_no_fastcgi_param_of_its_own_and_so_loses_none() -> None:
    lines = render("nginx", "site.conf.j2", DEBIAN).splitlines()
    assert {line.partition("fastcgi_param")[0] for line in lines if "fastcgi_param" in line} == {
        "    ",
        "    include ",
    }


def release_of(folder: str) -> str:
    """The release that nginx finds a folder to be of."""
    named = block(render("nginx", "nginx.conf.j2", DEBIAN), "map $release_root $release {")
    pattern, capture = re.findall(r'"~(.+)" \$(\w+);', named)[0]
    found = re.search(pattern.replace("(?<", "(?P<"), folder)
    return found[capture] if found else ""


@pytest.mark.parametrize(
    ("folder", "release"),
    [
        ("/srv/laravel/releases/v1.2-0f3c5a7e9b21/public", "v1.2-0f3c5a7e9b21"),
        ("/srv/laravel/releases/0f3c5a7e9b21-e2/public", "0f3c5a7e9b21-e2"),
        ("/srv/laravel/releases/public", ""),
        ("/srv/laravel/releases/a/b/public", ""),
        ("/srv/laravel/releases/a/public/b", ""),
        ("/srv/laravel/releases/a b/public", ""),
        ("/usr/share/nginx/html", ""),
        ("", ""),
    ],
)
def test_which_release_a_folder_is_of(folder: str, release: str) -> None:
    assert release_of(folder) == release


def test_the_log_names_the_release(facts: dict[str, Any]) -> None:
    assert """'"release":"$release",'""" in render("nginx", "nginx.conf.j2", facts)


def test_a_location_adds_no_header_of_its_own_and_so_loses_none() -> None:
    lines = render("nginx", "site.conf.j2", DEBIAN).splitlines()
    indents = [
        line.partition("add_header ")[0] for line in lines if "add_header " in line and "#" not in line
    ]
    assert indents == ["    "] * 7


def test_hsts_can_be_left_out() -> None:
    assert 'Strict-Transport-Security "max-age=31536000" always;' in render("nginx", "site.conf.j2", DEBIAN)
    assert "Strict-Transport" not in render("nginx", "site.conf.j2", DEBIAN, nginx_hsts="")


def test_port_80_serves_challenges_and_sends_on_the_rest() -> None:
    plain = block(render("nginx", "site.conf.j2", DEBIAN), "server {")
    assert "root /var/www/acme;" in block(plain, "location ^~ /.well-known/acme-challenge/ {")
    assert "return 301 https://$host$request_uri;" in block(plain, "location / {")


def test_the_default_server_says_nothing() -> None:
    text = render("nginx", "default.conf.j2", DEBIAN)
    assert "return 444;" in text
    assert "ssl_reject_handshake on;" in text
    assert len(re.findall(r"listen .*default_server;", text)) == 4
    assert "[::]" not in render("nginx", "default.conf.j2", DEBIAN, nginx_ipv6=False)


def login_patterns(**overrides: Any) -> list[str]:
    counted = block(render("nginx", "nginx.conf.j2", DEBIAN, **overrides), "map $uri $login_client {")
    return re.findall(r'"~(.+)" \$writing_client;', counted)


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        ("/api/login", True),
        ("/api/login/", True),
        ("/api/logins", False),
        ("/x/api/login", False),
        ("/apixlogin", False),
    ],
)
def test_which_paths_are_counted(path: str, counted: bool) -> None:
    assert any(re.search(pattern, path) for pattern in login_patterns()) is counted


def test_a_path_is_no_pattern() -> None:
    assert not re.search(login_patterns(nginx_login_paths=["/log.in"])[0], "/logXin")


def test_limits_are_what_the_variables_say(facts: dict[str, Any]) -> None:
    text = render("nginx", "nginx.conf.j2", facts, nginx_upload_mb=50, nginx_login_rate="2r/s")
    assert "client_max_body_size 51m;" in text
    assert "zone=login:10m rate=2r/s;" in text
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in text
    assert "ssl_stapling" not in text
    assert "server_tokens off;" in text


def test_forwarded_addresses_are_believed_from_trusted_proxies_alone() -> None:
    assert "real_ip" not in render("nginx", "nginx.conf.j2", DEBIAN)
    text = render("nginx", "nginx.conf.j2", DEBIAN, nginx_trusted_proxies=["10.0.0.0/16"])
    assert "set_real_ip_from 10.0.0.0/16;" in text
    assert "real_ip_header X-Forwarded-For;" in text


def test_includes_are_relative_so_that_a_copy_can_be_tried() -> None:
    includes = re.findall(r"include (\S+);", render("nginx", "nginx.conf.j2", DEBIAN))
    assert includes
    assert not [path for path in includes if path.startswith("/")]
