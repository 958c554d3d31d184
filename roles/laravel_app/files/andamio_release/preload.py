"""Code that is compiled before the first visitor: what the live release has compiled, the new one needs.

Two ways. Preloaded classes are there from PHP-FPM's start, without an autoloader; the rest is compiled into
OPcache by one request on the private socket.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from andamio_release.errors import ReleaseError
from andamio_release.fastcgi import ask
from andamio_release.settings import Settings

HERE = Path(__file__).parent
ASK = HERE / "opcache.php"
SCRIPT = HERE / "preload.php"


def options_file(settings: Settings, release: str) -> Path:
    """What systemd adds to the environment of a release's PHP-FPM."""
    return Path(settings.fpm) / f"{release}.env"


def options(settings: Settings, listed: Path) -> str:
    """The environment that makes a PHP-FPM preload the files of a list."""
    return (
        f"PRELOAD_OPTIONS=-d opcache.preload={SCRIPT} -d opcache.preload_user={settings.user}\n"
        f"ANDAMIO_PRELOAD={listed}\n"
    )


def translate(files: list[str], live: Path, new: Path) -> list[str]:
    """The files that the live release has compiled, as the new release has them.

    The compiled configuration and routes are each release's own, and Andamio's own files are no application.
    """
    own = [f"{new}/{file.removeprefix(f'{live}/')}" for file in files if file.startswith(f"{live}/")]
    elsewhere = [
        file
        for file in files
        if not file.startswith((f"{live.parent}/", f"{HERE}/")) and "/storage/framework/" not in file
    ]
    return sorted(own + elsewhere)


def compiled(settings: Settings, release: str) -> list[str]:
    """What a release's PHP-FPM has compiled; nothing when it can't be asked."""
    answer = opcache(settings, release)
    return list(answer.get("files", []))


def opcache(settings: Settings, release: str) -> dict[str, Any]:
    """OPcache's state in a release's PHP-FPM, empty when it can't be asked."""
    try:
        answer = ask(settings.socket(release), ASK, uri="/opcache", host=settings.server_name, seconds=5)
        parsed = json.loads(answer.body)
    except (OSError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def prepare(settings: Settings, release: str, files: list[str]) -> None:
    """Have a release's PHP-FPM preload these files when it is next started."""
    folder = Path(settings.fpm)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    listed = folder / f"{release}.files"
    listed.write_text("".join(f"{file}\n" for file in files if "\n" not in file))
    options_file(settings, release).write_text(options(settings, listed))


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
