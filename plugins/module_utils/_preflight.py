# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be told wrong before AWS is asked for anything: names, files, and what fits together.

Each check takes the module's parameters and returns its problems; an empty parameter isn't checked.
"""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import _dotenv
from ._instance_types import SYSTEMS, architecture, is_instance_type

# Where a person sets what a parameter takes.
VARIABLES = {
    "account_id": "aws_account_id",
    "region": "andamio_region",
    "project": "andamio_project",
    "environment": "andamio_environment",
    "domain": "andamio_domain",
    "email": "andamio_email",
    "site_dir": "s3_site_build_dir",
    "artifact": "laravel_app_artifact",
    "env_file": "ssm_env_file",
    "ssh_public_key": "ec2_host_ssh_public_key",
    "instance_type": "ec2_host_instance_type",
    "os": "ec2_host_os",
    "architecture": "laravel_app_architecture",
    "commands": "preflight_commands",
}

# The modules' options; the region is amazon.aws's own.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "account_id": {},
    "project": {},
    "environment": {},
    "domain": {},
    "email": {},
    "site_dir": {"type": "path"},
    "artifact": {"type": "path"},
    "env_file": {"type": "path"},
    "ssh_public_key": {"type": "path", "no_log": False},
    "instance_type": {},
    "architecture": {"choices": ["arm64", "x86_64"]},
    "os": {},
    "commands": {"type": "list", "elements": "str", "default": []},
    "unreachable_hint": {},
    "variables": {"type": "dict", "default": {}},
}

_BUCKET_LIMIT = 63
_LONGEST_BUCKET = "-documents-123456789012"
_ROLE_LIMIT = 64
_LONGEST_ROLE = "-codedeploy"
_PARAMETER_LIMIT = 4096  # bytes of a standard parameter
_DOMAIN_LIMIT = 63  # a website's bucket is named as its domain

_NAME = re.compile(r"[a-z]([a-z0-9]|-(?!-))*(?<!-)")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-\d{1,2}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}")
# EC2 takes no others.
_KEY_TYPES = ("ssh-ed25519", "ssh-rsa")


@dataclass(frozen=True)
class Problem:
    """What is wrong, in which variable, and what to do about it."""

    check: str
    variable: str
    problem: str
    fix: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


Parameters = Mapping[str, Any]
Check = Callable[[Parameters], Iterable[Problem]]


def local_problems(params: Parameters) -> list[Problem]:
    """Return every problem that can be found without AWS."""
    return [problem for check in _CHECKS for problem in check(params)]


def message(problems: list[Problem]) -> str:
    """Return what a person reads."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = [f"{number}. {item.problem} {item.fix}".rstrip() for number, item in enumerate(problems, 1)]
    return "\n".join([f"{count} to solve before anything is changed:", *lines])


def variable(params: Parameters, option: str) -> str:
    """Return the name of the variable that an option's value comes from."""
    return str((params.get("variables") or {}).get(option) or VARIABLES[option])


def _problem(params: Parameters, option: str, problem: str, fix: str) -> Problem:
    name = variable(params, option)
    return Problem(option, name, f"{name}: {problem}", fix)


def _account(params: Parameters) -> Iterator[Problem]:
    account = params["account_id"]
    if account and not _ACCOUNT.fullmatch(account):
        yield _problem(
            params,
            "account_id",
            f"{account!r} isn't an account id.",
            "Write its twelve digits in quotes, so that a leading zero stays.",
        )


def _region(params: Parameters) -> Iterator[Problem]:
    region = params["region"]
    if not region or not _REGION.fullmatch(region):
        yield _problem(params, "region", f"{region!r} is no region.", "Write it as us-east-1.")


def _names(params: Parameters) -> Iterator[Problem]:
    for option in ("project", "environment"):
        name = params[option]
        if name and not _NAME.fullmatch(name):
            yield _problem(
                params,
                option,
                f"{name!r} can't be part of a bucket's name.",
                "Use lower-case letters, digits and single hyphens between them, and begin with a letter.",
            )
    both = f"{params['project']}-{params['environment']}"
    allowed = min(_BUCKET_LIMIT - len(_LONGEST_BUCKET), _ROLE_LIMIT - len(_LONGEST_ROLE))
    if params["project"] and params["environment"] and len(both) > allowed:
        yield _problem(
            params,
            "project",
            f"{both!r} has {len(both)} characters; with what is added, a bucket's name would have more than "
            f"{_BUCKET_LIMIT}.",
            f"Shorten the project or the environment to {allowed} together, the hyphen counted.",
        )


def _domain(params: Parameters) -> Iterator[Problem]:
    domain = params["domain"]
    if not domain:
        return
    wrong = ""
    labels = domain.split(".")
    if "/" in domain or ":" in domain:
        wrong = "is a URL, not a domain."
    elif len(domain) > _DOMAIN_LIMIT:
        wrong = f"has {len(domain)} characters; AWS allows {_DOMAIN_LIMIT}."
    elif len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        wrong = "is no domain name."
    if wrong:
        fix = "Write it as academia.example: lower case, no dot at the end, other alphabets as xn--…"
        yield _problem(params, "domain", f"{domain!r} {wrong}", fix)


def _email(params: Parameters) -> Iterator[Problem]:
    email = params["email"]
    if email and not _EMAIL.fullmatch(email):
        yield _problem(
            params, "email", f"{email!r} is no e-mail address.", "Let's Encrypt and alarms write to it."
        )


def _site(params: Parameters) -> Iterator[Problem]:
    if not params["site_dir"]:
        return
    folder = Path(params["site_dir"])
    if not folder.is_dir():
        yield _problem(
            params, "site_dir", f"there is no folder {folder}.", "Build the site, or correct the path."
        )
    elif not (folder / "index.html").is_file():
        fix = "Point it at what the build makes (dist or build), not at its sources."
        yield _problem(params, "site_dir", f"{folder} has no index.html.", fix)


def _artifact(params: Parameters) -> Iterator[Problem]:
    path = params["artifact"]
    if path and not Path(path).is_file():
        yield _problem(
            params, "artifact", f"there is no file {path}.", "Build the API's artifact, or correct the path."
        )


def _env_file(params: Parameters) -> Iterator[Problem]:
    if not params["env_file"]:
        return
    path = Path(params["env_file"])
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        yield _problem(params, "env_file", f"there is no file {path}.", "Write it, or correct the path.")
        return
    except OSError as error:
        yield _problem(
            params, "env_file", f"{path} can't be read: {error.strerror}.", "Let this user read it."
        )
        return
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        yield _problem(params, "env_file", f"{path}, line {line}: it isn't UTF-8.", "Save the file as UTF-8.")
        return
    entries, problems = _dotenv.parse(text)
    for wrong in problems:
        yield _problem(
            params, "env_file", f"{path}, line {wrong.line}: {wrong.message}.", "Correct the line."
        )
    for entry in entries:
        size = len(_dotenv.to_parameter(entry.value or "").encode(errors="replace"))
        if size > _PARAMETER_LIMIT:
            where = f"{path}, line {entry.line}: {entry.name}"
            problem = f"{where} has {size} bytes; a parameter holds {_PARAMETER_LIMIT}."
            yield _problem(params, "env_file", problem, "Put it into a bucket, or split it.")


def _ssh_key(params: Parameters) -> Iterator[Problem]:
    if not params["ssh_public_key"]:
        return
    path = Path(params["ssh_public_key"])
    option = "ssh_public_key"
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        fix = "Make a key (ssh-keygen -t ed25519), or correct the path."
        yield _problem(params, option, f"there is no readable file {path}.", fix)
        return
    if "PRIVATE KEY" in text:
        yield _problem(params, option, f"{path} is the private key.", f"Give the public one: {path}.pub")
    elif not _is_public_key(text):
        fix = f"It is one line that begins with {' or '.join(_KEY_TYPES)}."
        yield _problem(params, option, f"{path} is no public key that EC2 takes.", fix)


def _is_public_key(text: str) -> bool:
    words = text.split()
    if len(words) < 2 or words[0] not in _KEY_TYPES or "\n" in text:
        return False
    try:
        data = base64.b64decode(words[1], validate=True)
        (length,) = struct.unpack_from("!I", data)
    except (binascii.Error, ValueError, struct.error):
        return False
    return data[4 : 4 + length] == words[0].encode()


def _instance(params: Parameters) -> Iterator[Problem]:
    kind, wanted = params["instance_type"], params["architecture"]
    if params["os"] and params["os"] not in SYSTEMS:
        yield _problem(
            params, "os", f"{params['os']!r} isn't known here.", f"It is one of {', '.join(SYSTEMS)}."
        )
    if not kind:
        return
    if not is_instance_type(kind):
        yield _problem(params, "instance_type", f"{kind!r} is no instance type.", "Write it as t4g.micro.")
    elif wanted and architecture(kind) != wanted:
        yield _problem(
            params,
            "instance_type",
            f"a {kind} is {architecture(kind)}, but {variable(params, 'architecture')} is {wanted}.",
            "t4g types are arm64, t3 types x86_64.",
        )


def _commands(params: Parameters) -> Iterator[Problem]:
    for command in params["commands"] or ():
        if not shutil.which(command):
            fix = "Install it, or add its folder to PATH."
            yield _problem(params, "commands", f"this machine has no command {command}.", fix)


_CHECKS: tuple[Check, ...] = (
    _account,
    _region,
    _names,
    _domain,
    _email,
    _site,
    _artifact,
    _env_file,
    _ssh_key,
    _instance,
    _commands,
)


def wrong_account(params: Parameters, account: str) -> list[Problem]:
    """Return the problem of a run with another account's credentials."""
    if not params["account_id"] or params["account_id"] == account:
        return []
    return [
        _problem(
            params,
            "account_id",
            f"it is {params['account_id']}, but these credentials are of account {account}.",
            "Choose the other profile (AWS_PROFILE), or correct the variable.",
        )
    ]


def region_problems(params: Parameters, status: str | None) -> list[Problem]:
    """Return the problem of a region that AWS doesn't list (None), or that the account didn't opt in to."""
    region = params["region"]
    if status is None:
        return [_problem(params, "region", f"AWS has no region {region}.", "Write it as us-east-1.")]
    if status == "not-opted-in":
        fix = "Enable it at https://console.aws.amazon.com/billing/home#/account, or choose another."
        return [_problem(params, "region", f"{region} isn't enabled in this account.", fix)]
    return []


def type_problems(params: Parameters, offered: bool) -> list[Problem]:
    """Return the problem of an instance type that the region doesn't have."""
    if offered:
        return []
    problem = f"{params['region']} has no {params['instance_type']}."
    return [_problem(params, "instance_type", problem, "t4g.micro and t3.micro are nearly everywhere.")]
