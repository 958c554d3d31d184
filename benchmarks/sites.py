"""The sites that are uploaded: made anew, with the same bytes each time."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path


class Site:
    """A folder like a build tool's output. ``changes`` counts how often files were changed."""

    def __init__(self, folder: Path, files: int, size: int) -> None:
        """Make a site of so many files, of so many bytes on average."""
        self.folder = folder
        self.random = random.Random(1)
        self.names = ["index.html", "robots.txt"]
        self.names += [
            f"assets/part{number}-{self.random.getrandbits(32):08x}.js" for number in range(files - 2)
        ]
        self.changes = 0
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "assets").mkdir(parents=True)
        for name in self.names:
            (folder / name).write_bytes(
                self.random.randbytes(self.random.randrange(size // 2, size * 3 // 2))
            )

    def rebuild(self) -> None:
        """Give all files a new time, as a build does, and the same bytes."""
        for name in self.names:
            os.utime(self.folder / name)

    def change_three(self) -> None:
        """Change three files, their sizes too: within a second, tools that compare times would miss it."""
        self.changes += 1
        for name in ("index.html", *self.names[2:4]):
            (self.folder / name).write_bytes(f"{name} {self.changes}".encode() * (100 + self.changes))
