"""What a built site's files are: classes, media types, digests."""

from __future__ import annotations

import hashlib
import os
import random
import string
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _site_files
from ansible_collections.andamio.laravel_aws.plugins.module_utils._site_files import (
    FIRST,
    LAST,
    MIDDLE,
    WORKERS,
    Rule,
    Unusable,
)

HASHED = [
    "assets/index-BqYvX1_Z.js",  # Vite
    "assets/index-CqYvXaBZ.css",
    "assets/index-BqYvX1_Z.js.map",
    "assets/DataGrid-D3adB33f.js",
    "assets/react-dom-Dk-3f_aZ.js",
    "main-QZ5DXE5N.js",  # Angular, esbuild
    "static/js/main.8e0f2a1b.js",  # Create React App
    "static/js/main.8e0f2a1b.js.LICENSE.txt",
    "static/js/787.28cb0dcd.chunk.js",
    "static/media/logo.6ce24c58023cc2f8fd88.svg",  # webpack 5
    "index.2e1f3a4b.css",  # Parcel
    "workbox-8c29f6e4.js",
    "_next/static/chunks/pages/_app.js",
    "_nuxt/entry.js",
    "_astro/page.css",
    "_app/immutable/entry/start.js",
    "assets/logo-D3adB33f.svg",  # Vite: all that is imported
    "assets/guia-BqYvX1_Z.pdf",
    "assets/Inter-CqYvXaBZ.woff2",
    "media/hero-QZ5DXE5N.webp",  # Angular
    "styles-5INURTSO.css",
    "chunk-3KB4FXGA.js",
    "_next/static/css/0f2a1b8e3c4d5e6f.css",  # Next.js
    "_astro/hoisted.Bq1vX1Z_.js",  # Astro
    "assets/js/main.3c2d1e0f.js",  # Docusaurus
    "assets/css/styles.2f9a0b1c.css",
    "images/logo.6ce24c58023cc2f8fd88.png",  # webpack's [contenthash], outside of a folder of assets
    "bundle.5f2c8d1e.mjs",
    "assets/worker-D3adB33f.wasm",
]
UNHASHED = [
    "favicon.ico",
    "logo192.png",
    "assets/my-component.js",
    "assets/vendor-DataGrid.js",
    "assets/date-fns-core.js",
    "assets/jquery-3.7.1.min.js",
    "js/bootstrap.bundle.min.js",
    "img/photo-2024-01-15.jpg",
    "img/photo-20240115.jpg",
    "img/team-portrait.jpg",
    "img/lesson-1.webp",
    "video/lesson-12345678.mp4",
    "THIRD-PARTY-LICENSES.txt",
    "docs/CHANGELOG.md",
    "fonts/Inter-SemiBold.woff2",
    "fonts/inter-v13-latin-regular.woff2",
    "assets/background.jpg",
    "foto-IMG_1234.jpg",  # a camera's, a person's and a product's names
    "foto-DSC_0001.jpg",
    "assets/foto-IMG_1234.jpg",
    "img/curso-DSCN0042.jpg",
    "tarifas-v2_final.pdf",
    "menu-2026_001.pdf",
    "precios-Oct2026a.pdf",
    "assets/precios-Oct2026a.pdf",
    "assets/tarifas-v2_final.css",
    "menu-20261130a.pdf",
    "img/menu-20261130a.jpg",
    "img/sku-AB12CD34.jpg",
    "docs/acta-BqYvX1_Z.pdf",  # a hash maybe, but a document's address stays
    "docs/acta-1a2b3c4d.pdf",
    "data/precios-8e0f2a1b.json",
    "a/really-long-name-" + "a" * 200 + ".png",
]
ENTRIES = [
    "index.html",
    "404.html",
    "courses/index.html",
    "manifest.webmanifest",
    "manifest.json",
    "asset-manifest.json",
    "robots.txt",
    "sitemap.xml",
    "sitemap-0.xml",
    "version.json",
    "registerSW.js",
    ".well-known/security.txt",
]


@pytest.mark.parametrize("path", HASHED)
def test_hashed_names_are_immutable_and_first(path: str) -> None:
    rule = _site_files.rule_for(path, [])
    assert (rule.cache_control, rule.phase, rule.invalidate) == (_site_files.IMMUTABLE, FIRST, False)


@pytest.mark.parametrize("path", UNHASHED)
def test_other_names_are_not_immutable(path: str) -> None:
    rule = _site_files.rule_for(path, [])
    assert (rule.cache_control, rule.phase, rule.invalidate) == (_site_files.AN_HOUR, MIDDLE, False)


@pytest.mark.parametrize("path", ENTRIES)
def test_entry_documents_are_last_and_invalidated(path: str) -> None:
    rule = _site_files.rule_for(path, [])
    assert (rule.cache_control, rule.phase, rule.invalidate) == ("no-cache", LAST, True)


@pytest.mark.parametrize("path", ["sw.js", "service-worker.js", "serviceworker.js", "app/sw.js", "ngsw.json"])
def test_service_workers_come_after_the_pages_they_fetch(path: str) -> None:
    assert _site_files.rule_for(path, []).phase == WORKERS


def test_nearly_all_of_vites_hashes_are_recognised() -> None:
    """A missed one is only cached for an hour; a word taken for a hash would be stuck for a year."""
    draw = random.Random(1)
    letters = string.ascii_letters + string.digits + "-_"
    names = ["assets/index-" + "".join(draw.choices(letters, k=8)) + ".js" for _ in range(2000)]
    found = sum(_site_files.rule_for(name, []).phase == FIRST for name in names)
    assert found > 0.92 * len(names)


def test_own_rules_come_first() -> None:
    rule = Rule("^photos/", "public, max-age=86400")
    assert _site_files.rule_for("photos/a.html", [rule]) is rule
    assert _site_files.rule_for("a.html", [rule]) is not rule


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("a.JS", "text/javascript; charset=utf-8"),
        ("a.js.map", "application/json"),
        ("font.woff2", "font/woff2"),
        ("a.b/LICENSE", "application/octet-stream"),
        (".well-known/apple-app-site-association", "application/json"),
        ("a.glb", "model/gltf-binary"),
        ("CNAME", "text/plain"),
    ],
)
def test_content_types(path: str, expected: str) -> None:
    own = {".glb": "model/gltf-binary", "CNAME": "text/plain"}
    assert _site_files.content_type(path, own) == expected


def md5(content: bytes) -> Any:
    return hashlib.md5(content, usedforsecurity=False)


def test_the_digest_is_the_etag_s3_gives(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"hello")
    assert _site_files.digest(small, 5) == md5(b"hello").hexdigest()
    part = _site_files.PART_BYTES
    content = os.urandom(2 * part + 7)
    large.write_bytes(content)
    digests = b"".join(md5(content[first : first + part]).digest() for first in (0, part, 2 * part))
    assert _site_files.digest(large, len(content)) == md5(digests).hexdigest() + "-3"


def test_find_and_describe(tmp_path: Path) -> None:
    for name in (
        "index.html",
        "b/c.css",
        ".env",
        ".git/config",
        ".well-known/x",
        "b/Thumbs.db",
        "node_modules/x.js",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link.css").symlink_to("b/c.css")
    found = _site_files.find(tmp_path, "index.html", ["Thumbs.db", "node_modules"])
    assert [path for path, _, _ in found] == [".well-known/x", "b/c.css", "index.html", "link.css"]
    with ThreadPoolExecutor(2) as executor:
        files = _site_files.describe(found, _site_files.digests(found, executor), [], {})
    assert files["b/c.css"].digest == files["link.css"].digest == md5(b"b/c.css").hexdigest()
    assert files["b/c.css"].headers == "public, max-age=3600 | text/css; charset=utf-8"


def test_all_that_is_wrong_with_a_folder_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc/hostname")
    (tmp_path / "dead").symlink_to("nowhere")
    (tmp_path / os.fsdecode(b"latin\xe9.txt")).write_text("x")
    with pytest.raises(Unusable) as error:
        _site_files.find(tmp_path, "index.html", [])
    assert len(error.value.problems) == 4
    assert "has no index.html" in error.value.problems[0]
