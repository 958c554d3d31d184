"""The page: one file that needs no other, out of which no text breaks."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _status, _status_drawing
from ansible_collections.andamio.laravel_aws.plugins.module_utils._findings import ABSENT, OK, WRONG
from ansible_collections.andamio.laravel_aws.plugins.module_utils._status_drawing import TALL, WIDE, Layout
from ansible_collections.andamio.laravel_aws.plugins.module_utils._status_page import page

from .status_cases import HOST, NOTHING, context, facts, judged, machine, seen

EVIL = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>"


class Tags(HTMLParser):
    """The elements of a page, and whether each is closed."""

    VOID = ("meta", "link", "img", "br", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @property
    def names(self) -> set[str]:
        return {tag for tag, _attributes in self.seen}


def empty() -> _status.Status:
    return _status.judge(context(), {"facts": NOTHING, "problems": {}}, {}, None)


def evil() -> _status.Status:
    """An environment whose every name is an attack."""
    host = seen(host=machine(failed_units=[EVIL]), certificate={"issuer": EVIL, "not_after": ""})
    host["release"]["status"]["live"] = EVIL
    host["release"]["status"]["releases"][0]["id"] = EVIL
    host["probes"][0][0] = {"says": EVIL, "url": f"https://{EVIL}/", "status": 200}
    zone = {**facts()["zone"], "servers": [EVIL], "delegation": {"live": False, "found": [], "problem": EVIL}}
    given = facts(zone=zone, address={"ip": EVIL, "instance_id": EVIL}, account=EVIL)
    names = {"project": EVIL, "environment": EVIL, "domain": EVIL, "api_domain": EVIL, "command": EVIL}
    return judged(given, hosts={EVIL: host}, problems={"spent": EVIL}, **names)


@pytest.mark.parametrize("status", [judged(), empty(), evil()], ids=["well", "empty", "evil"])
def test_every_element_is_closed_and_none_is_from_elsewhere(status: _status.Status) -> None:
    text = page(status)
    tags = Tags(text)
    assert tags.open == []
    assert not tags.names & {"script", "img", "link", "iframe", "object", "form", "image", "use", "a"}
    attributes = {name for _tag, given in tags.seen for name in given}
    assert not {name for name in attributes if name.startswith("on") or name in ("src", "href", "style")}
    assert not re.search(r"@import|url\((?!#)", text)
    assert "default-src 'none'" in text


def test_what_it_says() -> None:
    text = page(judged())
    assert "<title>academia test: All is well</title>" in text
    assert '<time datetime="2026-11-24T18:40:00Z">2026-11-24 18:40 UTC</time>' in text
    assert "What needs you" not in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_what_needs_a_person_comes_first() -> None:
    text = page(judged(hosts={HOST: seen(host=machine(restart_required=True))}))
    assert text.index("What needs you") < text.index("<svg") < text.index("Site and API")


def parsed(status: _status.Status, layout: Layout) -> ElementTree.Element:
    return ElementTree.fromstring(_status_drawing.drawing(status, layout))  # noqa: S314 - our own text


@pytest.mark.parametrize("layout", [WIDE, TALL], ids=["wide", "tall"])
class TestDrawing:
    def test_it_is_well_formed_and_named(self, layout: Layout) -> None:
        for status in (judged(), empty(), evil()):
            root = parsed(status, layout)
            assert root.find("title") is not None
            assert root.find("desc") is not None
            assert root.attrib["role"] == "img"

    def test_every_part_is_in_it(self, layout: Layout) -> None:
        text = "".join(parsed(judged(), layout).itertext())
        for part in (
            "Visitors",
            "Route 53",
            "CloudFront",
            "Site",
            "EC2",
            "nginx",
            "PHP-FPM",
            "Laravel",
            "MySQL",
        ):
            assert part in text
        for part in ("Documents", "Dumps", "Parameters", "v1.2-8c1f0e6a2b94", "203.0.113.7"):
            assert part in text

    def test_states_are_classes(self, layout: Layout) -> None:
        def states(status: _status.Status) -> set[str]:
            groups = [item.attrib["class"].split() for item in parsed(status, layout).iter("g")]
            return {given[1] for given in groups if "visitors" not in given}

        assert states(judged()) == {OK}
        assert states(empty()) == {ABSENT}
        broken = judged(hosts={HOST: seen(host=machine(units={"nginx": "active", "mysql": "failed"}))})
        assert states(broken) == {OK, WRONG}

    def test_a_way_is_red_where_what_comes_through_is_wrong(self, layout: Layout) -> None:
        def ways(status: _status.Status) -> list[str]:
            return [
                item.attrib["class"].split()[1]
                for item in parsed(status, layout).iter("path")
                if item.attrib["class"].startswith("way")
            ]

        assert set(ways(judged())) == {OK}
        assert set(ways(empty())) == {ABSENT}
        given = seen()
        given["probes"][2][1] = 502
        assert ways(judged(hosts={HOST: given})).count(WRONG) == 1

    def test_without_cloudfront_the_way_leads_to_the_bucket(self, layout: Layout) -> None:
        status = judged(facts(distribution=None, certificate=None), delivery="website")
        text = "".join(parsed(status, layout).itertext())
        assert "CloudFront" not in text
        assert (
            len(list(parsed(judged(), layout).iter("path")))
            == len(list(parsed(status, layout).iter("path"))) + 1
        )

    def test_nothing_lies_outside_or_on_another(self, layout: Layout) -> None:
        boxes = {**layout.boxes, "host": layout.group}
        for name, box in boxes.items():
            assert box.x >= 0, name
            assert box.x + box.width <= layout.width, name
            assert box.y + box.height <= layout.height, name
        inside = ("nginx", "php", "mysql", "release")
        for name, box in layout.boxes.items():
            for other, another in layout.boxes.items():
                apart = (
                    box.x + box.width <= another.x
                    or another.x + another.width <= box.x
                    or box.y + box.height <= another.y
                    or another.y + another.height <= box.y
                )
                assert apart or name == other, (name, other)
            if name in inside:
                assert layout.group.x < box.x
                assert box.y + box.height < layout.group.y + layout.group.height

    def test_text_that_is_too_long_is_cut(self, layout: Layout) -> None:
        status = judged(domain=f"{'long' * 15}.test")
        texts = [item.text or "" for item in parsed(status, layout).iter("text")]
        assert max(map(len, texts)) < 60
        assert any(text.endswith("…") for text in texts)
