"""The secret of a sandbox."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sandbox import secret


def test_it_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secret"
    before = os.umask(0)
    try:
        assert secret.ensure(file)
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    first = secret.read(file)
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert not secret.ensure(file)
    assert secret.read(file) == first
    assert secret.ensure(tmp_path / "other")
    assert secret.read(tmp_path / "other") != first


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    with pytest.raises(ValueError, match="has no secret in it"):
        secret.read(tmp_path / "secret")
