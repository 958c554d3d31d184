"""What is fetched ahead is what the roles install."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import config, image, warm

ROLES = config.CHECKOUT / "roles"


def variables(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROLES / path).read_text())
    return loaded


def test_the_roles_packages_are_in_the_list() -> None:
    extensions = variables("php_fpm/defaults/main.yml")["php_fpm_extensions"]
    version = variables("php_fpm/vars/Debian-13.yml")["php_fpm_version"]
    wanted = {
        *variables("base/defaults/main.yml")["base_packages"],
        *variables("base/vars/main.yml")["__base_packages"],
        *(
            name
            for names in variables("certbot/vars/main.yml")["__certbot_packages"].values()
            for name in names
        ),
        *(f"php{version}-{name}" for name in ("cli", "fpm", *extensions)),
    }
    assert wanted <= set(warm.packages())


def test_the_list_has_no_name_twice_and_is_sorted() -> None:
    assert warm.packages() == sorted(set(warm.packages()))


def test_the_script_is_valid_shell_and_has_mysqls_pin() -> None:
    subprocess.run(["sh", "-n"], input=warm.script(), text=True, check=True)
    assert "Pin: release n=sid" in warm.script()
    assert "Package: mysql-* " in warm.script()


def test_it_is_due_once_for_an_image_and_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "HOST_IMAGE", image.HOST.name)
    monkeypatch.setattr(config, "IMAGES", tmp_path)
    monkeypatch.setattr(warm, "MARK", tmp_path / "warmed")
    assert warm.is_due()
    warm.MARK.write_text(warm.state())
    assert not warm.is_due()
    image.HOST.archive.touch()
    assert warm.is_due()


def test_another_image_is_nobodys_to_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "HOST_IMAGE", "geerlingguy/docker-ubuntu2404-ansible")
    assert not warm.is_due()
