# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What doctor makes of what it sees: one finding for each thing that can stop a person, with its fix.

Pure. What couldn't be asked is told by ``not_checked``, and is no fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ._delegation import Delegation
from ._errors import CallFailed
from ._findings import ABSENT, OK, UNKNOWN, WARNING, WRONG, Finding
from ._preflight import Parameters, Problem, variable

# The inventory's ten values, by the option that takes them.
VALUES = (
    "project",
    "environment",
    "domain",
    "region",
    "account_id",
    "email",
    "site_dir",
    "artifact",
    "env_file",
    "ssh_public_key",
)
# What the ten leave open.
_HOST = ("instance_type", "os", "architecture")

SKEW_WARNING, SKEW_LIMIT = 60, 300
"""Seconds. AWS refuses a request that is five minutes off."""

# The oldest that will do. tests/unit compares them with the files that pin them.
REQUIRED = {
    "Python": "3.12",
    "ansible-core": "2.19",
    "boto3": "1.40",
    "amazon.aws": "11.4.0",
    "ansible.mysql": "5.2.0",
    "ansible.posix": "2.2.0",
    # SSH through a session came with this one.
    "session-manager-plugin": "1.1.23",
}
HOW_TO_INSTALL = {
    "Python": "Install a newer Python and run make again: it makes the environment anew.",
    "aws": "Install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": (
        "Install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/"
        "session-manager-working-with-install-plugin.html"
    ),
}
_FROM_COLLECTIONS = "Run: ansible-galaxy collection install -r requirements.yml"
_FROM_PYPI = "Install what pyproject.toml names, in the Python that runs Ansible."

VCPUS = "L-1216C47A"
ADDRESSES = "L-0263D0A3"
QUOTAS = {VCPUS: "vCPUs", ADDRESSES: "Elastic IPs"}
_QUOTAS = "https://console.aws.amazon.com/servicequotas/home/services/ec2/quotas/"
# The families that the vCPU quota of standard on-demand instances counts.
_STANDARD = tuple("acdhimrtz")


def inventory(params: Parameters, problems: Sequence[Problem]) -> list[Finding]:
    """Return a finding for each of the inventory's values."""
    found: list[Finding] = []
    for option in (*VALUES, *_HOST):
        name = variable(params, option)
        wrong = [problem for problem in problems if problem.check == option]
        found += [Finding(WRONG, name, _without_name(problem), problem.fix) for problem in wrong]
        if wrong or option in _HOST:
            continue
        value = str(params.get(option) or "")
        if option == "account_id" and not value:
            fix = "Write the account's twelve digits in quotes: then no run meets the wrong account."
            found.append(Finding(WARNING, name, "empty: credentials of any account would do.", fix))
        elif option in ("domain", "email") and value.endswith(".example"):
            fix = "Write your own: names in .example belong to nobody."
            found.append(Finding(WARNING, name, f"{value} is the example's.", fix))
        else:
            found.append(Finding(OK if value else ABSENT, name, value or "not set"))
    return found


def _without_name(problem: Problem) -> str:
    return problem.problem.removeprefix(f"{problem.variable}: ")


def identity(arn: str, account: str) -> Finding:
    """Return who we are; the root user is warned of."""
    if arn.endswith(":root"):
        fix = "Make an administrator for yourself in IAM Identity Center, and lock the root user's keys away."
        return Finding(WARNING, "credentials", f"the root user of account {account}", fix)
    return Finding(OK, "credentials", arn)


def account(problems: Sequence[Problem], account: str) -> Finding:
    """Return whether it is the account that the inventory names; one finding."""
    if problems:
        return Finding(WRONG, "account", _without_name(problems[0]), problems[0].fix)
    return Finding(OK, "account", account)


def region(problems: Sequence[Problem], name: str) -> list[Finding]:
    if not problems:
        return [Finding(OK, "region", f"{name} can be used")]
    return [Finding(WRONG, "region", _without_name(problem), problem.fix) for problem in problems]


def clock(date: str, now: datetime) -> Finding:
    """Compare this machine's clock with an answer's Date header."""
    try:
        skew = (now - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError):
        return Finding(UNKNOWN, "clock", "not checked: AWS's answer had no date.")
    seconds = round(abs(skew))
    if seconds < SKEW_WARNING:
        return Finding(OK, "clock", f"within {max(seconds, 1)} s of AWS's")
    says = (
        f"{seconds} s {'ahead of' if skew > 0 else 'behind'} AWS's; it refuses requests {SKEW_LIMIT} s off."
    )
    state = WRONG if seconds >= SKEW_LIMIT else WARNING
    return Finding(state, "clock", says, "Set it by the network: timedatectl set-ntp true")


def version(text: str) -> str:
    """Return the first version number in what a program says of itself; empty when there is none."""
    match = re.search(r"\d+(\.\d+)+", text)
    return match[0] if match else ""


def tools(found: Mapping[str, str | None], commands: Iterable[str]) -> list[Finding]:
    """Return a finding for each tool: the ones that are always needed, and the commands.

    found: each one's version; None when it isn't there, empty when it doesn't say.
    """
    wanted = [name for name in REQUIRED if name != "session-manager-plugin"]
    return [_tool(name, found.get(name)) for name in (*wanted, *commands)]


def _tool(name: str, has: str | None) -> Finding:
    least = REQUIRED.get(name, "")
    fix = HOW_TO_INSTALL.get(name) or (
        _FROM_COLLECTIONS if "." in name else _FROM_PYPI if name in REQUIRED else ""
    )
    if has is None:
        fix = fix or "Install it, or add its folder to PATH."
        return Finding(WRONG, name, f"not found{f'; {least} or newer is needed' if least else ''}.", fix)
    if has and least and _parts(has) < _parts(least):
        return Finding(WRONG, name, f"{has} is too old: {least} or newer is needed.", fix)
    return Finding(OK, name, has or "found")


def _parts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def vcpus(instances: Iterable[Mapping[str, Any]]) -> int:
    """Return the vCPUs of standard on-demand instances that count against the quota."""
    return sum(
        item["CpuOptions"]["CoreCount"] * item["CpuOptions"]["ThreadsPerCore"]
        for item in instances
        if item["InstanceType"].startswith(_STANDARD) and item.get("InstanceLifecycle") != "spot"
    )


def quota(code: str, limit: float, used: int, needed: int) -> Finding:
    """Compare use with a quota. ``needed`` is what phase 1 adds; 0 when its host is there."""
    subject = QUOTAS[code]
    says = f"{used} of {limit:g} in use"
    if used + needed > limit:
        says += f", and the host needs {needed} more." if needed else "."
        return Finding(WRONG, subject, says, f"Ask for a higher quota (hours to days): {_QUOTAS}{code}")
    return Finding(OK, subject, f"{says}{f', the host takes {needed}' if needed else ''}")


def mail(answer: Mapping[str, Any]) -> Finding:
    """Say what SES lets this account send."""
    if not answer.get("SendingEnabled", True):
        fix = "Read SES's message in the console: https://console.aws.amazon.com/ses/home"
        return Finding(WARNING, "SES", "sending is paused for this account.", fix)
    limit = answer.get("SendQuota", {}).get("Max24HourSend", 0)
    if not answer.get("ProductionAccessEnabled"):
        says = f"in its sandbox: {limit:g} mails a day, to verified addresses only. Phase 1 sends none."
        fix = (
            "Ask for production access before the application mails its users (a day): "
            "https://console.aws.amazon.com/ses/home#/account"
        )
        return Finding(WARNING, "SES", says, fix)
    return Finding(OK, "SES", f"{limit:g} mails a day")


def delegation(domain: str, servers: Sequence[str] | None, found: Delegation | None) -> Finding:
    """Say whether the world finds the zone; servers are None when there is no zone."""
    subject = "delegation"
    if servers is None or found is None:
        says = f"{domain} has no hosted zone yet: phase 1 makes it, and tells the name servers to set."
        return Finding(ABSENT, subject, says)
    if found.live is None:
        return Finding(UNKNOWN, subject, f"not checked: {found.problem}")
    if found.live:
        return Finding(OK, subject, f"{domain} is answered by its own name servers")
    says = f"the world finds {domain} at {', '.join(found.found) or 'no name servers'}."
    return Finding(WRONG, subject, says, f"Set these name servers at your registrar: {', '.join(servers)}")


def permissions(phase: int, results: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return what a simulation of a phase's actions found. A decision may hang on what isn't known here."""
    subject = f"phase {phase}"
    allowed: list[str] = []
    denied: list[str] = []
    unclear: list[str] = []
    for result in results:
        if result["EvalDecision"] == "allowed":
            allowed.append(result["EvalActionName"])
        elif result.get("MissingContextValues"):
            unclear.append(result["EvalActionName"])
        else:
            denied.append(result["EvalActionName"])
    found = []
    if denied:
        says = f"{len(denied)} of {len(allowed + denied + unclear)} permissions are missing: {_few(denied)}"
        fix = "Let this identity have them: docs/status.md, What doctor checks."
        found.append(Finding(WRONG, subject, says, fix))
    if unclear:
        says = (
            f"a policy ties {len(unclear)} permissions to conditions that aren't known here: {_few(unclear)}"
        )
        found.append(Finding(WARNING, subject, says, "Try: ansible-playbook site.yml --check"))
    if not found:
        found.append(Finding(OK, subject, f"all {len(allowed)} permissions it needs"))
    return found


def _few(names: Sequence[str], most: int = 6) -> str:
    more = len(names) - most
    return ", ".join(sorted(names)[:most]) + (f" and {more} more" if more > 0 else "")


def not_checked(subject: str, error: CallFailed) -> Finding:
    """A read that failed."""
    return Finding(UNKNOWN, subject, error.message("not checked"))
