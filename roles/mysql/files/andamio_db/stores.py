"""Where dumps are put, and where they come from."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from andamio_db.errors import DumpError
from andamio_db.settings import CHUNK, SETTINGS, SUFFIX, Settings
from andamio_db.signature import METADATA, SIDECAR

# Of a server that says nothing, in seconds.
SILENCE = 60


class Store(Protocol):
    """Where dumps are put. ``get`` gives the dump's signature, '' if it has none."""

    def put(self, path: Path, key: str, signature: str) -> None: ...
    def get(self, key: str, path: Path, url: str = "") -> str: ...
    def keys(self, prefix: str) -> list[str]: ...
    def name(self, key: str) -> str: ...


class Folder:
    """Dumps in a folder, the newest ``keep`` of each database."""

    def __init__(self, root: Path, keep: int) -> None:
        self.root = root
        self.keep = keep

    def put(self, path: Path, key: str, signature: str) -> None:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_name(f".{target.name}")
        _sidecar(target).write_text(f"{signature}\n")
        shutil.copy(path, partial)
        partial.chmod(0o600)
        partial.rename(target)
        for old in self.keys(f"{target.parent.name}/")[: -self.keep]:
            (self.root / old).unlink()
            _sidecar(self.root / old).unlink(missing_ok=True)

    def get(self, key: str, path: Path, url: str = "") -> str:
        if url:
            return fetch(url, path)
        if not (self.root / key).is_file():
            raise DumpError(f"no dump {self.name(key)}")
        shutil.copy(self.root / key, path)
        sidecar = _sidecar(self.root / key)
        return sidecar.read_text().strip() if sidecar.is_file() else ""

    def keys(self, prefix: str) -> list[str]:
        found = (self.root / prefix).glob(f"[!.]*{SUFFIX}")
        return sorted(str(path.relative_to(self.root)) for path in found)

    def name(self, key: str) -> str:
        return str(self.root / key)


class Bucket:
    """Dumps in a private S3 bucket. This host writes new ones; it can't read, overwrite or delete any."""

    def __init__(self, bucket: str, region: str) -> None:
        # Only a bucket needs it, and it takes a second to load.
        boto3: Any = import_module("boto3")
        botocore: Any = import_module("botocore.exceptions")
        self.bucket = bucket
        self.errors = (botocore.BotoCoreError, botocore.ClientError, boto3.exceptions.Boto3Error)
        self.client: Any = boto3.client("s3", region_name=region or None)

    @contextmanager
    def explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except self.errors as error:
            raise DumpError(f"could not {doing}: {error}") from error

    def put(self, path: Path, key: str, signature: str) -> None:
        with self.explained(f"put {self.name(key)}"):
            signed = {"Metadata": {METADATA: signature}}
            self.client.upload_file(str(path), self.bucket, key, ExtraArgs=signed)

    def get(self, key: str, path: Path, url: str = "") -> str:
        if not url:
            raise DumpError(
                f"this host may not read {self.name(key)}: whoever takes the host over doesn't get the dumps."
                " Restore it from the control machine, which hands it over:"
                f" playbooks/restore.yml -e key={key} -e into=NEW_DATABASE (or -e replace=true)"
            )
        return fetch(url, path)

    def keys(self, prefix: str) -> list[str]:
        with self.explained(f"list {self.name(prefix)}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return sorted(key for key in found if key.endswith(SUFFIX))

    def name(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"


def store(settings: Settings) -> Store:
    """The place for dumps. Raises DumpError when the settings name none."""
    if settings.bucket:
        return Bucket(settings.bucket, settings.region)
    if settings.directory:
        return Folder(Path(settings.directory), settings.keep)
    raise DumpError(f"no place for dumps: {SETTINGS} names neither a bucket nor a directory")


def fetch(url: str, path: Path) -> str:
    """Write what a URL gives to a file; the signature. Raises DumpError, which never has the URL."""
    if not url.startswith("https://"):
        raise DumpError("the dump's URL doesn't begin with https://")
    try:
        with (
            urllib.request.urlopen(url, timeout=SILENCE) as answer,  # noqa: S310 - it is https
            path.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file, CHUNK)
            return str(answer.headers.get(f"x-amz-meta-{METADATA}", ""))
    except urllib.error.HTTPError as error:
        raise DumpError(f"the dump can't be fetched: {error.code} {error.reason}") from error
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise DumpError(f"the dump can't be fetched: {reason}") from error


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + SIDECAR)
