"""Route 53's zones as zone files for unbound."""

from __future__ import annotations

import re
from typing import Any

from sandbox import cloud, config, pki
from sandbox.world.account import Zone

# An alias of these has no record of its own: it is the edge that answers for them.
EDGE_NAMES = re.compile(r"(\.cloudfront\.net|(^|\.)s3-website[.-][a-z0-9-]+\.amazonaws\.com)\.?$")
# Record types whose value ends in a name. Route 53 takes every name as absolute, a zone file doesn't.
NAME_TYPES = {"CNAME", "MX", "NS", "PTR", "SRV"}
START_OF_AUTHORITY = "ns.andamio.test. hostmaster.andamio.test. 1 7200 900 1209600 60"
FOLDER = config.CLOUD_FILES / "unbound"


def unescape(name: str) -> str:
    """A name as a zone file has it; the API writes a wildcard's star as ``\\052``."""
    return name.replace("\\052", "*").lower()


def zone_file(zone: Zone) -> str:
    """A zone as a zone file, aliases followed."""
    by_key = {(unescape(record["Name"]), record["Type"]): record for record in zone.records}
    lines = [f"{zone.name} 900 IN SOA {START_OF_AUTHORITY}"]
    for (name, kind), record in sorted(by_key.items()):
        ttl, values = answer(record, by_key)
        lines += [f"{name} {ttl} IN {kind} {absolute(kind, value)}" for value in values if kind != "SOA"]
    return "\n".join(lines) + "\n"


def absolute(kind: str, value: str) -> str:
    """A record's value with the dot that makes its name absolute."""
    return value.rstrip(".") + "." if kind in NAME_TYPES else value


def answer(
    record: dict[str, Any], by_key: dict[tuple[str, str], dict[str, Any]], depth: int = 0
) -> tuple[int, list[str]]:
    """A record set's TTL in seconds and its values; an alias has those of what it points to."""
    alias = record.get("AliasTarget")
    if alias is None:
        return record.get("TTL", 300), [entry["Value"] for entry in record.get("ResourceRecords", [])]
    target = alias["DNSName"].lower().rstrip(".") + "."
    if EDGE_NAMES.search(target):
        # The sandbox has no IPv6: an AAAA alias is there, and empty.
        return 60, [config.CLOUD_ADDRESS] if record["Type"] == "A" else []
    other = by_key.get((target, record["Type"]))
    if other is None or depth > 8:
        return 60, []
    return answer(other, by_key, depth + 1)


def file_name(zone: Zone) -> str:
    return f"{zone.name.rstrip('.')}.{zone.identifier}.zone"


def server_config(zones: tuple[Zone, ...]) -> str:
    """unbound's clauses that make it answer from the zone files."""
    return "".join(
        f'auth-zone:\n  name: "{zone.name}"\n  zonefile: "/cloud/unbound/{file_name(zone)}"\n'
        "  for-upstream: yes\n  for-downstream: no\n  fallback-enabled: no\n"
        for zone in first_of_each(zones)
    )


def first_of_each(zones: tuple[Zone, ...]) -> list[Zone]:
    """One zone a name: of two zones of one name, a registrar delegates to one."""
    chosen: dict[str, Zone] = {}
    for zone in zones:
        chosen.setdefault(zone.name, zone)
    return [chosen[name] for name in sorted(chosen)]


def files(zones: tuple[Zone, ...]) -> dict[str, str]:
    """All of unbound's files that come from the account, by name."""
    return {
        "zones.conf": server_config(zones),
        **{file_name(zone): zone_file(zone) for zone in first_of_each(zones)},
    }


def converge(zones: tuple[Zone, ...]) -> bool:
    """Make DNS answer as the zones say. Gives whether that changed anything."""
    wanted = files(zones)
    have = {path.name: path.read_text() for path in FOLDER.iterdir() if path.suffix == ".zone"}
    have["zones.conf"] = (FOLDER / "zones.conf").read_text()
    if have == wanted:
        return False
    for name, text in sorted(wanted.items(), key=lambda item: item[0] == "zones.conf"):
        pki.write(FOLDER / name, text.encode())
    cloud.reload_dns()
    for name in set(have) - set(wanted):
        (FOLDER / name).unlink()
    return True
