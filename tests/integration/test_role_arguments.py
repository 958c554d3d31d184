"""The action preflight: what is wrong with the variables of roles is told before anything is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from .conftest import Aws

ROOT = Path(__file__).resolve().parents[2]
TASK = {
    "andamio.laravel_aws.preflight": {
        "project": "academia",
        "domain": "https://academia.test",
        "roles": ["s3_site", "nginx", "laravel_app"],
    }
}


STOCK = """\
APP_NAME=Laravel
APP_ENV=local
APP_KEY=
APP_DEBUG=true
APP_URL=http://localhost
DB_CONNECTION=sqlite
DB_QUEUE_RETRY_AFTER=90
LOG_LEVEL=debug
MAIL_MAILER=log
AWS_BUCKET=
"""
VALUES = {
    "andamio_project": "academia",
    "andamio_environment": "test",
    "andamio_name": "academia-test",
    "andamio_domain": "academia.test",
    "andamio_region": "us-east-1",
    "andamio_email": "team@academia.test",
}


def last_answer(tmp_path: Path, task: dict[str, Any], *options: str, **variables: Any) -> dict[str, Any]:
    """Run a playbook of one task with these variables; return what its last task answered."""
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}])
    )
    done = subprocess.run(
        [
            *("ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml", *options),
            *("-e", json.dumps({"ansible_python_interpreter": sys.executable} | variables)),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    tasks = json.loads(done.stdout[done.stdout.index("{") :])["plays"][0]["tasks"]
    answer: dict[str, Any] = tasks[-1]["hosts"]["localhost"]
    return answer


def preflight(tmp_path: Path, tags: str = "all", **variables: Any) -> tuple[list[str], str]:
    """Run the role preflight as phase1.yml does; return which variables are wrong, and all that it said."""
    role = {
        "name": "Preflight",
        "ansible.builtin.import_role": {"name": "andamio.laravel_aws.preflight"},
        "vars": {"preflight_roles": ["ssm_env"]},
        "tags": ["always"],
    }
    answer = last_answer(tmp_path, role, "-t", tags, **VALUES, **variables)
    return [item["variable"] + " " + item["problem"].split()[1] for item in answer["problems"]], str(answer)


def test_a_stock_env_is_named_whole_before_anything_is_changed(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "own.env").write_text(STOCK)
    file = str(tmp_path / "own.env")
    wrong, said = preflight(tmp_path, ssm_env_file=file)
    names = ("APP_ENV", "APP_DEBUG", "APP_URL", "DB_CONNECTION", "LOG_LEVEL", "MAIL_MAILER")
    assert wrong == [f"ssm_env_file {name}" for name in names]
    assert f"{file}:4: APP_DEBUG is on" in said
    assert "To insist: -e preflight_env_accept=APP_DEBUG" in said
    wrong, _said = preflight(
        tmp_path,
        ssm_env_file=file,
        ssm_env_values={"APP_DEBUG": False, "APP_URL": "https://api.academia.test", "MAIL_HOST": "mailpit"},
        laravel_app_worker_timeout=90,
        preflight_env_accept="APP_ENV,LOG_LEVEL MAIL_MAILER",
    )
    assert wrong == [
        "ssm_env_file DB_CONNECTION",
        "ssm_env_file DB_QUEUE_RETRY_AFTER",
        "ssm_env_values MAIL_HOST",
    ]


def test_every_source_is_judged_and_what_is_known_later_is_not(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "own.env").write_text("ASSET_URL=${APP_URL}/a\nBUCKET=${AWS_BUCKET}\nB=${NOWHERE}\n")
    wrong, said = preflight(
        tmp_path,
        ssm_env_file=str(tmp_path / "own.env"),
        ssm_env_defaults={"APP_DEBUG": True, "AWS_BUCKET": "{{ answered_later.bucket }}"},
        ssm_env_values={"APP_URL": "{{ answered_later.url }}", "DB_HOST": "{{ answered_later.host }}"},
        laravel_app_worker_timeout="{{ answered_later.seconds }}",
    )
    assert wrong == ["ssm_env_file B", "ssm_env_defaults APP_DEBUG"]
    assert "own.env:3: B refers to ${NOWHERE}" in said


def test_the_database_that_the_host_makes_is_the_applications(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "own.env").write_text("APP_NAME=Academia\n")
    file = str(tmp_path / "own.env")
    done = preflight(tmp_path, ssm_env_file=file, mysql_app_database="academia", mysql_app_user="academia")
    assert done[0] == []


def test_only_what_the_tags_come_to_is_checked(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "own.env").write_text(STOCK)
    missing = {
        "ssm_env_file": str(tmp_path / "own.env"),
        "s3_site_build_dir": str(tmp_path / "dist"),
        "laravel_app_artifact": str(tmp_path / "api.tar.gz"),
    }
    assert preflight(tmp_path, "nginx", **missing)[0] == []
    assert preflight(tmp_path, "s3_site", **missing)[0] == ["s3_site_build_dir there"]
    assert preflight(tmp_path, "laravel_app", **missing)[0] == ["laravel_app_artifact there"]
    assert len(preflight(tmp_path, "ssm_env", **missing)[0]) == 6
    assert len(preflight(tmp_path, "phase1", **missing)[0]) == 8


def test_a_site_that_the_run_builds_needs_no_folder_yet(aws: Aws, tmp_path: Path) -> None:
    folder = str(tmp_path / "dist")
    wrong, _said = preflight(tmp_path, s3_site_build_dir=folder, s3_site_build_command="npm run build")
    assert wrong == []


def problems(tmp_path: Path, **variables: Any) -> list[dict[str, str]]:
    """Run the task with these variables; return what it finds."""
    found: list[dict[str, str]] = last_answer(tmp_path, TASK, **variables)["problems"]
    return found


def test_they_are_listed_with_all_else(aws: Aws, tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        s3_site_delivery="cloudfrnot",
        s3_site_hsts_max_age="a year",
        laravel_app_probes=[{"status": 200}],
        s3_site_domain="fine.test",
        nginx_unknown="none of the role's",
    )
    assert [item["variable"] for item in found] == [
        "andamio_domain",
        "s3_site_delivery",
        "s3_site_hsts_max_age",
        "laravel_app_probes",
    ]
    assert "cloudfront, website" in found[1]["problem"]
    assert found[1]["fix"] == "What it takes is in roles/s3_site/README.md."
    assert "missing required arguments: path" in found[3]["problem"]


def test_what_only_the_run_finds_out_is_left_to_the_role(aws: Aws, tmp_path: Path) -> None:
    found = problems(tmp_path, s3_site_hsts_max_age="{{ answered_later.seconds }}", s3_site_domain="a.test")
    assert [item["variable"] for item in found] == ["andamio_domain"]
