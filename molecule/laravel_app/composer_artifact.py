"""Make of the example's artifact one without vendor/, for Composer on the host: composer_artifact.py FROM TO.

No Packagist: its packages are in the artifact, an `artifact` repository of two.
"""

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGES = {
    "framework": "<?php require_once '/usr/share/php/Illuminate/autoload.php';\n",
    "cage": Path(__file__).with_name("cage.php").read_text(),
}


def package(name: str, code: str) -> tuple[dict[str, object], bytes]:
    """A package's description, and its archive."""
    described: dict[str, object] = {
        "name": f"acme/{name}",
        "version": "1.0.0",
        "type": "library",
        "autoload": {"files": [f"{name}.php"]},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("composer.json", json.dumps(described))
        file.writestr(f"{name}.php", code)
    return described, buffer.getvalue()


def main(source: str, target: str) -> None:
    files: dict[str, bytes] = {}
    locked = []
    for name, code in PACKAGES.items():
        described, content = package(name, code)
        path = f"packages/acme-{name}-1.0.0.zip"
        files[path] = content
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        dist = {"type": "zip", "url": path, "shasum": digest}
        locked.append({**described, "dist": dist})
    files["composer.json"] = json.dumps(
        {
            "name": "academia/api",
            "repositories": [{"type": "artifact", "url": "packages"}, {"packagist.org": False}],
            "require": {f"acme/{name}": "1.0.0" for name in PACKAGES},
            "autoload": {"psr-4": {"App\\": "app/", "Database\\Seeders\\": "database/seeders/"}},
            "scripts": {"post-autoload-dump": "@php vendor/acme/cage/cage.php"},
        }
    ).encode()
    files["composer.lock"] = json.dumps(
        {"packages": locked, "packages-dev": [], "aliases": [], "content-hash": "0" * 32}
    ).encode()
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for entry in old:
            path = entry.name.removeprefix("./")
            if path.split("/")[0] != "vendor" and path not in files:
                new.addfile(entry, old.extractfile(entry) if entry.isreg() else None)
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    main(*sys.argv[1:])
