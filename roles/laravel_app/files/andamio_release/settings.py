"""What the engine is told: its settings, and the request of one run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from andamio_release.errors import RequestError

SETTINGS = Path("/etc/andamio/release.json")
# A release's name is a folder, a unit and a word in a path.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Settings:
    """What /etc/andamio/release.json says. Sizes are in MiB, times in seconds."""

    root: str
    user: str
    group: str
    php: str
    server_name: str
    workers: list[str]
    env_source: str = "ssm"
    env_path: str = ""
    state: str = "/var/lib/andamio/release"
    # Where a release's PHP-FPM finds the options it starts with.
    fpm: str = "/var/lib/andamio/fpm"
    # Where the engine's flag of maintenance lies, and what passes it.
    maintenance: str = "/var/lib/andamio/maintenance"
    keep: int = 5
    public_links: dict[str, str] = field(default_factory=dict)
    migrate: str = "before_switch"
    isolated: bool = True
    dump: bool = True
    dump_limit_mb: int = 500
    cache_commands: list[str] = field(default_factory=list)
    preload: bool = True
    probes: list[dict[str, Any]] = field(default_factory=list)
    gate_seconds: int = 30
    request_seconds: int = 60
    min_free_mb: int = 300
    max_unpacked_mb: int = 1024
    max_files: int = 60000
    scheduler: bool = True
    composer: str = "/usr/bin/composer"
    composer_memory_mb: int = 384
    # What the application's code may write to.
    writable: list[str] = field(default_factory=list)

    @property
    def releases(self) -> Path:
        """The folder of all releases."""
        return Path(self.root) / "releases"

    @property
    def shared(self) -> Path:
        """What all releases share: storage, and .env where it isn't in Parameter Store."""
        return Path(self.root) / "shared"

    @property
    def current(self) -> Path:
        """The link to the live release."""
        return Path(self.root) / "current"

    @property
    def down_file(self) -> Path:
        """Artisan's own sign that the application is down for maintenance; the application owns it."""
        return self.shared / "storage" / "framework" / "down"

    def release(self, name: str) -> Path:
        """The folder of one release."""
        return self.releases / name

    def socket(self, name: str) -> Path:
        """Where a release's PHP-FPM listens."""
        return Path("/run/php") / f"release-{name}.sock"

    def unit(self, name: str) -> str:
        """The unit of a release's PHP-FPM."""
        return f"php-fpm@{name}.service"

    def units(self, name: str) -> tuple[str, str]:
        """That, and the socket that would start it again, in the order to stop them."""
        return f"php-fpm@{name}.socket", self.unit(name)


@dataclass(frozen=True)
class Artifact:
    """Where the code comes from: ``source`` is ``stdin``, ``file`` or ``s3``; ``bytes`` is its size."""

    source: str
    sha256: str
    format: str = "tar"
    path: str = ""
    bucket: str = ""
    key: str = ""
    version: str = ""
    bytes: int = 0


@dataclass(frozen=True)
class Request:
    """One run's wishes; a caller gives them as JSON."""

    action: str
    name: str = ""
    commit: str = ""
    owner: str = "root"
    reason: str = ""
    artifact: Artifact | None = None
    check: bool = False
    migrate: bool = True
    maintenance: bool = False
    release: str = ""
    database: str = ""
    confirm: str = ""
    # A secret while it lasts.
    dump_url: str = field(default="", repr=False)


def read_settings(path: Path = SETTINGS) -> Settings:
    """The settings of this host. Raises RequestError that names the key that is wrong."""
    try:
        return settings_from(json.loads(path.read_text()), str(path))
    except OSError as error:
        raise RequestError(
            f"{path} can't be read ({error.strerror}): run the role laravel_app first"
        ) from error
    except json.JSONDecodeError as error:
        raise RequestError(f"{path} is no JSON: {error}") from error


def settings_from(given: Any, where: str) -> Settings:
    """Settings out of parsed JSON. Raises RequestError."""
    settings: Settings = build(Settings, given, where)
    for key, allowed in (
        ("migrate", ("before_switch", "after_switch", "never")),
        ("env_source", ("ssm", "file")),
    ):
        value = getattr(settings, key)
        if value not in allowed:
            raise RequestError(f"{where}: {key} is {value!r}, not one of {', '.join(allowed)}")
    if settings.keep < 1:
        raise RequestError(f"{where}: keep is {settings.keep}, not 1 or more")
    return settings


def request_from(action: str, given: Any) -> Request:
    """A request out of parsed JSON. Raises RequestError."""
    where = "the request"
    if not isinstance(given, dict):
        raise RequestError(f"{where} is {type(given).__name__}, not an object")
    given = dict(given)
    if given.get("artifact") is not None:
        given["artifact"] = artifact_from(given["artifact"])
    request: Request = build(Request, {**given, "action": action}, where)
    if request.name and not NAME.fullmatch(request.name):
        raise RequestError(
            f"{where}: name {request.name!r} is no word of letters, digits, dots, hyphens and underscores"
        )
    if request.release and not RELEASE.fullmatch(request.release):
        raise RequestError(f"{where}: release {request.release!r} is no release's id")
    if request.database not in ("", "keep", "restore"):
        raise RequestError(f"{where}: database is {request.database!r}, not keep or restore")
    return request


def artifact_from(given: Any) -> Artifact:
    """An artifact's description out of parsed JSON. Raises RequestError."""
    where = "the request: artifact"
    artifact: Artifact = build(Artifact, given, where)
    needs = {"stdin": ("bytes",), "file": ("path",), "s3": ("bucket", "key")}
    if artifact.source not in needs:
        raise RequestError(f"{where}: source is {artifact.source!r}, not one of {', '.join(needs)}")
    for key in needs[artifact.source]:
        if not getattr(artifact, key):
            raise RequestError(f"{where}: source {artifact.source} needs {key}")
    if artifact.format not in ("tar", "zip"):
        raise RequestError(f"{where}: format is {artifact.format!r}, not tar or zip")
    # What S3 holds is hashed when it is here; what is sent was hashed by its sender.
    if not SHA256.fullmatch(artifact.sha256) and not (artifact.source == "s3" and not artifact.sha256):
        raise RequestError(f"{where}: sha256 is no SHA-256 in hexadecimal digits")
    return artifact


def build(kind: Any, given: Any, where: str) -> Any:
    """A dataclass out of parsed JSON. Raises RequestError for an unknown or missing key, or a wrong type."""
    if not isinstance(given, dict):
        raise RequestError(f"{where}: an object is needed, not {type(given).__name__}")
    known = {entry.name: entry for entry in fields(kind)}
    if unknown := sorted(set(given) - set(known)):
        raise RequestError(f"{where}: unknown key {', '.join(unknown)}; there are {', '.join(known)}")
    for name, value in given.items():
        wanted = str(known[name].type)
        if not fits(value, wanted):
            raise RequestError(f"{where}: {name} is {value!r}, not {wanted.partition('[')[0]}")
    try:
        return kind(**given)
    except TypeError as error:
        raise RequestError(f"{where}: {str(error).partition(') ')[2] or error}") from error


def fits(value: Any, wanted: str) -> bool:
    """Whether a JSON value is of an annotated type; only its outside is looked at."""
    kinds: dict[str, type] = {"str": str, "int": int, "list": list, "dict": dict, "Artifact": Artifact}
    if wanted == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    names = [name.strip() for name in wanted.partition("[")[0].split("|")]
    return any(value is None if name == "None" else isinstance(value, kinds[name]) for name in names)
