"""The question for a zone's name servers, asked of resolvers on this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _delegation
from ansible_collections.andamio.laravel_aws.plugins.module_utils._delegation import Delegation, delegation

ZONE = "academia.test"
SERVERS = ["ns-1.awsdns-01.com", "ns-2.awsdns-02.net"]


def reply(query: bytes, servers: list[str], rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(query))
    message.set_rcode(rcode)
    if servers:
        texts = [f"{name}." for name in servers]
        message.answer.append(dns.rrset.from_text(f"{ZONE}.", 60, "IN", "NS", *texts))
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


def test_it_is_live_when_the_world_finds_these_servers() -> None:
    with resolver(lambda query: [reply(query, SERVERS[::-1])]) as address:
        found = delegation(ZONE, ["NS-2.awsdns-02.net.", "ns-1.awsdns-01.com."], [address])
    assert found == Delegation(True, SERVERS)


def test_it_is_not_live_when_the_world_finds_others() -> None:
    with resolver(lambda query: [reply(query, ["ns.registrar.example"])]) as address:
        assert delegation(ZONE, SERVERS, [address]) == Delegation(False, ["ns.registrar.example"])


def test_it_is_not_live_when_the_world_knows_no_such_zone() -> None:
    with resolver(lambda query: [reply(query, [], dns.rcode.NXDOMAIN)]) as address:
        assert delegation(ZONE, SERVERS, [address]) == Delegation(False, [])


def test_a_foreign_answer_is_passed_over() -> None:
    def both(query: bytes) -> list[bytes]:
        foreign = bytes([query[0] ^ 1]) + reply(query, ["ns.evil.example"])[1:]
        return [foreign, reply(query, SERVERS)]

    with resolver(both) as address:
        assert delegation(ZONE, SERVERS, [address]).live


def test_the_next_resolver_is_asked() -> None:
    with (
        resolver(lambda query: [reply(query, [], dns.rcode.REFUSED)]) as first,
        resolver(lambda query: [reply(query, SERVERS)]) as second,
    ):
        assert delegation(ZONE, SERVERS, [first, second]).live


def test_silence_is_not_taken_for_an_answer() -> None:
    with resolver(lambda query: []) as address:
        found = delegation(ZONE, SERVERS, [address], timeout=0.1)
    assert (found.live, found.found, found.problem) == (None, [], f"{address}: timed out")


def test_this_machines_resolvers_are_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = tmp_path / "resolv.conf"
    monkeypatch.setattr(_delegation, "RESOLV_CONF", conf)
    assert delegation(ZONE, SERVERS, []).problem == "no resolver is set in /etc/resolv.conf"
    with resolver(lambda query: [reply(query, SERVERS)]) as address:
        conf.write_text(f"nameserver {address}\n")
        assert delegation(ZONE, SERVERS, []).live
