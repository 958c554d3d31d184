"""andamio.laravel_aws.acm_certificate against the sandbox's AWS API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Aws
from .modules import applied_as_planned, run_module

TAGS = {"Project": "academia", "Environment": "sandbox", "ManagedBy": "andamio"}
SITE: dict[str, Any] = {
    "name": "academia.test",
    "alternative_names": ["www.academia.test"],
    "hosted_zone": "academia.test",
    "tags": TAGS,
}
REQUEST = ["acm.request_certificate", "route53.change_resource_record_sets"]


@pytest.fixture
def zone(fresh_aws: Aws) -> str:
    made = fresh_aws.client("route53").create_hosted_zone(Name="academia.test", CallerReference="1")
    return str(made["HostedZone"]["Id"])


def proofs(aws: Aws, zone: str) -> list[dict[str, Any]]:
    records = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [record for record in records if record["Type"] == "CNAME"]


def certificates(aws: Aws) -> list[Any]:
    return list(aws.client("acm").list_certificates()["CertificateSummaryList"])


def test_from_nothing_as_planned(fresh_aws: Aws, zone: str) -> None:
    done = applied_as_planned("acm_certificate", **SITE)
    assert done["calls"] == REQUEST
    assert done["resource"]["status"] == "ISSUED"
    assert done["resource"]["arn"].startswith("arn:aws:acm:us-east-1:")
    assert done["diff"]["before"] == {}
    assert len(proofs(fresh_aws, zone)) == 2
    assert len(certificates(fresh_aws)) == 1


def test_a_plan_without_a_zone_yet_goes_on(fresh_aws: Aws) -> None:
    plan = run_module("acm_certificate", check=True, **SITE)
    assert plan["calls"] == REQUEST
    assert plan["resource"]["arn"] == "(known after apply)"
    assert certificates(fresh_aws) == []


def test_a_run_without_a_zone_asks_for_it_and_requests_nothing(fresh_aws: Aws) -> None:
    refused = run_module("acm_certificate", fails=True, **SITE)
    assert "there is no public hosted zone academia.test" in refused["msg"]
    assert certificates(fresh_aws) == []


def test_lost_proofs_are_written_again(fresh_aws: Aws, zone: str) -> None:
    run_module("acm_certificate", **SITE)
    gone = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": proofs(fresh_aws, zone)[0]}]}
    fresh_aws.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=gone)
    done = applied_as_planned("acm_certificate", **SITE)
    assert done["calls"] == ["route53.change_resource_record_sets"]
    assert done["diff"]["before"]["hosted_zone"] is None
    assert len(proofs(fresh_aws, zone)) == 2


def test_tags_are_repaired(fresh_aws: Aws, zone: str) -> None:
    run_module("acm_certificate", **SITE)
    arn = certificates(fresh_aws)[0]["CertificateArn"]
    stray = [{"Key": "Stray", "Value": "1"}]
    fresh_aws.client("acm").add_tags_to_certificate(CertificateArn=arn, Tags=stray)
    done = applied_as_planned("acm_certificate", **SITE | {"tags": TAGS | {"Phase": "1"}})
    assert done["calls"] == ["acm.add_tags_to_certificate", "acm.remove_tags_from_certificate"]
    assert done["resource"]["tags"] == TAGS | {"Phase": "1"}


def test_a_certificate_of_another_environment_is_left_alone(fresh_aws: Aws, zone: str) -> None:
    run_module("acm_certificate", **SITE)
    done = run_module("acm_certificate", **SITE | {"tags": TAGS | {"Environment": "production"}})
    # The records prove the names for every certificate of the account.
    assert done["calls"][0] == "acm.request_certificate"
    assert len(certificates(fresh_aws)) == 2


def test_other_names_are_another_certificate(fresh_aws: Aws, zone: str) -> None:
    run_module("acm_certificate", **SITE)
    plan = run_module("acm_certificate", check=True, **SITE | {"alternative_names": []})
    assert plan["calls"] == REQUEST


def test_a_name_that_the_zone_cannot_prove_is_refused(fresh_aws: Aws, zone: str) -> None:
    refused = run_module("acm_certificate", fails=True, **SITE | {"alternative_names": ["academia.example"]})
    assert "can't prove academia.example" in refused["msg"]
    assert certificates(fresh_aws) == []


def test_two_zones_of_one_name_are_refused(fresh_aws: Aws, zone: str) -> None:
    fresh_aws.client("route53").create_hosted_zone(Name="academia.test", CallerReference="2")
    assert "2 public zones" in run_module("acm_certificate", fails=True, **SITE)["msg"]


def test_deletion(fresh_aws: Aws, zone: str) -> None:
    run_module("acm_certificate", **SITE)
    done = applied_as_planned("acm_certificate", **SITE, state="absent")
    assert done["calls"] == ["route53.change_resource_record_sets", "acm.delete_certificate"]
    assert certificates(fresh_aws) == []
    assert proofs(fresh_aws, zone) == []


def test_a_zone_is_required(aws: Aws) -> None:
    failed = run_module("acm_certificate", fails=True, name="academia.test")
    assert "hosted_zone" in failed["msg"]
