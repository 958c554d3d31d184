"""deploy.yml and rollback.yml as they run, over connections that only note what they are told."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from .conftest import Aws

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = "v1.1-3f2a9c1b7d5e", "v1.2-8c1f0e6a2b94"
ANSWER: dict[str, Any] = {
    "changed": True,
    "release": NEW,
    "previous": OLD,
    "outcome": "live",
    "message": f"{NEW} is live.",
    "steps": [{"name": "unpack", "seconds": 0.2}, {"name": "gate", "seconds": 1.14}],
    "migrations": {"pending": [], "ran": ["2026_01_01_fees"]},
    "dump": "s3://academia-test-dumps-123456789012/laravel/a.sql.gz",
    "env": ["APP_NAME"],
    "pruned": ["v0.9-000000000000"],
    "warnings": [],
}
WAY = (
    f"rollback to {OLD}: code and .env only.",
    "These migrations have run since and stay: 2026_01_01_fees.",
)
BACK: dict[str, Any] = {**ANSWER, "release": OLD, "previous": NEW, "message": " ".join(WAY)}
PLAN: dict[str, Any] = {**BACK, "outcome": "checked", "steps": []}


@dataclass
class Ran:
    """A playbook that has run: how it ended, what it printed, what the hosts were told."""

    code: int
    output: str
    told: list[list[Any]]

    def requests(self, action: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (host, request)
            for host, named, request, _size in self.told
            if named == action and not request.get("check")
        ]


class Playbooks:
    """A copy of the playbooks without the preflight, which needs an AWS account, and three hosts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "playbooks").mkdir()
        for name in ("tasks", "templates", "vars", "rollback.yml"):
            (folder / "playbooks" / name).symlink_to(ROOT / "playbooks" / name)
        plays = yaml.safe_load((ROOT / "playbooks" / "deploy.yml").read_text())
        assert plays[0]["tasks"].pop(0)["name"] == "Preflight"
        (folder / "playbooks" / "deploy.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
        hosts = dict.fromkeys(("one", "two", "three"))
        there = {
            "vars": {
                "andamio_project": "academia",
                "andamio_environment": "test",
                "andamio_region": "us-east-1",
            },
            "hosts": {
                "localhost": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            },
            "children": {
                "laravel": {"hosts": hosts, "vars": {"ansible_connection": "told", "ansible_become": False}}
            },
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": there}, sort_keys=False))
        (folder / "api.tar.gz").write_bytes(gzip.compress(b"api", mtime=0))

    def run(self, name: str, answers: dict[str, Any], *options: str, **variables: Any) -> Ran:
        (self.folder / "answers").write_text(json.dumps(answers))
        told = self.folder / "told"
        told.unlink(missing_ok=True)
        done = subprocess.run(
            [
                *("ansible-playbook", f"playbooks/{name}.yml", "-i", "hosts.yml"),
                *("-e", json.dumps(variables), *options),
            ],
            cwd=self.folder,
            env={
                **os.environ,
                "TOLD": str(self.folder),
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
                "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection"),
                "ANSIBLE_NOCOLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = told.read_text().splitlines() if told.exists() else []
        return Ran(done.returncode, done.stdout + done.stderr, [json.loads(line) for line in lines])


@pytest.fixture
def playbooks(tmp_path: Path) -> Playbooks:
    return Playbooks(tmp_path)


def git(folder: Path, *arguments: str) -> str:
    names = {
        f"GIT_{who}_{what}": "ana@a.test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(
        command, check=True, env={**os.environ, **names}, stdout=subprocess.PIPE, text=True
    ).stdout


def test_a_deploy_goes_host_by_host_and_migrates_once(playbooks: Playbooks) -> None:
    path = str(playbooks.folder / "api.tar.gz")
    ran = playbooks.run(
        "deploy", {"deploy": [0, ANSWER]}, laravel_app_artifact=path, reason="fees", maintenance=True
    )
    assert ran.code == 0, ran.output
    requests = ran.requests("deploy")
    assert [host for host, _request in requests] == ["one", "two", "three"]
    assert [request["migrate"] for _host, request in requests] == [True, False, False]
    assert all(request["reason"] == "fees" and request["maintenance"] for _host, request in requests)
    assert all(size == os.path.getsize(path) for *_rest, size in ran.told)
    for line in (
        f"Live    {NEW}",
        f"Before  {OLD}",
        "Took    unpack 0.2, gate 1.1 (seconds; 1.3 in all)",
        "Ran     1 migrations: 2026_01_01_fees",
        "Dump    s3://academia-test-dumps-123456789012/laravel/a.sql.gz",
        f"playbooks/rollback.yml -e release={OLD}",
    ):
        assert line in ran.output


def test_the_first_failure_leaves_the_rest_untouched(playbooks: Playbooks) -> None:
    failed = {
        **ANSWER,
        "changed": False,
        "outcome": "failed",
        "failed_step": "gate",
        "message": "/up said 500",
    }
    answers = {"deploy": [0, ANSWER], "two deploy": [1, failed]}
    ran = playbooks.run("deploy", answers, laravel_app_artifact=str(playbooks.folder / "api.tar.gz"))
    assert ran.code != 0
    assert [host for host, _request in ran.requests("deploy")] == ["one", "two"]
    assert "The release failed at the step gate." in ran.output
    assert "/up said 500" in ran.output


def test_a_git_reference_is_packed_the_same_each_time(playbooks: Playbooks) -> None:
    repository = playbooks.folder / "repository"
    (repository / "api").mkdir(parents=True)
    (repository / "api" / "artisan").write_text("<?php\n")
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "first")
    git(repository, "tag", "release/1.2")
    (repository / "api" / "artisan").write_text("not in the tag\n")
    wanted = {"ref": "release/1.2", "laravel_app_repository": str(repository)}
    folder = {**wanted, "laravel_app_repository_folder": "api"}
    first, second = (playbooks.run("deploy", {"deploy": [0, ANSWER]}, **folder) for _run in range(2))
    assert first.code == 0, first.output
    assert first.told == second.told
    request = first.told[0][2]
    assert request["name"] == "release-1.2"
    assert request["commit"] == git(repository, "rev-parse", "HEAD").strip()
    packed = playbooks.folder / ".cache" / "build" / "release-1.2.tar.gz"
    names = subprocess.run(["tar", "-tzf", packed], check=True, capture_output=True, text=True).stdout.split()
    assert names == ["artisan"]


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"ref": "v1"}, "ref: set laravel_app_repository"),
        ({"ref": "v1", "laravel_app_repository": str(ROOT / "tests" / "nowhere")}, "nowhere has no v1"),
        ({"ref": "no-such-tag", "laravel_app_repository": str(ROOT)}, "has no no-such-tag"),
        ({"ref": "a b", "laravel_app_repository": str(ROOT)}, "can't be a git reference"),
        ({"ref": "v1\n", "laravel_app_repository": str(ROOT)}, "can't be a git reference"),
        ({"ref": "v" * 251, "laravel_app_repository": str(ROOT)}, "can't be a git reference"),
    ],
)
def test_a_reference_that_can_not_be_packed(
    playbooks: Playbooks, variables: dict[str, str], why: str
) -> None:
    ran = playbooks.run("deploy", {}, laravel_app_artifact="api.tar.gz", **variables)
    assert ran.code != 0
    assert why in ran.output
    assert not ran.told


def test_an_option_is_no_reference(playbooks: Playbooks) -> None:
    written = playbooks.folder / "written"
    wanted = {"ref": f"--output={written}", "laravel_app_repository": str(ROOT)}
    ran = playbooks.run("deploy", {}, **wanted)
    assert ran.code != 0
    assert "can't be a git reference" in ran.output
    assert not list(playbooks.folder.glob("written*"))


def test_a_reference_without_a_repository_names_the_variable(playbooks: Playbooks) -> None:
    example = playbooks.folder / ".cache" / "build" / "api.tar.gz"
    git(playbooks.folder, "init", "-q")
    ran = playbooks.run("deploy", {}, ref="v2", laravel_app_artifact=str(example))
    assert ran.code != 0
    assert "set laravel_app_repository to a checkout of your application" in " ".join(ran.output.split())


def test_what_becomes_of_the_database_is_one_of_two_words(playbooks: Playbooks) -> None:
    ran = playbooks.run("rollback", {"status": [0, {"live": NEW}]}, database="retsore")
    assert ran.code != 0
    assert 'database: "retsore" is neither keep' in " ".join(ran.output.split())
    assert not ran.told


def test_all_hosts_go_back_to_where_the_first_goes(playbooks: Playbooks) -> None:
    answers = {
        "status": [0, {"live": NEW}],
        "three status": [0, {"live": OLD}],
        "check": [0, PLAN],
        "rollback": [0, BACK],
    }
    ran = playbooks.run("rollback", answers, reason="counted twice")
    assert ran.code == 0, ran.output
    assert all(sentence in ran.output for sentence in WAY)
    requests = ran.requests("rollback")
    assert [host for host, _request in requests] == ["one", "two"]
    assert all(request["release"] == OLD and request["database"] == "" for _host, request in requests)


def test_a_rollback_that_was_cut_off_is_taken_up(playbooks: Playbooks) -> None:
    answers = {
        "status": [0, {"live": NEW}],
        "one status": [0, {"live": OLD}],
        "check": [0, PLAN],
        "rollback": [0, BACK],
    }
    ran = playbooks.run("rollback", answers, release=OLD)
    assert ran.code == 0, ran.output
    assert [host for host, _request in ran.requests("rollback")] == ["two", "three"]
    done = playbooks.run("rollback", {"status": [0, {"live": OLD}]}, release=OLD)
    assert done.code == 0, done.output
    assert f"all hosts have {OLD} live already" in done.output


def test_a_database_is_restored_once_and_when_confirmed(playbooks: Playbooks, fresh_aws: Aws) -> None:
    s3 = fresh_aws.client("s3")
    s3.create_bucket(Bucket="academia-test-dumps-123456789012")
    answers = {"status": [0, {"live": NEW}], "check": [0, PLAN], "rollback": [0, BACK]}
    asked = playbooks.run("rollback", answers, database="restore")
    assert asked.code != 0
    assert f"-e confirm={OLD}" in asked.output.replace("\n", " ")
    assert not asked.requests("rollback")
    gone = playbooks.run("rollback", answers, database="restore", confirm=OLD)
    assert (
        "Nothing was done. dumps in academia-test-dumps-123456789012: there is no dump laravel/a.sql.gz"
        in " ".join(gone.output.split())
    )
    assert (gone.code != 0, gone.requests("rollback")) == (True, [])
    s3.put_object(Bucket="academia-test-dumps-123456789012", Key="laravel/a.sql.gz", Body=b"a dump")
    # A host can't have the control machine give it what isn't its own.
    for other in ("s3://academia-production-dumps-123456789012/laravel/a.sql.gz", "s3://secrets/laravel/a"):
        lies = {**answers, "check": [0, {**PLAN, "dump": other}]}
        refused = playbooks.run("rollback", lies, database="restore", confirm=OLD)
        assert f"{other} is no dump of academia-test" in " ".join(refused.output.split())
        assert not refused.requests("rollback")
    ran = playbooks.run("rollback", answers, "-vvvv", "--diff", database="restore", confirm=OLD)
    assert ran.code == 0, ran.output
    # The host gets the dump by a URL, which is seen nowhere.
    urls = [request["dump_url"] for _host, request in ran.requests("rollback")]
    assert (urls[0].partition("?")[0].endswith(".amazonaws.com/laravel/a.sql.gz"), urls[1:]) == (
        True,
        ["", ""],
    )
    assert parse_qs(urlsplit(urls[0]).query)["X-Amz-Signature"][0] not in ran.output
    requests = [request for _host, request in ran.requests("rollback")]
    assert [request["database"] for request in requests] == ["restore", "", ""]
    assert [request["confirm"] for request in requests] == [OLD, "", ""]


def test_check_mode_changes_nothing(playbooks: Playbooks) -> None:
    answers = {"status": [0, {"live": NEW}], "check": [0, PLAN]}
    assert playbooks.run("rollback", answers, "--check", "--diff", database="restore").code == 0
    path = str(playbooks.folder / "api.tar.gz")
    ran = playbooks.run("deploy", answers, "--check", "--diff", laravel_app_artifact=path)
    assert ran.code == 0, ran.output
    assert all(request["check"] for _host, _action, request, _size in ran.told)
