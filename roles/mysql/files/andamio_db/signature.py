"""Sign dumps: HMAC-SHA256 over a dump's name and content, with a key that only root on the host and the
operator can read. A dump that somebody else has put into the bucket, or has given another name, doesn't pass.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from importlib import import_module
from pathlib import Path
from typing import Any

from andamio_db.errors import DumpError
from andamio_db.settings import CHUNK, Settings

# The object's metadata, x-amz-meta-… in an answer; beside a dump in a folder, a file with this ending.
METADATA = "andamio-hmac-sha256"
SIDECAR = ".hmac-sha256"
KEY_FILE = "hmac_key"
KEY = re.compile(r"[0-9a-f]{64,}")


def name_of(key: str) -> str:
    """What is signed of a dump's key: database and name, wherever it is kept."""
    return "/".join(key.split("/")[-2:])


def sign(settings: Settings, path: Path, key: str) -> str:
    """A dump's signature. Raises DumpError when the key can't be read."""
    return _digest(_secret(settings, make=True), path, key)


def verify(settings: Settings, path: Path, key: str, signature: str) -> None:
    """Raise DumpError unless this environment has signed this dump, by this name."""
    word = "If you know where it comes from and trust it, say so: --unsigned (mysql_restore_unsigned=true)."
    if not signature:
        raise DumpError(
            f"{key} has no signature: it was made before dumps were signed, or not by this environment."
            f" Nothing was changed. {word}"
        )
    if not hmac.compare_digest(_digest(_secret(settings), path, key), signature):
        raise DumpError(
            f"{key} is not what this environment has signed: its content or its name was changed, or it is of"
            f" another environment or from before its key was deleted. Nothing was changed. {word}"
        )


def _digest(secret: bytes, path: Path, key: str) -> str:
    digest = hmac.new(secret, name_of(key).encode() + b"\0", hashlib.sha256)
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _secret(settings: Settings, make: bool = False) -> bytes:
    """The key. Raises DumpError when there is none, or it is too short to be one."""
    where = settings.hmac_parameter or str(Path(settings.work) / KEY_FILE)
    text = _parameter(settings) if settings.hmac_parameter else _file(Path(where), make)
    if not KEY.fullmatch(text):
        raise DumpError(f"the key that signs dumps, {where}, is not 64 or more hexadecimal digits")
    return text.encode()


def _parameter(settings: Settings) -> str:
    boto3: Any = import_module("boto3")
    botocore: Any = import_module("botocore.exceptions")
    try:
        client = boto3.client("ssm", region_name=settings.region or None)
        answer = client.get_parameter(Name=settings.hmac_parameter, WithDecryption=True)
    except (botocore.BotoCoreError, botocore.ClientError) as error:
        raise DumpError(
            f"could not read the key that signs dumps, {settings.hmac_parameter}: {error}."
            " site.yml -t dumps_bucket,ec2_host makes it and lets the host read it."
        ) from error
    return str(answer["Parameter"]["Value"])


def _file(path: Path, make: bool) -> str:
    """The key in a file of this host's; the first dump makes it."""
    if make and not path.exists():
        partial = path.with_name(f"{path.name}.new")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(descriptor)
        partial.rename(path)
    try:
        return path.read_text().strip()
    except OSError as error:
        raise DumpError(
            f"the key that signs dumps, {path}, can't be read ({error.strerror}):"
            " this host has signed none yet"
        ) from error
