"""A build's routing, by its files: as today's generators leave them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._site_routes import (
    SPA,
    STATIC,
    Build,
    look,
    recognise,
)

VITE = ["index.html", "assets/index-BqYvX1_Z.js", "assets/index-CqYvXaBZ.css", "vite.svg"]
NEXT = ["index.html", "404.html", "_next/static/chunks/main-0f2a1b8e3c4d5e6f.js", "favicon.ico"]


@pytest.mark.parametrize(
    ("paths", "not_found", "routing", "folders"),
    [
        (VITE, False, SPA, True),
        ([*VITE, "offline.html"], False, SPA, False),
        ([*VITE, "legal/index.html"], False, SPA, True),  # of public/: told, not taken for an export
        ([*NEXT, "about/index.html", "404/index.html"], True, STATIC, True),  # trailingSlash: true
        ([*NEXT, "about.html", "blog/post.html", "404/index.html"], True, STATIC, False),
        (["index.html", "about/index.html", "_astro/page.Bq1vX1Z_.css"], False, STATIC, True),
        (
            ["index.html", "404.html", "docs/intro/index.html", "assets/js/main.3c2d1e0f.js"],
            True,
            STATIC,
            True,
        ),
        (["index.html", "_next/static/css/a.css"], False, SPA, True),
    ],
)
def test_what_a_build_is(paths: list[str], not_found: bool, routing: str, folders: bool) -> None:
    found = recognise(paths, not_found=not_found)
    assert (found.routing, found.folders, found.not_found) == (routing, folders, not_found)


def test_files_that_only_a_list_tells_from_routes() -> None:
    paths = [
        *VITE,
        "CNAME",
        "legal/v1.2",
        ".well-known/security",
        "a.GLB",
        "assets/x.js.map",
        "assets/x.css.map",
    ]
    found = recognise(paths, not_found=False)
    assert found.files == ["CNAME", "legal/v1.2"]
    assert found.source_maps == ["assets/x.css.map", "assets/x.js.map"]
    many = recognise([f"files/{number}" for number in range(101)], not_found=False)
    assert (many.files, many.too_many) == ([], True)


def test_a_404_page_that_is_the_application_itself_is_none(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<div id=root>")
    (tmp_path / "404.html").write_text("<div id=root>")
    assert (look(tmp_path).routing, look(tmp_path).not_found) == (SPA, False)
    (tmp_path / "404.html").write_text("Not here.")
    assert (look(tmp_path).routing, look(tmp_path).not_found) == (STATIC, True)


def test_a_site_that_is_not_built_yet(tmp_path: Path) -> None:
    assert look(tmp_path / "dist") == Build()
    assert not look(tmp_path / "dist").exists
