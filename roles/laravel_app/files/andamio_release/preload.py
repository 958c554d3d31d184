"""Code that is compiled before the first visitor: what the live release has compiled, the new one needs.

Two ways. Preloaded classes are there from PHP-FPM's start, without an autoloader; the rest is compiled into
OPcache by one request on the private socket.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from andamio_release.errors import ReleaseError
from andamio_release.fastcgi import ask
from andamio_release.settings import Settings

HERE = Path(__file__).parent
ASK = HERE / "opcache.php"
# Where others than root write, whoever owns what is there now.
WRITABLE = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp")  # noqa: S108
SCRIPT = HERE / "preload.php"


def options_file(settings: Settings, release: str) -> Path:
    """What systemd adds to the environment of a release's PHP-FPM."""
    return Path(settings.fpm) / f"{release}.env"


def options(listed: Path) -> str:
    """The environment that makes a PHP-FPM preload the files of a list."""
    return f"PRELOAD_OPTIONS=-d opcache.preload={SCRIPT}\nANDAMIO_PRELOAD={listed}\n"


def translate(files: list[str], live: Path, new: Path) -> list[str]:
    """The files that the live release has compiled, as the new release has them: root's own alone.

    The compiled configuration and routes are each release's own, and Andamio's own files are no application.
    """
    own = [f"{new}/{file.removeprefix(f'{live}/')}" for file in files if file.startswith(f"{live}/")]
    elsewhere = [file for file in files if not file.startswith((f"{live.parent}/", f"{HERE}/"))]
    shared = live.parent.parent / "shared"
    return sorted(
        [file for file in own if is_roots(file, new)]
        + [file for file in elsewhere if is_roots(file) and not is_below(file, WRITABLE, shared)]
    )


def is_below(file: str, *folders: Path | tuple[str, ...]) -> bool:
    """Whether a file really lies below one of some folders."""
    real = Path(file).resolve()
    names = [name for folder in folders for name in (folder if isinstance(folder, tuple) else [folder])]
    return any(real.is_relative_to(Path(name).resolve()) for name in names)


def is_roots(file: str, top: Path = Path("/")) -> bool:
    """Whether a file really lies below a folder, and nobody but root can change it or a folder down to it.

    The live application names the files, and may be in other hands: what it could have written itself would
    be in the next release's every request.
    """
    if not file.isprintable():
        return False
    try:
        real = Path(file).resolve(strict=True)
        ends = top.resolve(strict=True)
        if not real.is_relative_to(ends) or not real.is_file():
            return False
        down = [path.lstat() for path in (real, *real.parents) if path.is_relative_to(ends)]
    except (OSError, ValueError):
        return False
    return all(status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022 for status in down)


def compiled(settings: Settings, release: str) -> list[str]:
    """What a release's PHP-FPM has compiled; nothing when it can't be asked."""
    found = opcache(settings, release).get("files")
    return [file for file in found if isinstance(file, str)] if isinstance(found, list) else []


def opcache(settings: Settings, release: str) -> dict[str, Any]:
    """OPcache's state in a release's PHP-FPM, empty when it can't be asked."""
    try:
        answer = ask(settings.socket(release), ASK, uri="/opcache", host=settings.server_name, seconds=5)
        parsed = json.loads(answer.body)
    except (OSError, ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def prepare(settings: Settings, release: str, files: list[str]) -> None:
    """Have a release's PHP-FPM preload these files when it is next started."""
    folder = Path(settings.fpm)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    listed = folder / f"{release}.files"
    listed.write_text("".join(f"{file}\n" for file in files if "\n" not in file))
    options_file(settings, release).write_text(options(listed))


def drop(settings: Settings, release: str) -> None:
    """Have a release's PHP-FPM start without preloading."""
    options_file(settings, release).unlink(missing_ok=True)


def warm(settings: Settings, release: str, files: list[str]) -> None:
    """Compile files in a release's PHP-FPM. Raises ReleaseError when it can't."""
    body = json.dumps(files).encode()
    try:
        answer = ask(
            *(settings.socket(release), ASK),
            method="POST",
            uri="/opcache",
            host=settings.server_name,
            headers={"Content-Type": "application/json"},
            body=body,
            seconds=20,
        )
    except OSError as error:
        raise ReleaseError(f"the code of {release} could not be compiled ahead: {error}") from error
    if answer.status != 200:
        raise ReleaseError(f"the code of {release} could not be compiled ahead: status {answer.status}")
