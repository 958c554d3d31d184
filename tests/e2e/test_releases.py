"""Releases as a team has them each day: deployed, refused, put back, rolled back, and told about.

The tests build on each other, and on the phase 1 that stands.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from .apps import App, build
from .conftest import CACHE, ROOT, Ran, curl, playbook, run
from .host import API, Host, until
from .load import Target

UP = f"https://{API}/up"
Client = Callable[..., Any]


def deploy(app: App, *more: str, log: str = "") -> Ran:
    """Deploy by the playbook, as `make deploy` does."""
    given = {"laravel_app_artifact": str(app.path), "laravel_app_release_name": app.name}
    return playbook("playbooks/deploy.yml", "-e", json.dumps(given), *more, log=log or f"deploy-{app.name}")


def rollback(*more: str, log: str) -> Ran:
    return playbook("playbooks/rollback.yml", *more, log=log)


def answering() -> str:
    """The release that answers visitors: its header and its body say the same."""
    answer = curl(UP)
    (header,) = re.findall(r"(?mi)^x-release: (\S+)", answer)
    body = json.loads(answer.splitlines()[-1])
    assert (body["status"], body["release"]) == ("ok", header), answer
    assert len(set(body.get("marks", []))) <= 1, answer
    return header


def words(ran: Ran) -> str:
    """What a run has printed, however its lines were broken."""
    return re.sub(r"\s+", " ", ran.output)


def test_make_deploy_and_the_same_again_changes_nothing(host: Host) -> None:
    host.forget_marks()
    first = run("make", "deploy", log="make-deploy")
    assert first.code == 0, first.output[-4000:]
    live = host.live()
    again = run("make", "deploy", log="make-deploy-again")
    assert again.code == 0, again.output[-4000:]
    assert again.recap[host.name]["changed"] == 0
    assert host.live() == answering() == live


def test_a_changed_app_goes_live_and_is_told_about(host: Host) -> None:
    for name in ("one", "two"):
        app = build(name)
        done = deploy(app)
        assert done.code == 0, done.output[-4000:]
        assert answering() == app.release
    table = run("make", "releases", log="releases")
    assert table.code == 0, table.output
    assert re.search(rf"live\s+{app.release}\s", table.output), table.output
    assert build("one").release in table.output


@pytest.mark.parametrize(
    ("overlay", "step", "says"),
    [
        ("fails_gate", "gate", "doesn't pass its gate on its own socket"),
        ("fails_migration", "migrate", "no_such_table"),
        ("fails_in_public", "public_gate", "is live again"),
    ],
)
def test_a_bad_release_is_refused(host: Host, overlay: str, step: str, says: str) -> None:
    live, app = host.live(), build(overlay, overlay)
    done = deploy(app)
    assert done.code != 0
    for said in (f"at the step {step}", says, "/var/lib/andamio/release/logs/"):
        assert said in words(done), done.output[-4000:]
    assert host.live() == answering() == live
    refused = rollback("-e", f"release={app.release}", log=f"rollback-{overlay}")
    assert refused.code != 0
    assert f"{app.release} is bad" in words(refused), refused.output[-4000:]
    assert host.live() == live


def test_rollback_to_the_one_before_and_to_a_named_one(host: Host) -> None:
    back = run("make", "rollback", log="rollback")
    assert back.code == 0, back.output[-4000:]
    assert "code and .env only; no migration has run since" in words(back), back.output[-4000:]
    assert answering() == build("one").release
    named = rollback("-e", f"release={build('two').release}", log="rollback-named")
    assert named.code == 0, named.output[-4000:]
    assert answering() == build("two").release
    unknown = rollback("-e", "release=never-there", log="rollback-unknown")
    assert unknown.code != 0
    assert "there is no release never-there" in words(unknown), unknown.output[-4000:]


def test_rollback_past_migrations_names_them_and_the_dump(host: Host, client: Client) -> None:
    host.sql("DELETE FROM students WHERE email IN ('kept@example.com', 'lost@example.com')")
    host.sql("INSERT INTO students (name, email) VALUES ('Kept', 'kept@example.com')")
    three = build("three", "migration")
    done = deploy(three)
    assert done.code == 0, done.output[-4000:]
    host.sql("INSERT INTO students (name, email) VALUES ('Lost', 'lost@example.com')")
    back = run("make", "rollback", log="rollback-migrations")
    assert back.code == 0, back.output[-4000:]
    assert f"create_mark_{three.name}" in words(back), back.output[-4000:]
    (dump,) = set(re.findall(r"s3://[^\s()\"']+[^\s()\"'.,:]", back.output))
    bucket, _, key = dump.removeprefix("s3://").partition("/")
    assert client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 1000
    assert host.sql(f"SHOW TABLES LIKE 'mark_{three.name}'")
    assert answering() == build("two").release


def test_a_restored_database_is_asked_for_twice(host: Host) -> None:
    three, two = build("three", "migration"), build("two").release
    assert deploy(three, log="deploy-three-again").code == 0
    refused = rollback("-e", "database=restore", log="restore-unconfirmed")
    assert refused.code != 0
    assert f"confirm={two}" in words(refused), refused.output[-4000:]
    assert host.live() == three.release
    done = rollback("-e", "database=restore", "-e", f"confirm={two}", log="restore")
    assert done.code == 0, done.output[-4000:]
    assert answering() == two
    assert host.sql(f"SHOW TABLES LIKE 'mark_{three.name}'") == []
    emails = host.sql("SELECT email FROM students WHERE email IN ('kept@example.com', 'lost@example.com')")
    assert emails == [["kept@example.com"]]


def test_check_mode_says_what_a_deploy_would_do_and_does_nothing(host: Host) -> None:
    def everything() -> str:
        return host.sh(
            "readlink /srv/laravel/current; ls -A /srv/laravel/releases /var/lib/andamio/release/records\n"
            "cat /var/lib/andamio/release/journal.jsonl; mysql -NBe 'SELECT * FROM laravel.migrations'\n"
        )

    before, app = everything(), build("planned", "migration")
    plan = deploy(app, "--check", "--diff")
    assert plan.code == 0, plan.output[-4000:]
    for said in (app.release, f"create_mark_{app.name}", "would be pruned"):
        assert said in words(plan), plan.output[-4000:]
    assert everything() == before


def test_maintenance_mode_lets_in_who_has_the_secret(host: Host) -> None:
    app = build("maintained", "slow_migration")
    given = {
        "laravel_app_artifact": str(app.path),
        "laravel_app_release_name": app.name,
        "maintenance": True,
    }
    with subprocess.Popen(
        ["ansible-playbook", "playbooks/deploy.yml", "-e", json.dumps(given)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as running:
        until("the maintenance", lambda: " 503 " in curl(UP).partition("\n")[0])
        secret = host.sh("ls /var/lib/andamio/maintenance").split("pass-")[1].strip()
        jar = str(CACHE / "e2e" / "cookies")
        curl(f"https://{API}/{secret}", "--cookie-jar", jar)
        let_in = curl(f"https://{API}/api/classes", "--cookie", jar)
        assert " 200 " in let_in.partition("\n")[0], let_in
        assert " 503 " in curl(f"https://{API}/api/classes").partition("\n")[0]
        assert running.wait(120) == 0
    assert answering() == app.release


def test_several_hosts_one_at_a_time_and_none_after_a_failure(host: Host) -> None:
    inventory = CACHE / "e2e" / "two.json"
    hosts = {name: {"ansible_host": host.name} for name in ("first", "second")}
    inventory.write_text(json.dumps({"laravel": {"hosts": hosts}}))
    both = ("-i", "inventories/sandbox/localhost.yml", "-i", str(inventory))
    failed = deploy(build("fails_gate", "fails_gate"), *both, log="two-hosts-failed")
    assert failed.code != 0
    assert failed.recap["first"]["failed"] == 1, failed.output[-4000:]
    assert "second" not in failed.recap or failed.recap["second"]["ok"] == 0, failed.output[-4000:]
    app = build("rolling", "migration")
    done = deploy(app, *both, log="two-hosts")
    assert done.code == 0, done.output[-4000:]
    assert answering() == app.release
    # It is one host by two names: what the first has done, the second finds done.
    assert (done.recap["first"]["changed"], done.recap["second"]["changed"]) == (1, 0)


def test_a_request_that_began_before_a_switch_is_answered(host: Host) -> None:
    """By a release that was live when it began, or later; its body comes slowly, as from a train."""
    target = Target(host.address)
    wanted = {"class_id": host.class_id(), "name": "Ana", "email": f"slow-{time.time_ns()}@example.com"}
    body = json.dumps(wanted).encode()
    head = (
        f"POST /api/enrolments HTTP/1.1\r\nHost: {API}\r\nAccept: application/json\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with (
        socket.create_connection((target.address, 443), timeout=30) as plain,
        target.context.wrap_socket(plain, server_hostname=API) as connection,
    ):
        connection.sendall(head.encode() + body[:20])
        for number in range(2):
            told = host.deploy(build(f"meanwhile{number}"))
            assert told.code == 0, told.all
        connection.sendall(body[20:])
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 201 "), answer


OPCACHE = """PYTHONPATH=/usr/local/lib/andamio python3 -c '
import json
from andamio_release import preload, settings
found = settings.read_settings()
print(json.dumps(preload.opcache(found, found.current.readlink().name)))
'"""


def test_twenty_deploys_in_a_row_leave_opcache_neither_full_nor_stale(host: Host) -> None:
    began = time.monotonic()
    for number in range(20):
        app = build(f"row{number}")
        told = host.deploy(app)
        assert told.code == 0, told.all
        body = json.loads(curl(UP).splitlines()[-1])
        assert (body["release"], set(body["marks"])) == (app.release, {app.name})
    took = time.monotonic() - began
    found = json.loads(host.sh(OPCACHE))
    status, used = found["status"], found["status"]["memory_usage"]
    print(f"twenty deploys: {took:.0f} s; OPcache: {used}, {status['opcache_statistics']}")
    assert not status["cache_full"]
    counts = status["opcache_statistics"]
    assert (counts["oom_restarts"], counts["hash_restarts"], counts["manual_restarts"]) == (0, 0, 0)
    assert used["current_wasted_percentage"] < 5
    assert used["free_memory"] > used["used_memory"] / 10
    others = [
        file
        for file in found["files"]
        if file.startswith("/srv/laravel/releases/") and f"/{app.release}/" not in file
    ]
    assert not others, others[:5]
    assert len(host.releases()) <= 6
    running = host.sh("systemctl list-units --plain --no-legend --state=active 'php-fpm@*.service'")
    assert len(running.splitlines()) <= 2, running
