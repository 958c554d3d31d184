"""One spelling for names and values, whoever wrote them."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _dns_records as dns
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("", "academia.test."),
        ("@", "academia.test."),
        ("academia.test", "academia.test."),
        ("Academia.test.", "academia.test."),
        ("api", "api.academia.test."),
        ("API.Academia.Test", "api.academia.test."),
        ("_dmarc", "_dmarc.academia.test."),
        ("*", "*.academia.test."),
        ("\\052.academia.test.", "*.academia.test."),
        ("notacademia.test", "notacademia.test.academia.test."),
    ],
)
def test_names(name: str, full: str) -> None:
    assert dns.in_zone(name, "academia.test") == full


def test_a_full_name_of_another_zone() -> None:
    with pytest.raises(ValueError, match=r"api.other.test. isn't in the zone academia.test."):
        dns.in_zone("api.other.test.", "Academia.test")


@pytest.mark.parametrize(
    ("kind", "text", "spelled"),
    [
        ("A", " 198.51.100.7 ", "198.51.100.7"),
        ("AAAA", "2001:DB8:0:0::1", "2001:db8::1"),
        ("CNAME", "Target.Example", "target.example."),
        ("MX", "10  Mail.Example.", "10 mail.example."),
        ("SRV", "1 10 5060 sip.Example", "1 10 5060 sip.example."),
        ("CAA", "0 issue letsencrypt.org", '0 issue "letsencrypt.org"'),
        (
            "CAA",
            '0  ISSUE "letsencrypt.org; validationmethods=http-01"',
            '0 issue "letsencrypt.org; validationmethods=http-01"',
        ),
        ("CAA", '0 issue ";"', '0 issue ";"'),
        ("TXT", "v=spf1 -all", '"v=spf1 -all"'),
        ("TXT", '"v=spf1 -all"', '"v=spf1 -all"'),
        ("TXT", '"one"   "two"', '"one" "two"'),
        ("TXT", 'say "hi"', '"say \\"hi\\""'),
        ("TXT", "", '""'),
        ("TXT", "ñ", '"\\303\\261"'),
        ("TXT", '"\\303\\261"', '"\\303\\261"'),
        ("TXT", "k" * 300, f'"{"k" * 255}" "{"k" * 45}"'),
        ("DS", "1 2 3 ABC", "1 2 3 ABC"),
    ],
)
def test_values(kind: str, text: str, spelled: str) -> None:
    assert dns.value(kind, text) == spelled


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("A", "api.academia.test", "no IP address"),
        ("A", "2001:db8::1", "IPv6 address; A takes the other"),
        ("AAAA", "198.51.100.7", "IPv4 address; AAAA takes the other"),
        ("CAA", "letsencrypt.org", "no CAA value such as"),
        ("TXT", '"open', "quote that isn't closed"),
        ("TXT", '"a" b', "outside of quotes"),
        ("TXT", f'"{"k" * 256}"', "more than 255 bytes"),
    ],
)
def test_values_that_cannot_be(kind: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        dns.value(kind, text)


@given(st.text().filter(lambda text: not text.strip().startswith('"')))
def test_a_txt_value_stays_the_same_when_it_comes_back(text: str) -> None:
    once = dns.value("TXT", text)
    assert once.isascii()
    assert dns.value("TXT", once) == once
