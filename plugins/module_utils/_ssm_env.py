# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application's environment in Parameter Store: what it should hold, and the calls that make it so.

Limits are Parameter Store's own: a standard parameter holds 4 KB, an advanced one 8 KB, a name has at most
1011 characters, and a path can't begin with ``aws`` or ``ssm``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ._converge import Change
from ._dotenv import Entry, Others, Problem, from_parameter, parse, problem_with, to_parameter

SECRET_PATTERNS = (
    "*KEY*",
    "*SECRET*",
    "*PASS*",
    "*PWD*",
    "*TOKEN*",
    "*CREDENTIAL*",
    "*PRIVATE*",
    "*SALT*",
    "*WEBHOOK*",
    "*_AUTH",
    "*_DSN",
    "DATABASE_URL",
    "DB_URL",
    "REDIS_URL",
    "MAIL_URL",
)
"""Names that say of themselves that the value is a secret."""

_SECRET_FORM = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]*:[^\s/?#@]+@"  # a URL with a password
    r"|-----BEGIN [A-Z0-9 ]+-----"  # PEM
    r"|https://(hooks\.slack\.com|discord(app)?\.com/api/webhooks|chat\.googleapis\.com/v1/spaces"
    r"|[a-z0-9.-]+\.webhook\.office\.com|outlook\.office\.com/webhook)/"
)
THROTTLED = ("ThrottlingException", "TooManyUpdates")
INTELLIGENT = "Intelligent-Tiering"
STANDARD_BYTES = 4096
ADVANCED_BYTES = 8192

_PATH = re.compile(r"(/[A-Za-z0-9_.-]+){1,14}/?")
_RESERVED_PATH = re.compile(r"/(aws|ssm)", re.IGNORECASE)
_RECIPE = re.compile(r"laravel_key|(password|hex)(?:\(([0-9]+)\))?")
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Value:
    """One variable, as the application reads it; ``made`` if this very run generated it."""

    text: str
    secure: bool = False
    made: bool = field(default=False, compare=False)

    @property
    def type(self) -> str:
        return "SecureString" if self.secure else "String"


Environment = dict[str, Value]


@dataclass
class Sources:
    """What the environment is made of; each source gives way to the ones named before it.

    values, defaults: from the inventory; YAML's true, false and numbers are written as Laravel reads them.
    env_text, env_file: what a ``.env`` file holds, and its name for messages.
    generate: variables to make once, name to recipe.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    env_text: str = ""
    env_file: str = ".env"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    generate: Mapping[str, str] = field(default_factory=dict)


def is_secret(name: str, text: str, patterns: Iterable[str] = ()) -> bool:
    """Return whether a variable is a secret: by its name, by one of ``patterns``, or by its value's form."""
    upper = name.upper()
    known = any(fnmatchcase(upper, pattern.upper()) for pattern in (*SECRET_PATTERNS, *patterns))
    return known or bool(_SECRET_FORM.search(text))


def read_file(sources: Sources, made: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    """Read the file, its references by what will be in force. made: values of variables to generate."""
    values = {name: _text(value) for name, value in sources.values.items()}
    defaults = {name: _text(value) for name, value in sources.defaults.items()}
    wins = {name: text for name, text in values.items() if text or name not in made}
    gives_way = defaults | {name: text for name, text in made.items() if not defaults.get(name)}
    return parse(
        sources.env_text, Others(wins, gives_way, [name for name, text in gives_way.items() if text])
    )


def given_by(sources: Sources, made: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return each variable's value that a source gives, and where: "defaults", "values", or file and line.

    An empty line of the file (``AWS_BUCKET=`` of a stock ``.env``) doesn't win over a default.
    """
    given = {name: (_text(value), "defaults") for name, value in sources.defaults.items()}
    for entry in read_file(sources, made)[0]:
        if entry.value or not given.get(entry.name, ("", ""))[0]:
            given[entry.name] = (entry.value or "", f"{sources.env_file}:{entry.line}")
    return given | {name: (_text(value), "values") for name, value in sources.values.items()}


def wanted(sources: Sources, current: Environment, secret_patterns: Iterable[str] = ()) -> Environment:
    """Return what should be stored: the sources' values, and secrets that are made only if there are none.

    A variable to generate that a source leaves empty (``APP_KEY=`` in a fresh ``.env``) counts as not given.
    Call ``problems`` first: this takes its input as sound.
    """
    # Whether a variable is given doesn't depend on what a reference in it stands for.
    given = given_by(sources, dict.fromkeys(sources.generate, "x"))
    made: Environment = {}
    for name, recipe in sources.generate.items():
        if not given.get(name, ("", ""))[0]:
            kept = current[name].text if name in current else ""
            made[name] = Value(kept or generated(recipe), secure=True, made=not kept)
    given = given_by(sources, {name: value.text for name, value in made.items()})
    return {
        name: Value(text, is_secret(name, text, secret_patterns)) for name, (text, _where) in given.items()
    } | made


def generated(recipe: str) -> str:
    """Make a new secret: ``laravel_key``, ``password(length)`` or ``hex(length)``; lengths default to 32."""
    match = _RECIPE.fullmatch(recipe)
    if not match:
        raise ValueError(f"{recipe!r} is no recipe: use laravel_key, password(32) or hex(32)")
    if recipe == "laravel_key":
        return "base64:" + base64.b64encode(secrets.token_bytes(32)).decode()
    letters = "0123456789abcdef" if match[1] == "hex" else _LETTERS
    return "".join(secrets.choice(letters) for letter in range(int(match[2] or 32)))


def problems(path: str, sources: Sources, *, advanced: bool) -> list[str]:
    """Return all that is wrong with the input, never quoting a value."""
    found = _path_problems(path)
    entries, wrong_lines = read_file(sources, dict.fromkeys(sources.generate, "x"))
    found += [f"{sources.env_file}:{problem.line}: {problem.message}" for problem in wrong_lines]
    for entry in entries:
        where = f"{sources.env_file}:{entry.line}"
        if entry.value is None:
            found.append(f"{where}: there is no equals sign (write NAME= for an empty value)")
        else:
            found += [f"{where}: {text}" for text in _value_problems(path, entry.name, entry.value, advanced)]
    for option, given in (("values", sources.values), ("defaults", sources.defaults)):
        for name, value in given.items():
            if isinstance(value, str | bool | int | float):
                found += [f"{option}: {text}" for text in _value_problems(path, name, _text(value), advanced)]
            else:
                kind = "null" if value is None else f"a {type(value).__name__}"
                found.append(f"{option}: {name} is {kind}; give a text, or '' for an empty value")
    for name, recipe in sources.generate.items():
        match = _RECIPE.fullmatch(str(recipe))
        if not match:
            found.append(f"generate: {name}: {recipe!r} is no recipe (laravel_key, password(32), hex(32))")
        elif match[2] and not 16 <= int(match[2]) <= 1024:
            found.append(f"generate: {name}: a length from 16 to 1024 is needed, not {match[2]}")
        found += [f"generate: {text}" for text in _value_problems(path, name, "", advanced)]
    return found


def _path_problems(path: str) -> list[str]:
    if not _PATH.fullmatch(path):
        return [f"path: {path!r} must look like /project/environment/env/ (letters, digits, _ . -)"]
    if _RESERVED_PATH.match(path):
        return [f"path: {path!r} begins with a word that AWS keeps for itself (aws, ssm)"]
    return []


def _value_problems(path: str, name: str, text: str, advanced: bool) -> list[str]:
    refused = problem_with(name, text)
    if refused:
        return [refused]
    found = []
    if len(parameter_name(path, name)) > 1011:
        found.append(f"{name}: the name is too long (1011 characters with its path)")
    size = len(to_parameter(text).encode())
    if size > ADVANCED_BYTES:
        found.append(f"{name} takes {size} bytes; a parameter holds {ADVANCED_BYTES} at most")
    elif size > STANDARD_BYTES and not advanced:
        found.append(
            f"{name} takes {size} bytes; a standard parameter holds {STANDARD_BYTES}. "
            f"Set tier to {INTELLIGENT} (an advanced parameter costs 0.05 USD a month), or shorten it"
        )
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameter_name(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}"


def normalise(path: str, parameters: Iterable[Mapping[str, Any]]) -> Environment:
    """Turn GetParametersByPath's answer into variables; a StringList is read as the text it holds."""
    prefix = len(path.rstrip("/")) + 1
    return {
        item["Name"][prefix:]: Value(from_parameter(item["Value"]), item["Type"] == "SecureString")
        for item in parameters
    }


@dataclass(frozen=True)
class Settings:
    """How parameters are written."""

    path: str
    tags: Mapping[str, str] = field(default_factory=dict)
    kms_key_id: str | None = None
    tier: str = "Standard"


def plan(
    current: Environment,
    goal: Environment,
    settings: Settings,
    *,
    untagged: Collection[str] = (),
    purge: bool = False,
) -> list[Change]:
    """Return the calls that make ``current`` into ``goal``, and nothing for what is as it should be.

    untagged: variables that lack one of the tags.
    purge: also remove the variables that ``goal`` doesn't have.
    """
    tags = [{"Key": key, "Value": value} for key, value in sorted(settings.tags.items())]
    changes: list[Change] = []
    for name, value in goal.items():
        there = current.get(name)
        parameter = parameter_name(settings.path, name)
        if there and there.secure != value.secure:
            # AWS can't change a type in place, and a String's older versions would go on showing the secret.
            changes.append(Change("ssm.delete_parameter", {"Name": parameter}, retry=THROTTLED))
            there = None
        if there != value:
            changes.append(_put(parameter, value, settings, tags, new=there is None))
        if there and name in untagged:
            resource = {"ResourceType": "Parameter", "ResourceId": parameter, "Tags": tags}
            changes.append(Change("ssm.add_tags_to_resource", resource, retry=THROTTLED))
    gone = [parameter_name(settings.path, name) for name in sorted(current) if name not in goal]
    for first in range(0, len(gone) if purge else 0, 10):
        names = gone[first : first + 10]
        changes.append(Change("ssm.delete_parameters", {"Names": names}, retry=THROTTLED))
    return changes


def _put(
    parameter: str, value: Value, settings: Settings, tags: list[dict[str, str]], *, new: bool
) -> Change:
    arguments: dict[str, Any] = {"Name": parameter, "Value": to_parameter(value.text), "Type": value.type}
    if new:
        # Without Overwrite AWS refuses if another run was faster: a generated secret is never replaced.
        arguments |= {"Tags": tags} if tags else {}
    else:
        arguments["Overwrite"] = True
    if value.secure and settings.kms_key_id:
        arguments["KeyId"] = settings.kms_key_id
    if settings.tier == INTELLIGENT:
        arguments["Tier"] = INTELLIGENT
    return Change("ssm.put_parameter", arguments, retry=THROTTLED)


def after(current: Environment, goal: Environment, *, purge: bool) -> Environment:
    """Return what is there after the plan: the goal, and what isn't in it unless purged."""
    return goal if purge else current | goal


def report(path: str, current: Environment, left: Environment, ours: Iterable[str] = ()) -> dict[str, Any]:
    """Return what the run found and left, by name and without any value.

    ours: variables that the infrastructure gives; that they are plain needs no telling.
    """
    return {
        "changes": {
            "created": sorted(set(left) - set(current)),
            "updated": sorted(name for name in left if name in current and left[name] != current[name]),
            "generated": sorted(name for name, value in left.items() if value.made),
            "removed": sorted(set(current) - set(left)),
        },
        "resource": {
            "path": path,
            "names": sorted(left),
            "secrets": sorted(name for name, value in left.items() if value.secure),
        },
        "plain": sorted(
            name
            for name, value in left.items()
            if not value.secure and value.text and value != current.get(name) and name not in set(ours)
        ),
    }


def shown(environment: Environment, key: bytes) -> dict[str, str]:
    """Return what a diff may show: names, types and a keyed digest of each value.

    key: a secret that is the same for check run and real run; without it nobody can guess at values.
    A generated value is another one in a check run, so it has no digest.
    """
    return {
        name: f"{value.type} {'(generated)' if value.made else _digest(key, value.text)}"
        for name, value in sorted(environment.items())
    }


def _digest(key: bytes, text: str) -> str:
    return "hmac:" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:12]


def scrubbed(message: str, environments: Iterable[Environment]) -> str:
    """Take secrets out of an error message: AWS quotes what it refuses."""
    secure = {value.text for env in environments for value in env.values() if value.secure and value.text}
    for text in sorted(secure | set(map(to_parameter, secure)), key=len, reverse=True):
        message = message.replace(text, "********")
    return message
