"""Settings and requests: what is wrong is named before anything is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from andamio_release.errors import RequestError
from andamio_release.settings import read_settings, request_from, settings_from

GOOD: dict[str, Any] = {
    "root": "/srv/laravel",
    "user": "laravel",
    "group": "laravel",
    "php": "/usr/bin/php",
    "server_name": "api.academia.test",
    "workers": [],
}
SHA = "a" * 64


def test_settings_have_defaults_and_derive_paths() -> None:
    settings = settings_from(GOOD, "here")
    assert (settings.keep, settings.migrate) == (5, "before_switch")
    assert str(settings.release("v1")) == "/srv/laravel/releases/v1"
    assert str(settings.socket("v1")) == "/run/php/release-v1.sock"
    assert settings.unit("v1") == "php-fpm@v1.service"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keeep": 3}, "here: unknown key keeep; there are root"),
        ({"keep": "3"}, "here: keep is '3', not int"),
        ({"keep": True}, "here: keep is True, not int"),
        ({"keep": 0}, "here: keep is 0, not 1 or more"),
        ({"workers": "x"}, "here: workers is 'x', not list"),
        ({"migrate": "later"}, "migrate is 'later', not one of before_switch, after_switch, never"),
        ({"env_source": "vault"}, "env_source is 'vault'"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        settings_from({**GOOD, **change}, "here")


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(RequestError, match=r"here: .*'root'"):
        settings_from({key: value for key, value in GOOD.items() if key != "root"}, "here")


def test_settings_that_are_not_there_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="run the role laravel_app first"):
        read_settings(tmp_path / "release.json")
    (tmp_path / "release.json").write_text("{")
    with pytest.raises(RequestError, match="is no JSON"):
        read_settings(tmp_path / "release.json")
    (tmp_path / "release.json").write_text(json.dumps(GOOD))
    assert read_settings(tmp_path / "release.json").user == "laravel"


def test_a_request_carries_its_artifact() -> None:
    given = {"name": "v1.2", "artifact": {"source": "stdin", "sha256": SHA, "bytes": 5, "format": "zip"}}
    request = request_from("deploy", given)
    assert request.artifact is not None
    assert (request.action, request.name, request.artifact.bytes) == ("deploy", "v1.2", 5)
    assert request_from("rollback", {}).artifact is None
    # Who gives an object of S3 need not know its hash.
    s3 = {"source": "s3", "sha256": "", "bucket": "b", "key": "k"}
    assert request_from("deploy", {"artifact": s3}).artifact is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "the request is list, not an object"),
        ({"nam": "x"}, "unknown key nam"),
        ({"name": "../x"}, r"name '\.\./x' is no word"),
        ({"name": "-x"}, "name '-x' is no word"),
        ({"release": "a/b"}, "release 'a/b' is no release's id"),
        ({"release": ".."}, "is no release's id"),
        ({"database": "drop"}, "database is 'drop'"),
        ({"check": "yes"}, "check is 'yes', not bool"),
        ({"artifact": "x.tar"}, "artifact: an object is needed"),
        ({"artifact": {"source": "ftp", "sha256": SHA}}, "source is 'ftp'"),
        ({"artifact": {"source": "file", "sha256": SHA}}, "source file needs path"),
        ({"artifact": {"source": "stdin", "sha256": SHA}}, "source stdin needs bytes"),
        ({"artifact": {"source": "s3", "sha256": SHA, "bucket": "b"}}, "source s3 needs key"),
        ({"artifact": {"source": "stdin", "sha256": "abc", "bytes": 1}}, "sha256 is no SHA-256"),
        ({"artifact": {"source": "stdin", "sha256": "", "bytes": 1}}, "sha256 is no SHA-256"),
        ({"artifact": {"source": "stdin", "sha256": SHA, "bytes": 1, "format": "rar"}}, "format is 'rar'"),
        ({"artifact": {"sha256": SHA}}, "artifact: .*'source'"),
    ],
)
def test_a_wrong_request_is_named(given: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        request_from("deploy", given)
