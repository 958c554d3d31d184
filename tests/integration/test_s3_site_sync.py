"""s3_site_sync against the sandbox's S3 and CloudFront."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import (
    _aws,
    _s3_put,
    _site_files,
    _site_plan,
)

from .conftest import Aws
from .modules import applied_as_planned, run_module

BUCKET = "academia-sandbox-site"
SITE = {
    "index.html": "<script src=/assets/index-BqYvX1_Z.js></script>",
    "assets/index-BqYvX1_Z.js": "console.log(1)",
    "assets/index-D3adB33f.css": "body{}",
    "favicon.ico": "icon",
    "robots.txt": "User-agent: *",
    "sw.js": "self.skipWaiting()",
    "img/señal é+&.png": "png",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    write(folder, SITE)
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def s3(fresh_aws: Aws) -> Any:
    client = fresh_aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All requests made, in order: boto3's operations, and the keys of plain puts."""
    made: list[str] = []
    call, put = botocore.client.BaseClient._make_api_call, _s3_put.Putter.put

    def counting_call(self: Any, operation: str, arguments: Any) -> Any:
        made.append(operation)
        return call(self, operation, arguments)

    def counting_put(self: Any, key: str, *arguments: Any) -> str:
        made.append(f"PutObject {key}")
        return put(self, key, *arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counting_call)
    monkeypatch.setattr(_s3_put.Putter, "put", counting_put)
    return made


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Put the clock that the grace period goes by forward by some seconds."""
    real = time.time
    offset = 0

    def forward(seconds: int) -> None:
        nonlocal offset
        offset += seconds

    monkeypatch.setattr(time, "time", lambda: real() + offset)
    return forward


def sync(folder: Path, **arguments: Any) -> dict[str, Any]:
    return applied_as_planned("s3_site_sync", bucket=BUCKET, path=str(folder), **arguments)


def keys(s3: Any) -> set[str]:
    return {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])} - {
        _site_plan.RECORD
    }


def test_a_new_site(s3: Any, site: Path) -> None:
    done = sync(site)
    assert done["changed"]
    assert done["calls"] == ["s3.put_object"] * (len(SITE) + 1)
    assert keys(s3) == set(SITE)
    for name, text in SITE.items():
        assert s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() == text.encode()

    def headers(key: str) -> tuple[str, str]:
        head = s3.head_object(Bucket=BUCKET, Key=key)
        return head["CacheControl"], head["ContentType"]

    assert headers("index.html") == ("no-cache", "text/html; charset=utf-8")
    assert headers("assets/index-BqYvX1_Z.js") == (_site_files.IMMUTABLE, "text/javascript; charset=utf-8")
    assert headers("favicon.ico") == ("public, max-age=3600", "image/x-icon")
    assert headers("sw.js") == ("no-cache", "text/javascript; charset=utf-8")


def test_order_and_number_of_requests(s3: Any, site: Path, requests: list[str]) -> None:
    """No HEAD; one PUT a changed file; assets, the rest, pages, service workers; the record first."""
    run_module("s3_site_sync", bucket=BUCKET, path=str(site))
    assert requests[:2] == ["GetObject", "ListObjectsV2"]
    puts = [request.removeprefix("PutObject ") for request in requests[2:]]
    assert puts[0] == _site_plan.RECORD
    assert set(puts[1:3]) == {"assets/index-BqYvX1_Z.js", "assets/index-D3adB33f.css"}
    assert set(puts[3:5]) == {"favicon.ico", "img/señal é+&.png"}
    assert set(puts[5:7]) == {"index.html", "robots.txt"}
    assert puts[7:] == ["sw.js"]
    del requests[:]
    run_module("s3_site_sync", bucket=BUCKET, path=str(site))
    assert requests == ["GetObject", "ListObjectsV2"]
    del requests[:]
    (site / "index.html").write_text("new")
    run_module("s3_site_sync", bucket=BUCKET, path=str(site))
    assert requests[2:] == [f"PutObject {_site_plan.RECORD}", "PutObject index.html"]


def test_a_thousand_files_take_one_list(s3: Any, tmp_path: Path, requests: list[str]) -> None:
    write(tmp_path, {"index.html": "x", **{f"f{number}.txt": str(number) for number in range(999)}})
    run_module("s3_site_sync", bucket=BUCKET, path=str(tmp_path))
    del requests[:]
    assert not run_module("s3_site_sync", bucket=BUCKET, path=str(tmp_path))["changed"]
    assert requests == ["GetObject", "ListObjectsV2"]


def test_a_rebuilt_site_with_the_same_bytes_uploads_nothing(s3: Any, site: Path) -> None:
    sync(site)
    for path in site.rglob("*"):
        os.utime(path, (1, 1))
    assert sync(site)["calls"] == []


def test_another_cache_policy_for_the_same_bytes_is_noticed(s3: Any, site: Path) -> None:
    sync(site)
    rules = [{"pattern": r"\.ico$", "cache_control": "public, max-age=60"}]
    done = sync(site, rules=rules)
    assert done["uploaded"] == ["favicon.ico"]
    assert s3.head_object(Bucket=BUCKET, Key="favicon.ico")["CacheControl"] == "public, max-age=60"
    assert sync(site, rules=rules, content_types={".ico": "image/vnd.microsoft.icon"})["uploaded"] == [
        "favicon.ico"
    ]


def test_gone_files_stay_for_the_grace_period(s3: Any, site: Path, later: Callable[[int], None]) -> None:
    sync(site)
    (site / "assets/index-D3adB33f.css").unlink()
    done = sync(site)
    assert (done["calls"], done["removed"], done["resource"]["retiring"]) == (["s3.put_object"], [], 1)
    later(7 * 86400 - 60)
    assert sync(site)["calls"] == []
    later(120)
    done = sync(site)
    assert (done["calls"], done["removed"]) == (["s3.delete_objects"], ["assets/index-D3adB33f.css"])
    assert keys(s3) == set(SITE) - {"assets/index-D3adB33f.css"}


def test_a_file_that_comes_back_stays(s3: Any, site: Path, later: Callable[[int], None]) -> None:
    sync(site)
    (site / "favicon.ico").rename(site / "other.ico")
    sync(site)
    (site / "other.ico").rename(site / "favicon.ico")
    done = sync(site)
    assert done["uploaded"] == []
    later(8 * 86400)
    assert sync(site)["removed"] == ["other.ico"]
    assert keys(s3) == set(SITE)


def test_pruning_at_once(s3: Any, site: Path) -> None:
    sync(site)
    (site / "favicon.ico").unlink()
    assert sync(site, prune_after="0")["removed"] == ["favicon.ico"]


def test_what_others_put_there_is_never_touched(s3: Any, site: Path, later: Callable[[int], None]) -> None:
    s3.put_object(Bucket=BUCKET, Key="uploads/photo.jpg", Body=b"theirs")
    sync(site)
    s3.put_object(Bucket=BUCKET, Key="favicon.ico", Body=b"replaced by others")
    (site / "favicon.ico").unlink()
    sync(site, prune_after="0")
    later(8 * 86400)
    sync(site, prune_after="0")
    assert {"uploads/photo.jpg", "favicon.ico"} <= keys(s3)
    run_module("s3_site_sync", bucket=BUCKET, state="absent")
    assert {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]} == {
        "uploads/photo.jpg",
        "favicon.ico",
    }


def test_an_object_in_the_way_is_an_error_unless_adopted(s3: Any, site: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="index.html", Body=b"theirs")
    s3.put_object(Bucket=BUCKET, Key="favicon.ico", Body=SITE["favicon.ico"].encode(), CacheControl="private")
    error = run_module("s3_site_sync", fails=True, bucket=BUCKET, path=str(site))
    assert "2 objects" in error["msg"]
    assert "favicon.ico, index.html. Set adopt" in error["msg"]
    assert keys(s3) == {"index.html", "favicon.ico"}
    done = sync(site, adopt=True)
    assert set(done["uploaded"]) == set(SITE)
    assert s3.head_object(Bucket=BUCKET, Key="favicon.ico")["CacheControl"] == "public, max-age=3600"


def test_drift_is_repaired(s3: Any, site: Path) -> None:
    sync(site)
    s3.put_object(Bucket=BUCKET, Key="index.html", Body=b"changed by hand")
    s3.delete_object(Bucket=BUCKET, Key="robots.txt")
    assert set(sync(site)["uploaded"]) == {"index.html", "robots.txt"}


@pytest.mark.parametrize("after", range(1, 8))
def test_a_killed_run_is_completed_by_the_next(
    s3: Any, site: Path, monkeypatch: pytest.MonkeyPatch, later: Callable[[int], None], after: int
) -> None:
    """Killed after any number of uploads; the site changes before the next run, and nothing is left over."""
    put = _s3_put.Putter.put
    made: list[str] = []

    def dying(self: Any, key: str, *arguments: Any) -> str:
        if len(made) == after:
            raise KeyboardInterrupt
        made.append(key)
        return put(self, key, *arguments)

    monkeypatch.setattr(_s3_put.Putter, "put", dying)
    with pytest.raises(KeyboardInterrupt):
        run_module("s3_site_sync", bucket=BUCKET, path=str(site), concurrency=1)
    monkeypatch.setattr(_s3_put.Putter, "put", put)
    (site / "assets/index-BqYvX1_Z.js").rename(site / "assets/index-C0ffee_1.js")
    (site / "index.html").write_text("<script src=/assets/index-C0ffee_1.js></script>")
    sync(site)
    later(8 * 86400)
    sync(site)
    assert keys(s3) == set(SITE) - {"assets/index-BqYvX1_Z.js"} | {"assets/index-C0ffee_1.js"}


def test_large_files_go_in_parts(s3: Any, site: Path, requests: list[str]) -> None:
    (site / "film.mp4").write_bytes(os.urandom(20 * 1024 * 1024))
    done = sync(site)
    assert done["calls"].count("s3.upload_part") == requests.count("UploadPart") == 3
    head = s3.head_object(Bucket=BUCKET, Key="film.mp4")
    assert (head["CacheControl"], head["ContentType"]) == ("public, max-age=3600", "video/mp4")
    assert head["ETag"].strip('"') == _site_files.digest(site / "film.mp4", 20 * 1024 * 1024)
    (site / "film.mp4").touch()
    assert sync(site)["calls"] == []


def test_a_failed_part_aborts_the_upload(s3: Any, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "film.mp4").write_bytes(bytes(20 * 1024 * 1024))
    call = botocore.client.BaseClient._make_api_call

    def failing(self: Any, operation: str, arguments: Any) -> Any:
        if operation == "UploadPart" and arguments["PartNumber"] == 2:
            error = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
            raise botocore.exceptions.ClientError(error, operation)
        return call(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", failing)
    error = run_module("s3_site_sync", fails=True, bucket=BUCKET, path=str(site))
    assert (error["call"], error["error_code"]) == ("s3.upload_part", "AccessDenied")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    assert "index.html" not in keys(s3)


def test_only_changed_entry_documents_are_invalidated(
    fresh_aws: Aws, s3: Any, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudfront = fresh_aws.client("cloudfront")
    distribution = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": "x",
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "s3",
                        "DomainName": f"{BUCKET}.s3.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "s3",
                "ViewerProtocolPolicy": "redirect-to-https",
                "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            },
        }
    )["Distribution"]["Id"]
    done = sync(site, distribution_id=distribution)
    assert done["invalidated"] == ["/index.html", "/robots.txt", "/sw.js"]
    (site / "assets/index-D3adB33f.css").write_text("changed")
    assert sync(site, distribution_id=distribution)["invalidated"] == []
    listed = iter([{"Id": "other"}, {"Id": distribution, "Aliases": {"Items": ["academia.test"]}}])
    monkeypatch.setattr(_aws.Aws, "pages", lambda *_, **__: listed)
    (site / "index.html").write_text("changed")
    done = run_module("s3_site_sync", bucket=BUCKET, path=str(site), distribution_alias="academia.test")
    assert done["invalidated"] == ["/index.html"]
    made = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    assert len(made) == 2


def test_an_unknown_alias_is_an_error_before_anything_is_uploaded(s3: Any, site: Path) -> None:
    error = run_module(
        "s3_site_sync", fails=True, bucket=BUCKET, path=str(site), distribution_alias="no.test"
    )
    assert "has the alias no.test" in error["msg"]
    assert keys(s3) == set()


def test_a_prefix(s3: Any, site: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="index.html", Body=b"another site")
    done = sync(site, prefix="beta/")
    assert keys(s3) == {"index.html", "beta/.andamio/site.json", *(f"beta/{name}" for name in SITE)}
    assert "index.html" in done["uploaded"]
    assert run_module("s3_site_sync", bucket=BUCKET, prefix="beta/", state="absent")["changed"]
    assert keys(s3) == {"index.html"}


def test_check_mode_from_an_empty_account(fresh_aws: Aws, site: Path) -> None:
    plan = run_module(
        "s3_site_sync", check=True, bucket=BUCKET, path=str(site), distribution_alias="academia.test"
    )
    assert plan["calls"] == ["s3.put_object"] * (len(SITE) + 1) + ["cloudfront.create_invalidation"]
    assert set(plan["diff"]["after"]) == set(SITE)
    error = run_module("s3_site_sync", fails=True, bucket=BUCKET, path=str(site))
    assert f"bucket {BUCKET} doesn't exist" in error["msg"]
    assert not run_module("s3_site_sync", bucket=BUCKET, state="absent")["changed"]


def test_unusable_folders_and_options(s3: Any, site: Path, tmp_path: Path) -> None:
    def problems(folder: Path, **arguments: Any) -> str:
        said: str = run_module("s3_site_sync", fails=True, bucket=BUCKET, path=str(folder), **arguments)[
            "msg"
        ]
        return said

    assert "doesn't exist: build the site first" in problems(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "has no files" in problems(tmp_path / "empty")
    (site / "index.html").unlink()
    (site / "out").symlink_to("/etc/passwd")
    (site / "folder").symlink_to(tmp_path)
    (site / "dead").symlink_to("nowhere")
    os.mkfifo(site / "fifo")
    said = problems(site)
    for words in (
        "has no index.html",
        "out is a link out",
        "folder is a link to a folder",
        "dead is a link to nothing",
        "fifo is neither",
    ):
        assert words in said
    said = problems(site, rules=[{"pattern": "(", "cache_control": "x"}], prune_after="a week")
    assert "no regular expression" in said
    assert "'a week' is no duration" in said
    assert keys(s3) == set()


def test_a_strange_record_is_left_alone(s3: Any, site: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=_site_plan.RECORD, Body=json.dumps({"version": 9}).encode())
    error = run_module("s3_site_sync", fails=True, bucket=BUCKET, path=str(site))
    assert "its version is 9" in error["msg"]
    assert keys(s3) == set()
