"""What of an application's environment is wrong for production."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _env_check
from ansible_collections.andamio.laravel_aws.plugins.module_utils._env_check import Host
from ansible_collections.andamio.laravel_aws.plugins.module_utils._ssm_env import Sources, given_by

HOST = Host("laravel", "laravel", 60, "https://api.academia.test", ("receipts/", "invoices/"))
# As laravel/laravel has it, in the lines that count.
STOCK = """\
APP_NAME=Laravel
APP_ENV=local
APP_KEY=
APP_DEBUG=true
APP_URL=http://localhost
APP_MAINTENANCE_DRIVER=file
LOG_CHANNEL=stack
LOG_STACK=single
LOG_LEVEL=debug
DB_CONNECTION=sqlite
# DB_HOST=127.0.0.1
SESSION_DRIVER=database
SESSION_ENCRYPT=false
SESSION_DOMAIN=null
QUEUE_CONNECTION=database
CACHE_STORE=database
REDIS_PASSWORD=null
MAIL_MAILER=log
MAIL_SCHEME=null
MAIL_HOST=127.0.0.1
AWS_ACCESS_KEY_ID=
AWS_SECRET_ACCESS_KEY=
AWS_DEFAULT_REGION=us-east-1
AWS_BUCKET=
AWS_USE_PATH_STYLE_ENDPOINT=false
VITE_APP_NAME="${APP_NAME}"
"""


def wrong(text: str = "", accepted: tuple[str, ...] = (), **values: object) -> dict[str, str]:
    given = given_by(Sources(values, text, ".env", {"APP_DEBUG": False, "APP_ENV": "production"}), {})
    return {item.name: item.where for item in _env_check.findings(given, HOST, accepted)}


def test_all_of_a_stock_file_at_once_with_its_lines() -> None:
    assert wrong(STOCK) == {
        "APP_ENV": ".env:2",
        "APP_DEBUG": ".env:4",
        "APP_URL": ".env:5",
        "LOG_LEVEL": ".env:9",
        "DB_CONNECTION": ".env:10",
        "MAIL_MAILER": ".env:18",
    }


def test_what_is_in_force_counts() -> None:
    assert wrong("APP_DEBUG=true\n", APP_DEBUG=False) == {}
    assert wrong("APP_DEBUG=false\n", APP_DEBUG=True) == {"APP_DEBUG": "values"}
    assert wrong(LOG_LEVEL="debug") == {"LOG_LEVEL": "values"}
    assert wrong() == {}
    own = given_by(Sources(defaults={"APP_DEBUG": True, "DB_DATABASE": "laravel"}), {})
    assert [item.name for item in _env_check.findings(own, HOST)] == ["APP_DEBUG"]


def test_what_only_the_run_finds_out_is_not_judged() -> None:
    given = given_by(Sources(values={"APP_URL": _env_check.LATER, "DB_DATABASE": "academia"}), {})
    later = Host(_env_check.LATER, "laravel", None, "")
    assert _env_check.findings(given | {"DB_QUEUE_RETRY_AFTER": ("1", "values")}, later) == []


def test_what_is_meant_is_accepted_by_name() -> None:
    assert wrong(STOCK, ("APP_DEBUG", "MAIL_MAILER", "LOG_LEVEL", "APP_ENV", "APP_URL")) == {
        "DB_CONNECTION": ".env:10"
    }


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("APP_ENV", ["local", "testing", ""], ["production", "staging"]),
        ("APP_DEBUG", ["true", "TRUE", "(true)", "1"], ["false", "", "0"]),
        (
            "APP_URL",
            [
                "http://localhost",
                "https://localhost:8000",
                "http://api.academia.test",
                "https://127.0.0.1",
                "x",
            ],
            ["https://api.academia.test", "https://academia.example/api"],
        ),
        ("DB_CONNECTION", ["sqlite", "pgsql"], ["mysql", "mariadb"]),
        ("DB_HOST", ["mysql", "10.0.0.3"], ["localhost", "127.0.0.1", ""]),
        (
            "DB_URL",
            ["mysql://a:b@db.example/x", "sqlite:///x", "x"],
            ["mysql://a:b@localhost/x", "mariadb://a:b@127.0.0.1:3306/x", ""],
        ),
        ("DB_DATABASE", ["academia"], ["laravel"]),
        ("DB_USERNAME", ["root"], ["laravel"]),
        ("MAIL_MAILER", ["log", "array"], ["smtp", "ses"]),
        ("MAIL_HOST", ["mailpit"], ["smtp.academia.example"]),
        ("LOG_CHANNEL", ["null"], ["stack", "single"]),
        ("CACHE_STORE", ["array"], ["file", "database"]),
        ("CACHE_DRIVER", ["array"], ["file"]),
        ("SESSION_DRIVER", ["array"], ["database"]),
        ("SESSION_SECURE_COOKIE", ["false"], ["true", "null"]),
        ("SESSION_DOMAIN", ["localhost"], ["null", ".academia.example"]),
        ("QUEUE_CONNECTION", ["sync", "null"], ["database", "redis", "sqs"]),
        ("DB_QUEUE_RETRY_AFTER", ["60", "0", "x"], ["61", "90"]),
        ("REDIS_QUEUE_RETRY_AFTER", ["30"], ["90"]),
        ("AWS_ACCESS_KEY_ID", ["AKIAXXXXXXXX"], [""]),
    ],
)
def test_each_rule(name: str, bad: list[str], good: list[str]) -> None:
    assert all(wrong(**{name: value}) for value in bad)
    assert not any(wrong(**{name: value}) for value in good)


def test_no_finding_quotes_a_key() -> None:
    given = {"AWS_ACCESS_KEY_ID": ("AKIAXXXXXXXX", "values")}
    assert "AKIA" not in str(_env_check.findings(given, HOST))


def test_where_the_s3_disk_may_write_is_told() -> None:
    (said,) = _env_check.remarks({"FILESYSTEM_DISK": ("s3", ".env:3")}, HOST)
    assert "FILESYSTEM_DISK=s3 (.env:3)" in said
    assert "receipts/, invoices/" in said
    assert not list(_env_check.remarks({"FILESYSTEM_DISK": ("local", ".env:3")}, HOST))
