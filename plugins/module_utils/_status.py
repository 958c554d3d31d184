# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the status makes of what was read: how each part is, and what to say of it.

Pure: facts in, one ``Status`` out. The terminal's text, the page and its drawing are made of that one thing.

``aws`` is what status_info returns. ``hosts`` has, by name, what was seen of each host: ``reached``, ``why``,
``host`` (host_status), ``release`` (laravel_release's info), ``runs`` (the newest first), ``probes`` and
``certificate`` (the summary role's). ``plan`` is what the callback plan wrote of a check run; None without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import _status_host, _status_money
from ._findings import ABSENT, OK, UNKNOWN, WARNING, WRONG, Finding, Section, count, worst
from ._status_host import Part, certificate
from ._when import both, duration, parse

DUMP_WARNING_HOURS, DUMP_LIMIT_HOURS = 26, 50
"""A dump is made each day, so one that is older has been missed; then two."""


@dataclass(frozen=True)
class Context:
    """Whose status it is, and when."""

    project: str
    environment: str
    region: str
    domain: str
    api_domain: str
    delivery: str
    now: datetime
    limit: float
    command: str = "ansible-playbook site.yml"


@dataclass(frozen=True)
class Status:
    """All there is to say."""

    context: Context
    account: str
    sections: Sequence[Section]
    parts: Mapping[str, Part]
    links: Mapping[str, str]
    todo: Sequence[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        return not count(self.sections, WRONG)

    @property
    def state(self) -> str:
        """How the whole is. What couldn't be looked at, or isn't there yet, is no fault."""
        for state in (WRONG, WARNING):
            if count(self.sections, state):
                return state
        return ABSENT if self.empty else OK

    @property
    def empty(self) -> bool:
        return all(part.state in (ABSENT, UNKNOWN) for part in self.parts.values())

    def headline(self) -> str:
        """Return the whole in a few words."""
        wrong, warnings = count(self.sections, WRONG), count(self.sections, WARNING)
        told = [_some(wrong, "thing is wrong", "things are wrong"), _some(warnings, "warning", "warnings")]
        if not any(told):
            return "Nothing exists yet" if self.empty else "All is well"
        if not wrong and not self.empty:
            told[0] = "All runs"
        return ", ".join(text for text in told if text)


def judge(
    context: Context, aws: Mapping[str, Any], hosts: Mapping[str, Any], plan: Mapping[str, Any] | None
) -> Status:
    """Return the status."""
    facts = _Facts(context, aws["facts"], aws["problems"])
    there = [*_resources(facts), *_data(facts)]
    seen = {name: _status_host.Seen(name, given) for name, given in hosts.items()}
    phase = Section("Phase 1", there)
    if all(finding.state == ABSENT for finding in there):
        says = f"nothing of it exists: {context.command} -t phase1"
        phase = Section("Phase 1", [Finding(ABSENT, "all parts", says)])
    sections = [
        Section("Site and API", _pages(facts, seen.values())),
        phase,
        *(Section(f"Host {name}", _status_host.findings(one, context.now)) for name, one in seen.items()),
        Section("Watch", [*_alarms(facts), _drift(context, plan)]),
        Section("Money", _status_money.findings(context.region, facts.facts, facts.problems, context.limit)),
    ]
    todo = _todo(facts, plan)
    if todo:
        sections.append(Section("To do by hand", [Finding(WARNING, "to do", text) for text in todo]))
    return Status(
        context=context,
        account=str(facts.facts.get("account", "")),
        sections=sections,
        parts=_parts(facts, list(seen.values()), [Section("", there), *sections]),
        links=_links(sections[0]),
        todo=todo,
    )


@dataclass(frozen=True)
class _Facts:
    """What AWS said, and what it didn't."""

    context: Context
    facts: Mapping[str, Any]
    problems: Mapping[str, str]

    def finding(self, name: str, subject: str) -> Finding | None:
        """Return why a thing couldn't be read, if so."""
        return Finding(UNKNOWN, subject, self.problems[name]) if name in self.problems else None

    def get(self, name: str) -> Any:
        return self.facts.get(name)


def _some(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


# Site and API


def _pages(facts: _Facts, hosts: Iterable[_status_host.Seen]) -> list[Finding]:
    found: list[Finding] = []
    probing = next((host for host in hosts if host.probes), None)
    if probing is None:
        says = "not asked: pages are asked for from the host, and none could be reached."
        if not facts.get("host"):
            says = "not asked: pages are asked for from the host, and there is none yet."
        found.append(Finding(ABSENT if not facts.get("host") else UNKNOWN, "pages", says))
    else:
        found += _status_host.pages(probing.probes, facts.context.api_domain)
        found.append(certificate(facts.context.api_domain, *probing.certificate, facts.context.now))
    if facts.get("certificate"):
        found.append(_site_certificate(facts))
    return found


def _site_certificate(facts: _Facts) -> Finding:
    given = facts.get("certificate")
    expires = parse(given["expires"])
    if given["status"] != "ISSUED" or expires is None:
        state = (
            WARNING
            if given["status"] == "PENDING_VALIDATION"
            else OK
            if given["status"] == "ISSUED"
            else WRONG
        )
        fix = (
            "Delegate the zone first; then run it again."
            if state == WARNING
            else "Look at it in ACM, us-east-1."
        )
        return Finding(state, "certificate", f"{facts.context.domain}: ACM says {given['status']}", fix)
    return certificate(facts.context.domain, expires, "ACM, which renews it", facts.context.now)


# Phase 1


def _resources(facts: _Facts) -> list[Finding]:
    found = [
        facts.finding("zone", "hosted zone") or _zone(facts),
        facts.finding("host", "host") or _host(facts),
        facts.finding("address", "address") or _address(facts),
    ]
    if facts.context.delivery != "website":
        found.insert(1, facts.finding("distribution", "CloudFront") or _distribution(facts))
    return found


def _zone(facts: _Facts) -> Finding:
    zone = facts.get("zone")
    if zone is None:
        return Finding(ABSENT, "hosted zone", "not there yet")
    delegation = zone["delegation"]
    says = f"{facts.context.domain}, {zone['records']} records"
    if delegation["live"] is None:
        return Finding(UNKNOWN, "hosted zone", f"{says}; its delegation isn't known: {delegation['problem']}")
    if not delegation["live"]:
        return Finding(
            WRONG,
            "hosted zone",
            f"{says}; the world doesn't find it",
            f"Set these name servers at your registrar: {', '.join(zone['servers'])}",
        )
    return Finding(OK, "hosted zone", f"{says}, delegated")


def _distribution(facts: _Facts) -> Finding:
    given = facts.get("distribution")
    if given is None:
        return Finding(ABSENT, "CloudFront", "not there yet")
    says = f"{given['id']}, {given['status']}"
    if not given["enabled"]:
        return Finding(
            WRONG, "CloudFront", f"{says}, switched off", f"Run: {facts.context.command} -t s3_site"
        )
    return Finding(OK if given["status"] == "Deployed" else WARNING, "CloudFront", says)


def _host(facts: _Facts) -> Finding:
    given = facts.get("host")
    if given is None:
        return Finding(ABSENT, "host", "not there yet")
    says = f"{given['instance_id']}, {given['instance_type']} in {given['zone']}, {given['state']}"
    launched = parse(given["launched"])
    if launched:
        says += f" since {both(launched, facts.context.now)}"
    if given["state"] == "pending":
        return Finding(WARNING, "host", says, "Wait a minute, and look again.")
    if given["state"] != "running":
        fix = f"Start it: aws ec2 start-instances --instance-ids {given['instance_id']}"
        return Finding(WRONG, "host", says, fix)
    checks = given.get("checks")
    if checks not in (None, "ok", "initializing"):
        fix = "Restart it from the console (Stop, then Start): it comes up on other hardware."
        return Finding(WRONG, "host", f"{says}; EC2's own checks say {checks}", fix)
    return Finding(OK, "host", says)


def _address(facts: _Facts) -> Finding:
    given, host = facts.get("address"), facts.get("host")
    if given is None:
        return Finding(ABSENT, "address", "not there yet")
    if host and given["instance_id"] != host["instance_id"]:
        fix = f"Run: {facts.context.command} -t ec2_host"
        return Finding(WRONG, "address", f"{given['ip']} isn't at the host", fix)
    if not given["instance_id"]:
        return Finding(WARNING, "address", f"{given['ip']} is at no instance, and paid for all the same")
    return Finding(OK, "address", given["ip"])


def _data(facts: _Facts) -> list[Finding]:
    found = []
    buckets = facts.get("buckets") or {}
    for use, bucket in buckets.items():
        says = bucket["name"] if bucket else "not there yet"
        found.append(Finding(OK if bucket else ABSENT, f"{use} bucket", says))
    if "buckets" in facts.problems:
        found.append(Finding(UNKNOWN, "buckets", facts.problems["buckets"]))
    found.append(facts.finding("dump", "last dump") or _dump(facts, bool(buckets.get("dumps"))))
    found.append(facts.finding("parameters", "parameters") or _parameters(facts))
    return found


def _dump(facts: _Facts, bucket: bool) -> Finding:
    given = facts.get("dump")
    if given is None:
        if not bucket:
            return Finding(ABSENT, "last dump", "none yet")
        fix = "The first is made in the night; or now, on the host: systemctl start mysql-dump"
        return Finding(WARNING, "last dump", "the bucket has none", fix)
    time = parse(given["time"])
    if time is None:
        return Finding(UNKNOWN, "last dump", given["key"])
    hours = (facts.context.now - time).total_seconds() / 3600
    state = OK if hours < DUMP_WARNING_HOURS else WARNING if hours < DUMP_LIMIT_HOURS else WRONG
    says = f"{both(time, facts.context.now)}, {_status_host.size(given['size'])}, {given['key']}"
    fix = "Look on the host: systemctl status mysql-dump.timer mysql-dump; journalctl -u mysql-dump"
    return Finding(state, "last dump", says, "" if state == OK else fix)


def _parameters(facts: _Facts) -> Finding:
    number = facts.get("parameters") or 0
    return Finding(
        OK if number else ABSENT, "parameters", f"{number} in Parameter Store" if number else "none yet"
    )


# What watches it


def _alarms(facts: _Facts) -> list[Finding]:
    failed = facts.finding("alarms", "alarms")
    if failed:
        return [failed]
    alarms = facts.get("alarms") or []
    if not alarms:
        return [Finding(ABSENT, "alarms", "none set up")]
    ringing = [alarm for alarm in alarms if alarm["state"] == "ALARM"]
    found = [
        Finding(WRONG, "alarm", f"{alarm['name']}: {alarm['reason']}", "Look at it in CloudWatch.")
        for alarm in ringing
    ]
    quiet = len(alarms) - len(ringing)
    if quiet:
        blind = sum(alarm["state"] == "INSUFFICIENT_DATA" for alarm in alarms)
        says = f"{quiet} of {len(alarms)} are quiet" + (f", {blind} of them without data" if blind else "")
        found.append(Finding(OK, "alarms", says))
    return found


def _drift(context: Context, plan: Mapping[str, Any] | None) -> Finding:
    if plan is None:
        return Finding(UNKNOWN, "drift", "not looked for: no check run was made.")
    if plan.get("failed"):
        return Finding(
            UNKNOWN, "drift", "not known: the check run failed.", f"See why: {context.command} --check"
        )
    changed = drift(plan)
    if not changed:
        return Finding(OK, "drift", "none: all is as the playbooks have it")
    more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
    says = f"{len(changed)} differ from the playbooks: {', '.join(changed[:5])}{more}"
    fix = f"See what would change: {context.command} --check --diff; put it right: {context.command}"
    return Finding(WARNING, "drift", says, fix)


def drift(plan: Mapping[str, Any]) -> list[str]:
    """Return what a plan would change, of phases that exist: of one that doesn't, all is yet to be made."""
    by_phase: dict[str, list[Mapping[str, Any]]] = {}
    for resource in plan.get("resources", ()):
        by_phase.setdefault(resource["phase"], []).append(resource)
    unborn = {
        phase
        for phase, resources in by_phase.items()
        if all(item["action"] == "create" for item in resources)
    }
    changed = [
        item["name"]
        for phase, resources in by_phase.items()
        if phase not in unborn
        for item in resources
        if item["action"] != "none"
    ]
    hosts = [
        f"{item['role']} on {item['host']}"
        for item in plan.get("host", ())
        if item["phase"] not in unborn and item["tasks"]
    ]
    return list(dict.fromkeys([*changed, *hosts]))


def _todo(facts: _Facts, plan: Mapping[str, Any] | None) -> list[str]:
    """Return what is left for a person to do; the delegation is told with the zone."""
    return [text for text in (plan or {}).get("hand_work", ()) if "name servers" not in text]


# The architecture


def _parts(facts: _Facts, hosts: Sequence[_status_host.Seen], sections: Sequence[Section]) -> dict[str, Part]:
    states = {finding.subject: finding.state for section in sections for finding in section.findings}
    buckets = facts.get("buckets") or {}
    unread = UNKNOWN if "buckets" in facts.problems else ABSENT

    def bucket(use: str, title: str, lines: Sequence[str] = ()) -> Part:
        given = buckets.get(use)
        return Part(title, OK if given else unread, lines if given else ())

    zone, distribution, address = facts.get("zone"), facts.get("distribution"), facts.get("address")
    parts = {
        "zone": Part("Route 53", states["hosted zone"], [facts.context.domain] if zone else []),
        "site": bucket("site", "Site", ["React on S3"]),
        "documents": bucket("documents", "Documents", ["S3, private"]),
        "dumps": _dumps(facts, bucket("dumps", "Dumps", ["S3, private"]), states["last dump"]),
        "parameters": Part(
            "Parameters",
            states["parameters"],
            [f"{facts.get('parameters')} stored"] if facts.get("parameters") else [],
        ),
        "host": Part(
            "EC2",
            WRONG if any(not one.reached for one in hosts) else states["host"],
            [facts.get("host")["instance_type"], address["ip"] if address else "no fixed address"]
            if facts.get("host")
            else [],
        ),
    }
    if facts.context.delivery != "website":
        lines = [facts.context.domain, *_expiry(facts)] if distribution else []
        parts["cloudfront"] = Part("CloudFront", states["CloudFront"], lines)
    inside = _status_host.parts(hosts, bool(facts.get("host")), states, facts.context.now)
    return {**parts, **inside}


def _links(pages: Section) -> dict[str, str]:
    """Return how the two ways in are: the site's and the API's."""
    found = {
        way: [finding for finding in pages.findings if finding.subject == subject]
        for way, subject in (("site", "site"), ("api", "API"))
    }
    return {way: worst(given) if given else UNKNOWN for way, given in found.items()}


def _expiry(facts: _Facts) -> list[str]:
    expires = parse((facts.get("certificate") or {}).get("expires", ""))
    return [f"TLS for {duration(expires - facts.context.now)}"] if expires else []


def _dumps(facts: _Facts, part: Part, last: str) -> Part:
    time = parse((facts.get("dump") or {}).get("time", ""))
    if part.state != OK or time is None:
        return part if part.state != OK else Part(part.title, last, ["none yet"])
    return Part(part.title, last, [f"{duration(facts.context.now - time)} old"])
