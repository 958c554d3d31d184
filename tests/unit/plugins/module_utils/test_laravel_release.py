"""What laravel_release tells the engine, and what it makes of the answer."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _laravel_release as release

ROOT = Path(__file__).resolve().parents[4]
PARAMS: dict[str, Any] = {
    "state": "deployed",
    "artifact": "api.tar.gz",
    "s3": None,
    "name": "v1.2",
    "commit": "c0ffee",
    "reason": "receipts",
    "migrate": True,
    "maintenance": False,
    "release": "",
    "database": "keep",
    "confirm": "",
    "dump_url": "",
}
DEPLOYED: dict[str, Any] = {
    "changed": True,
    "release": "v1.2-8c1f0e6a2b94",
    "previous": "v1.1-3f2a9c1b7d5e",
    "outcome": "live",
    "message": "v1.2-8c1f0e6a2b94 is live",
    "failed_step": "",
    "log": "/var/lib/andamio/release/logs/1.log",
    "steps": [{"name": "unpack", "seconds": 0.2}],
    "migrations": {"pending": ["a"], "ran": ["a"]},
    "dump": "s3://dumps/a.sql.zst",
    "pruned": ["v0.9-000000000000"],
    "warnings": ["the disk is nearly full"],
}


def tarred(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        tar.addfile(tarfile.TarInfo("artisan"))
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("artisan", "")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "form"),
    [(tarred("w"), "tar"), (tarred("w:gz"), "tar"), (zipped(), "zip")],
    ids=["tar", "tar.gz", "zip"],  # the same in each of pytest's processes: gzip writes the time
)
def test_a_file_is_told_by_its_content(tmp_path: Path, content: bytes, form: str) -> None:
    path = tmp_path / "whatever"
    path.write_bytes(content)
    told, read = release.from_file(path)
    assert read == content
    assert told == {
        "source": "stdin",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "format": form,
    }


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "is empty"), (b"<html>404</html>", "neither"), (b"x" * 300, "neither")]
)
def test_a_file_that_is_no_archive(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "api.tar.gz"
    path.write_bytes(content)
    with pytest.raises(release.Unusable, match=f"^artifact: {path} .*{why}"):
        release.from_file(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(release.Unusable, match=r"^artifact: there is no file .*/api\.tar\.gz"):
        release.from_file(tmp_path / "api.tar.gz")
    with pytest.raises(release.Unusable, match=r"^artifact: .* is no file"):
        release.from_file(tmp_path)


@pytest.mark.parametrize(
    ("address", "bucket", "key", "version"),
    [
        ("s3://b/api.tar.gz", "b", "api.tar.gz", ""),
        ("s3://b/api/v1.2.zip?versionId=3x/4", "b", "api/v1.2.zip", "3x/4"),
    ],
)
def test_an_address_in_s3(address: str, bucket: str, key: str, version: str) -> None:
    assert release.s3_from(address) == {"bucket": bucket, "key": key, "version": version}


@pytest.mark.parametrize("address", ["s3://", "s3://b", "s3://b/", "s3:///key"])
def test_no_address_in_s3(address: str) -> None:
    with pytest.raises(release.Unusable, match=r"^artifact: s3://"):
        release.s3_from(address)


def test_an_artifact_in_s3() -> None:
    assert release.from_s3({"bucket": "b", "key": "a.zip", "version": None, "sha256": None}) == {
        "source": "s3",
        "bucket": "b",
        "key": "a.zip",
        "version": "",
        "sha256": "",
        "format": "zip",
    }
    assert release.from_s3({"bucket": "b", "key": "a.tar.gz"})["format"] == "tar"


def test_the_request_of_a_deploy() -> None:
    artifact = {"source": "stdin", "bytes": 3, "sha256": "ab", "format": "tar"}
    assert release.request(PARAMS, owner="ana@laptop", check=True, artifact=artifact) == {
        "owner": "ana@laptop",
        "reason": "receipts",
        "check": True,
        "name": "v1.2",
        "commit": "c0ffee",
        "migrate": True,
        "maintenance": False,
        "artifact": artifact,
    }


@pytest.mark.parametrize("name", ["-v1", ".git", "feature/x", "v 1", "a" * 62, "v1\n"])
def test_a_name_that_can_be_no_folder(name: str) -> None:
    with pytest.raises(release.Unusable, match=r"^name: "):
        release.request({**PARAMS, "name": name}, owner="", check=False)


@pytest.mark.parametrize(("database", "asked"), [("keep", ""), ("restore", "restore")])
def test_the_request_of_a_rollback(database: str, asked: str) -> None:
    params = {
        **PARAMS,
        "state": "rolled_back",
        "release": "v1.1-3f",
        "database": database,
        "confirm": "v1.1-3f",
        "dump_url": "",
        "maintenance": False,
    }
    assert release.request(params, owner="ana@laptop", check=False) == {
        "owner": "ana@laptop",
        "reason": "receipts",
        "check": False,
        "release": "v1.1-3f",
        "database": asked,
        "confirm": "v1.1-3f",
        "dump_url": "",
        "maintenance": False,
    }


def test_the_engine_knows_all_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own parser refuses a key that it doesn't know."""
    monkeypatch.syspath_prepend(ROOT / "roles" / "laravel_app" / "files")
    settings = importlib.import_module("andamio_release.settings")
    artifact = {"source": "stdin", "bytes": 3, "sha256": "ab" * 32, "format": "tar"}
    s3 = release.from_s3({"bucket": "b", "key": "a.zip"})
    back = {**PARAMS, "state": "rolled_back", "database": "restore"}
    for action, wanted in (
        ("deploy", release.request(PARAMS, owner="", check=False, artifact=artifact)),
        ("deploy", release.request(PARAMS, owner="", check=False, artifact=s3)),
        ("deploy", release.request(PARAMS, owner="", check=False)),
        ("rollback", release.request(back, owner="", check=False)),
        ("status", release.request({**PARAMS, "state": "info"}, owner="", check=False)),
    ):
        settings.request_from(action, wanted)


def test_what_is_run_and_sent() -> None:
    assert release.command("deployed") == "/usr/local/sbin/andamio-release deploy --json"
    assert release.command("info", "A=b") == "A=b /usr/local/sbin/andamio-release status --json"
    line, _newline, content = release.stdin({"name": "é\n"}, b"\x1f\x8b\n\x00").partition(b"\n")
    assert json.loads(line) == {"name": "é\n"}
    assert content == b"\x1f\x8b\n\x00"


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [
        ("", {}),
        ("no answer\n[1]\n", {}),
        ('{"a": 1}\n', {"a": 1}),
        ('a banner\n{"a": 0}\n{"a": 1}\n\n', {"a": 1}),
        ('{\n  "a": {\n    "b": 1\n  }\n}\n', {"a": {"b": 1}}),
    ],
)
def test_the_answer_is_the_last_json_object(stdout: str, expected: dict[str, Any]) -> None:
    assert release.answer(stdout) == expected


def test_a_deploy_that_went_well() -> None:
    found, warnings = release.result("deployed", 0, json.dumps(DEPLOYED), "")
    assert warnings == ["the disk is nearly full"]
    assert found == {**{k: v for k, v in DEPLOYED.items() if k != "warnings"}, "rc": 0, "env": []}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            1,
            [
                "The release failed at the step gate.",
                "/up said 500",
                "is as it was (v1.1-3f2a9c1b7d5e)",
                "Log",
            ],
        ),
        (2, ["Nothing was done: the request", "/up said 500"]),
        (3, ["Nothing was done: another run", "/up said 500", "Wait for it"]),
        (4, ["could not be put back", "/up said 500", "A person is needed", "Log, on the host: /var/lib"]),
        (9, ["andamio-release ended with 9 at the step gate.", "/up said 500"]),
    ],
)
def test_a_failure_says_what_stands(code: int, said: list[str]) -> None:
    answer = {
        **DEPLOYED,
        "changed": code == 4,
        "outcome": "failed",
        "failed_step": "gate",
        "message": "/up said 500",
    }
    found, _warnings = release.result("deployed", code, json.dumps(answer), "")
    assert found["failed"]
    assert found["changed"] is (code == 4)
    positions = [found["msg"].index(words) for words in said]
    assert positions == sorted(positions)


def test_what_was_put_back_is_not_as_it_was() -> None:
    said = {**DEPLOYED, "outcome": "put_back", "message": "v1.1-3f2a9c1b7d5e is live again."}
    found, _warnings = release.result("deployed", 1, json.dumps(said), "")
    assert "as it was" not in found["msg"]
    assert "v1.1-3f2a9c1b7d5e is live again." in found["msg"]


@pytest.mark.parametrize(
    ("code", "stderr", "said"),
    [
        (127, "sh: not found", r"run site\.yml -t laravel_app first"),
        (1, "Traceback\n\nKeyError: 'x'\n", "ended with 1 and gave no answer.\nTraceback\nKeyError"),
        (137, "", r"It was killed\. Run this again"),
        (0, "", "ended with 0 and gave no answer"),
    ],
)
def test_no_answer_is_a_failure(code: int, stderr: str, said: str) -> None:
    found, warnings = release.result("deployed", code, "BANNER\n", stderr)
    assert found["failed"]
    assert found["rc"] == code
    assert not warnings
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(found["msg"])


def test_information_is_given_whole() -> None:
    found, _warnings = release.result("info", 0, '{"live": "a", "workers": {"x": "ok"}}', "")
    assert found == {
        "changed": False,
        "rc": 0,
        "release": "a",
        "status": {"live": "a", "workers": {"x": "ok"}},
    }


def test_the_diff() -> None:
    found = {"changed": True, "release": "b", "previous": "a", "env": ["APP_NAME"]}
    assert release.diff(found) == {
        "before": {"release": "a"},
        "after": {"release": "b", "changed in .env": ["APP_NAME"]},
    }
    assert release.diff({**found, "changed": False, "release": "a"}) == {
        "before": {"release": "a"},
        "after": {"release": "a"},
    }
