"""What stops a teardown before it changes anything."""

from __future__ import annotations

from typing import Any

from ansible_collections.andamio.laravel_aws.plugins.module_utils import _teardown

OURS = {"Project": "academia", "Environment": "test", "ManagedBy": "andamio"}


def zone(records: dict[str, Any], **changed: Any) -> dict[str, Any]:
    apex = {"academia.test. NS": {"values": ["ns-1."]}, "academia.test. SOA": {"values": ["x"]}}
    found = {"name": "academia.test.", "tags": OURS, "_made_here": True, "other_records": apex | records}
    return found | changed


def test_instances_are_ours_by_their_tags() -> None:
    tags = [{"Key": key, "Value": value} for key, value in OURS.items()]
    found = [
        {"InstanceId": "i-1", "State": {"Name": "running"}, "Tags": tags},
        {"InstanceId": "i-2", "State": {"Name": "running"}, "Tags": tags[:1]},
        {"InstanceId": "i-3", "State": {"Name": "stopped"}, "Tags": tags},
    ]
    assert _teardown.instances(found, OURS | {"Phase": "1"}) == {"i-1": "running", "i-3": "stopped"}


def test_each_instance_must_be_a_host() -> None:
    found = {"i-1": "running", "i-2": "stopped", "i-3": "running"}
    assert _teardown.host_problems({}, []) == []
    stopped, unknown = _teardown.host_problems(found, ["i-1", "web"])
    assert stopped.startswith("instance i-2 (stopped) isn't among the inventory's hosts")
    assert "Start it, or, " in stopped
    assert "See to it that the inventory finds it" in unknown


def test_a_zone_of_ours_with_records_of_others() -> None:
    mail = {"academia.test. MX": {"ttl": 60, "values": ["10 mx.test."]}}
    (problem,) = _teardown.zone_problems(zone(mail), OURS)
    assert "aren't Andamio's: academia.test. MX. Move" in problem
    assert "teardown_zone=false" in problem
    assert "route53_force=true" in problem
    assert _teardown.zone_problems(zone(mail, _made_here=False), OURS) == []
    assert _teardown.zone_problems(zone(mail), OURS | {"Environment": "other"}) == []
    assert _teardown.zone_problems(None, OURS) == []


def test_the_proof_of_a_certificate_goes_with_it() -> None:
    proof = {"_a1.academia.test. CNAME": {"ttl": 300, "values": ["_b2.acm-validations.aws."]}}
    assert _teardown.zone_problems(zone(proof), OURS) == []
    routed = {"w.academia.test. A": {"routed": True}}
    assert len(_teardown.zone_problems(zone(routed), OURS)) == 1


def test_all_problems_are_told_at_once() -> None:
    assert _teardown.message(["one", "two"]).splitlines()[1:] == ["- one.", "- two."]
