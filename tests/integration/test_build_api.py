"""The example's release, from the files here and from a git reference."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build(output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "examples" / "build-api", "--framework", "debian", "--output", output, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_reference_is_built_the_same_each_time(tmp_path: Path) -> None:
    first, second = (build(tmp_path / name, "--ref", "HEAD") for name in "ab")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("HEAD-")
    assert first.stdout == second.stdout == (tmp_path / "a" / "api.release").read_text()
    with tarfile.open(tmp_path / "a" / "api.tar.gz") as tar:
        names = tar.getnames()
    assert {"artisan", "public/index.php", "vendor/autoload.php"} <= set(names)
    assert not [name for name in names if name.startswith(("tests", ".env"))]


def test_without_a_reference_the_id_is_the_hash_alone(tmp_path: Path) -> None:
    assert len(build(tmp_path).stdout.strip()) == 12


@pytest.mark.parametrize(
    ("reference", "why"), [("no-such-tag", "has no example at no-such-tag"), ("-x", "-x")]
)
def test_a_reference_that_is_not_there(tmp_path: Path, reference: str, why: str) -> None:
    done = build(tmp_path, f"--ref={reference}")
    assert done.returncode != 0
    assert why in done.stderr
    assert not list(tmp_path.iterdir())
