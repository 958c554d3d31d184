# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What laravel_release tells the engine on the host, andamio-release, and what it makes of the answer.

One run of a command does it all. Its standard input is one line of JSON, the request, and for a release that
comes from the control machine the artifact's bytes right after it. The answer is a JSON object.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

# With its path: what is on PATH depends on how one becomes root.
ENGINE = "/usr/local/sbin/andamio-release"
ACTIONS = {"deployed": "deploy", "rolled_back": "rollback", "info": "status"}
# The engine's own rule: a release's name becomes a folder, a unit and a word in a path.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
# Of what a program without an answer said, this many lines are told.
TOLD = 15

FAILED, REFUSED, LOCKED, STUCK, NOT_INSTALLED = 1, 2, 3, 4, 127

ARGUMENT_SPEC: dict[str, Any] = {
    "state": {"choices": list(ACTIONS), "default": "deployed"},
    "artifact": {"type": "path"},
    "s3": {
        "type": "dict",
        "options": {
            "bucket": {"required": True},
            "key": {"required": True, "no_log": False},
            "version": {},
            "sha256": {},
        },
    },
    "name": {"default": ""},
    "commit": {"default": ""},
    "reason": {"default": ""},
    "migrate": {"type": "bool", "default": True},
    "maintenance": {"type": "bool", "default": False},
    "release": {"default": ""},
    "database": {"choices": ["keep", "restore"], "default": "keep"},
    "confirm": {"default": ""},
    "dump_url": {"default": "", "no_log": True},
}
MUTUALLY_EXCLUSIVE = [("artifact", "s3")]


class Unusable(Exception):
    """An option that can't be used: its name, and why."""


def is_s3(artifact: str) -> bool:
    """Tell whether an artifact is named by its address in S3."""
    return artifact.startswith("s3://")


def s3_from(address: str) -> dict[str, str]:
    """Return bucket, key and version of s3://bucket/key?versionId=version. Raises Unusable."""
    parts = urlsplit(address)
    key = parts.path.lstrip("/")
    if not parts.netloc or not key:
        raise Unusable(f"artifact: {address} is no s3://bucket/key")
    return {
        "bucket": parts.netloc,
        "key": key,
        "version": parse_qs(parts.query).get("versionId", [""])[0],
    }


def from_s3(s3: Mapping[str, str | None]) -> dict[str, Any]:
    """Return what the request says of an artifact that the host itself gets from S3."""
    return {
        "source": "s3",
        "bucket": s3["bucket"],
        "key": s3["key"],
        "version": s3.get("version") or "",
        "sha256": s3.get("sha256") or "",
        "format": "zip" if str(s3["key"]).lower().endswith(".zip") else "tar",
    }


def from_file(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return what the request says of a local artifact, and its bytes. Raises Unusable."""
    if not path.exists():
        raise Unusable(f"artifact: there is no file {path} on the control machine")
    if not path.is_file():
        raise Unusable(f"artifact: {path} is no file; pack it as .tar.gz, .tar or .zip")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unusable(f"artifact: {path} can't be read: {error.strerror}") from error
    form = format_of(content)
    if not form:
        size = "is empty" if not content else "is neither a .tar.gz nor a .tar nor a .zip by its content"
        raise Unusable(f"artifact: {path} {size}")
    digest = hashlib.sha256(content).hexdigest()
    return {"source": "stdin", "bytes": len(content), "sha256": digest, "format": form}, content


def format_of(content: bytes) -> str:
    """Return what an artifact is by its first bytes: tar (compressed or not) or zip, or nothing."""
    if content.startswith(b"PK\x03\x04"):
        return "zip"
    if content.startswith(b"\x1f\x8b") or content[257:262] == b"ustar":
        return "tar"
    return ""


def request(
    params: Mapping[str, Any], *, owner: str, check: bool, artifact: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the request for the engine. Raises Unusable."""
    if params["state"] == "info":
        return {}
    common = {
        "owner": owner,
        "reason": params["reason"],
        "check": check,
        "maintenance": params["maintenance"],
    }
    if params["state"] == "rolled_back":
        restore = "restore" if params["database"] == "restore" else ""
        return {
            **common,
            "release": params["release"],
            "database": restore,
            "confirm": params["confirm"],
            "dump_url": params["dump_url"],
        }
    if params["name"] and not NAME.fullmatch(params["name"]):
        raise Unusable(
            f"name: {params['name']!r} must begin with a letter or digit and have"
            " letters, digits, dots, hyphens and underscores only, 61 at most"
        )
    return {
        **common,
        "name": params["name"],
        "commit": params["commit"],
        "migrate": params["migrate"],
        **({"artifact": dict(artifact)} if artifact else {}),
    }


def command(state: str, environment: str = "") -> str:
    """Return the command line for a state, with variables in front of it."""
    return f"{environment} {ENGINE} {ACTIONS[state]} --json".strip()


def stdin(wanted: Mapping[str, Any], content: bytes = b"") -> bytes:
    """Return what the command is sent."""
    return json.dumps(wanted).encode() + b"\n" + content


def answer(stdout: str) -> dict[str, Any]:
    """Return the engine's answer, the last line that is a JSON object; empty when there is none."""
    for text in [*reversed(stdout.splitlines()), stdout]:
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}


def result(state: str, code: int, stdout: str, stderr: str) -> tuple[dict[str, Any], list[str]]:
    """Return the task's result and its warnings, from how the command ended and what it said."""
    said = answer(stdout)
    if not said:
        return {"changed": False, "failed": True, "rc": code, "msg": without_answer(code, stderr)}, []
    warnings = [str(text) for text in said.pop("warnings", None) or []]
    if state == "info" and code == 0:
        return {"changed": False, "rc": code, "status": said, "release": said.get("live", "")}, warnings
    found = {
        "changed": bool(said.get("changed", False)),
        "rc": code,
        "release": said.get("release", ""),
        "previous": said.get("previous", ""),
        "outcome": said.get("outcome", ""),
        "message": said.get("message", ""),
        "failed_step": said.get("failed_step", ""),
        "log": said.get("log", ""),
        "steps": said.get("steps", []),
        "migrations": {"pending": [], "ran": [], **(said.get("migrations") or {})},
        "dump": said.get("dump", ""),
        "pruned": said.get("pruned", []),
        "env": said.get("env", []),
    }
    if code != 0:
        found |= {"failed": True, "msg": failure(code, said)}
    return found, warnings


def failure(code: int, said: Mapping[str, Any]) -> str:
    """Return the sentences a person reads when the engine says that it failed."""
    step = f" at the step {said['failed_step']}" if said.get("failed_step") else ""
    # What was put back is told by the message.
    live = f" ({said['previous']})" if said.get("previous") else ""
    stays = "" if said.get("outcome") == "put_back" else f"What is live is as it was{live}."
    heads = {
        FAILED: (f"The release failed{step}.", stays),
        REFUSED: ("Nothing was done: the request, the settings or the artifact is wrong.", ""),
        LOCKED: (
            "Nothing was done: another run is under way on this host.",
            "Wait for it, then run this again.",
        ),
        STUCK: (
            f"The run failed{step} and could not be put back.",
            "A person is needed: look at the host now.",
        ),
    }
    head, tail = heads.get(code, (f"andamio-release ended with {code}{step}.", ""))
    log = f"Log, on the host: {said['log']}" if said.get("log") else ""
    return "\n".join(filter(None, [head, str(said.get("message") or ""), tail, log]))


def without_answer(code: int, stderr: str) -> str:
    """Return what a person reads when there is no answer."""
    if code == NOT_INSTALLED:
        return f"There is no {ENGINE} on this host: run site.yml -t laravel_app first."
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    head = f"andamio-release ended with {code} and gave no answer."
    if code < 0 or code > 128:
        head += " It was killed. Run this again: it first puts right what was cut off."
    return "\n".join([head, *lines[-TOLD:]])


def diff(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run changed, or in check mode would: the live release, and names of variables in .env."""
    before: dict[str, Any] = {"release": found["previous"] if found["changed"] else found["release"]}
    after: dict[str, Any] = {"release": found["release"]}
    if found["changed"] and found["env"]:
        after["changed in .env"] = list(found["env"])
    return {"before": before, "after": after}
