"""What goes into Parameter Store, and which calls take it there."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _ssm_env
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Change
from ansible_collections.andamio.laravel_aws.plugins.module_utils._ssm_env import Settings, Sources, Value

PATH = "/academia/sandbox/env/"
SETTINGS = Settings(PATH)


def wanted(current: _ssm_env.Environment | None = None, **sources: Any) -> _ssm_env.Environment:
    return _ssm_env.wanted(Sources(**sources), current or {})


def put(name: str, **arguments: Any) -> Change:
    return Change("ssm.put_parameter", {"Name": PATH + name, **arguments}, retry=_ssm_env.THROTTLED)


def test_values_win_over_the_file_and_the_file_over_the_defaults() -> None:
    env = wanted(
        values={"A": "values", "DEBUG": False, "PORT": 3306, "RATE": 0.5},
        env_text="A=file\nB=file\n",
        defaults={"A": "default", "B": "default", "C": "default"},
    )
    texts = {name: value.text for name, value in env.items()}
    assert texts == {
        "A": "values",
        "B": "file",
        "C": "default",
        "DEBUG": "false",
        "PORT": "3306",
        "RATE": "0.5",
    }


def test_the_last_line_of_a_name_wins() -> None:
    assert wanted(env_text="A=1\nA=2\n") == {"A": Value("2")}


@pytest.mark.parametrize(
    ("name", "secure"),
    [
        ("APP_KEY", True),
        ("DB_PASSWORD", True),
        ("STRIPE_SECRET", True),
        ("aws_session_token", True),
        ("DATABASE_URL", True),
        ("SENTRY_LARAVEL_DSN", True),
        *((name, True) for name in ("LDAP_PASS", "SFTP_PASSPHRASE", "SMTP_PASS", "DB_PWD", "HASHIDS_SALT")),
        *(
            (name, True)
            for name in ("LOG_SLACK_WEBHOOK_URL", "COMPOSER_AUTH", "DB_URL", "REDIS_URL", "MAIL_URL")
        ),
        ("APP_URL", False),
        ("DB_USERNAME", False),
    ],
)
def test_secrets_are_told_by_their_names(name: str, secure: bool) -> None:
    assert wanted(values={name: "x"})[name].secure is secure


@pytest.mark.parametrize(
    ("text", "secure"),
    [
        ("mysql://laravel:hunter2@localhost/laravel", True),
        ("redis://:hunter2@localhost:6379", True),
        ("see smtp://a%40b:c@mail.example:587 there", True),
        ("-----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY-----", True),
        ("https://hooks.slack.com/services/T0/B0/x", True),
        ("https://discord.com/api/webhooks/1/x", True),
        ("https://academia.webhook.office.com/webhookb2/x", True),
        ("https://academia.example:8443/a@b", False),
        ("https://ana@academia.example/", False),
        ("ana:pass@academia.example", False),
        ("https://academia.example/a:b@c", False),
    ],
)
def test_secrets_are_told_by_their_form(text: str, secure: bool) -> None:
    assert wanted(values={"PLACE": text})["PLACE"].secure is secure


def test_a_reference_is_what_will_be_in_force() -> None:
    env = wanted(
        env_text=(
            'APP_NAME=Laravel\nMAIL_FROM_NAME="${APP_NAME}"\nDB_PASSWORD=\nASSET_URL="${APP_URL}/assets"\n'
            'DATABASE_URL="mysql://laravel:${DB_PASSWORD}@localhost/laravel"\nAWS_BUCKET=${DOCUMENTS_BUCKET}\n'
        ),
        values={"APP_NAME": "Academia"},
        defaults={"APP_URL": "https://api.academia.test", "DOCUMENTS_BUCKET": "documents"},
        generate={"DB_PASSWORD": "password(32)"},
    )
    password = env["DB_PASSWORD"].text
    assert len(password) == 32
    assert env["MAIL_FROM_NAME"].text == "Academia"
    assert env["ASSET_URL"].text == "https://api.academia.test/assets"
    assert env["DATABASE_URL"] == Value(f"mysql://laravel:{password}@localhost/laravel", secure=True)
    assert env["AWS_BUCKET"].text == "documents"


def test_a_reference_to_a_secret_that_is_there_already() -> None:
    kept = {"DB_PASSWORD": Value("kept", secure=True)}
    for text in ('U="x://a:${DB_PASSWORD}@b"\n', 'DB_PASSWORD=\nU="x://a:${DB_PASSWORD}@b"\n'):
        assert wanted(kept, env_text=text, generate={"DB_PASSWORD": "hex"})["U"].text == "x://a:kept@b"
    given = wanted(kept, env_text='DB_PASSWORD=own\nU="${DB_PASSWORD}"\n', generate={"DB_PASSWORD": "hex"})
    assert given["U"].text == "own"


def test_a_reference_that_nothing_answers_is_an_error_that_names_it() -> None:
    text = "A=1\nB=${C}\nC=2\nD='${E}'\nF=\"\\${G}\"\nH=${PATH}\n"
    found = _ssm_env.problems(PATH, Sources(env_text=text, env_file="own.env"), advanced=False)
    assert [problem.partition(", ")[0] for problem in found] == [
        "own.env:2: B refers to ${C}",
        "own.env:6: H refers to ${PATH}",
    ]


def test_an_empty_line_does_not_win_over_what_the_infrastructure_knows() -> None:
    env = wanted(env_text="AWS_BUCKET=\nOWN=\n", defaults={"AWS_BUCKET": "documents"})
    assert {name: value.text for name, value in env.items()} == {"AWS_BUCKET": "documents", "OWN": ""}
    assert wanted(values={"A": ""}, defaults={"A": "x"})["A"].text == ""


def test_what_was_stored_plain_is_told() -> None:
    goal = wanted(
        env_text="OWN=1\nOLD=1\nEMPTY=\nPIN_KEY=1\n", defaults={"APP_ENV": "production", "OWN": "0"}
    )
    told = _ssm_env.report(PATH, {"OLD": Value("1")}, goal, ["APP_ENV"])
    assert told["plain"] == ["OWN"]


def test_names_with_a_digit_first_and_names_that_no_store_takes() -> None:
    assert wanted(env_text="2FA_ENABLED=true\n")["2FA_ENABLED"].text == "true"
    found = _ssm_env.problems(PATH, Sources(env_text="AÑO=1\n", values={"12": "x"}), advanced=False)
    assert len(found) == 2
    assert all("is not a variable name" in problem for problem in found)


def test_more_secret_patterns_are_an_option() -> None:
    env = _ssm_env.wanted(Sources(values={"APP_KEY": "x", "pin_code": "1", "A": ""}), {}, ["PIN_*"])
    assert {name for name, value in env.items() if value.secure} == {"APP_KEY", "pin_code"}


def test_a_secret_is_generated_once_and_never_again() -> None:
    recipes = {"APP_KEY": "laravel_key", "DB_PASSWORD": "password(24)"}
    first = wanted(generate=recipes)
    assert len(base64.b64decode(first["APP_KEY"].text.removeprefix("base64:"))) == 32
    assert re.fullmatch("[A-Za-z0-9]{24}", first["DB_PASSWORD"].text)
    assert all(value.secure and value.made for value in first.values())
    again = wanted(first, generate=recipes)
    assert again == first
    assert not any(value.made for value in again.values())


def test_a_given_secret_is_not_generated_but_an_empty_one_is() -> None:
    env = wanted(
        env_text="APP_KEY=\n",
        values={"DB_PASSWORD": "mine"},
        generate=dict.fromkeys(["APP_KEY", "DB_PASSWORD"], "hex"),
    )
    assert re.fullmatch("[0-9a-f]{32}", env["APP_KEY"].text)
    assert env["DB_PASSWORD"] == Value("mine", secure=True)
    assert not env["DB_PASSWORD"].made


def test_generated_secrets_differ() -> None:
    assert len({_ssm_env.generated("laravel_key") for _ in range(10)}) == 10
    with pytest.raises(ValueError, match="recipe"):
        _ssm_env.generated("word")


def test_plan_from_nothing_and_with_nothing_to_do() -> None:
    goal = {"A": Value("1"), "E": Value(""), "S": Value("x", secure=True)}
    settings = Settings(PATH, tags={"Project": "academia"}, kms_key_id="alias/app")
    tags = [{"Key": "Project", "Value": "academia"}]
    assert _ssm_env.plan({}, goal, settings) == [
        put("A", Value="1", Type="String", Tags=tags),
        put("E", Value='""', Type="String", Tags=tags),
        put("S", Value="x", Type="SecureString", Tags=tags, KeyId="alias/app"),
    ]
    assert _ssm_env.plan(goal, goal, settings) == []


def test_plan_writes_only_what_differs() -> None:
    current = {"A": Value("1"), "B": Value("2")}
    assert _ssm_env.plan(current, {"A": Value("1"), "B": Value("3")}, SETTINGS) == [
        put("B", Value="3", Type="String", Overwrite=True)
    ]


def test_a_value_that_becomes_secret_is_stored_anew() -> None:
    assert _ssm_env.plan({"A": Value("1")}, {"A": Value("1", secure=True)}, SETTINGS) == [
        Change("ssm.delete_parameter", {"Name": PATH + "A"}, retry=_ssm_env.THROTTLED),
        put("A", Value="1", Type="SecureString"),
    ]


def test_gone_variables_stay_unless_purged() -> None:
    current = {f"V{number:02}": Value("x") for number in range(12)}
    assert _ssm_env.plan(current, {}, SETTINGS) == []
    calls = _ssm_env.plan(current, {}, SETTINGS, purge=True)
    assert [len(change.arguments["Names"]) for change in calls] == [10, 2]
    assert calls[1].arguments["Names"] == [PATH + "V10", PATH + "V11"]
    assert _ssm_env.after(current, {}, purge=False) == current
    assert _ssm_env.after(current, {}, purge=True) == {}


def test_missing_tags_are_added_where_they_are_missing() -> None:
    settings = Settings(PATH, tags={"Project": "academia"})
    state = {"A": Value("1"), "B": Value("2")}
    (change,) = _ssm_env.plan(state, state, settings, untagged={"B", "OTHER"})
    assert (change.call, change.arguments["ResourceId"]) == ("ssm.add_tags_to_resource", PATH + "B")


def test_a_large_value_makes_an_advanced_parameter_when_allowed() -> None:
    (change,) = _ssm_env.plan({}, {"A": Value("x" * 5000)}, Settings(PATH, tier="Intelligent-Tiering"))
    assert change.arguments["Tier"] == "Intelligent-Tiering"


def test_normalise_reads_what_put_wrote() -> None:
    answer = [
        {"Name": PATH + "A", "Type": "String", "Value": '""'},
        {"Name": PATH + "B", "Type": "SecureString", "Value": " x"},
        {"Name": PATH + "C", "Type": "StringList", "Value": "a,b"},
    ]
    expected = {"A": Value(""), "B": Value(" x", secure=True), "C": Value("a,b")}
    assert _ssm_env.normalise(PATH, answer) == expected
    assert _ssm_env.normalise(PATH.rstrip("/"), answer) == expected


def test_all_problems_are_listed_at_once_without_a_value() -> None:
    sources = Sources(
        values={"A-B": "s3cret", "NUL": "s3c\0ret", "LIST": ["s3cret"], "NONE": None, "BIG": "s3cret" * 700},
        env_text="GOOD=1\nBAD=s3cret s3cret\ns3cret\n",
        env_file="prod.env",
        generate={"X": "s3cre", "Y": "password(3)", "Z Z": "hex"},
    )
    found = _ssm_env.problems("academia", sources, advanced=False)
    assert [line.partition(" ")[0] for line in found] == [
        "path:",
        "prod.env:2:",
        "prod.env:3:",
        *["values:"] * 5,
        *["generate:"] * 3,
    ]
    assert not any("s3cret" in line for line in found)
    assert "BIG takes 4200 bytes; a standard parameter holds 4096" in " ".join(found)


def test_size_is_counted_in_bytes_as_stored() -> None:
    def problems(text: str, advanced: bool = False) -> list[str]:
        return _ssm_env.problems(PATH, Sources(values={"A": text}), advanced=advanced)

    assert problems("x" * 4096) == []
    assert "4097 bytes" in problems("x" * 4097)[0]
    assert "4098 bytes" in problems("é" * 2049)[0]
    assert problems("x" * 8192, advanced=True) == []
    assert "8192 at most" in problems("x" * 8193, advanced=True)[0]


@pytest.mark.parametrize(
    "path", ["/aws/x/", "/SSM/env/", "relative/path/", "/", "/a b/", "/a//b/", "/a" * 15]
)
def test_paths_that_parameter_store_refuses(path: str) -> None:
    assert len(_ssm_env.problems(path, Sources(), advanced=False)) == 1


def test_a_diff_shows_no_value_and_is_the_same_for_the_same_key() -> None:
    env = {"A": Value("s3cret"), "B": Value("s3cret", secure=True), "C": Value("new", secure=True, made=True)}
    shown = _ssm_env.shown(env, b"key")
    assert "s3cret" not in str(shown)
    assert re.fullmatch("String hmac:[0-9a-f]{12}", shown["A"])
    assert shown["C"] == "SecureString (generated)"
    assert shown == _ssm_env.shown(env, b"key")
    assert shown["A"] != _ssm_env.shown(env, b"other key")["A"]


def test_an_error_message_carries_no_secret() -> None:
    env = {"A": Value("s3cret", secure=True), "E": Value("", secure=True), "P": Value("sandbox")}
    assert (
        _ssm_env.scrubbed("sandbox: Value 's3cret' at 'value'", [env])
        == "sandbox: Value '********' at 'value'"
    )


def test_the_report_names_what_changed() -> None:
    current = {"SAME": Value("1"), "OTHER": Value("1"), "GONE": Value("1")}
    left = {"SAME": Value("1"), "OTHER": Value("2"), "KEY": Value("k", secure=True, made=True)}
    report = _ssm_env.report(PATH, current, left)
    assert report["changes"] == {
        "created": ["KEY"],
        "updated": ["OTHER"],
        "generated": ["KEY"],
        "removed": ["GONE"],
    }
    assert report["resource"] == {"path": PATH, "names": ["KEY", "OTHER", "SAME"], "secrets": ["KEY"]}
