"""What the summary says, and where it takes it from."""

from __future__ import annotations

from typing import Any

from tests.unit.roles.render import DISTRIBUTIONS, evaluate, render

FACTS = DISTRIBUTIONS["Debian-13"]
HOST = "i-0123456789abcdef0"


def value(expression: str, **overrides: Any) -> Any:
    given = {"groups": {"laravel": [HOST]}, "hostvars": {HOST: {}}, **overrides}
    return evaluate("summary", expression, FACTS, **given)


def test_paths_are_those_of_the_roles() -> None:
    assert value("summary_app_root") == evaluate("laravel_app", "laravel_app_root", FACTS)
    assert value("summary_tls_root") == evaluate("nginx", "nginx_tls_root", FACTS)


def test_paths_that_the_host_has_of_its_own() -> None:
    hostvars = {HOST: {"laravel_app_root": "/opt/api", "nginx_tls_root": "/opt/tls"}}
    assert value("summary_app_root", hostvars=hostvars) == "/opt/api"
    assert value("summary_tls_root", hostvars=hostvars) == "/opt/tls"


def test_without_a_host_there_are_paths_too() -> None:
    assert value("summary_app_root", groups={}, hostvars={}) == "/srv/laravel"


def test_the_text() -> None:
    probe = {"says": "the site answers", "status": 200}
    text = render(
        "summary",
        "summary.txt.j2",
        FACTS,
        groups={"laravel": [HOST]},
        summary_open="make browse",
        __summary_certificate={"stdout_lines": ["issuer=CN = R11", "notAfter=Feb 22 10:00:00 2027 GMT"]},
        __summary_release={"stat": {"lnk_source": "/srv/laravel/releases/v1-0123456789ab"}},
        __summary_answers={"results": [{"status": 503, "__summary_probe": probe}]},
    )
    assert f"Host   {HOST}, release v1-0123456789ab" in text
    assert "Cert   CN = R11, until Feb 22 10:00:00 2027 GMT" in text
    assert "✘ got 503 instead of 200: the site answers" in text
    # The last lines are the URLs and how to open them.
    assert text.splitlines()[-3:-1] == [
        "Site   https://academia.test  (make browse)",
        "API    https://api.academia.test",
    ]
    assert text.splitlines()[-1].startswith("Try    curl ")
