"""A second environment beside the first, its site delivered as an S3 website, without a certificate."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .chromium import CannotBrowse
from .conftest import LOGS, curl, playbook, run
from .host import until

Client = Callable[..., Any]
# Hosts are the first environment's: the inventory finds those of the environment in its group_vars. The
# summary looks from a host that is set up.
AWS_SIDE = ("-t", "phase1", "--limit", "localhost", "--skip-tags", "summary")
WEB = (
    *AWS_SIDE,
    *("-e", "andamio_environment=web", "-e", "andamio_domain=web.test", "-e", "s3_site_delivery=website"),
)


def answers() -> bool:
    """Whether the site is there: the sandbox's DNS and edge follow the account in a second or two."""
    try:
        return curl("http://web.test/").split()[1] == "200"
    except CannotBrowse:
        return False


def unchanged(*arguments: str, log: str) -> None:
    ran = playbook("site.yml", *arguments, log=log)
    assert ran.code == 0, ran.output[-4000:]
    assert {host: counts["changed"] for host, counts in ran.recap.items()} == {"localhost": 0}


def test_a_second_environment_is_made_in_the_same_account(client: Client) -> None:
    made = playbook("site.yml", *WEB, log="website")
    assert made.code == 0, made.output[-4000:]
    assert "HTTP only" in made.output
    buckets = {bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]}
    assert {
        "web.test",
        "academia-web-documents-123456789012",
        "academia-sandbox-site-123456789012",
    } <= buckets
    assert len(client("cloudfront").list_distributions()["DistributionList"]["Items"]) == 1


def test_it_answers_by_http_at_its_name() -> None:
    until("the site", answers)
    page = curl("http://web.test/")
    assert page.split()[1] == "200", page
    assert '<div id="root">' in page
    assert "strict-transport-security" not in page.lower()


def test_a_deep_link_is_the_page_with_the_status_of_an_error() -> None:
    """An S3 website has one document for errors; a browser shows it, whatever the status is.

    403, not 404: to strangers who may not list the bucket, S3 doesn't say whether something is there.
    """
    page = curl("http://web.test/enrolments/1")
    assert page.split()[1] == "403", page
    assert '<div id="root">' in page


def test_it_has_no_https() -> None:
    assert "HTTP/" not in curl("https://web.test/")


def test_a_second_run_changes_nothing() -> None:
    unchanged(*WEB, log="website-again")


def test_the_first_environment_is_as_it_was(client: Client) -> None:
    unchanged(*AWS_SIDE, log="beside-website")
    (host,) = json.loads(run("ansible-inventory", "--list").output)["laravel"]["hosts"]
    (group,) = client("ec2").describe_instances(InstanceIds=[host])["Reservations"]
    assert {"Key": "Environment", "Value": "sandbox"} in group["Instances"][0]["Tags"]
    assert curl("https://academia.test/").splitlines()[0].split()[1] == "200"
    assert curl("https://api.academia.test/up").splitlines()[0].split()[1] == "200"


def test_taken_down_it_leaves_the_first_alone(client: Client) -> None:
    gone = playbook(
        *("playbooks/teardown.yml", *WEB, "-e", "delete_data=academia", "-e", "teardown_without_dump=true"),
        *("-e", f"teardown_dump_dir={LOGS / 'web-last-dump'}"),
        log="website-teardown",
    )
    assert gone.code == 0, gone.output[-4000:]
    assert not [name["Name"] for name in client("s3").list_buckets()["Buckets"] if "web" in name["Name"]]
    zones = [zone["Name"] for zone in client("route53").list_hosted_zones()["HostedZones"]]
    assert zones == ["academia.test."]
    unchanged(*AWS_SIDE, log="after-website")
