"""The role s3_site with builds of several kinds, against the sandbox's AWS API."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Aws
from .truth.playbook import Run, Site

EXPORT = {
    "index.html": "<h1>Academia</h1>",
    "404.html": "<h1>Not here</h1>",
    "about/index.html": "<h1>About</h1>",
    "_astro/page.Bq1vX1Z_.js": "1",
    "_astro/page.Bq1vX1Z_.js.map": "{}",
    ".well-known/apple-app-site-association": "{}",
}
SITE = ("s3_site",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export of Astro, beside what Site puts there."""
    (tmp_path / "export").mkdir()
    for name, text in EXPORT.items():
        file = tmp_path / "export" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def keys(aws: Aws, bucket: str) -> set[str]:
    listed = aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"] for item in listed if not item["Key"].startswith(".andamio/")}


def errors(aws: Aws) -> list[tuple[int, str, str]]:
    cloudfront = aws.client("cloudfront")
    (item,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    config = cloudfront.get_distribution_config(Id=item["Id"])["DistributionConfig"]
    return [
        (entry["ErrorCode"], entry["ResponsePagePath"], entry["ResponseCode"])
        for entry in config["CustomErrorResponses"].get("Items", [])
    ]


def code(aws: Aws) -> str:
    answer = aws.client("cloudfront").get_function(Name="academia-test-site", Stage="LIVE")
    text: str = answer["FunctionCode"].read().decode()
    return text


@pytest.fixture
def zoned_aws(fresh_aws: Aws) -> Aws:
    """An account with the domain's zone, where the certificate's proof belongs."""
    fresh_aws.client("route53").create_hosted_zone(Name="academia.test", CallerReference="zone")
    return fresh_aws


def test_a_static_export_is_recognised(zoned_aws: Aws, folder: Path) -> None:
    site = Site(zoned_aws, folder, {"s3_site_build_dir": str(folder / "export")})
    done = site.run(roles=SITE)
    assert errors(zoned_aws) == [(404, "/404.html", "404")]
    assert "request.uri = path + 'index.html';" in code(zoned_aws)
    uploaded = keys(zoned_aws, f"academia-test-site-{zoned_aws.account}")
    assert uploaded == {name for name in EXPORT if not name.endswith(".map")}
    assert "Source maps of the build are left out (1: _astro/page.Bq1vX1Z_.js.map)" in done.output
    assert "The site is routed as a static export" in done.output
    spa = site.variables | {"s3_site_routing": "spa", "s3_site_source_maps": True}
    changed = Site(zoned_aws, folder, spa).run(roles=SITE)
    assert errors(zoned_aws) == []
    assert "request.uri = '/index.html';" in code(zoned_aws)
    assert keys(zoned_aws, f"academia-test-site-{zoned_aws.account}") == set(EXPORT)
    assert "about/index.html" in changed.output
    assert "s3_site_routing: static serves them" in changed.output


def test_a_static_export_as_a_website(fresh_aws: Aws, folder: Path) -> None:
    variables = {"s3_site_build_dir": str(folder / "export"), "s3_site_delivery": "website"}
    Site(fresh_aws, folder, variables).run(roles=SITE)
    website = fresh_aws.client("s3").get_bucket_website(Bucket="academia.test")
    assert website["ErrorDocument"] == {"Key": "404.html"}
    assert website["IndexDocument"] == {"Suffix": "index.html"}


def test_a_site_that_the_run_builds(zoned_aws: Aws, folder: Path) -> None:
    """A fresh clone has no build: a check run doesn't make it, and says what it can't know."""
    build = f"cp -r {folder / 'export'} {folder / 'made'}"
    variables = {
        "s3_site_build_dir": str(folder / "made"),
        "s3_site_build_command": build,
    }
    site = Site(zoned_aws, folder, variables)
    planned = site.run(check=True, roles=SITE)
    assert not (folder / "made").exists()
    assert "which a check run leaves alone" in planned.output
    assert created(planned) == {"acm_certificate", "cloudfront_distribution", "s3_bucket"}
    done = site.run(roles=SITE)
    assert created(done) == created(planned) | {"s3_site_sync"}
    assert errors(zoned_aws) == [(404, "/404.html", "404")]


def created(run: Run) -> set[str]:
    return {kind for (kind, _name), item in run.changes.items() if item["action"] == "create"}
