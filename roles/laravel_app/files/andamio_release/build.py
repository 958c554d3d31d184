"""Make a release's folder out of an artifact."""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import IO

from andamio_release.archive import Limits, hash_file, unpack
from andamio_release.commands import Commands
from andamio_release.errors import ReleaseError, RequestError
from andamio_release.settings import Artifact, Settings

CHUNK = 2**20
# What was compiled or stored elsewhere, and an .env that came along, are not this host's.
HOSTS_OWN = ("storage", ".env", "bootstrap/cache")
# So many of the files that are left out are named.
NAMED = 10
PACKAGE = Path(__file__).parent.parent


def receive(artifact: Artifact, stream: IO[bytes], staging: Path) -> Path:
    """The artifact as a file of this host, its hash checked. Raises RequestError when it isn't whole."""
    path = staging / "artifact"
    path.unlink(missing_ok=True)
    if artifact.source == "file":
        path = Path(artifact.path)
        if not path.is_file():
            raise RequestError(f"artifact: there is no file {path} on this host")
    elif artifact.source == "s3":
        fetch(artifact, path)
    else:
        copy(stream, path, artifact.bytes)
    if artifact.sha256 and hash_file(path) != artifact.sha256:
        raise RequestError("artifact: its SHA-256 is not the one that was announced; send it again")
    return path


def copy(stream: IO[bytes], path: Path, size: int) -> None:
    """Write what is sent. Raises RequestError when it ends early."""
    left = size
    with path.open("wb") as file:
        while left and (block := stream.read(min(left, CHUNK))):
            file.write(block)
            left -= len(block)
    if left:
        raise RequestError(f"artifact: only {size - left} of {size} bytes came; send it again")


def fetch(artifact: Artifact, path: Path) -> None:
    """Get an object of S3, in a process of its own, since boto3 is slow to load. Raises ReleaseError."""
    command = [sys.executable, "-m", "andamio_release.s3", "get", artifact.bucket, artifact.key, str(path)]
    if artifact.version:
        command += ["--version", artifact.version]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(PACKAGE)}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ReleaseError(
            done.stderr.strip() or f"s3://{artifact.bucket}/{artifact.key} could not be fetched"
        )


def make(settings: Settings, artifact: Path, form: str, target: Path) -> None:
    """Unpack an artifact into a new folder. Raises RequestError for what is no safe archive."""
    replaced = (*Limits.replaced, *(f"public/{name}" for name in settings.public_links))
    limits = Limits(settings.max_unpacked_mb * 2**20, settings.max_files, replaced=replaced)
    unpack(artifact, form, target, limits)


def dropped(target: Path) -> str:
    """A warning that names the files of an artifact's storage/, which are left out; '' for none."""
    top = target / "storage"
    if top.is_symlink() or not top.is_dir():
        return ""
    names = sorted(
        str((Path(folder) / name).relative_to(target))
        for folder, _folders, files in os.walk(top)
        for name in files
        if name != ".gitignore"
    )
    if not names:
        return ""
    more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"the artifact's own files in storage/ are left out, since storage/ is the host's:"
        f" {', '.join(names[:NAMED])}{more}. What the code needs belongs into resources/ or database/"
    )


def copy_release(source: Path, target: Path) -> None:
    """The same code once more, for another .env."""

    def leave_out(folder: str, names: list[str]) -> list[str]:
        inside = Path(folder).relative_to(source)
        return [name for name in names if str(inside / name) in HOSTS_OWN]

    shutil.copytree(source, target, symlinks=True, ignore=leave_out)


def link(settings: Settings, target: Path, env: Path) -> None:
    """Give a release the host's own parts: its .env, storage, and a folder for compiled files."""
    user, group = pwd.getpwnam(settings.user).pw_uid, grp.getgrnam(settings.group).gr_gid
    for name in HOSTS_OWN:
        remove(target, name)
    (target / "storage").symlink_to(Path("../../shared/storage"))
    put_env(env, target / ".env", group)
    # The compiled configuration holds the secrets of .env: for the application's eyes alone.
    cache = target / "bootstrap" / "cache"
    real_folder(cache.parent)
    cache.mkdir(mode=0o750)
    os.chown(cache, user, group)
    if settings.public_links:
        real_folder(target / "public")
    for name, where in settings.public_links.items():
        remove(target, f"public/{name}")
        (target / "public" / name).symlink_to(where)


def real_folder(path: Path) -> None:
    """Make sure that a folder is there and is no link. Raises RequestError."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise RequestError(f"artifact: {path.name} must be a folder, not a link or a file")
    path.mkdir(mode=0o755, exist_ok=True)


def remove(target: Path, name: str) -> None:
    """Remove one of a release's own paths, whatever it is; nothing is followed."""
    path = target / name
    if path.parent.is_symlink():
        raise RequestError(f"artifact: {path.parent.name} must be a folder, not a link")
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        remove_tree(path)


def remove_tree(folder: Path) -> None:
    """Remove a folder and all in it, however deep: the application writes in a release's bootstrap/cache.

    shutil.rmtree() gives up at Python's limit of recursion. Nothing is followed. Raises OSError.
    """
    done = subprocess.run(
        ["/bin/rm", "--recursive", "--force", "--", str(folder)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise OSError(done.stderr.strip()[-1000:])


def put_env(source: Path, target: Path, group: int) -> None:
    """Put an .env in place for the application to read: 0640, root's."""
    partial = target.with_name(".env.new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(source.read_bytes())
        os.fchown(file.fileno(), 0, group)
        os.fchmod(file.fileno(), 0o640)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(target)


def composer(settings: Settings, commands: Commands, target: Path) -> None:
    """Install the dependencies that composer.lock names, within the memory of a small host."""
    if not Path(settings.composer).exists():
        raise ReleaseError(
            f"the artifact has no vendor/ and this host has no {settings.composer}: build vendor/ into"
            " the artifact, or add the package composer (laravel_app_packages)"
        )
    vendor = target / "vendor"
    vendor.mkdir(mode=0o755)
    user, group = pwd.getpwnam(settings.user).pw_uid, grp.getgrnam(settings.group).gr_gid
    os.chown(vendor, user, group)
    commands.app(
        target,
        *(settings.composer, "install", "--no-dev", "--no-interaction", "--no-progress", "--no-ansi"),
        *("--prefer-dist", "--optimize-autoloader", "--no-cache"),
        extra={
            "COMPOSER_HOME": "/tmp/composer",  # noqa: S108 the unit has a /tmp of its own
            "COMPOSER_MEMORY_LIMIT": f"{settings.composer_memory_mb}M",
        },
        writable=[vendor],
        properties=[f"MemoryMax={settings.composer_memory_mb * 3 // 2}M", "Nice=10"],
    )
    adopt(vendor, target)


def adopt(folder: Path, release: Path, owner: int = 0) -> None:
    """Make root's what Composer has written as the application: code, which that may read and not change.

    By directory descriptors; no link is followed, and one that leads out of the release is refused, as is
    what is no file, folder or link. Raises ReleaseError.
    """
    for where, folders, files, descriptor in os.fwalk(folder, follow_symlinks=False):
        os.fchown(descriptor, owner, owner)
        os.fchmod(descriptor, 0o755)
        for name in [*folders, *files]:
            kind = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            if stat.S_ISLNK(kind):
                path = Path(where, name)
                if release.resolve() not in path.resolve().parents:
                    raise ReleaseError(f"Composer left a link that leads out of the release: {path}")
                os.chown(name, owner, owner, dir_fd=descriptor, follow_symlinks=False)
            elif stat.S_ISREG(kind):
                adopt_file(name, descriptor, owner)
            elif not stat.S_ISDIR(kind):
                raise ReleaseError(f"Composer left what is no file, folder or link: {Path(where, name)}")


def adopt_file(name: str, folder: int, owner: int) -> None:
    """Make one regular file root's, readable for all."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise ReleaseError(f"Composer left a file of several names: {name}")
        os.fchown(file, owner, owner)
        os.fchmod(file, 0o755 if found.st_mode & 0o100 else 0o644)
    finally:
        os.close(file)


def platform_problems(settings: Settings, commands: Commands, target: Path) -> list[str]:
    """What the application asks of PHP and this host has not: extensions, and what Composer's check says."""
    problems = []
    file = target / "composer.json"
    if file.is_file() and not file.is_symlink():
        try:
            wanted = json.loads(file.read_text()).get("require", {})
        except (ValueError, AttributeError) as error:
            raise RequestError(f"artifact: composer.json is no JSON object: {error}") from error
        there = {line.strip().lower() for line in commands.root(settings.php, "-m").splitlines()}
        there = {"zend-opcache" if name == "zend opcache" else name for name in there}
        missing = [name for name in extensions(wanted) if name not in there]
        problems += [f"PHP's extension {name} is missing (php_fpm_extensions)" for name in missing]
    check = target / "vendor" / "composer" / "platform_check.php"
    if check.is_file():
        try:
            commands.app(target, settings.php, str(check))
        except ReleaseError as error:
            problems.append(str(error))
    return problems


def extensions(require: dict[str, str]) -> list[str]:
    """The PHP extensions that a composer.json's ``require`` names."""
    found = [match[1].lower() for name in require if (match := re.fullmatch(r"ext-(.+)", name))]
    return ["zend-opcache" if name in ("opcache", "zend-opcache") else name for name in found]
