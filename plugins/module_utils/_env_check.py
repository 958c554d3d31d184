# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an application's environment is wrong for production, before it is stored.

A stock ``.env`` of Laravel is for a developer's machine: with it, errors show their traces to visitors and
mail goes to a log and links to localhost. Each rule looks at the value in force, whichever source gives it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

Given = Mapping[str, tuple[str, str]]
"""Each variable's value, and where it comes from: "defaults", "values", or file and line."""

LATER = "\0known later"
"""Stands in a value for what only the run finds out: such a value isn't judged."""

_LOCAL = re.compile(r"(localhost|127\.[0-9.]+|\[::1\]|::1|0\.0\.0\.0)")
_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?(\[[^\]]*\]|[^/:?#]*)")
_TRUE = {"true", "(true)", "1", "on", "yes"}
_RETRY_AFTER = ("DB_QUEUE_RETRY_AFTER", "REDIS_QUEUE_RETRY_AFTER", "BEANSTALKD_QUEUE_RETRY_AFTER")


@dataclass(frozen=True)
class Host:
    """What the application finds on its host.

    database, user: MySQL's. worker_timeout: seconds a job may take. url: where the API answers.
    prefixes: where in the documents bucket it may write. Not known yet: None, or empty.
    """

    database: str
    user: str
    worker_timeout: int | None
    url: str
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A variable, what is wrong with its value, and what to do. No value of a secret is in it."""

    name: str
    where: str
    problem: str
    fix: str


Wrong = tuple[str, str]
Rule = Callable[[str, Host], "Wrong | None"]


def findings(given: Given, host: Host, accepted: Iterable[str] = ()) -> list[Finding]:
    """Return what is wrong of what will be in force, but for variables that are ``accepted`` by name."""
    allowed = set(accepted)
    found = []
    for name, (value, where) in given.items():
        rule = _RULES.get(name)
        if not rule or LATER in value or name in allowed:
            continue
        wrong = rule(value, host)
        if wrong:
            found.append(Finding(name, where, *wrong))
    return found


def remarks(given: Given, host: Host) -> Iterator[str]:
    """Yield what is worth knowing and stops nobody."""
    value, where = given.get("FILESYSTEM_DISK", ("", ""))
    if value == "s3" and host.prefixes and "" not in host.prefixes:
        yield (
            f"FILESYSTEM_DISK=s3 ({where}): the application may write below {', '.join(host.prefixes)} of "
            "the documents bucket (documents_bucket_prefixes) and nowhere else; elsewhere Laravel's "
            "Storage::put() gives false, or an exception where the disk has throw => true"
        )


def _environment(value: str, _host: Host) -> Wrong | None:
    if value.lower() in {"local", "dev", "development", "testing", ""}:
        return (
            f"is {value!r}: packages then act as on a developer's machine",
            "Write production, or leave it out",
        )
    return None


def _debug(value: str, _host: Host) -> Wrong | None:
    if value.lower() in _TRUE:
        return "is on: each error shows visitors the code and its settings", "Write false, or leave it out"
    return None


def _url(value: str, host: Host) -> Wrong | None:
    leave = f"Leave it out ({host.url} is the default), or write" if host.url else "Write"
    fix = f"{leave} the name that visitors use"
    name = _HOST.match(value)
    if not name:
        return "is no URL: links in mail and to files begin with it", fix
    if _LOCAL.fullmatch(name[1]):
        return f"is {value}: links in mail and to files would lead visitors to their own machine", fix
    if not value.startswith("https://"):
        return f"is {value}: the API answers by HTTPS alone", fix
    return None


def _connection(value: str, _host: Host) -> Wrong | None:
    if value in {"mysql", "mariadb"}:
        return None
    return f"is {value!r}, but the host has MySQL", "Write mysql, or leave it out"


def _database_host(value: str, _host: Host) -> Wrong | None:
    if value and not _LOCAL.fullmatch(value):
        return f"is {value}, but MySQL is on the host itself", "Leave it out"
    return None


def _database_url(value: str, _host: Host) -> Wrong | None:
    if not value:
        return None
    name = _HOST.match(value)
    if name and value.startswith(("mysql://", "mariadb://")) and (not name[1] or _LOCAL.fullmatch(name[1])):
        return None
    return "wins over DB_HOST, and it isn't the MySQL on the host itself", "Leave it out"


def _database(value: str, host: Host) -> Wrong | None:
    if value == host.database or LATER in host.database:
        return None
    return (
        f"is {value!r}, but the database on the host is {host.database!r}",
        "Leave it out, or set mysql_app_database to the same",
    )


def _user(value: str, host: Host) -> Wrong | None:
    if value == host.user or LATER in host.user:
        return None
    return (
        f"is {value!r}, but the application's user in MySQL is {host.user!r}",
        "Leave it out, or set mysql_app_user to the same",
    )


def _mailer(value: str, _host: Host) -> Wrong | None:
    if value in {"log", "array", "null", ""}:
        return f"is {value or 'empty'}: no mail is ever sent, receipts and new passwords too", (
            "Give the mailer that sends (smtp, ses), or accept it until there is one"
        )
    return None


def _mail_host(value: str, _host: Host) -> Wrong | None:
    if value in {"mailpit", "mailhog", "helo", "sandbox.smtp.mailtrap.io", "smtp.mailtrap.io"}:
        return f"is {value}: it catches mail and delivers none", "Give the server that sends your mail"
    return None


def _log_level(value: str, _host: Host) -> Wrong | None:
    if value == "debug":
        return "is debug: queries and people's data fill the log and the disk", "Write info or warning"
    return None


def _log_channel(value: str, _host: Host) -> Wrong | None:
    if value == "null":
        return "is null: errors leave no trace", "Write single, daily or stack"
    return None


def _cache(value: str, _host: Host) -> Wrong | None:
    if value in {"array", "null"}:
        return (
            f"is {value}: nothing is kept from request to request, locks and rate limits too",
            "Write database, file or redis",
        )
    return None


def _session(value: str, _host: Host) -> Wrong | None:
    if value in {"array", "null"}:
        return f"is {value}: nobody stays logged in", "Write database, file or redis"
    return None


def _secure_cookie(value: str, _host: Host) -> Wrong | None:
    if value and value.lower() not in {*_TRUE, "null", "(null)"}:
        return "is off: session cookies would go over plain HTTP too", "Write true, or leave it out"
    return None


def _session_domain(value: str, _host: Host) -> Wrong | None:
    if _LOCAL.fullmatch(value):
        return f"is {value}: browsers send no session cookie", "Leave it out, or write your domain"
    return None


def _queue(value: str, _host: Host) -> Wrong | None:
    if value in {"sync", "null"}:
        what = "jobs run within requests" if value == "sync" else "jobs are thrown away"
        return f"is {value}: {what}, and the workers have nothing to do", "Write database, or leave it out"
    return None


def _retry_after(value: str, host: Host) -> Wrong | None:
    if host.worker_timeout is None or (value.isdigit() and int(value) > host.worker_timeout):
        return None
    return (
        f"is {value!r}: a job that runs longer is given to a second worker while it runs, and a job may take "
        f"{host.worker_timeout} seconds (laravel_app_worker_timeout)",
        f"Write more than {host.worker_timeout}, or leave it out",
    )


def _access_key(value: str, _host: Host) -> Wrong | None:
    if value:
        return (
            "is given: a key that never expires",
            "Leave it out: the application has its role's credentials",
        )
    return None


_RULES: dict[str, Rule] = {
    "APP_ENV": _environment,
    "APP_DEBUG": _debug,
    "APP_URL": _url,
    "DB_CONNECTION": _connection,
    "DB_HOST": _database_host,
    "DB_URL": _database_url,
    "DATABASE_URL": _database_url,
    "DB_DATABASE": _database,
    "DB_USERNAME": _user,
    "MAIL_MAILER": _mailer,
    "MAIL_HOST": _mail_host,
    "LOG_LEVEL": _log_level,
    "LOG_CHANNEL": _log_channel,
    "CACHE_STORE": _cache,
    "CACHE_DRIVER": _cache,
    "SESSION_DRIVER": _session,
    "SESSION_SECURE_COOKIE": _secure_cookie,
    "SESSION_DOMAIN": _session_domain,
    "QUEUE_CONNECTION": _queue,
    "AWS_ACCESS_KEY_ID": _access_key,
    **dict.fromkeys(_RETRY_AFTER, _retry_after),
}
