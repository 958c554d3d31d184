"""An environment to judge: healthy, unless a test changes something of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.andamio.laravel_aws.plugins.module_utils import _status

NOW = datetime(2026, 11, 24, 18, 40, tzinfo=UTC)
HOST = "i-0a1b2c3d4e5f67890"
RELEASE = "v1.2-8c1f0e6a2b94"

PAGES = (
    ("the site answers", "https://academia.test/", 200),
    ("www goes to the apex", "https://www.academia.test/", 301),
    ("the API is up", "https://api.academia.test/up", 200),
    ("the API insists on HTTPS", "http://api.academia.test/up", 301),
)


def context(**changes: Any) -> _status.Context:
    given = {
        "project": "academia",
        "environment": "test",
        "region": "us-east-1",
        "domain": "academia.test",
        "api_domain": "api.academia.test",
        "delivery": "cloudfront",
        "now": NOW,
        "limit": 20.0,
    }
    return _status.Context(**given | changes)


def facts(**changes: Any) -> dict[str, Any]:
    """What status_info returns."""
    return {
        "account": "123456789012",
        "buckets": {
            use: {"name": f"academia-test-{use}", "created": "2026-11-01T10:00:00Z"}
            for use in ("site", "documents", "dumps")
        },
        "dump": {"key": "laravel/a.sql.gz", "size": 1843200, "time": "2026-11-24T03:12:47Z"},
        "parameters": 23,
        "host": {
            "instance_id": HOST,
            "instance_type": "t4g.micro",
            "state": "running",
            "zone": "us-east-1a",
            "launched": "2026-11-01T10:04:00Z",
            "checks": "ok",
        },
        "volume": {"size": 12, "type": "gp3"},
        "address": {"ip": "203.0.113.7", "instance_id": HOST},
        "zone": {
            "id": "Z1",
            "records": 9,
            "servers": ["ns-1", "ns-2"],
            "delegation": {"live": True, "found": [], "problem": None},
        },
        "distribution": {"id": "E1", "enabled": True, "status": "Deployed", "certificate": "arn"},
        "certificate": {"status": "ISSUED", "expires": "2027-12-01T00:00:00Z", "renewal": ""},
        "alarms": [],
        "spent": {"amount": 7.42, "unit": "USD", "since": "2026-11-01"},
        **changes,
    }


NOTHING: dict[str, Any] = {
    "account": "123456789012",
    "buckets": dict.fromkeys(("site", "documents", "dumps")),
    "parameters": 0,
    "alarms": [],
    **dict.fromkeys(
        ("dump", "host", "volume", "address", "zone", "distribution", "certificate", "spent"),
    ),
}


def seen(**changes: Any) -> dict[str, Any]:
    """What the role's entry point host tells."""
    live = {
        "id": RELEASE,
        "state": "live",
        "created": "2026-11-24T15:02:11Z",
        "owner": "ana@laptop",
        "php_fpm": True,
    }
    run = {
        "time": "2026-11-24T15:02:22Z",
        "action": "deploy",
        "outcome": "live",
        "release": RELEASE,
        "seconds": 11.2,
    }
    return {
        "reached": True,
        "host": machine(),
        "release": {
            "status": {
                "live": RELEASE,
                "maintenance": False,
                "workers": {"laravel-worker@1": "ok"},
                "under_way": None,
                "releases": [live],
            }
        },
        "runs": [run],
        "probes": [[{"says": says, "url": url, "status": status}, status] for says, url, status in PAGES],
        "certificate": {"issuer": "C = US, O = LE, CN = R11", "not_after": "Feb 22 10:00:00 2027 GMT"},
        **changes,
    }


def machine(**changes: Any) -> dict[str, Any]:
    """What host_status returns."""
    return {
        "disk": {"total": 12 * 10**9, "used": 4 * 10**9, "available": 8 * 10**9},
        "memory": {"total_mb": 916, "used_mb": 612},
        "swap": {"total_mb": 1024, "used_mb": 132},
        "load": [0.12, 0.08, 0.05],
        "cpus": 2,
        "uptime": 1990000,
        "failed_units": [],
        "units": {"nginx": "active", "mysql": "active"},
        "restart_required": False,
        **changes,
    }


def plan(*resources: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the callback writes of a check run."""
    none = {"phase": "phase1", "name": "zone academia.test", "action": "none"}
    return {"resources": [none, *resources], "host": [], "hand_work": [], "failed": False, **changes}


def judged(
    given: dict[str, Any] | None = None,
    hosts: dict[str, Any] | None = None,
    planned: dict[str, Any] | None = None,
    problems: dict[str, str] | None = None,
    **changes: Any,
) -> _status.Status:
    """Judge, healthy where nothing else is given."""
    return _status.judge(
        context(**changes),
        {"facts": facts() if given is None else given, "problems": problems or {}},
        {HOST: seen()} if hosts is None else hosts,
        plan() if planned is None else planned,
    )
