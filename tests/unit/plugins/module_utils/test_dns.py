"""The NS question against messages that dnspython writes, and against a resolver on this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _dns

ZONE = "academia.test"
SERVERS = ["ns-1.awsdns-01.com", "ns-2.awsdns-02.net"]


def reply(
    query: bytes, servers: list[str], rcode: dns.rcode.Rcode = dns.rcode.NOERROR, flags: int = 0
) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(query))
    message.set_rcode(rcode)
    message.flags |= flags
    if servers:
        message.answer.append(
            dns.rrset.from_text(f"{ZONE}.", 60, "IN", "NS", *[f"{name}." for name in servers])
        )
    return message.to_wire()


@contextmanager
def resolver(respond: Callable[[bytes], list[bytes]]) -> Iterator[str]:
    """Answer one question on a free loopback port; yield the resolver's address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        link.settimeout(5)

        def serve() -> None:
            query, client = link.recvfrom(4096)
            for message in respond(query):
                link.sendto(message, client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield "{}#{}".format(*link.getsockname())
        thread.join()


def test_the_question_is_one_that_others_understand() -> None:
    message = dns.message.from_wire(_dns.question(7, "Academia.test."))
    assert message.id == 7
    assert message.flags & dns.flags.RD
    assert message.question[0].to_text() == "academia.test. IN NS"


def test_a_compressed_answer_is_read() -> None:
    assert _dns.answer(reply(_dns.question(7, ZONE), SERVERS)) == SERVERS


def test_a_name_that_does_not_exist_has_no_servers() -> None:
    assert _dns.answer(reply(_dns.question(7, ZONE), [], dns.rcode.NXDOMAIN)) == []


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (reply(_dns.question(7, ZONE), [], dns.rcode.SERVFAIL), "SERVFAIL"),
        (reply(_dns.question(7, ZONE), [], flags=dns.flags.TC), "cut off"),
        (b"\0\7\x81\x80\0\0\0\1\0\0\0\0\xc0\x0c", "no DNS message"),
        (b"\0\7", "no DNS message"),
    ],
)
def test_what_says_nothing_is_no_answer(message: bytes, problem: str) -> None:
    with pytest.raises(_dns.NoAnswer, match=problem):
        _dns.answer(message)


def test_a_delegation_is_live_when_the_world_finds_these_servers() -> None:
    with resolver(lambda query: [reply(query, SERVERS)]) as address:
        found = _dns.delegation(ZONE, ["NS-2.awsdns-02.net.", "ns-1.awsdns-01.com."], [address])
    assert found == _dns.Delegation(True, SERVERS)


def test_a_delegation_to_others_is_not_live() -> None:
    with resolver(lambda query: [reply(query, ["ns.registrar.example"])]) as address:
        found = _dns.delegation(ZONE, SERVERS, [address])
    assert found == _dns.Delegation(False, ["ns.registrar.example"])


def test_a_foreign_answer_is_passed_over() -> None:
    def both(query: bytes) -> list[bytes]:
        foreign = bytes([query[0] ^ 1]) + reply(query, ["ns.evil.example"])[1:]
        return [foreign, reply(query, SERVERS)]

    with resolver(both) as address:
        assert _dns.name_servers(ZONE, [address]) == SERVERS


def test_the_next_resolver_is_asked() -> None:
    with (
        resolver(lambda query: [reply(query, [], dns.rcode.REFUSED)]) as first,
        resolver(lambda query: [reply(query, SERVERS)]) as second,
    ):
        assert _dns.name_servers(ZONE, [first, second]) == SERVERS


def test_silence_is_not_taken_for_an_answer() -> None:
    with resolver(lambda query: []) as address:
        found = _dns.delegation(ZONE, SERVERS, [address], timeout=0.1)
    assert (found.live, found.found) == (None, [])
    assert found.problem == f"{address}: timed out"


def test_resolvers_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# made by hand\nsearch lan\nnameserver 192.0.2.1\nnameserver\nnameserver fe80::1%eth0\n")
    assert _dns.system_resolvers(path) == ["192.0.2.1", "fe80::1%eth0"]
    assert _dns.system_resolvers(tmp_path / "none") == []
