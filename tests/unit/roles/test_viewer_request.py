"""The CloudFront function of the site, run by Node: what a visitor's path turns into."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._cloudfront_distribution import (
    FUNCTION_LIMIT,
)
from ansible_collections.andamio.laravel_aws.plugins.module_utils._site_routes import recognise

from .render import DISTRIBUTIONS, render

Code = dict[str, str]


@pytest.fixture(scope="module")
def code() -> Code:
    """The function for each kind of build, by the name of the kind."""
    own = ["CNAME", "descargas/guía 2026", "legal/v1.2"]
    page = ["index.html", "404.html"]
    builds = {
        "spa": recognise(["index.html", *own], not_found=False),
        "folders": recognise([*page, "about/index.html", *own], not_found=True),
        "files": recognise([*page, "about.html", "blog/post.html", *own], not_found=True),
    }
    return {
        name: render(
            "s3_site", "viewer_request.js.j2", DISTRIBUTIONS["Debian-13"], __s3_site_build=build.as_dict()
        )
        for name, build in builds.items()
    }


def handled(code: str, uri: str, host: str = "academia.test", query: dict[str, Any] | None = None) -> Any:
    request = {"method": "GET", "uri": uri, "querystring": query or {}, "headers": {"host": {"value": host}}}
    script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps({'request': request})})))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


AS_IT_IS = [
    "/favicon.svg",
    "/assets/index-abc.js",
    "/assets/without-extension",
    "/static/x",
    "/Foto.JPG",
    "/.well-known/apple-app-site-association",
    "/.well-known/assetlinks.json",
    "/.well-known/missing",
    "/CNAME",
    "/descargas/gu%C3%ADa%202026",
    "/legal/v1.2",
    "/.env",
    "/wp-login.php",
]
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.mark.parametrize("kind", ["spa", "folders", "files"])
def test_a_file_is_served_as_it_is(code: Code, kind: str) -> None:
    assert [handled(code[kind], uri)["uri"] for uri in AS_IT_IS] == AS_IT_IS


@pytest.mark.parametrize(
    "uri",
    [
        "/",
        "/enrolments/1",
        "/enrolments/",
        "/a.b/c",
        "/assetsx",
        "/user/ana.perez",
        "/courses/v1.2",
        f"/verify/{TOKEN}",
        "/%zz",
        "/CNAME/x",
    ],
)
def test_an_application_routes_all_other_paths(code: Code, uri: str) -> None:
    assert handled(code["spa"], uri)["uri"] == "/index.html"


@pytest.mark.parametrize(
    ("kind", "uri", "becomes"),
    [
        ("folders", "/", "/index.html"),
        ("folders", "/about/", "/about/index.html"),
        ("folders", "/user/ana.perez/", "/user/ana.perez/index.html"),
        ("files", "/", "/index.html"),
        ("files", "/about", "/about.html"),
        ("files", "/about/", "/about.html"),
        ("files", "/blog/post", "/blog/post.html"),
        ("files", "/user/ana.perez", "/user/ana.perez.html"),
        ("files", "/about.html", "/about.html"),
    ],
)
def test_a_static_export_has_a_page_for_each_path(code: Code, kind: str, uri: str, becomes: str) -> None:
    assert handled(code[kind], uri)["uri"] == becomes


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("/about", "https://academia.test/about/?q=1"),
        ("//evil.test/x", "https://academia.test/evil.test/x/?q=1"),
    ],
)
def test_a_page_in_a_folder_is_asked_for_with_its_slash(code: Code, uri: str, location: str) -> None:
    """Else its relative links would lead elsewhere. For a time only: a site may become an application."""
    answer = handled(code["folders"], uri, query={"q": {"value": "1"}})
    assert (answer["statusCode"], answer["headers"]["location"]["value"]) == (302, location)


@pytest.mark.parametrize("kind", ["spa", "folders", "files"])
def test_www_goes_to_the_apex_with_path_and_query(code: Code, kind: str) -> None:
    query = {
        "a": {"value": "1"},
        "flag": {"value": ""},
        "b": {"value": "2", "multiValue": [{"value": "2"}, {"value": "3"}]},
    }
    answer = handled(code[kind], "/x/y", host="www.academia.test", query=query)
    assert answer["statusCode"] == 301
    assert answer["headers"]["location"]["value"] == "https://academia.test/x/y?a=1&flag&b=2&b=3"


def test_the_longest_function_is_one_that_cloudfront_takes() -> None:
    paths = ["index.html", *(f"descargas/guia-de-estudio-numero-{number:03}" for number in range(100))]
    build = recognise(paths, not_found=False)
    assert len(build.files) == 100
    facts = DISTRIBUTIONS["Debian-13"]
    text = render("s3_site", "viewer_request.js.j2", facts, __s3_site_build=build.as_dict())
    assert len(text.encode()) < FUNCTION_LIMIT
