"""The CloudFront function of the site, run by Node: what a visitor's path turns into."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from .render import DISTRIBUTIONS, render


@pytest.fixture(scope="module")
def code() -> str:
    return render("s3_site", "viewer_request.js.j2", DISTRIBUTIONS["Debian-13"])


def handled(code: str, uri: str, host: str = "academia.test", query: dict[str, Any] | None = None) -> Any:
    request = {"method": "GET", "uri": uri, "querystring": query or {}, "headers": {"host": {"value": host}}}
    script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps({'request': request})})))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("uri", "becomes"),
    [
        ("/", "/index.html"),
        ("/enrolments/1", "/index.html"),
        ("/enrolments/", "/index.html"),
        ("/a.b/c", "/index.html"),
        ("/favicon.svg", "/favicon.svg"),
        ("/assets/index-abc.js", "/assets/index-abc.js"),
        ("/assets/without-extension", "/assets/without-extension"),
        ("/static/x", "/static/x"),
        ("/assetsx", "/index.html"),
    ],
)
def test_a_path_becomes_a_file_or_the_page(code: str, uri: str, becomes: str) -> None:
    assert handled(code, uri)["uri"] == becomes


def test_www_goes_to_the_apex_with_path_and_query(code: str) -> None:
    query = {
        "a": {"value": "1"},
        "flag": {"value": ""},
        "b": {"value": "2", "multiValue": [{"value": "2"}, {"value": "3"}]},
    }
    answer = handled(code, "/x/y", host="www.academia.test", query=query)
    assert answer["statusCode"] == 301
    assert answer["headers"]["location"]["value"] == "https://academia.test/x/y?a=1&flag&b=2&b=3"
