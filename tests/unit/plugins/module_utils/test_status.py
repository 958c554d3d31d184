"""What the status makes of what was read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _status
from ansible_collections.andamio.laravel_aws.plugins.module_utils._findings import (
    ABSENT,
    OK,
    UNKNOWN,
    WARNING,
    WRONG,
    Finding,
)

from .status_cases import HOST, NOTHING, RELEASE, context, facts, judged, machine, plan, seen


def found(status: _status.Status, subject: str) -> Finding:
    """The worst finding of a subject, which is told first."""
    return next(item for section in status.sections for item in section.findings if item.subject == subject)


def unwell(status: _status.Status) -> dict[str, str]:
    return {
        item.subject: item.state
        for section in status.sections
        for item in section.findings
        if item.state in (WRONG, WARNING)
    }


def on_host(**changes: Any) -> _status.Status:
    return judged(hosts={HOST: seen(host=machine(**changes))})


def test_all_is_well() -> None:
    status = judged()
    assert unwell(status) == {}
    assert (status.healthy, status.headline(), status.state) == (True, "All is well", OK)
    assert {part.state for part in status.parts.values()} == {OK}
    assert set(status.links.values()) == {OK}
    assert [section.title for section in status.sections] == [
        "Site and API",
        "Phase 1",
        f"Host {HOST}",
        "Watch",
        "Money",
    ]


def test_nothing_exists() -> None:
    status = _status.judge(context(), {"facts": NOTHING, "problems": {}}, {}, None)
    assert (status.healthy, status.headline(), status.state) == (True, "Nothing exists yet", ABSENT)
    assert {part.state for part in status.parts.values()} == {ABSENT}
    assert found(status, "all parts").says.endswith("-t phase1")
    assert found(status, "estimate").says.startswith("0.00 USD")


def test_a_host_that_cannot_be_reached() -> None:
    status = judged(hosts={HOST: {"reached": False, "why": "Task failed: Connection refused"}})
    assert found(status, "pages").state == UNKNOWN
    assert {part.state for name, part in status.parts.items() if name in ("nginx", "mysql")} == {UNKNOWN}
    assert status.parts["host"].state == WRONG
    (unreached,) = next(section for section in status.sections if section.title.startswith("Host")).findings
    assert unreached.says == "can't be reached: Connection refused"


def test_pages_that_do_not_answer_as_they_should() -> None:
    given = seen()
    given["probes"][2][1] = 502
    status = judged(hosts={HOST: given})
    assert found(status, "API").says == (
        "status 502 instead of 200 from https://api.academia.test/up (the API is up)"
    )
    assert "make rollback" in found(status, "API").fix
    assert status.links == {"site": OK, "api": WRONG}
    for probe in given["probes"]:
        probe[1] = -1
    assert found(judged(hosts={HOST: given}), "site").says == (
        "no answer from any of 2 pages, such as https://academia.test/"
    )


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ("Dec 16 18:39:59 2026 GMT", OK),
        ("Dec 15 18:39:59 2026 GMT", WARNING),
        ("Dec  1 18:39:59 2026 GMT", WRONG),
        ("Nov 23 10:00:00 2026 GMT", WRONG),
        ("", UNKNOWN),
    ],
)
def test_certificates_that_end(end: str, state: str) -> None:
    status = judged(hosts={HOST: seen(certificate={"issuer": "CN = R11", "not_after": end})})
    assert found(status, "certificate").state == state


def test_a_certificate_says_who_issued_it_and_until_when() -> None:
    assert found(judged(), "certificate").says == (
        "api.academia.test: until 2027-02-22 10:00 UTC (in 89 days), by R11"
    )


@pytest.mark.parametrize(
    ("time", "state"),
    [("2026-11-24T03:12:47Z", OK), ("2026-11-23T03:12:47Z", WARNING), ("2026-11-22T03:12:47Z", WRONG)],
)
def test_the_age_of_the_last_dump(time: str, state: str) -> None:
    dump = {"key": "laravel/a.sql.gz", "size": 1, "time": time}
    status = judged(facts(dump=dump))
    assert found(status, "last dump").state == state
    assert status.parts["dumps"].state == state


def test_no_dump_yet() -> None:
    assert found(judged(facts(dump=None)), "last dump").state == WARNING


@pytest.mark.parametrize(
    ("changes", "subject", "state"),
    [
        ({"host": {**facts()["host"], "state": "stopped"}}, "host", WRONG),
        ({"host": {**facts()["host"], "state": "pending"}}, "host", WARNING),
        ({"host": {**facts()["host"], "checks": "impaired"}}, "host", WRONG),
        ({"host": {**facts()["host"], "checks": "initializing"}}, "host", OK),
        ({"address": {"ip": "203.0.113.7", "instance_id": ""}}, "address", WRONG),
        ({"address": {"ip": "203.0.113.7", "instance_id": ""}, "host": None}, "address", WARNING),
        ({"distribution": {**facts()["distribution"], "enabled": False}}, "CloudFront", WRONG),
        ({"distribution": {**facts()["distribution"], "status": "InProgress"}}, "CloudFront", WARNING),
        ({"zone": None}, "hosted zone", ABSENT),
        ({"parameters": 0}, "parameters", ABSENT),
        ({"buckets": {"dumps": None}}, "dumps bucket", ABSENT),
    ],
)
def test_parts_on_aws(changes: dict[str, Any], subject: str, state: str) -> None:
    assert found(judged(facts(**changes)), subject).state == state


def test_a_zone_that_the_world_does_not_find() -> None:
    zone = facts()["zone"]
    away = {**zone, "delegation": {"live": False, "found": [], "problem": None}}
    assert found(judged(facts(zone=away)), "hosted zone").fix.endswith("ns-1, ns-2")
    unknown = {**zone, "delegation": {"live": None, "found": [], "problem": "no resolver"}}
    assert found(judged(facts(zone=unknown)), "hosted zone").state == UNKNOWN


def test_what_could_not_be_read_is_told_and_no_fault() -> None:
    names = ("buckets", "dump", "parameters", "host", "address", "zone", "distribution", "alarms", "spent")
    given = facts(**dict.fromkeys([*names, "certificate"]))
    status = judged(given, hosts={}, problems=dict.fromkeys(names, "not known: denied."))
    assert (status.healthy, unwell(status)) == (True, {})
    assert found(status, "this month") == Finding(UNKNOWN, "this month", "not known: denied.")
    assert {status.parts[name].state for name in ("zone", "cloudfront", "site", "dumps")} == {UNKNOWN}


@pytest.mark.parametrize(
    ("changes", "subject", "state"),
    [
        ({"disk": {"total": 10, "used": 80, "available": 20}}, "disk", WARNING),
        ({"disk": {"total": 10, "used": 92, "available": 8}}, "disk", WRONG),
        ({"memory": {"total_mb": 100, "used_mb": 91}}, "memory", WARNING),
        ({"swap": {"total_mb": 100, "used_mb": 51}}, "memory", WARNING),
        ({"load": [9.0, 9.0, 4.1]}, "load", WARNING),
        ({"failed_units": ["certbot.service"]}, "services", WRONG),
        ({"units": {"nginx": "active", "mysql": "failed"}}, "services", WRONG),
        ({"units": {}}, "services", UNKNOWN),
        ({"restart_required": True}, "uptime", WARNING),
    ],
)
def test_what_can_be_wrong_with_a_host(changes: dict[str, Any], subject: str, state: str) -> None:
    status = on_host(**changes)
    assert found(status, subject).state == state
    assert set(unwell(status)) <= {subject}


def test_a_unit_that_is_down_is_named_once() -> None:
    status = on_host(units={"nginx": "active", "mysql": "failed"}, failed_units=["mysql.service"])
    assert found(status, "services").says == "failed or down: mysql"
    assert status.parts["mysql"].state == WRONG


def release(**changes: Any) -> _status.Status:
    return judged(hosts={HOST: seen(release={"status": {**seen()["release"]["status"], **changes}})})


def test_releases() -> None:
    assert found(judged(), "release").says == f"{RELEASE}, built 2026-11-24 15:02 UTC (3 h ago) by ana@laptop"
    assert found(release(live=""), "release").state == ABSENT
    assert found(release(maintenance=True), "release").state == WARNING
    assert found(release(workers={"w": "is not running"}), "workers").state == WRONG
    # They rest while the engine has the application down.
    assert "workers" not in unwell(release(workers={"w": "held"}))
    assert "deploy" in found(release(under_way={"action": "deploy", "owner": "ana"}), "under way").says
    dead = [{"id": RELEASE, "created": "", "owner": "", "php_fpm": False}]
    assert found(release(releases=dead), "release").state == WRONG
    missing = judged(hosts={HOST: seen(release={"msg": "There is no andamio-release."}, runs=[])})
    assert found(missing, "release") == Finding(ABSENT, "release", "There is no andamio-release.")


@pytest.mark.parametrize(
    ("outcome", "state"), [("live", OK), ("put_back", WARNING), ("failed", WARNING), ("stuck", WRONG)]
)
def test_the_last_run(outcome: str, state: str) -> None:
    run = {**seen()["runs"][0], "outcome": outcome, "message": "the gate said no"}
    finding = found(judged(hosts={HOST: seen(runs=[run])}), "last run")
    assert finding.state == state
    assert ("the gate said no" in finding.fix) == (state != OK)


def test_alarms() -> None:
    def alarm(name: str, state: str) -> dict[str, str]:
        return {"name": name, "state": state, "reason": "5 of 5 are above 80"}

    assert found(judged(), "alarms") == Finding(ABSENT, "alarms", "none set up")
    status = judged(
        facts(alarms=[alarm("disk", "ALARM"), alarm("cpu", "OK"), alarm("up", "INSUFFICIENT_DATA")])
    )
    assert found(status, "alarm").says == "disk: 5 of 5 are above 80"
    assert found(status, "alarms").says == "2 of 3 are quiet, 1 of them without data"


def test_drift() -> None:
    changed = {"phase": "phase1", "name": "bucket b", "action": "change"}
    host = [{"phase": "phase1", "role": "nginx", "host": HOST, "tasks": ["x"]}]
    assert found(judged(), "drift").state == OK
    drifted = found(judged(planned=plan(changed, host=host)), "drift")
    assert drifted.state == WARNING
    assert drifted.says == f"2 differ from the playbooks: bucket b, nginx on {HOST}"
    assert found(judged(planned=plan(failed=True)), "drift").state == UNKNOWN


def test_a_phase_that_does_not_exist_is_no_drift() -> None:
    new = [{"phase": "phase2", "name": name, "action": "create"} for name in ("alarm a", "topic t")]
    assert _status.drift(plan(*new)) == []
    assert _status.drift(plan(*new, {"phase": "phase2", "name": "log", "action": "none"})) == [
        "alarm a",
        "topic t",
    ]


def test_no_check_run_says_nothing_of_drift() -> None:
    status = _status.judge(context(), {"facts": facts(), "problems": {}}, {HOST: seen()}, None)
    assert found(status, "drift").state == UNKNOWN
    assert status.healthy


def test_work_that_is_left_to_hands() -> None:
    work = ["Confirm the e-mail subscription.", "Set these name servers at your registrar: ns-1"]
    status = judged(planned=plan(hand_work=work))
    # The name servers are told with the zone, which knows whether they are set by now.
    assert [item.says for item in status.sections[-1].findings] == work[:1]


def test_money() -> None:
    assert found(judged(), "this month").says == "7.42 USD since 2026-11-01, the whole account"
    assert found(judged(facts(spent=None)), "this month").state == UNKNOWN
    estimate = found(judged(), "estimate")
    assert (estimate.state, estimate.says[:14]) == (OK, "11.24 USD a mo")
    above = found(judged(limit=10.0), "estimate")
    assert above.state == WARNING
    assert "above your limit of 10.00" in above.says
    assert "ec2_host_volume_size" in above.fix


def test_a_site_without_cloudfront() -> None:
    status = judged(facts(distribution=None, certificate=None), delivery="website")
    assert "cloudfront" not in status.parts
    assert unwell(status) == {}


def test_the_headline_counts() -> None:
    assert on_host(restart_required=True).headline() == "All runs, 1 warning"
    assert on_host(failed_units=["a", "b"]).headline() == "1 thing is wrong"
    assert judged(facts(address={"ip": "1", "instance_id": "x"}), limit=1.0).headline() == (
        "1 thing is wrong, 1 warning"
    )
