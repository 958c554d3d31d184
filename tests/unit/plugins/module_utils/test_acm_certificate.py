"""Certificates: which one is ours, what proves it, and the plan from every state."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _acm_certificate as acm
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import (
    AFTER_APPLY,
    Answer,
    Change,
    Refused,
    Wait,
)

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/1"
ZONE = {"id": "Z1", "name": "academia.test", "name_servers": ["ns-1.example", "ns-2.example"]}
GOAL = {
    "name": "academia.test",
    "alternative_names": ["www.academia.test"],
    "hosted_zone": "academia.test",
    "tags": {"Project": "academia"},
}


def option(name: str) -> dict[str, Any]:
    return {
        "DomainName": name,
        "ResourceRecord": {"Name": f"_1.{name}.", "Type": "CNAME", "Value": "_2.acm-validations.aws."},
    }


def record(name: str) -> dict[str, Any]:
    return {
        "Name": f"_1.{name}.",
        "Type": "CNAME",
        "TTL": 300,
        "ResourceRecords": [{"Value": "_2.acm-validations.aws."}],
    }


CERTIFICATE = {
    "CertificateArn": ARN,
    "DomainName": "academia.test",
    "SubjectAlternativeNames": ["www.academia.test", "academia.test"],
    "Status": "PENDING_VALIDATION",
    "Type": "AMAZON_ISSUED",
    "DomainValidationOptions": [option("academia.test"), option("www.academia.test")],
}
BOTH = [record("academia.test"), record("www.academia.test")]


def state(certificate: Any = CERTIFICATE, tags: Any = None, zone: Any = ZONE, in_zone: Any = BOTH) -> Any:
    return acm.normalise(certificate, {"Project": "academia"} if tags is None else tags, zone, in_zone)


def test_desired_has_no_order_no_case_and_no_trailing_dot() -> None:
    params = {
        "name": "Academia.test",
        "alternative_names": ["www.academia.test", "academia.test", "API.academia.test"],
        "hosted_zone": "Academia.test.",
        "tags": None,
    }
    assert acm.desired(params) == {
        "name": "academia.test",
        "alternative_names": ["api.academia.test", "www.academia.test"],
        "hosted_zone": "academia.test",
        "tags": None,
    }


def test_plan_from_nothing() -> None:
    assert acm.plan({"_zone": ZONE}, GOAL) == [
        Change(
            "acm.request_certificate",
            {
                "DomainName": "academia.test",
                "ValidationMethod": "DNS",
                "SubjectAlternativeNames": ["www.academia.test"],
                "Tags": [{"Key": "Project", "Value": "academia"}],
            },
            wait=Wait(
                "acm.describe_certificate",
                {"CertificateArn": Answer("acm.request_certificate", "CertificateArn")},
                path="Certificate.DomainValidationOptions.*.ResourceRecord.Name",
                timeout=120,
                every=2,
            ),
        ),
        Change("route53.change_resource_record_sets", {"HostedZoneId": "Z1", "ChangeBatch": AFTER_APPLY}),
    ]


def test_plan_when_the_records_are_known() -> None:
    assert acm.plan(state(in_zone=[record("academia.test")]), GOAL) == [
        Change(
            "route53.change_resource_record_sets",
            {
                "HostedZoneId": "Z1",
                "ChangeBatch": {
                    "Changes": [{"Action": "UPSERT", "ResourceRecordSet": record("www.academia.test")}]
                },
            },
        )
    ]


def test_plan_when_all_is_well() -> None:
    assert acm.plan(state(), GOAL) == []


def test_the_zone_counts_only_when_it_has_every_record() -> None:
    assert state()["hosted_zone"] == "academia.test"
    assert state(in_zone=BOTH[:1])["hosted_zone"] is None
    assert state(zone=None)["hosted_zone"] is None


def test_a_record_of_another_value_is_missing() -> None:
    stale = record("academia.test") | {"ResourceRecords": [{"Value": "_old.acm-validations.aws."}]}
    assert state(in_zone=[stale, BOTH[1]])["_missing"] == [record("academia.test")]


def test_records_that_acm_has_not_decided_on_wait() -> None:
    young = CERTIFICATE | {"DomainValidationOptions": [option("academia.test"), {"DomainName": "www"}]}
    changes = acm.plan(state(young), GOAL)
    assert changes == [
        Change("route53.change_resource_record_sets", {"HostedZoneId": "Z1", "ChangeBatch": AFTER_APPLY})
    ]


def test_names_that_share_a_record_write_it_once() -> None:
    wild = CERTIFICATE | {"DomainValidationOptions": [option("academia.test"), option("academia.test")]}
    assert acm.validation_records(wild) == [record("academia.test")]


def test_plan_of_tags() -> None:
    assert acm.plan(state(tags={"Project": "academia", "Stray": "1"}), GOAL) == [
        Change("acm.remove_tags_from_certificate", {"CertificateArn": ARN, "Tags": [{"Key": "Stray"}]})
    ]


def test_deletion_takes_only_its_own_records() -> None:
    assert acm.plan(state(in_zone=BOTH[:1]), None) == [
        Change(
            "route53.change_resource_record_sets",
            {
                "HostedZoneId": "Z1",
                "ChangeBatch": {
                    "Changes": [{"Action": "DELETE", "ResourceRecordSet": record("academia.test")}]
                },
            },
        ),
        Change("acm.delete_certificate", {"CertificateArn": ARN}, retry=("ResourceInUseException",)),
    ]
    assert acm.plan({"_zone": ZONE}, None) == []


def test_no_zone() -> None:
    with pytest.raises(Refused, match="no public hosted zone"):
        acm.plan({"_zone": None}, GOAL)
    assert [change.call for change in acm.plan({"_zone": None}, GOAL, zone_may_come=True)] == [
        "acm.request_certificate",
        "route53.change_resource_record_sets",
    ]


@pytest.mark.parametrize("name", ["academia.example", "notacademia.test"])
def test_a_name_outside_the_zone(name: str) -> None:
    with pytest.raises(Refused, match=f"can't prove {name}"):
        acm.plan({"_zone": ZONE}, GOAL | {"alternative_names": [name]})


@pytest.mark.parametrize(
    ("certificate", "same"),
    [
        (CERTIFICATE, True),
        (CERTIFICATE | {"Type": "IMPORTED"}, False),
        (CERTIFICATE | {"SubjectAlternativeNames": ["academia.test"]}, False),
        (CERTIFICATE | {"SubjectAlternativeNames": ["x.test", "www.academia.test", "academia.test"]}, False),
    ],
)
def test_has_names(certificate: Any, same: bool) -> None:
    assert acm.has_names(certificate, "academia.test", ["www.academia.test"]) is same


def test_is_ours_by_project_environment_and_manager_alone() -> None:
    ours = {"Project": "a", "Environment": "e", "ManagedBy": "andamio", "Phase": "1"}
    assert acm.is_ours(ours | {"Phase": "2", "Stray": "1"}, ours)
    assert not acm.is_ours(ours | {"Environment": "other"}, ours)
    assert acm.is_ours({}, None)


def test_best_prefers_issued_then_longest() -> None:
    pending = {"CertificateArn": "c", "Status": "PENDING_VALIDATION", "NotAfter": "2030"}
    short = {"CertificateArn": "b", "Status": "ISSUED", "NotAfter": "2027"}
    long = {"CertificateArn": "a", "Status": "ISSUED", "NotAfter": "2028"}
    assert acm.best([pending, short, long]) is long
    assert acm.best([pending]) is pending
    assert acm.best([]) is None


def test_waiting_for_amazon_names_the_zone_and_its_servers() -> None:
    waiting = acm.issued(state(), 900)
    assert waiting is not None
    assert (waiting.timeout, waiting.until) == (900, ("ISSUED",))
    assert "the hosted zone academia.test" in waiting.hint
    assert "ns-1.example, ns-2.example" in waiting.hint
    assert "amazon.com" in waiting.hint


def test_no_waiting_for_what_cannot_come() -> None:
    assert acm.issued(state(in_zone=[]), 900) is None
    assert acm.issued(state(CERTIFICATE | {"Status": "ISSUED"}), 900) is None
    assert acm.issued({"_zone": ZONE}, 900) is None
