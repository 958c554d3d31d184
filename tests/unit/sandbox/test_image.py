"""The recipe of an image, and the name of its archive."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import image


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> image.Image:
    shutil.copytree(image.FILES, tmp_path / "rootfs")
    monkeypatch.setattr(image, "FILES", tmp_path / "rootfs")
    return replace(image.HOST, files=tmp_path / "rootfs" / "host", hook=tmp_path / "rootfs" / "host.sh")


def test_the_same_recipe_has_the_same_archive(recipe: image.Image) -> None:
    assert recipe.archive == replace(recipe).archive


@pytest.mark.parametrize("change", ["package", "hook", "file"])
def test_a_changed_recipe_has_another_archive(recipe: image.Image, change: str) -> None:
    before = recipe.archive
    if change == "package":
        recipe = replace(recipe, packages=(*recipe.packages, "curl"))
    elif change == "hook":
        recipe.hook.write_text(recipe.hook.read_text() + "true\n")
    else:
        (recipe.files / "etc" / "motd").write_text("hello\n")
    assert recipe.archive != before


def test_a_folder_with_a_space_is_one_word() -> None:
    spaced = replace(image.HOST, hook=Path("/a b/host.sh"), files=Path("/a b/host"))
    hooks = [word for word in image.command(spaced, Path("x")) if word.startswith("--customize-hook")]
    assert hooks == [
        "--customize-hook=sync-in '/a b/host' /",
        "--customize-hook=chroot \"$1\" sh -eu < '/a b/host.sh'",
    ]
