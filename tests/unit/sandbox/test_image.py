"""The recipe of an image, and the name of its archive."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import config, image, podman


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


def aged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: float) -> image.Image:
    """The host's image, with a tar that old."""
    monkeypatch.setattr(config, "IMAGES", tmp_path)
    then = time.time() - seconds
    image.HOST.archive.touch()
    os.utime(image.HOST.archive, (then, then))
    return image.HOST


@pytest.mark.parametrize(("seconds", "old"), [(0, False), (config.IMAGE_SECONDS + 60, True)])
def test_lists_that_are_days_old_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, old: bool
) -> None:
    monkeypatch.setattr(image, "mirror_answers", lambda: True)
    assert image.is_old(aged(monkeypatch, tmp_path, seconds)) is old


def test_an_old_image_is_good_enough_while_the_mirror_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "DEBIAN_MIRROR", "http://127.0.0.1:9/debian")
    assert not image.is_old(aged(monkeypatch, tmp_path, config.IMAGE_SECONDS + 60))


def test_an_old_image_stays_when_a_new_one_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(image, "mirror_answers", lambda: True)
    monkeypatch.setattr(image, "command", lambda *_arguments: ["false"])
    monkeypatch.setattr(podman, "run", lambda *words: ran.extend(words))
    old = aged(monkeypatch, tmp_path, config.IMAGE_SECONDS + 60)
    image.build(old)
    assert str(old.archive) in ran
    old.archive.unlink()
    with pytest.raises(RuntimeError, match="could not make"):
        image.build(old)


def test_a_folder_with_a_space_is_one_word() -> None:
    spaced = replace(image.HOST, hook=Path("/a b/host.sh"), files=Path("/a b/host"))
    hooks = [word for word in image.command(spaced, Path("x")) if word.startswith("--customize-hook")]
    assert hooks == [
        "--customize-hook=sync-in '/a b/host' /",
        "--customize-hook=chroot \"$1\" sh -eu < '/a b/host.sh'",
    ]
