"""DNS messages, read and written."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _resolver
from ansible_collections.andamio.laravel_aws.plugins.module_utils._resolver import Record, parse, question
from hypothesis import given
from hypothesis import strategies as st

NAME = b"\x03api\x08academia\x04test\x00"
POINTER = b"\xc0\x0c"


def message(*answers: tuple[int, bytes], flags: int = 0x8180, identifier: int = 7) -> bytes:
    """An answer about api.academia.test whose records' names point back to the question."""
    head = struct.pack("!6H", identifier, flags, 1, len(answers), 0, 0) + NAME + struct.pack("!2H", 1, 1)
    records = [POINTER + struct.pack("!2HIH", number, 1, 60, len(data)) + data for number, data in answers]
    return head + b"".join(records)


def test_a_question() -> None:
    assert question("api.academia.test.", "A", 7) == (
        struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + NAME + struct.pack("!2H", 1, 1)
    )


def test_a_name_of_other_letters_is_asked_for_in_ascii() -> None:
    assert b"xn--maana-pta" in question("mañana.test", "A", 7)


@pytest.mark.parametrize("name", ["", "a..test", "x" * 64 + ".test", "."])
def test_what_can_be_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="no host name"):
        question(name, "A", 7)


def test_records_are_read_and_strange_ones_skipped() -> None:
    reply = parse(
        message(
            (5, b"\x03WEB" + b"\xc0\x10"),
            (1, bytes([203, 0, 113, 10])),
            (28, bytes.fromhex("20010db8000000000000000000000001")),
            (16, b"\x05hello"),
            (2, b"\x02ns" + b"\xc0\x10"),
        )
    )
    assert reply.verdict == "NOERROR"
    assert reply.records == (
        Record("api.academia.test", "CNAME", "web.academia.test"),
        Record("api.academia.test", "A", "203.0.113.10"),
        Record("api.academia.test", "AAAA", "2001:db8::1"),
        Record("api.academia.test", "NS", "ns.academia.test"),
    )


@pytest.mark.parametrize(
    ("flags", "verdict"), [(0x8183, "NXDOMAIN"), (0x8182, "SERVFAIL"), (0x818B, "RCODE11")]
)
def test_verdicts(flags: int, verdict: str) -> None:
    assert parse(message(flags=flags)).verdict == verdict


def test_a_cut_off_answer_says_so() -> None:
    assert parse(message(flags=0x8380)).truncated


def test_a_name_that_points_to_itself_ends() -> None:
    looped = struct.pack("!6H", 7, 0x8180, 0, 1, 0, 0) + b"\xc0\x0c" + struct.pack("!2HIH", 1, 1, 60, 0)
    with pytest.raises(ValueError, match="never ends"):
        parse(looped)


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_a_value_error(noise: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(noise)


@given(st.integers(min_value=0, max_value=60))
def test_every_cut_of_an_answer_is_an_error(length: int) -> None:
    whole = message((1, bytes([203, 0, 113, 10])))
    with pytest.raises(ValueError, match="damaged"):
        parse(whole[: min(length, len(whole) - 1)])


def test_resolvers_of_a_resolv_conf() -> None:
    text = "# nameserver 1.1.1.1\nsearch test\nnameserver 10.0.0.2\nnameserver fe80::1\nnameserver\n"
    assert _resolver.nameservers(text) == ["10.0.0.2", "fe80::1"]


def test_without_an_answer_the_error_tells_of_each_resolver() -> None:
    with pytest.raises(_resolver.LookupFailed, match="no resolver"):
        _resolver.lookup("a.test", "A", [])


def test_a_late_answer_to_another_question_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        asked, client = server.recvfrom(512)
        (identifier,) = struct.unpack_from("!H", asked)
        server.sendto(message((1, bytes(4)), identifier=identifier ^ 1), client)
        server.sendto(message((1, bytes([203, 0, 113, 10])), identifier=identifier), client)

    thread = threading.Thread(target=serve)
    thread.start()
    connect = socket.socket.connect
    monkeypatch.setattr(
        socket.socket, "connect", lambda self, where: connect(self, ("127.0.0.1", server.getsockname()[1]))
    )
    reply = _resolver.lookup("api.academia.test", "A", ["127.0.0.1"])
    thread.join()
    server.close()
    assert [record.value for record in reply.records] == ["203.0.113.10"]
