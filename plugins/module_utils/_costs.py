# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What resources cost a month, from their modules' normal forms and the prices of their region.

What is there the whole month is counted: an instance's hours, its disk, its address, a zone. What depends
on use (storage, traffic, queries) isn't, since nobody knows it beforehand: it is told with its unit price,
apart from what is free. What has no known price is named, and makes the total a "at least".

A new kind of resource needs a function in ``_KINDS``, or a place in ``_FREE_KINDS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from . import _prices as p

_CENT = Decimal("0.01")
_RUNNING = ("running", "pending")


class Resource(NamedTuple):
    """A resource and how it is, or will be: None if it isn't there. ``kind`` is its module's name."""

    phase: str
    role: str
    kind: str
    name: str
    state: Mapping[str, Any] | None


class Line(NamedTuple):
    """A part of a resource that costs the same each month. ``part`` is what it is called from run to run."""

    resource: Resource
    part: str
    what: str
    quantity: Decimal
    unit: str
    price: Decimal

    @property
    def usd(self) -> Decimal:
        """USD a month, in whole cents."""
        return (self.quantity * self.price).quantize(_CENT, ROUND_HALF_UP)

    def as_dict(self) -> dict[str, Any]:
        return {
            **{name: getattr(self.resource, name) for name in ("phase", "role", "kind", "name")},
            "what": self.what,
            "quantity": float(self.quantity),
            "unit": self.unit,
            "price": float(self.price),
            "usd": float(self.usd),
        }


@dataclass
class Estimate:
    """What some resources cost a month.

    usage: what is paid for by use, with its price; it isn't in the total.
    free: what is free each month, for ever.
    unknown: what has no known price; with any, the total is only the least that it can be.
    """

    prices: p.Prices
    resources: list[Resource]
    lines: list[Line] = field(default_factory=list)
    usage: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum((line.usd for line in self.lines), Decimal("0.00"))

    def by_phase(self) -> dict[str, Decimal]:
        """Return the total of each phase, in the order of the resources."""
        totals = {resource.phase: Decimal("0.00") for resource in self.resources}
        for line in self.lines:
            totals[line.resource.phase] += line.usd
        return totals

    def source(self) -> str:
        """Return where the prices come from: region, date and source."""
        return self.prices.words(self.used)

    def as_dict(self) -> dict[str, Any]:
        return {
            "total": float(self.total),
            "phases": {phase: float(total) for phase, total in self.by_phase().items()},
            "lines": [line.as_dict() for line in self.lines],
            "usage": self.usage,
            "free": self.free,
            "unknown": self.unknown,
            "source": self.source(),
        }


class _Fixed(NamedTuple):
    part: str
    what: str
    quantity: Any
    unit: str
    key: str


class _Usage(NamedTuple):
    text: str


class _Free(NamedTuple):
    text: str


class _Unknown(NamedTuple):
    text: str


_Part = _Fixed | _Usage | _Free | _Unknown  # pylint: disable=unsupported-binary-operation


def estimate(resources: Iterable[Resource], region: str, live: Mapping[str, Any] | None = None) -> Estimate:
    """Return what resources cost a month in a region.

    live: prices of the Price List API, by the keys of _prices; they go before the table's.
    """
    found = Estimate(p.prices(region, live), list(resources))
    for resource in found.resources:
        if resource.state is not None:
            for part in _parts(resource, found.prices):
                _add(found, resource, part)
    return found


def _parts(resource: Resource, prices: p.Prices) -> Iterator[_Part]:
    if resource.kind in _KINDS:
        yield from _KINDS[resource.kind](resource.state or {}, prices)
    elif resource.kind not in _FREE_KINDS:
        yield _Unknown(f"no price of a {resource.kind} is in our table")


def _add(found: Estimate, resource: Resource, part: _Fixed | _Usage | _Free | _Unknown) -> None:
    if isinstance(part, _Fixed):
        price = found.prices.get(part.key)
        if price is None:
            region = found.prices.region
            part = _Unknown(
                f"no price of {part.what} in {region} is in our table (costs_live_prices asks AWS)"
            )
        else:
            quantity = Decimal(str(part.quantity))
            found.lines.append(Line(resource, part.part, part.what, quantity, part.unit, price))
            found.used.append(part.key)
            return
    texts, text = found.unknown, part.text
    if isinstance(part, _Usage):
        texts = found.usage
    elif isinstance(part, _Free):
        texts = found.free
    else:
        text = f"{resource.name}: {text}"
    if text not in texts:
        texts.append(text)


def _ec2_host(state: Mapping[str, Any], prices: p.Prices) -> Iterator[_Part]:
    running = state.get("state", "running") in _RUNNING
    kind = state.get("instance_type")
    if kind and running:
        yield _Fixed("instance", kind, p.HOURS, "hours", p.instance_hour(kind))
    volume = state.get("volume")
    if volume and volume["type"] == "gp3":
        yield _Fixed("disk", f"disk, {volume['size']} GB gp3", volume["size"], "GB", p.GP3)
    elif volume:
        yield _Unknown(f"no price of a {volume['type']} disk is in our table (gp3's is)")
    # A fixed address is paid for whether the instance runs, stands still or is gone.
    if state.get("elastic_ip") or state.get("address"):
        yield _Fixed("address", "public IPv4 address", p.HOURS, "hours", p.IPV4)
    elif kind and running:
        month = _plain(prices.known(p.IPV4) * p.HOURS)
        yield _Usage(f"a public IPv4 address, if the subnet gives one: {month} a month")
    if kind:
        yield from _instance_usage(kind, state, prices)


def _instance_usage(kind: str, state: Mapping[str, Any], prices: p.Prices) -> Iterator[_Part]:
    family = kind.partition(".")[0]
    if state.get("cpu_credits") == "unlimited" and family in p.CREDITS:
        yield _Usage(
            f"CPU beyond {kind}'s baseline: {p.CREDITS[family]} per vCPU and hour (credits: unlimited)"
        )
    if state.get("monitoring"):
        metric = _plain(prices.known(p.METRIC))
        yield _Usage(f"detailed monitoring: 7 metrics at {metric} each, after {p.FREE['metrics']} free ones")
    yield _Usage(f"traffic out of the host: {_plain(prices.known(p.TRANSFER))} a GB")
    yield _Free(f"{p.FREE['transfer']} of traffic out")


def _hosted_zone(_state: Mapping[str, Any], _prices: p.Prices) -> Iterator[_Part]:
    yield _Fixed("zone", "hosted zone", 1, "zone", p.ZONE)
    yield _Usage(f"DNS queries: {p.MILLION['dns_queries']} a million")
    yield _Free("DNS queries for CloudFront's aliases")


def _s3_bucket(state: Mapping[str, Any], prices: p.Prices) -> Iterator[_Part]:
    stored, writes = _plain(prices.known(p.S3)), _plain(prices.known(p.S3_PUT))
    yield _Usage(f"S3: {stored} a GB and month, {writes} per 1,000 writes")
    if state.get("versioning") == "enabled":
        yield _Usage("S3 keeps noncurrent versions, paid for alike, until a lifecycle rule removes them")


def _cloudfront(_state: Mapping[str, Any], _prices: p.Prices) -> Iterator[_Part]:
    beyond = ", ".join(f"{price} in {where}" for where, price in p.EDGES.items())
    yield _Usage(f"CloudFront beyond what is free: {beyond} a GB")
    yield _Free(f"CloudFront's first {p.FREE['cloudfront']}")


def _certificate(_state: Mapping[str, Any], _prices: p.Prices) -> Iterator[_Part]:
    yield _Free("ACM's certificates")


def _parameters(_state: Mapping[str, Any], _prices: p.Prices) -> Iterator[_Part]:
    yield _Free("standard parameters")


_KINDS: dict[str, Callable[[Mapping[str, Any], p.Prices], Iterator[_Part]]] = {
    "acm_certificate": _certificate,
    "cloudfront_distribution": _cloudfront,
    "ec2_host": _ec2_host,
    "hosted_zone": _hosted_zone,
    "s3_bucket": _s3_bucket,
    "ssm_env": _parameters,
}

# What these do is paid for where it is done: an upload is a bucket's writes.
_FREE_KINDS = frozenset(
    {
        "ec2_key",
        "ec2_security_group",
        "instance_role",
        "key_pair",
        "s3_site_sync",
        "security_group",
    }
)


def _plain(number: Decimal) -> str:
    """Return a price as it is written: 0.50, 3.65, 0.0405."""
    text = f"{number.normalize():f}"
    whole, _dot, part = text.partition(".")
    return f"{whole}.{part.ljust(2, '0')}"
