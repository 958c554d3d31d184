"""What http01_check makes of DNS and of what port 80 says."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _probe, _resolver
from ansible_collections.andamio.laravel_aws.plugins.module_utils._resolver import Record, Reply
from ansible_collections.andamio.laravel_aws.plugins.modules import http01_check

ZONE = {
    ("a.test", "A"): Reply(1, "NOERROR", False, (Record("a.test", "A", "203.0.113.10"),)),
    ("a.test", "AAAA"): Reply(1, "NOERROR", False, (Record("a.test", "AAAA", "2001:db8::1"),)),
    ("empty.test", "A"): Reply(1, "NOERROR", False, ()),
    ("empty.test", "AAAA"): Reply(1, "NOERROR", False, ()),
    ("a.test", "NS"): Reply(1, "NOERROR", False, (Record("a.test", "NS", "ns.test"),)),
}


@pytest.fixture(autouse=True)
def dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(name: str, record_type: str, servers: list[str]) -> Reply:
        if name == "broken.test":
            raise _resolver.LookupFailed("10.0.0.2: SERVFAIL")
        return ZONE.get((name, record_type), Reply(1, "NXDOMAIN", False, ()))

    monkeypatch.setattr(_resolver, "lookup", lookup)


def serve(monkeypatch: pytest.MonkeyPatch, answer: _probe.Answer | Exception) -> None:
    def ask(*args: object, **kwargs: object) -> _probe.Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(_probe, "ask", ask)


def test_both_kinds_of_address_are_found() -> None:
    assert http01_check.resolve("a.test", [])[0] == ("203.0.113.10", "2001:db8::1")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("unknown.test", "DNS doesn't know it"),
        ("empty.test", "it has no address in DNS"),
        ("broken.test", "10.0.0.2: SERVFAIL"),
    ],
)
def test_why_a_name_has_no_address(name: str, why: str) -> None:
    assert http01_check.resolve(name, []) == ((), why)


def test_the_delegation_is_that_of_the_nearest_zone() -> None:
    zones = {"api.a.test": ("a.test", ["ns.test"]), "api.lonely.test": ("lonely.test", [])}
    assert {name: http01_check.delegation(name, []) for name in zones} == zones


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_probe.Answer(200, {}, b"token"), ""),
        (_probe.Answer(200, {}, b"welcome"), "another content than this host's"),
        (_probe.Answer(404, {}, b"token"), "HTTP status 404"),
        (TimeoutError(), "no answer within 5 seconds"),
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
    ],
)
def test_what_an_address_says(
    monkeypatch: pytest.MonkeyPatch, answer: _probe.Answer | Exception, said: str
) -> None:
    serve(monkeypatch, answer)
    assert http01_check.failure("203.0.113.10", "a.test", "name", b"token") == said


def test_each_address_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, _probe.Answer(503, {}, b""))
    seen = http01_check.observe("a.test", [], "name", b"token")
    assert seen.addresses == ("203.0.113.10", "2001:db8::1")
    assert seen.failures == dict.fromkeys(seen.addresses, "HTTP status 503")
    assert seen.resolution == ""
