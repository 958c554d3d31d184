"""Releases to test with: the example app as `make api` builds it, with folders of apps/ laid over it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".cache" / "build" / "api.tar.gz"
OUTPUT = ROOT / ".cache" / "e2e" / "apps"
OVERLAYS = Path(__file__).parent / "apps"
MARK = "@MARK@"
# What an earlier run has left on the host, such as migrations that have run, is no part of this one.
RUN = f"{int(time.time()):x}"[-6:]


@dataclass(frozen=True)
class App:
    """An artifact, and the name its release is given."""

    name: str
    path: Path
    sha256: str

    @property
    def release(self) -> str:
        """The release's id, unless its .env has changed."""
        return f"{self.name}-{self.sha256[:12]}"

    @property
    def bytes(self) -> bytes:
        return self.path.read_bytes()

    def request(self, **more: Any) -> dict[str, Any]:
        """What the engine is asked, with the artifact's bytes to follow."""
        artifact = {
            "source": "stdin",
            "format": "tar",
            "bytes": self.path.stat().st_size,
            "sha256": self.sha256,
        }
        return {"name": self.name, "owner": "e2e", "reason": "a test", "artifact": artifact, **more}


def build(name: str, *overlays: str) -> App:
    """The example app with ``every`` and these folders over it; @MARK@ in names and contents is the name.

    name: letters, digits and underscores, since tables are named by it too; this run's own word is added.
    """
    name = f"{name}_{RUN}"
    files = built()
    for overlay in ("every", *overlays):
        laid = OVERLAYS / overlay
        for path in sorted(laid.rglob("*")):
            if path.is_file():
                place = str(path.relative_to(laid)).replace(MARK, name)
                files[place] = (path.read_bytes().replace(MARK.encode(), name.encode()), 0o644)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in sorted({str(parent) for place in files for parent in Path(place).parents} - {"."}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for place, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(place)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / f"{name}.tar.gz"
    path.write_bytes(gzip.compress(buffer.getvalue(), compresslevel=6, mtime=0))
    return App(name, path, hashlib.sha256(path.read_bytes()).hexdigest())


def built() -> dict[str, tuple[bytes, int]]:
    """The files of what `make api` has built: content and mode by name."""
    with tarfile.open(BUILT) as tar:
        return {
            entry.name: (tar.extractfile(entry).read(), entry.mode)  # type: ignore[union-attr]
            for entry in tar
            if entry.isfile()
        }
